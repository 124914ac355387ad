import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { takeLock } from '../files/lock.ts';
import { writeAll } from '../files/write-all.ts';
import * as z from 'zod';
import { messageOf, naming, UserError } from '../errors.ts';
import { count } from '../words/index.ts';
import { parseJson } from '../json.ts';
import { changed, preparationBeatMs, recordSchema, type JobRecord, type RecordChange } from './record.ts';

export { isHome, mayComeLater, missingResults } from './missing-results.ts';
export { isBeingPrepared, leftPodEnds, phases, wasLeft } from './record.ts';
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
  /** Records as the list found them, with what tells that a file is another one: they are replaced as a whole. */
  readonly #listed = new Map<string, { stamp: string; record: JobRecord }>();

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
          why: 'Its folder was removed.',
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
      if (error instanceof UserError && ['record-gone', 'record-unreadable'].includes(error.code)) {
        return changed(record, change);
      }
      throw error;
    });
  }

  /**
   * Sees to it that a job can be found again by its name: a record that is gone or damaged is written anew from what is
   * known of it. False where that cannot be.
   */
  async keep(record: JobRecord): Promise<boolean> {
    try {
      return await this.#underLock(record.job, async () => {
        const found = await this.#read(record.job);
        if (found === undefined || ('fault' in found && found.fault === 'damaged')) {
          await this.#write(record);
        }
        return (await this.get(record.job)) !== undefined;
      });
    } catch {
      return false;
    }
  }

  /** Shows that a client is at work on the start of a job, until what it answers is called. */
  showPreparing(job: string): () => void {
    const beat = setInterval(() => void this.change(job, {}).catch(() => undefined), preparationBeatMs);
    return () => clearInterval(beat);
  }

  /** Undefined where there is none, or none that can be read. */
  async get(job: string): Promise<JobRecord | undefined> {
    const found = await this.#read(job);
    return found !== undefined && 'record' in found ? found.record : undefined;
  }

  /** The record; a damaged one as it was when it was last written. */
  async #read(job: string): Promise<{ record: JobRecord } | Unreadable | undefined> {
    const main = await readRecord(job, this.#file(job));
    if (main === undefined || 'record' in main || main.fault === 'newer') {
      return main;
    }
    const copy = await readRecord(job, this.#copy(job));
    return copy !== undefined && 'record' in copy ? copy : main;
  }

  /** Jobs whose records are there and cannot be read. */
  async unreadable(): Promise<Unreadable[]> {
    return (await this.#all()).flatMap((one) => ('fault' in one ? [one] : []));
  }

  /** Newest first. Records that cannot be read are left out. */
  async list(): Promise<JobRecord[]> {
    const records = (await this.#all()).flatMap((one) => ('record' in one ? [one.record] : []));
    return records.toSorted((a, b) => (a.created < b.created ? 1 : -1));
  }

  /** A record that nobody has written since is not read again. */
  async #all(): Promise<({ record: JobRecord } | Unreadable)[]> {
    const names = await readdir(this.folder).catch(() => []);
    const known = new Set(names);
    [...this.#listed.keys()].filter((job) => !known.has(job)).forEach((job) => this.#listed.delete(job));
    const all = await Promise.all(
      names.map(async (job) => {
        const stamp = await stampOf(this.#file(job));
        const listed = this.#listed.get(job);
        if (stamp !== undefined && listed?.stamp === stamp) {
          return listed;
        }
        const found = await this.#read(job);
        if (stamp !== undefined && found !== undefined && 'record' in found) {
          this.#listed.set(job, { stamp, record: found.record });
        } else {
          this.#listed.delete(job);
        }
        return found;
      }),
    );
    return all.filter((one) => one !== undefined);
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
    const isNamed = ({ job }: { job: string }): boolean => job === name || job.startsWith(name) || job.endsWith(name);
    const hits = all.filter(isNamed);
    const [lost] = hits.length === 0 ? (await this.unreadable()).filter(isNamed) : [];
    if (lost !== undefined) {
      throw unreadableRecord(lost);
    }
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

  /** Folder of what is kept about a job. */
  folderOf(job: string): string {
    return join(this.folder, job);
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
      await writeAll(file, bytes, offset);
    } catch (error) {
      throw naming(this.journalFile(job), error);
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

  #locked<T>(job: string, work: (now: JobRecord | undefined) => Promise<T>): Promise<T> {
    return this.#underLock(job, async () => {
      const found = await this.#read(job);
      if (found !== undefined && 'fault' in found) {
        throw unreadableRecord(found);
      }
      return work(found?.record);
    });
  }

  async #underLock<T>(job: string, work: () => Promise<T>): Promise<T> {
    const release = await takeLock(join(this.folder, job, 'record.lock'));
    try {
      return await work();
    } finally {
      await release();
    }
  }

  async #write(record: JobRecord): Promise<JobRecord> {
    const text = `${JSON.stringify(record, null, 1)}\n`;
    await writeFileAtomic(this.#file(record.job), text);
    // Without a job's record nothing finds its pod and its results again, so it is not in one file alone.
    await writeFileAtomic(this.#copy(record.job), text).catch(() => undefined);
    return record;
  }

  #copy(job: string): string {
    return join(this.folder, job, 'record.copy.json');
  }

  #file(job: string): string {
    return join(this.folder, job, 'record.json');
  }
}

async function stampOf(file: string): Promise<string | undefined> {
  return stat(file).then(
    ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
    () => undefined,
  );
}

/** A record that is there and cannot be read. */
export interface Unreadable {
  job: string;
  /** `damaged`: it is no record. `closed`: the system does not let it be read. `newer`: another release wrote it. */
  fault: 'damaged' | 'closed' | 'newer';
  /** A sentence. */
  why: string;
}

const schemaNumber = z.looseObject({ schema: z.number() });

async function readRecord(job: string, file: string): Promise<{ record: JobRecord } | Unreadable | undefined> {
  let text: string | undefined;
  try {
    text = await readIfThere(file);
  } catch (error) {
    // Of a file in the folder of jobs there is no record.
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR'
      ? undefined
      : { job, fault: 'closed', why: messageOf(error) };
  }
  if (text === undefined) {
    return undefined;
  }
  const value = parseJson(text);
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) {
    return { record: parsed.data };
  }
  const { data } = schemaNumber.safeParse(value);
  return data !== undefined && data.schema > 1
    ? { job, fault: 'newer', why: `${file} is of another release of this program.` }
    : { job, fault: 'damaged', why: `${file} is damaged.` };
}

const unreadableNext = {
  damaged:
    'Look whether its pod still runs. What it wrote is on the volume, and a backup of its project brings it home.',
  closed: 'Make the file readable for yourself, then do the same again.',
  newer: 'Do it with the newer release.',
};

export function unreadableRecord({ job, fault, why }: Unreadable): UserError {
  return new UserError('record-unreadable', {
    what: `The record of the job ${job} cannot be read.`,
    why,
    next: unreadableNext[fault],
    remedies: [{ do: 'find-unused' }],
  });
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
