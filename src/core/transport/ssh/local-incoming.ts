import { createHash } from 'node:crypto';
import { renameSync, rmSync, utimesSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../contract.ts';
import { UserError } from '../../errors.ts';
import { placeBelow, placeBelowNow } from '../../files/confine.ts';
import { cannotWrite } from '../../files/writable.ts';
import type { Failures } from '../failures.ts';
import { endsAll } from '../failures.ts';
import type { FarFile } from '../fetching.ts';
import type { FetchOptions } from './fetch-options.ts';
import { Meter, type FetchResult } from '../progress.ts';
import type { Range } from '../../files/ranges.ts';
import { lengthOf, merged, readJournal } from '../../files/ranges.ts';

/** What nobody came back for in this time goes. */
const staleMs = limits.incomingDays * 24 * 3600_000;

/** The worker tells the hash of every file. */
export interface RemoteFile extends FarFile {
  sha256: string;
}

/** One file that is not here, and what of it lies in its part. */
export interface Download {
  file: RemoteFile;
  have: readonly Range[];
}

/**
 * `.runpod-trainer/incoming` below the folder that a fetch writes into, on the same disk as the final places: parts of
 * large files under their sha256, which a later fetch goes on with, and small files until they are verified.
 */
export class LocalIncoming {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(into: string): Promise<LocalIncoming> {
    const incoming = new LocalIncoming(path.dirname(await placeBelow(into, '.runpod-trainer/incoming/x')));
    await incoming.#sweep();
    return incoming;
  }

  part(file: RemoteFile): string {
    // Of the same content under two names each has its own part, for both may move at a time.
    const name = createHash('sha256').update(file.path).digest('hex').slice(0, 16);
    return path.join(this.folder, `${file.sha256}-${name}.part`);
  }

  journal(file: RemoteFile): string {
    return `${this.part(file)}.ranges`;
  }

  /** Which bytes of the file are here. */
  async have(file: RemoteFile): Promise<Range[]> {
    const stats = await stat(this.part(file)).catch(() => undefined);
    const text = await readFile(this.journal(file), 'utf8').catch(() => '');
    return stats?.isFile() === true ? merged(readJournal(text), Math.min(stats.size, file.size)) : [];
  }

  async discard(file: RemoteFile): Promise<void> {
    await rm(this.part(file), { force: true });
    await rm(this.journal(file), { force: true });
  }

  /** Removes the folders when nothing is left in them. */
  async close(): Promise<void> {
    await rmdir(this.folder).catch(() => undefined);
    await rmdir(path.dirname(this.folder)).catch(() => undefined);
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const file = path.join(this.folder, name);
      const age = await stat(file).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > staleMs) {
        await rm(file, { recursive: true, force: true });
      }
    }
  }
}

/** What a fetch has reached, shared by its streams and ranges. */
export class Downloads {
  readonly options: FetchOptions;
  readonly incoming: LocalIncoming;
  readonly result: FetchResult;
  readonly #into: string;
  readonly #names: ReadonlyMap<string, string>;
  readonly #placed = new Map<string, string>();
  readonly #failures: Failures;
  readonly #meter: Meter;
  readonly #known = new Set<string>();

  constructor(
    options: FetchOptions,
    place: { into: string; incoming: LocalIncoming },
    downloads: readonly Download[],
    /** `names`: what the files are called here. `twins`: so many come without being sent. */
    {
      failures,
      result,
      names,
      twins,
    }: { failures: Failures; result: FetchResult; names: ReadonlyMap<string, string>; twins: number },
  ) {
    this.options = options;
    this.incoming = place.incoming;
    this.result = result;
    this.#into = place.into;
    this.#failures = failures;
    this.#names = names;
    const total = downloads.reduce((sum, { file, have }) => sum + file.size - lengthOf(have), 0);
    this.#meter = new Meter(downloads.length + twins, total, options.onProgress);
  }

  moved(file: RemoteFile, bytes: number): void {
    this.result.bytes += bytes;
    this.#meter.moved(file.path, bytes);
  }

  /** Gives a complete and verified file its name and the time that it has on the pod. */
  place(file: RemoteFile, temporary: string): void {
    utimesSync(temporary, file.modified, file.modified);
    const name = this.#names.get(file.path) ?? file.path;
    const place = placeBelowNow(this.#into, name, this.#known);
    renameSync(temporary, place);
    this.#placed.set(file.path, place);
    this.result.files += 1;
    this.options.onHere?.(name, file.sha256);
    this.#meter.done(file.path);
  }

  /** Where a file lies that has come. */
  placed(file: RemoteFile): string | undefined {
    return this.#placed.get(file.path);
  }

  /** Notes what is wrong with one file; throws what ends all. */
  fail(file: RemoteFile, error: unknown): void {
    if (endsAll(error)) {
      throw error;
    }
    const closed = cannotWrite(this.#into, error);
    if (closed !== undefined) {
      throw closed;
    }
    this.#failures.add(file.path, error);
  }
}

export function mismatch(file: RemoteFile, seen: string): UserError {
  return new UserError('fetch-mismatch', {
    what: 'It changed on the pod while it was fetched, or arrived damaged.',
    why: `Expected sha256 ${file.sha256}, got ${seen}.`,
    next: 'Fetch again.',
  });
}

/** Removes a file that is of no use; it is not there any more when its folder is gone. */
export function drop(file: string): void {
  rmSync(file, { force: true });
}
