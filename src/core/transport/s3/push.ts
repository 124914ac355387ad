import { CancelledError, throwIfCancelled, UserError } from '../../errors.ts';
import { takeLock } from '../../files/lock.ts';
import { S3Error, type VolumeStore } from '../../s3/index.ts';
import { Failures } from '../failures.ts';
import type { HashedFile } from '../../files/hash.ts';
import type { Leaving } from '../../files/leaving.ts';
import { inParallel, smallFile } from '../../files/in-parallel.ts';
import { Meter, type PushResult, type TransferProgress } from '../progress.ts';
import { isAsPut, mustBeRead, type FarFile } from '../far-file.ts';
import { judge, lookAt, readDoubtful, type Conflict } from './compare.ts';
import { projectFolder, readManifest, type Manifest } from './manifest.ts';
import { PutRecord } from './put-record.ts';

export interface S3PushOptions {
  store: VolumeStore;
  /** The project's name, which is its folder on the volume. */
  project: string;
  files: readonly Leaving<HashedFile>[];
  /** Folder of this installation for the journals of what is under way. */
  journals: string;
  /** Paths to delete at the far end; only those that the transfer put there are. */
  deletes?: readonly string[] | undefined;
  /** Paths, or `all`, that are replaced or deleted although they changed at the far end. */
  overwrite?: 'all' | ReadonlySet<string> | undefined;
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Large files under way at a time, each in up to four parts; 1 unless told. */
  concurrency?: number | undefined;
  /** How often the manifest is written meanwhile, in milliseconds; half a minute unless told. */
  manifestEveryMs?: number | undefined;
}

export interface S3PushResult extends PushResult {
  deleted: number;
  /** Files that changed at the far end and were left as they are there. */
  conflicts: Conflict[];
}

/** More connections than this gain nothing with the client library, which needs 2 ms of processor time a request. */
const lanes = 16;

/**
 * Brings files to the project's folder with no pod. Files that the manifest and the volume agree about are not sent;
 * those that changed at the far end are answered as conflicts and stay, unless `overwrite` names them. Each file
 * appears as a whole. Permission bits do not travel. Rejects with `push-failed` (naming the files), `volume-full`, the
 * codes of S3Error that concern all files, or CancelledError; what arrived until then is in the manifest.
 */
export async function pushOverS3(options: S3PushOptions): Promise<S3PushResult> {
  const { store, project, journals, signal } = options;
  // Two windows may push the same project.
  const unlock = await takeLock(PutRecord.place(journals, store, project) + '.lock', { signal });
  try {
    await store.abortStale(journals);
    return await pushAlone(options);
  } finally {
    await unlock();
  }
}

async function pushAlone(options: S3PushOptions): Promise<S3PushResult> {
  const { store, project, files, journals, signal, deletes = [] } = options;
  const record = await PutRecord.open(journals, store, project, options.manifestEveryMs);
  try {
    const manifest = await readManifest(store, project, signal);
    for (const [path, entry] of record.pending) {
      if (entry === undefined) {
        manifest.delete(path);
      } else {
        manifest.set(path, entry);
      }
    }
    const push = new Push(options, manifest, record);
    await push.run(files, deletes);
    return push.result;
  } finally {
    // Also when it was cancelled, for others read the manifest; what fails here is written by the next push.
    await record.flush(AbortSignal.timeout(20_000)).catch(() => undefined);
    await record.close();
  }
}

class Push {
  readonly result: S3PushResult = { sent: 0, bytes: 0, unchanged: 0, deleted: 0, conflicts: [] };
  readonly #options: S3PushOptions;
  readonly #manifest: Manifest;
  readonly #record: PutRecord;
  readonly #failures = new Failures();

  constructor(options: S3PushOptions, manifest: Manifest, record: PutRecord) {
    this.#options = options;
    this.#manifest = manifest;
    this.#record = record;
  }

