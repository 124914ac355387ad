import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

const remembered = 100_000;

interface Known {
  state: string;
  etag: Promise<string>;
}

/** ETags of a volume's files: told by who wrote them over S3, else the MD5, computed when somebody asks. */
export class ETags {
  readonly #known = new Map<string, Known>();

  remember(stats: Stats, etag: string): void {
    this.#set(identity(stats), { state: state(stats), etag: Promise.resolve(etag) });
  }

  /** The ETag when it is known, or just being computed. */
  known(stats: Stats): Promise<string> | undefined {
    const known = this.#known.get(identity(stats));
    return known?.state === state(stats) ? known.etag : undefined;
  }

  /** ETag without quotes of an open file. */
  of(stats: Stats, file: FileHandle): Promise<string> {
    const known = this.known(stats);
    if (known !== undefined) return known;
    const etag = md5(file, stats.size);
    this.#set(identity(stats), { state: state(stats), etag });
    etag.catch(() => this.#known.delete(identity(stats)));
    return etag;
  }

  #set(key: string, value: Known): void {
    this.#known.delete(key);
    this.#known.set(key, value);
    const oldest = this.#known.keys().next();
    if (this.#known.size > remembered && oldest.done !== true) this.#known.delete(oldest.value);
  }
}

const identity = (stats: Stats): string => `${String(stats.dev)}:${String(stats.ino)}`;
const state = (stats: Stats): string => `${String(stats.size)}:${String(stats.mtimeMs)}`;

async function md5(file: FileHandle, size: number): Promise<string> {
  const hash = createHash('md5');
  const buffer = Buffer.alloc(Math.min(1 << 18, size + 1));
  for (let position = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
