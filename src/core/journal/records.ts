import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { takeLock } from '../files/lock.ts';
import { UserError } from '../errors.ts';
import { count } from '../words/index.ts';
import { parseJson } from '../json.ts';
import { changed, preparationBeatMs, recordSchema, type JobRecord, type RecordChange } from './record.ts';

export { isBeingPrepared, phases, wasLeft } from './record.ts';
export type { JobRecord, Phase, RecordChange } from './record.ts';

/** Opens for writing at any place without cutting what is there; makes the file when it is missing. */
const openForUpdate = constants.O_RDWR | constants.O_CREAT;

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

  /** Begins the record of a job. */
  create(record: JobRecord): Promise<JobRecord> {
    return this.#locked(record.job, async (now) => {
      if (now !== undefined) {
        throw new UserError('job-exists', {
          what: `There is a record of the job ${record.job} already.`,
          next: 'Start it again; it gets another name.',
        });
      }
      return this.#write({ ...record, updated: new Date().toISOString() });
    });
  }

  /**
   * Writes what this client has found out, and nothing else: several may be at work on a job, and what one of them saw
   * must not be forgotten by another. A function is given the record as it is now. See `changed` for what is kept.
   */
  change(job: string, change: RecordChange | ((now: JobRecord) => RecordChange)): Promise<JobRecord> {
    return this.#locked(job, async (now) => {
      if (now === undefined) {
        throw new UserError('record-gone', {
          what: `The record of the job ${job} is gone from ${join(this.folder, job)}.`,
          why: 'Its folder was removed, or the file cannot be read.',
          next: 'Look whether its pod still runs.',
          remedies: [{ do: 'find-unused' }],
        });
      }
      return this.#write(changed(now, typeof change === 'function' ? change(now) : change));
    });
  }

  /** As `change`; when the record is gone meanwhile, who is at work on the job goes on with what was known of it. */
  async changeIfThere(record: JobRecord, change: RecordChange): Promise<JobRecord> {
    return this.change(record.job, change).catch((error: unknown) => {
      if (error instanceof UserError && error.code === 'record-gone') {
        return changed(record, change);
      }
      throw error;
    });
  }

  /** Shows that a client is at work on the start of a job, until what it answers is called. */
  showPreparing(job: string): () => void {
    const beat = setInterval(() => void this.change(job, {}).catch(() => undefined), preparationBeatMs);
    return () => clearInterval(beat);
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

  /**
   * The job named; a unique beginning or end of the name is enough. Without a name the newest of those that are meant, or
   * the newest where none is: one that was refused is seldom the one somebody thinks of.
   */
  async find(name: string | undefined, isMeant: (record: JobRecord) => boolean = () => true): Promise<JobRecord> {
    const all = await this.list();
    const newest = all.find(isMeant) ?? all.find(hasBegun) ?? all[0];
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
        what:
          hits.length > 1 ? `"${name}" fits ${count(hits.length, 'job')}.` : `No job "${name}" was started from here.`,
        next:
          all.length === 0
            ? 'No job was started from here yet: run a project first.'
            : 'Take the name from the list of jobs.',
        remedies: [all.length === 0 ? { do: 'run' } : { do: 'show-jobs' }],
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

  async #locked<T>(job: string, work: (now: JobRecord | undefined) => Promise<T>): Promise<T> {
    const release = await takeLock(join(this.folder, job, 'record.lock'));
    try {
      return await work(await this.get(job));
    } finally {
      await release();
    }
  }

  async #write(record: JobRecord): Promise<JobRecord> {
    await writeFileAtomic(this.#file(record.job), `${JSON.stringify(record, null, 1)}\n`);
    return record;
  }

  #file(job: string): string {
    return join(this.folder, job, 'record.json');
  }
}

/** Folder that a job's results come home to. */
export function resultsFolder(record: JobRecord): string {
  return join(record.root, record.into, record.job);
}

/** Folder of a job on this machine; `.runpod-trainer` is never uploaded. */
export function localJobFolder(root: string, job: string): string {
  return join(root, '.runpod-trainer', 'jobs', job);
}

/** Whether the record's job came to more than a start that was refused or failed. */
export function hasBegun({ phase, outcome, remote }: JobRecord): boolean {
  return phase !== 'done' || outcome !== undefined || remote !== undefined;
}

/** Whether nobody has heard that the record's job is over. */
export function mayRun({ phase, outcome }: JobRecord): boolean {
  return phase !== 'done' && outcome === undefined;
}
