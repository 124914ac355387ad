import { open, rm, stat, truncate } from 'node:fs/promises';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { parseJson } from '../json.ts';

const schema = z.object({
  schema: z.literal(1),
  key: z.string(),
  size: z.int().nonnegative(),
  /** Unix time in milliseconds. */
  modified: z.number(),
  etag: z.string(),
  rangeBytes: z.int().positive(),
  /** Numbers, from 0, of the ranges that lie whole in the `.part`. */
  done: z.array(z.int().nonnegative()),
});

export interface PartOf {
  key: string;
  size: number;
  modified: Date;
  etag: string;
  rangeBytes: number;
}

/** What of a `.part` file is whole, kept in a file beside it, so that a download goes on after a crash. */
export class PartState {
  readonly rangeBytes: number;
  readonly done: Set<number>;
  readonly #file: string;
  readonly #of: PartOf;
  readonly #keep: boolean;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, of: PartOf, done: Iterable<number>, keep: boolean) {
    this.#file = file;
    this.#of = of;
    this.#keep = keep;
    this.rangeBytes = of.rangeBytes;
    this.done = new Set(done);
  }

  /** Opens the state of a part, with what is there from before when it is of the same state of the same file. */
  static async open(part: string, of: PartOf, resume: boolean): Promise<PartState> {
    const file = `${part}.json`;
    const text = resume ? await readIfThere(file) : undefined;
    const was = schema.safeParse(text === undefined ? undefined : parseJson(text));
    const length = (await stat(part).catch(() => undefined))?.size;
    const isSame =
      was.success &&
      was.data.key === of.key &&
      was.data.size === of.size &&
      was.data.etag === of.etag &&
      was.data.modified === of.modified.getTime() &&
      length === of.size;
    if (isSame) {
      return new PartState(file, { ...of, rangeBytes: was.data.rangeBytes }, was.data.done, resume);
    }
    await rm(part, { force: true });
    await rm(file, { force: true });
    // `wx` makes a new file and follows no link; its full length at once makes it sparse, not large.
    const handle = await open(part, 'wx', 0o600);
    await handle.close();
    await truncate(part, of.size);
    return new PartState(file, of, [], resume);
  }

  async add(index: number): Promise<void> {
    this.done.add(index);
    if (this.#keep && this.#of.size > this.rangeBytes) {
      this.#writing = this.#writing.then(() => this.#write());
      await this.#writing;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  async #write(): Promise<void> {
    const { key, size, modified, etag } = this.#of;
    const { rangeBytes, done } = this;
    const state = { schema: 1, key, size, modified: modified.getTime(), etag, rangeBytes, done: [...done] };
    await writeFileAtomic(this.#file, JSON.stringify(state));
  }
}
