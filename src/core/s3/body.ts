import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { onDisk } from './errors.ts';

const chunkBytes = 256 * 1024;

export interface FileRangeOptions {
  handle: FileHandle;
  /** First byte and number of bytes. */
  start: number;
  length: number;
  /** What is signed for the content: its lower-case hex sha256, or `UNSIGNED-PAYLOAD`. */
  payloadHash: string;
  /** The sha256 that the content must have; the last bytes are only given away when it has. */
  sha256?: string | undefined;
  /** The error for content that is not as announced. */
  changed: () => Error;
  onBytes: (bytes: number) => void;
}

/** A part of an open file as the body of a request; the handle stays open. Holds one chunk at a time. */
export class FileRange extends Readable {
  readonly payloadHash: string;
  /** Bytes given away so far. */
  given = 0;
  readonly #options: FileRangeOptions;
  readonly #hash: Hash | undefined;

  constructor(options: FileRangeOptions) {
    super({ highWaterMark: chunkBytes });
    this.payloadHash = options.payloadHash;
    this.#options = options;
    this.#hash = options.sha256 === undefined ? undefined : createHash('sha256');
  }

  override _read(): void {
    this.#next().catch((error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))));
  }

  async #next(): Promise<void> {
    const { handle, start, length, sha256, changed, onBytes } = this.#options;
    const left = length - this.given;
    if (left === 0) {
      this.push(null);
      return;
    }
    const buffer = Buffer.allocUnsafe(Math.min(left, chunkBytes));
    const { bytesRead } = await onDisk(handle.read(buffer, 0, buffer.length, start + this.given));
    if (this.destroyed) {
      return;
    }
    const chunk = buffer.subarray(0, bytesRead);
    this.#hash?.update(chunk);
    if (bytesRead === 0 || (bytesRead === left && this.#hash !== undefined && this.#hash.digest('hex') !== sha256)) {
      throw changed();
    }
    this.given += bytesRead;
    onBytes(bytesRead);
    this.push(chunk);
  }
}
