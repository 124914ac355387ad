import { CancelledError } from '../errors.ts';
import { FileRange } from './body.ts';
import type { Attempt } from './link.ts';
import { sourceChanged, type OpenSource } from './source.ts';

export interface UploadLimits {
  /** Files below this many bytes go in one request. */
  singleBytes: number;
  /** Bytes of a part; more where a file would have over 10,000 of them. */
  partBytes: number;
  /** Parts of one file under way at a time. */
  lanes: number;
  /** Whether the content's hash is signed; without it https alone guards the content on its way. */
  signPayload: boolean;
}

export const defaultUploadLimits: UploadLimits = {
  singleBytes: 64_000_000,
  // Field reports: 8 MB parts get lost by the thousand, 200 MB parts are refused.
  partBytes: 50 * 1024 * 1024,
  lanes: 4,
  signPayload: true,
};

export interface UploadOptions {
  signal?: AbortSignal | undefined;
  /** Bytes that went, negative for those of an attempt that came to nothing; the sum ends at the file's size. */
  onBytes?: ((bytes: number) => void) | undefined;
  /** Folder for the journal by which a large upload goes on after a crash; without it, it starts anew. */
  journal?: string | undefined;
}

/** Counts what goes on the wire. */
export class Tally {
  sent = 0;
  #net = 0;
  readonly #tell: ((bytes: number) => void) | undefined;

  constructor(tell: ((bytes: number) => void) | undefined) {
    this.#tell = tell;
  }

  given(bytes: number): void {
    this.sent += bytes;
    this.adjust(bytes);
  }

  /** For bytes that need not go, or, negative, that went in vain. */
  adjust(bytes: number): void {
    this.#net += bytes;
    if (bytes !== 0) {
      this.#tell?.(bytes);
    }
  }

  /** All that went was in vain. */
  restart(): void {
    this.adjust(-this.#net);
  }
}

interface RangeToSend<T> {
  open: OpenSource;
  start: number;
  length: number;
  payloadHash: string;
  /** Checked while it goes, when given. */
  sha256: string | undefined;
  tally: Tally;
  send: (body: FileRange) => Promise<T>;
}

/** One attempt to send a range of the file as the body of a request. */
export async function sendRange<T>(attempt: Attempt, range: RangeToSend<T>): Promise<T> {
  const { open, start, length, payloadHash, sha256, tally, send } = range;
  const body = new FileRange({
    handle: open.handle,
    start,
    length,
    payloadHash,
    sha256,
    changed: () => sourceChanged(open.source),
    onBytes: (bytes) => {
      attempt.alive();
      tally.given(bytes);
    },
  });
  body.once('error', (error) => attempt.fail(error));
  try {
    return await send(body);
  } catch (error) {
    tally.adjust(-body.given);
    // What the service refuses as damaged may be a file that changed under it.
    if (!(error instanceof CancelledError)) {
      await open.check();
    }
    throw error;
  } finally {
    body.destroy();
  }
}
