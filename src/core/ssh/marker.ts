import { randomBytes } from 'node:crypto';

/** What is kept of the noise, for people. */
const noiseKept = 2048;
/** A shell that prints more than this before a command begins prints without end. */
const noiseAllowed = 16 * 1024 * 1024;

/** A line that nobody can have printed before. */
export const newMarker = (): string => `runpod-trainer-${randomBytes(12).toString('hex')}`;

/** Shell text that prints the marker, which is `$0` there, on a line of its own to both outputs. */
export const printMarker = `printf '\\n%s\\n' "$0"; printf '\\n%s\\n' "$0" >&2`;

/**
 * One output of a far command from its marker on. What stands before it the login shell printed on its way: an image's
 * `.bashrc`, `/etc/bash.bashrc`, `BASH_ENV`, `~/.ssh/rc`. A trace of the shell may hold the marker too, but never as a line.
 */
export class AfterMarker {
  readonly #line: Buffer;
  #rest = Buffer.alloc(0);
  #noise = Buffer.alloc(0);
  #dropped = 0;
  #seen = false;

  constructor(marker: string) {
    this.#line = Buffer.from(`\n${marker}\n`);
  }

  get seen(): boolean {
    return this.#seen;
  }

  /** Whether more came than any greeting has. */
  get endless(): boolean {
    return this.#dropped > noiseAllowed;
  }

  /** The last that came before the marker, as text. */
  get noise(): string {
    return Buffer.concat([this.#noise, this.#seen ? Buffer.alloc(0) : this.#rest])
      .toString('utf8')
      .trim();
  }

  /** Takes the next bytes; answers those that are the command's. */
  take(chunk: Buffer): Buffer {
    if (this.#seen) {
      return chunk;
    }
    const bytes = Buffer.concat([this.#rest, chunk]);
    const at = bytes.indexOf(this.#line);
    const noise = bytes.subarray(0, at < 0 ? Math.max(0, bytes.length - this.#line.length + 1) : at);
    this.#dropped += noise.length;
    this.#noise = Buffer.concat([this.#noise, noise]).subarray(-noiseKept);
    this.#seen = at >= 0;
    this.#rest = at < 0 ? bytes.subarray(noise.length) : Buffer.alloc(0);
    return at < 0 ? Buffer.alloc(0) : bytes.subarray(at + this.#line.length);
  }
}
