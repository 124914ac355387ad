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
  /** Files that were here already with the same content. */
  unchanged: number;
}