  async run(files: readonly HashedFile[], deletes: readonly string[]): Promise<void> {
    const { store, project, signal } = this.#options;
    const ours = deletes.filter((path) => this.#isOurs(path));
    const there = await lookAt(store, project, [...files.map(({ path }) => path), ...ours], lanes, signal);
    const here = new Map(files.map((file) => [file.path, file]));
    const isDoubtful = (path: string, now: FarFile): boolean =>
      !this.#record.begun.has(path) && mustBeRead(here.get(path), this.#manifest.get(path), now);
    await readDoubtful(store, project, there, isDoubtful, lanes, signal);
    const wanted: HashedFile[] = [];
    for (const file of files) {
      const verdict = judge(file, this.#manifest, there.get(file.path), this.#record.begun);
      if (verdict === 'unchanged') {
        this.result.unchanged += 1;
      } else if (verdict === 'send' || this.#mayReplace(file.path)) {
        wanted.push(file);
      } else {
        this.result.conflicts.push(verdict);
      }
    }
    await this.#send(wanted);
    await inParallel(ours, lanes, async (path) => {
      const now = there.get(path);
      const entry = this.#manifest.get(path);
      if (now !== undefined && entry !== undefined && !isAsPut(entry, now) && !this.#mayReplace(path)) {
        const reason = 'It was to be deleted, and changed on the volume since it was sent.';
        this.result.conflicts.push({ path, kind: 'delete', reason });
        return;
      }
      await this.#guarded(path, () => this.#remove(path));
    });
    await this.#record.flush(signal);
    const count = wanted.length + deletes.length;
    this.#failures.throwIfAny('push-failed', count, 'uploaded or deleted', {
      rest: 'The others are in place and are not sent again.',
      next: 'Look at the reasons and start again.',
    });
  }

  #mayReplace(path: string): boolean {
    const { overwrite } = this.#options;
    return overwrite === 'all' || overwrite?.has(path) === true;
  }

  #isOurs(path: string): boolean {
    if (this.#manifest.has(path)) {
      return true;
    }
    this.#failures.add(path, new Error('It was not deleted: the transfer did not put it there.'));
    return false;
  }

  async #send(files: readonly HashedFile[]): Promise<void> {
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const meter = new Meter(files.length, total, this.#options.onProgress);
    const send = (file: HashedFile): Promise<void> => this.#guarded(file.path, () => this.#put(file, meter));
    const small = files.filter((file) => file.size < smallFile);
    const large = files.filter((file) => file.size >= smallFile);
    await inParallel(small, lanes, send);
    await inParallel(large, this.#options.concurrency ?? 1, send);
  }

  async #put(file: HashedFile, meter: Meter): Promise<void> {
    const { store, project, journals, signal } = this.#options;
    this.#record.begin(file.path);
    const { size, modified, sentBytes } = await store.upload(file, `${projectFolder(project)}/${file.path}`, {
      signal,
      journal: journals,
      onBytes: (bytes) => meter.moved(file.path, bytes),
    });
    await this.#record.done(
      file.path,
      {
        size,
        sha256: file.sha256,
        mtime: modified.toISOString(),
        list: file.list,
      },
      signal,
    );
    this.result.sent += 1;
    this.result.bytes += sentBytes;
    meter.done(file.path);
  }

  async #remove(path: string): Promise<void> {
    const { store, project, signal } = this.#options;
    this.#record.begin(path);
    await store.remove(`${projectFolder(project)}/${path}`, signal);
    await this.#record.done(path, undefined, signal);
    this.result.deleted += 1;
  }

  /** Lets a file fail alone where the others can go on. */
  async #guarded(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throwIfCancelled(this.#options.signal);
      if (endsTransfer(error)) {
        throw error;
      }
      this.#failures.add(path, error);
    }
  }
}

/** Whether an error concerns all files and not just one. */
export function endsTransfer(error: unknown): boolean {
  if (error instanceof S3Error) {
    return ['s3-denied', 's3-no-bucket', 's3-unreachable', 's3-failing', 'volume-full'].includes(error.code);
  }
  // A system call that failed concerns the file it was for; anything else that is no UserError is a defect.
  const isOfOne = error instanceof UserError || (error as NodeJS.ErrnoException).syscall !== undefined;
  return error instanceof CancelledError || !isOfOne;
}
