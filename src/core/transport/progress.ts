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
