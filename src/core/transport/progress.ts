export interface TransferProgress {
  /** The file that moves now, relative to the project. */
  file: string;
  files: number;
  filesTotal: number;
  bytes: number;
  bytesTotal: number;
}

const everyMs = 100;

/** Counts what moved and tells it at most ten times a second, and at the end. */
export class Meter {
  readonly #tell: ((progress: TransferProgress) => void) | undefined;
  readonly #progress: TransferProgress;
  #told = -Infinity;

  constructor(filesTotal: number, bytesTotal: number, tell: ((progress: TransferProgress) => void) | undefined) {
    this.#progress = { file: '', files: 0, filesTotal, bytes: 0, bytesTotal };
    this.#tell = tell;
  }

  moved(file: string, bytes: number): void {
    this.#progress.file = file;
    this.#progress.bytes += bytes;
    this.#report(false);
  }

  done(file: string): void {
    this.#progress.file = file;
    this.#progress.files += 1;
    this.#report(this.#progress.files === this.#progress.filesTotal);
  }

  #report(always: boolean): void {
    const now = performance.now();
    if (always || now - this.#told >= everyMs) {
      this.#told = now;
      this.#tell?.({ ...this.#progress });
    }
  }
}

export interface PushResult {
  /** Files that were put in place, and the bytes that had to be sent for them. */
  sent: number;
  bytes: number;
  unchanged: number;
  /** Files that were replaced although somebody had changed them at the far end; absent when there are none. */
  overwritten?: string[];
}

export interface FetchResult {
  /** Files that were written, and their bytes. */
  files: number;
  bytes: number;
  /** Files that were here already, as they should be. */
  unchanged: number;
  /** What was asked for and did not come, with the reasons. */
  left: Left[];
  /** Patterns that mean nothing of what is there. */
  unmatched: string[];
}

/** A name at the far end that did not come, and why, as a sentence. */
export interface Left {
  path: string;
  reason: string;
  /** Fetching again may help: it went wrong on its way. */
  again?: true;
  /** Nothing is there that could come: it is a link that leads to nothing. */
  nothing?: true;
}

const windowMs = 5000;
/** A rate over less time than this jumps about. */
const leastMs = 500;

/** At first what is there already is counted at once; that is no pace. */
const settleMs = 300;

export interface PaceNow {
  /** Over the last few seconds; undefined until there is one. */
  bytesPerSecond: number | undefined;
  /** Undefined while nobody can say. */
  secondsLeft: number | undefined;
}

/** How fast a transfer is, and how long it may still take. */
export class Pace {
  #samples: { ms: number; bytes: number }[] = [];
  #begun: number | undefined;

  /** Takes in how far the transfer is; `ms` is any clock that does not jump. */
  at(bytes: number, bytesTotal: number, ms = performance.now()): PaceNow {
    this.#begun ??= ms;
    const before = ms - this.#begun < settleMs ? [] : this.#samples.filter((sample) => ms - sample.ms <= windowMs);
    this.#samples = [...before, { ms, bytes }];
    const first = this.#samples[0] ?? { ms, bytes };
    const elapsed = ms - first.ms;
    if (elapsed < leastMs) {
      return { bytesPerSecond: undefined, secondsLeft: undefined };
    }
    // Bytes of an attempt that came to nothing are taken back.
    const bytesPerSecond = (Math.max(0, bytes - first.bytes) / elapsed) * 1000;
    const left = Math.max(0, bytesTotal - bytes);
    return { bytesPerSecond, secondsLeft: bytesPerSecond === 0 ? undefined : left / bytesPerSecond };
  }
}
