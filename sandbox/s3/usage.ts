import { lstat, readdir } from 'node:fs/promises';
import { volumeFull } from './refusal.ts';

/**
 * What a volume holds, against its size. The tree is counted again when the last count is old or when something would
 * not fit, and what S3 writes is added in between.
 */
export class Usage {
  readonly #root: string;
  readonly #capacity: () => number;
  #counted = 0;
  #written = 0;
  #validUntil = 0;
  /** The capacity that the last count was compared with. */
  #lastCapacity = 0;
  #counting: Promise<void> | undefined;

  /** @param capacity bytes that fit at this moment */
  constructor(root: string, capacity: () => number) {
    this.#root = root;
    this.#capacity = capacity;
  }

  /** Takes room for bytes about to be written. Throws 507 when the volume is full. */
  async take(bytes: number): Promise<void> {
    await this.check(bytes);
    this.#written += bytes;
  }

  /** Throws 507 when so many bytes would not fit. */
  async check(bytes: number): Promise<void> {
    if (performance.now() > this.#validUntil || this.#capacity() !== this.#lastCapacity) await this.#count();
    if (!this.#fits(bytes)) await this.#count();
    if (!this.#fits(bytes)) throw volumeFull();
  }

  #fits(bytes: number): boolean {
    return this.#counted + this.#written + bytes <= this.#capacity();
  }

  #count(): Promise<void> {
    this.#counting ??= this.#countNow().finally(() => (this.#counting = undefined));
    return this.#counting;
  }

  async #countNow(): Promise<void> {
    const began = performance.now();
    this.#written = 0;
    this.#lastCapacity = this.#capacity();
    this.#counted = await bytesIn(this.#root);
    const took = performance.now() - began;
    // Big trees are counted less often, so that counting stays a small part of the time.
    this.#validUntil = performance.now() + Math.max(50, 20 * took);
  }
}

async function bytesIn(folder: string): Promise<number> {
  let sum = 0;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) sum += await bytesIn(path);
    else if (entry.isFile()) sum += (await lstat(path).catch(() => ({ size: 0 }))).size;
  }
  return sum;
}
