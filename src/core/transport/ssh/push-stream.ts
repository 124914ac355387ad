import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import * as z from 'zod';
import { throwIfCancelled, UserError } from '../../errors.ts';
import type { SftpSession } from '../../ssh/index.ts';
import { toFrames } from './frames.ts';
import type { HashedFile } from '../../files/hash.ts';
import { fileChanged } from '../../files/hash.ts';
import type { Lanes } from './connections.ts';
import { Lines, streamThrough } from './remote-stream.ts';
import { slices } from '../../files/time-slices.ts';
import type { Uploads } from './push-state.ts';
import { volumeFull } from './volume-full.ts';
import { broken, readLine } from './worker-files.ts';

const answerSchema = z.object({
  sha256: z.string(),
  ok: z.boolean(),
  error: z.string().optional(),
  full: z.enum(['ENOSPC', 'EDQUOT']).optional(),
});

/** How much of a file is read at a time. */
const pieceSize = 256 * 1024;

/**
 * Sends files as one stream for each connection. The worker verifies each while it reads, so a stream that is cut
 * loses only what had not arrived whole.
 */
export async function pushStreams(uploads: Uploads, files: readonly HashedFile[], lanes: Lanes): Promise<void> {
  const queue = files.values();
  const ends = await Promise.allSettled(
    lanes.sessions.map((session) => new PushStream(uploads, session, queue, lanes.far).run()),
  );
  for (const end of ends) {
    if (end.status === 'rejected') {
      throw end.reason;
    }
  }
}

class PushStream {
  readonly #uploads: Uploads;
  readonly #session: SftpSession;
  readonly #queue: Iterator<HashedFile>;
  readonly #compress: boolean;
  /** Sent and not answered yet. */
  readonly #waiting = new Map<string, HashedFile>();
  readonly #changed = new Set<string>();
  #full: 'ENOSPC' | 'EDQUOT' | undefined;

  constructor(uploads: Uploads, session: SftpSession, queue: Iterator<HashedFile>, compress: boolean) {
    this.#uploads = uploads;
    this.#session = session;
    this.#queue = queue;
    this.#compress = compress;
  }

  async run(): Promise<void> {
    const { root, signal, worker } = this.#uploads.options;
    const lines = new Lines((line) => this.#answered(line));
    const { code, stderr } = await streamThrough(this.#session, [...worker, 'files', 'receive', '--root', root], {
      input: toFrames(this.#contents(), this.#compress),
      onOutput: (chunk) => lines.push(chunk),
      signal,
    });
    if (this.#full !== undefined) {
      throw volumeFull(this.#full, this.#uploads.incoming);
    }
    if (code !== 0 || this.#waiting.size > 0) {
      throw broken('receive', `It ended with exit code ${code}: ${stderr.trim().slice(-500)}`);
    }
  }

  /** The stream's contents: for each file a line that tells it, and its bytes. */
  async *#contents(): AsyncGenerator<Buffer> {
    const turn = slices();
    for (let next = this.#queue.next(); next.done !== true; next = this.#queue.next()) {
      throwIfCancelled(this.#uploads.options.signal);
      await turn();
      if (this.#full !== undefined) {
        return;
      }
      yield* this.#content(next.value);
    }
  }

  /** Synchronous reads: the many promises of a small file cost ten times as much as the file. */
  *#content(file: HashedFile): Generator<Buffer> {
    let descriptor: number;
    try {
      descriptor = openSync(file.absolute, 'r');
    } catch (error) {
      this.#uploads.fail(file, error);
      return;
    }
    try {
      if (!isAsHashed(file, descriptor)) {
        this.#uploads.fail(file, fileChanged(file.path));
        return;
      }
      this.#waiting.set(file.sha256, file);
      yield Buffer.from(`${JSON.stringify({ sha256: file.sha256, size: file.size })}\n`);
      let left = file.size;
      while (left > 0) {
        const piece = Buffer.allocUnsafe(Math.min(left, pieceSize));
        const length = readSync(descriptor, piece);
        // The length is promised already; the sha256 tells that the end is not that of the file.
        yield length === 0 ? piece.fill(0) : piece.subarray(0, length);
        left -= length === 0 ? piece.length : length;
      }
      if (!isAsHashed(file, descriptor)) {
        this.#changed.add(file.sha256);
      }
    } finally {
      closeSync(descriptor);
    }
  }

  #answered(line: string): void {
    const answer = readLine('receive', line, answerSchema);
    const file = this.#waiting.get(answer.sha256);
    if (file === undefined) {
      throw broken('receive', `It answered for ${JSON.stringify(answer.sha256)}, which was not sent.`);
    }
    this.#waiting.delete(answer.sha256);
    if (answer.ok) {
      this.#uploads.moved(file, file.size);
      this.#uploads.done(file);
    } else if (answer.full !== undefined) {
      this.#full = answer.full;
      this.#waiting.clear();
    } else if (this.#changed.has(file.sha256)) {
      this.#uploads.fail(file, fileChanged(file.path));
    } else {
      this.#uploads.fail(file, damaged(answer.error ?? 'The worker did not say why.'));
    }
  }
}

/** Whether the open file is still the one that was hashed, as far as size, time and inode tell. */
export function isAsHashed(file: HashedFile, descriptor: number): boolean {
  const { size, mtimeMs, ino } = fstatSync(descriptor);
  return size === file.size && mtimeMs === file.mtimeMs && ino === file.ino;
}

function damaged(why: string): UserError {
  return new UserError('upload-failed', { what: 'The pod did not keep it.', why, next: 'Start again.' });
}
