import { lstatSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { sha256Of } from '../files/hash.ts';
import { parseJson } from '../json.ts';

const entrySchema = z.object({ size: z.number(), mtimeMs: z.number(), sha256: z.string().optional() });
const fileSchema = z.object({ schema: z.literal(1), files: z.record(z.string(), z.unknown()) });
type Entry = z.infer<typeof entrySchema>;

/**
 * How each result of a job was when it came home. What somebody has made of it since then is known by that, and is theirs.
 */
export class HomeResults {
  readonly #file: string;
  readonly #into: string;
  readonly #known: Map<string, Entry>;
  #isNew = false;

  private constructor(file: string, into: string, known: Map<string, Entry>) {
    this.#file = file;
    this.#into = into;
    this.#known = known;
  }

  /** @param records the folder of the job's record; @param into the folder of its results */
  static async open(records: string, into: string): Promise<HomeResults> {
    const file = join(records, 'results.json');
    const text = await readIfThere(file).catch(() => undefined);
    const parsed = fileSchema.safeParse(parseJson(text ?? ''));
    const known = new Map<string, Entry>();
    for (const [name, value] of Object.entries(parsed.success ? parsed.data.files : {})) {
      const entry = entrySchema.safeParse(value);
      if (entry.success) {
        known.set(name, entry.data);
      }
    }
    return new HomeResults(file, into, known);
  }

  get names(): readonly string[] {
    return [...this.#known.keys()];
  }

  /**
   * How a result is now: as it came, gone, or changed. One that is here and of which nobody knows how it came counts as
   * changed, for it may be somebody's work.
   */
  async stateOf(name: string, signal?: AbortSignal): Promise<'as it came' | 'gone' | 'changed'> {
    const place = join(this.#into, name);
    const entry = this.#known.get(name);
    const stats = await lstat(place).catch(() => undefined);
    if (stats === undefined) {
      return 'gone';
    }
    if (entry === undefined || !stats.isFile() || stats.size !== entry.size) {
      return 'changed';
    }
    const isSame =
      stats.mtimeMs === entry.mtimeMs ||
      (entry.sha256 !== undefined && (await sha256Of(place, signal)) === entry.sha256);
    return isSame ? 'as it came' : 'changed';
  }

  /**
   * The same by its content, for what may be replaced: size and time can be those of before with somebody's work in it, and
   * where it is not known with which content it came, it counts as changed.
   */
  async contentOf(name: string, signal?: AbortSignal): Promise<'as it came' | 'gone' | 'changed'> {
    const state = await this.stateOf(name, signal);
    if (state !== 'as it came') {
      return state;
    }
    const came = this.#known.get(name)?.sha256;
    return came !== undefined && (await sha256Of(join(this.#into, name), signal)) === came ? state : 'changed';
  }

  /** Notes that a result is here as it came; a route that does not tell its content leaves what is known of that. */
  add(name: string, told: string | undefined): void {
    const sha256 = told ?? this.#known.get(name)?.sha256;
    const { size, mtimeMs } = lstatSync(join(this.#into, name));
    this.#known.set(name, { size, mtimeMs, ...(sha256 !== undefined && { sha256 }) });
    this.#isNew = true;
  }

  async save(): Promise<void> {
    if (this.#isNew) {
      await writeFileAtomic(this.#file, JSON.stringify({ schema: 1, files: Object.fromEntries(this.#known) }));
      this.#isNew = false;
    }
  }
}
