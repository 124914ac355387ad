import { UserError } from '../../errors.ts';
import { SshError } from '../../ssh/index.ts';
import type { Failures } from '../failures.ts';
import type { HashedFile } from '../../files/hash.ts';
import { Meter } from '../progress.ts';
import type { PushOptions } from './push-options.ts';
import type { Range } from '../../files/ranges.ts';
import { lengthOf } from '../../files/ranges.ts';
import { fullVolume } from './volume-full.ts';

/** What is left to send of one content. */
export interface Upload {
  file: HashedFile;
  /** What of it lies at the far end. */
  have: readonly Range[];
}

/** What a push has reached, shared by its streams and ranges. Content counts, not names: the same travels once. */
export class Uploads {
  /** Content that lies complete at the far end. */
  readonly arrived = new Set<string>();
  readonly options: PushOptions;
  /** The folder at the far end where uploads lie. */
  readonly incoming: string;
  bytes = 0;
  readonly #failures: Failures;
  readonly #paths = new Map<string, string[]>();
  readonly #meter: Meter;

  constructor(options: PushOptions, needed: readonly HashedFile[], uploads: readonly Upload[], failures: Failures) {
    this.options = options;
    this.incoming = `${options.root}/.runpod-trainer/incoming`;
    this.#failures = failures;
    for (const { path, sha256 } of needed) {
      this.#paths.set(sha256, [...(this.#paths.get(sha256) ?? []), path]);
    }
    const total = uploads.reduce((sum, { file, have }) => sum + file.size - lengthOf(have), 0);
    this.#meter = new Meter(uploads.length, total, options.onProgress);
  }

  moved(file: HashedFile, bytes: number): void {
    this.bytes += bytes;
    this.#meter.moved(file.path, bytes);
  }

  done(file: HashedFile): void {
    this.arrived.add(file.sha256);
    this.#meter.done(file.path);
  }

  /** Notes why the content is not there, for each name that wanted it. */
  fail(file: HashedFile, error: unknown): void {
    for (const path of this.#paths.get(file.sha256) ?? [file.path]) {
      this.#failures.add(path, error);
    }
  }

  /** The reason behind a failed write, which the file protocol does not tell. */
  async cause(error: unknown): Promise<unknown> {
    if (!(error instanceof SshError) || error.code !== 'ssh-sftp') {
      return error;
    }
    return (await fullVolume(this.options, this.incoming, this.options.signal)) ?? error;
  }
}

export function isFull(error: unknown): error is UserError {
  return error instanceof UserError && error.code === 'volume-full';
}
