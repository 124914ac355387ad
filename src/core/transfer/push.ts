import * as z from 'zod';
import { throwIfCancelled, UserError } from '../errors.ts';
import type { SftpSession } from '../ssh/index.ts';
import { SshError } from '../ssh/index.ts';
import { endsAll, Failures } from './failures.ts';
import type { HashedFile } from './hash.ts';
import { fileChanged } from './hash.ts';
import { inParallel, smallFile, smallLanes } from './pool.ts';
import type { TransferProgress } from './progress.ts';
import { Meter } from './progress.ts';
import { fullVolume } from './volume-full.ts';
import type { RemoteFiles } from './worker-files.ts';
import { broken, callFiles } from './worker-files.ts';

export interface PushOptions extends RemoteFiles {
  files: readonly HashedFile[];
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Large files under way at a time; 4 unless told. */
  concurrency?: number | undefined;
}

export interface PushResult {
  /** Files that were put in place, and the bytes that had to be sent for them. */
  sent: number;
  bytes: number;
  unchanged: number;
}

/** `error` says why the worker would not take the file at all. */
const planSchema = z.object({ path: z.string(), error: z.string().optional() });
const commitSchema = z.object({ path: z.string(), ok: z.boolean(), error: z.string().optional() });

/**
 * Brings files to the project's folder on the pod. Only missing content is sent; it lies under its sha256 until the
 * worker has verified it and renames it into place, so no half file ever has its final name. What arrived whole is put
 * in place even when other files failed. Rejects with `push-failed` (naming the files), `volume-full`, the codes of
 * `callFiles` and of SshError, or CancelledError.
 */
export async function push(options: PushOptions): Promise<PushResult> {
  const { connection, files, root, signal } = options;
  const wanted = files.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  const plan = await callFiles(options, 'plan', wanted, planSchema, signal);
  const result: PushResult = { sent: 0, bytes: 0, unchanged: files.length - plan.length };
  if (plan.length === 0) {
    return result;
  }
  const failures = new Failures();
  const needed = pick(files, plan, failures);
  const incoming = `${root}/.runpod-trainer/incoming`;
  const sftp = await connection.sftp(signal);
  await sftp.makeFolder(incoming);
  const uploads = new Uploads(options, sftp, incoming, needed, failures);
  await uploads.run();
  const arrived = needed.filter((file) => uploads.arrived.has(file.sha256));
  const lines = arrived.map(({ path, sha256, size, mode }) => ({ path, sha256, size, mode }));
  const answers = lines.length === 0 ? [] : await callFiles(options, 'commit', lines, commitSchema, signal);
  const committed = new Map(answers.map((answer) => [answer.path, answer]));
  for (const file of arrived) {
    const answer = committed.get(file.path);
    if (answer?.ok === true) {
      result.sent += 1;
    } else {
      failures.add(file.path, new Error(answer?.error ?? 'The worker did not answer for it.'));
    }
  }
  result.bytes = uploads.bytes;
  if (uploads.full !== undefined) {
    throw uploads.full;
  }
  failures.throwIfAny(
    'push-failed',
    (count) => `${count} of ${plan.length} could not be uploaded.`,
    'Start again; the others are in place and are not sent again.',
  );
  return result;
}

function pick(
  files: readonly HashedFile[],
  plan: readonly z.infer<typeof planSchema>[],
  failures: Failures,
): HashedFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return plan.flatMap(({ path, error }) => {
    const file = byPath.get(path);
    if (file === undefined) {
      throw broken('plan', `It asked for ${JSON.stringify(path)}, which was not offered.`);
    }
    if (error !== undefined) {
      failures.add(path, new Error(error));
      return [];
    }
    return [file];
  });
}

class Uploads {
  /** Content that lies complete at the far end. */
  readonly arrived = new Set<string>();
  bytes = 0;
  full: UserError | undefined;
  readonly #options: PushOptions;
  readonly #sftp: SftpSession;
  readonly #incoming: string;
  readonly #files: readonly HashedFile[];
  readonly #failures: Failures;
  readonly #meter: Meter;

  constructor(
    options: PushOptions,
    sftp: SftpSession,
    incoming: string,
    needed: readonly HashedFile[],
    failures: Failures,
  ) {
    this.#failures = failures;
    this.#options = options;
    this.#sftp = sftp;
    this.#incoming = incoming;
    // The same content under two names travels once.
    this.#files = [...new Map(needed.map((file) => [file.sha256, file])).values()];
    const total = this.#files.reduce((sum, file) => sum + file.size, 0);
    this.#meter = new Meter(this.#files.length, total, options.onProgress);
  }

  async run(): Promise<void> {
    const width = this.#options.concurrency ?? 4;
    const send = (file: HashedFile): Promise<void> => this.#send(file);
    try {
      await inParallel(
        this.#files.filter((file) => file.size < smallFile),
        smallLanes,
        send,
      );
      await inParallel(
        this.#files.filter((file) => file.size >= smallFile),
        width,
        send,
      );
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'volume-full') {
        throw error;
      }
      this.full = error;
    }
  }

  async #send(file: HashedFile): Promise<void> {
    const { signal } = this.#options;
    const remote = `${this.#incoming}/${file.sha256}`;
    try {
      const moved = await this.#sftp.put(file.absolute, remote, {
        signal,
        onBytes: (bytes) => this.#meter.moved(file.path, bytes),
      });
      if (moved.sha256 !== file.sha256) {
        throw fileChanged(file.path);
      }
      this.bytes += moved.bytes;
      this.arrived.add(file.sha256);
      this.#meter.done(file.path);
    } catch (error) {
      const cause = await this.#cause(error);
      if (endsAll(cause) && !(cause instanceof UserError && cause.code === 'volume-full')) {
        throw cause;
      }
      // An incomplete upload is of no use and takes room.
      await this.#sftp.remove(remote).catch(() => undefined);
      throwIfCancelled(signal);
      if (endsAll(cause)) {
        throw cause;
      }
      this.#failures.add(file.path, cause);
    }
  }

  /** The reason behind a failed write, which the file protocol does not tell. */
  async #cause(error: unknown): Promise<unknown> {
    if (!(error instanceof SshError) || error.code !== 'ssh-sftp') {
      return error;
    }
    const { connection, signal, worker } = this.#options;
    return (await fullVolume(connection, worker[0] ?? 'python3', this.#incoming, signal)) ?? error;
  }
}
