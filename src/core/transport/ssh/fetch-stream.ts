import { createHash, randomBytes, type Hash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { limits } from '../../contract.ts';
import { UserError } from '../../errors.ts';
import type { SftpSession } from '../../ssh/index.ts';
import type { Downloads, RemoteFile } from './local-incoming.ts';
import { drop, mismatch } from './local-incoming.ts';
import { FrameReader, streamBroken } from './frames.ts';
import type { Lanes } from './connections.ts';
import { streamThrough } from './remote-stream.ts';
import { slices } from '../../files/time-slices.ts';
import { broken } from './worker-files.ts';
import { count } from '../../words/index.ts';

const headSchema = z.union([
  z.object({ n: z.number().int(), size: z.number().int() }),
  z.object({ n: z.number().int(), error: z.string() }),
]);

/** Fetches files as one stream for each connection. Each is put in place as soon as it is whole and verified. */
export async function fetchStreams(downloads: Downloads, files: readonly RemoteFile[], lanes: Lanes): Promise<void> {
  const { sessions } = lanes;
  const ends = await Promise.allSettled(
    sessions.map((session, lane) => {
      const share = files.filter((_, n) => n % sessions.length === lane);
      return new FetchStream(downloads, share).run(session, lanes.far);
    }),
  );
  for (const end of ends) {
    if (end.status === 'rejected') {
      throw end.reason;
    }
  }
}

/** One file on its way from the stream to its place. */
interface Arriving {
  file: RemoteFile;
  temporary: string;
  descriptor: number;
  hash: Hash;
  left: number;
  /** Why the rest of its bytes is only passed over. */
  error?: Error;
}

class FetchStream {
  readonly #downloads: Downloads;
  readonly #files: readonly RemoteFile[];
  #next = 0;
  #head = '';
  #arriving: Arriving | undefined;

  constructor(downloads: Downloads, files: readonly RemoteFile[]) {
    this.#downloads = downloads;
    this.#files = files;
  }

  async run(session: SftpSession, compress: boolean): Promise<void> {
    if (this.#files.length === 0) {
      return;
    }
    const { root, signal, worker } = this.#downloads.options;
    const frames = new FrameReader((bytes) => this.#take(bytes));
    const turn = slices();
    const argv = [...worker, 'files', 'send', '--root', root, ...(compress ? ['--compress'] : [])];
    try {
      const { code, stderr } = await streamThrough(session, argv, {
        input: this.#request(),
        onOutput: async (chunk) => {
          frames.push(chunk);
          await turn();
        },
        signal,
      });
      if (code !== 0 || !frames.ended || this.#arriving !== undefined) {
        throw broken('send', `It ended with exit code ${code}: ${stderr.trim().slice(-500)}`);
      }
    } finally {
      if (this.#arriving !== undefined) {
        close(this.#arriving);
      }
    }
    for (const file of this.#files.slice(this.#next)) {
      this.#downloads.fail(file, new Error('The worker did not send it.'));
    }
  }

  async *#request(): AsyncGenerator<Buffer> {
    const turn = slices();
    for (const { path: name, size, sha256 } of this.#files) {
      await turn();
      yield Buffer.from(`${JSON.stringify({ path: name, size, sha256 })}\n`);
    }
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#arriving === undefined) {
        const end = rest.indexOf(10);
        this.#head += rest.subarray(0, end < 0 ? rest.length : end).toString('latin1');
        if (this.#head.length > limits.headLineBytes) {
          throw streamBroken('The head of a file has no end.');
        }
        rest = end < 0 ? rest.subarray(rest.length) : rest.subarray(end + 1);
        if (end >= 0) {
          this.#begin(this.#head);
          this.#head = '';
        }
      } else {
        const piece = rest.subarray(0, this.#arriving.left);
        rest = rest.subarray(piece.length);
        this.#write(this.#arriving, piece);
      }
    }
  }

  #begin(line: string): void {
    const head = headSchema.safeParse(parse(line));
    const file = this.#files[this.#next];
    if (!head.success || file === undefined || head.data.n !== this.#next) {
      throw streamBroken(`It sent ${JSON.stringify(line.slice(0, 200))}.`);
    }
    this.#next += 1;
    if ('error' in head.data) {
      this.#downloads.fail(file, new UserError('fetch-mismatch', { what: head.data.error }));
      return;
    }
    if (head.data.size !== file.size) {
      throw streamBroken(`It sends ${count(head.data.size, 'byte')} for ${JSON.stringify(file.path)} of ${file.size}.`);
    }
    const temporary = path.join(this.#downloads.incoming.folder, randomBytes(8).toString('hex'));
    const descriptor = openSync(temporary, 'wx');
    this.#arriving = { file, temporary, descriptor, hash: createHash('sha256'), left: file.size };
    if (file.size === 0) {
      this.#end(this.#arriving);
    }
  }

  #write(arriving: Arriving, piece: Buffer): void {
    arriving.left -= piece.length;
    if (arriving.error === undefined) {
      try {
        arriving.hash.update(piece);
        for (let at = 0; at < piece.length;) {
          at += writeSync(arriving.descriptor, piece, at);
        }
        this.#downloads.moved(arriving.file, piece.length);
      } catch (error) {
        arriving.error = error as Error;
      }
    }
    if (arriving.left === 0) {
      this.#end(arriving);
    }
  }

  #end(arriving: Arriving): void {
    const { descriptor, error, file, hash, temporary } = arriving;
    this.#arriving = undefined;
    closeSync(descriptor);
    try {
      if (error !== undefined) {
        throw error;
      }
      const seen = hash.digest('hex');
      if (seen !== file.sha256) {
        throw mismatch(file, seen);
      }
      this.#downloads.place(file, temporary);
    } catch (problem) {
      drop(temporary);
      this.#downloads.fail(file, problem);
    }
  }
}

function close({ descriptor, temporary }: Arriving): void {
  closeSync(descriptor);
  drop(temporary);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
