import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { UserError } from '../errors.ts';
import { parseJson } from '../json.ts';

/** Opens for writing at any place without cutting what is there; makes the file when it is missing. */
const openForUpdate = constants.O_RDWR | constants.O_CREAT;

/** Where a job is in its life, as its client last wrote it. The journal on the volume is the truth about the run. */
export const phases = ['check', 'local', 'pod', 'wait', 'transfer', 'start', 'run', 'fetch', 'end', 'done'] as const;
export type Phase = (typeof phases)[number];

const recordSchema = z.object({
  schema: z.literal(1),
  job: z.string(),
  project: z.string(),
  profile: z.string().optional(),
  file: z.string(),
  root: z.string(),
  restUrl: z.string(),
  volume: z.object({ id: z.string(), name: z.string(), dataCenter: z.string() }).optional(),
  pod: z
    .object({
      id: z.string(),
      name: z.string(),
      created: z.string(),
      hardware: z.string(),
      costPerHour: z.number(),
    })
    .optional(),
  remote: z
    .object({ mount: z.string(), projectDir: z.string(), jobDir: z.string(), worker: z.string(), python: z.string() })
    .optional(),
  onFinish: z.enum(['terminate', 'stop', 'keep']),
  fetch: z.array(z.string()),
  into: z.string(),
  phase: z.enum(phases),
  /** What the caps of the day keep for it from the moment at which its pod was rented, until its start promises less. */
  reserved: z.object({ stopsBy: z.string().nullable(), mostDollars: z.number().nullable() }).optional(),
  /** What was promised of the caps when the job started (`CapPromise`), and whether its pod can keep it alone. */
  cap: z
    .object({
      stopsBy: z.string().nullable(),
      mostDollars: z.number().nullable(),
      armed: z.boolean(),
      /** A sentence. */
      text: z.string(),
    })
    .optional(),
  /** The process that prepares the job, or prepared it. */
  client: z.object({ host: z.string(), pid: z.number() }).optional(),
  created: z.string(),
  updated: z.string(),
  outcome: z.enum(['succeeded', 'failed', 'cancelled', 'lost']).optional(),
  reason: z.string().optional(),
  podEnded: z.string().optional(),
  fetched: z.object({ time: z.string(), files: z.number(), bytes: z.number() }).optional(),
});
export type JobRecord = z.infer<typeof recordSchema>;

/**
 * The jobs that this installation started: one folder a job with `record.json` and a copy of the journal. The copy is
 * a prefix of the journal on the volume, so its size is the offset to go on from; several processes may write the
 * same bytes at the same place without harm.
 */
export class JobRecords {
  readonly folder: string;

  constructor(home: string) {
    this.folder = join(home, 'jobs');
  }

  /**
   * Writes what this client knows and keeps what only another one wrote meanwhile: two may be attached to a job, and
   * the end of a pod that one of them saw must not be forgotten by the other.
   */
  async save(record: JobRecord): Promise<JobRecord> {
    const saved = { ...(await this.get(record.job)), ...record, updated: new Date().toISOString() };
    await writeFileAtomic(this.#file(record.job), `${JSON.stringify(saved, null, 1)}\n`);
    return saved;
  }

  async get(job: string): Promise<JobRecord | undefined> {
    const text = await readIfThere(this.#file(job));
    if (text === undefined) {
      return undefined;
    }
    const parsed = recordSchema.safeParse(parseJson(text));
    return parsed.success ? parsed.data : undefined;
  }

  /** Newest first. Records that cannot be read are left out. */
  async list(): Promise<JobRecord[]> {
    const names = await readdir(this.folder).catch(() => []);
    const records = await Promise.all(names.map((name) => this.get(name)));
    return records.filter((r) => r !== undefined).toSorted((a, b) => (a.created < b.created ? 1 : -1));
  }

  /** The job named, or the newest when no name is given; a unique beginning or end of the name is enough. */
  async find(name: string | undefined): Promise<JobRecord> {
    const all = await this.list();
    const newest = all[0];
    if (name === undefined) {
      if (newest === undefined) {
        throw new UserError('no-jobs', {
          what: 'There is no job yet.',
          next: 'Run a project first.',
          remedies: [{ do: 'run' }],
        });
      }
      return newest;
    }
    const hits = all.filter((r) => r.job === name || r.job.startsWith(name) || r.job.endsWith(name));
    const exact = hits.find((r) => r.job === name) ?? (hits.length === 1 ? hits[0] : undefined);
    if (exact === undefined) {
      throw new UserError('job-unknown', {
        what: hits.length > 1 ? `"${name}" fits ${hits.length} jobs.` : `No job "${name}" was started from here.`,
        next: 'Take the name from the list of jobs.',
        remedies: [{ do: 'show-jobs' }],
      });
    }
    return exact;
  }

  journalFile(job: string): string {
    return join(this.folder, job, 'events.jsonl');
  }

  /** The lock of the client that brings this job's results home and ends its pod. */
  concludeLock(job: string): string {
    return join(this.folder, job, 'conclude.lock');
  }

  /** The lock of the client that writes into this job's folder of results. */
  fetchLock(job: string): string {
    return join(this.folder, job, 'fetch.lock');
  }

  /** Size of the local copy of the journal in bytes, and when it last grew. */
  async journal(job: string): Promise<{ bytes: number; updated: Date } | undefined> {
    return stat(this.journalFile(job)).then(
      (s) => ({ bytes: s.size, updated: s.mtime }),
      () => undefined,
    );
  }

  /** Writes journal bytes at their own place. */
  async writeJournal(job: string, offset: number, bytes: Buffer): Promise<void> {
    await mkdir(join(this.folder, job), { recursive: true });
    const file = await open(this.journalFile(job), openForUpdate, 0o600);
    try {
      await file.write(bytes, 0, bytes.length, offset);
    } finally {
      await file.close();
    }
  }

  /** Puts the local copy of a journal aside: the one on the volume is another. Nothing is lost by it. */
  async putJournalAside(job: string): Promise<void> {
    const file = this.journalFile(job);
    const aside = file.replace(/\.jsonl$/, `.before-${new Date().toISOString().replaceAll(':', '-')}.jsonl`);
    await rename(file, aside).catch(() => undefined);
  }

  #file(job: string): string {
    return join(this.folder, job, 'record.json');
  }
}

/** Folder that a job's results come home to. */
export function resultsFolder(record: JobRecord): string {
  return join(record.root, record.into, record.job);
}

/** Whether the process that prepares the job is still at work; on another machine nobody can tell. */
export function isBeingPrepared(record: JobRecord): boolean {
  const { client } = record;
  if (client?.host !== hostname() || !['check', 'local', 'pod', 'wait', 'transfer', 'start'].includes(record.phase)) {
    return false;
  }
  try {
    return process.kill(client.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Folder of a job on this machine; `.runpod-trainer` is never uploaded. */
export function localJobFolder(root: string, job: string): string {
  return join(root, '.runpod-trainer', 'jobs', job);
}
