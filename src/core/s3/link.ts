import { setTimeout as sleep } from 'node:timers/promises';
import type * as Library from '@aws-sdk/client-s3';
import packageJson from '../../../package.json' with { type: 'json' };
import { CancelledError, throwIfCancelled, UserError } from '../errors.ts';
import { defaultRetryLimits, nextDelayMs } from '../runpod/backoff.ts';
import type { S3Access } from './access.ts';
import { FileRange } from './body.ts';
import { DiskFailure, failureOf, retryStatus, s3Error, type Failure } from './errors.ts';

export type Sdk = typeof Library;

/** How long to wait for what; all in milliseconds but `attempts`. */
export interface S3Timing {
  /** Attempts of a request in all. */
  attempts: number;
  /** Delay before the second attempt; doubles each time up to `maxDelayMs`. */
  baseMs: number;
  maxDelayMs: number;
  /** An attempt by which no byte moved for so long is given up. */
  quietMs: number;
  /** Least patience with the completion of a large file, and what each GB adds to it. */
  completeMs: number;
  completeMsPerGb: number;
  /** Pause before a listing that ran in a circle is asked for again; doubles each time. */
  listPauseMs: number;
}

export const defaultTiming: S3Timing = {
  attempts: 10,
  baseMs: 500,
  maxDelayMs: 20_000,
  quietMs: 120_000,
  completeMs: 60_000,
  completeMsPerGb: 5000,
  listPauseMs: 1000,
};

export interface Attempt {
  sdk: Sdk;
  client: Library.S3Client;
  bucket: string;
  /** Ends the attempt; to be given to every request of it. */
  signal: AbortSignal;
  /** To be called when bytes move. */
  alive: () => void;
  /** Ends the attempt with this reason. */
  fail: (reason: Error) => void;
}

export interface Call<T> {
  /** What is to be done, for errors: "upload data/a.bin". */
  what: string;
  signal?: AbortSignal | undefined;
  /** Instead of those of the timing. */
  attempts?: number | undefined;
  quietMs?: number | undefined;
  /** One attempt. A UserError that it throws is final. */
  once: (attempt: Attempt) => Promise<T>;
}

/**
 * Requests to one volume's S3 side, with the one way in which they are repeated: the client library's own repetition is
 * off, for it cannot send a stream again. The library is loaded with the first request.
 */
export class S3Link {
  readonly bucket: string;
  readonly endpoint: string;
  readonly timing: S3Timing;
  readonly #access: S3Access;
  #open: Promise<{ sdk: Sdk; client: Library.S3Client }> | undefined;
  /** Whether the keys have opened something already, so that a refusal may be a passing one. */
  #proven = false;

  constructor(access: S3Access, bucket: string, timing: Partial<S3Timing> = {}) {
    this.#access = access;
    this.bucket = bucket;
    this.endpoint = access.endpoint;
    this.timing = { ...defaultTiming, ...timing };
  }

  /** Rejects with S3Error, CancelledError, what an attempt threw as UserError, or as the disk of this machine did. */
  async call<T>(call: Call<T>): Promise<T> {
    for (let number = 1; ; number += 1) {
      throwIfCancelled(call.signal);
      const watch = new Watch(call.quietMs ?? this.timing.quietMs, call.signal);
      try {
        const { sdk, client } = await (this.#open ??= this.#connect());
        const { signal } = watch;
        const alive = (): void => watch.alive();
        const fail = (reason: Error): void => watch.fail(reason);
        const result = await call.once({ sdk, client, bucket: this.bucket, signal, alive, fail });
        this.#proven = true;
        return result;
      } catch (thrown) {
        throwIfCancelled(call.signal);
        const error = watch.reason ?? thrown;
        if (error instanceof UserError || error instanceof CancelledError) {
          throw error;
        }
        if (error instanceof DiskFailure) {
          throw error.cause;
        }
        const failure = failureOf(error);
        const delay = this.#delay(failure, number, call.attempts ?? this.timing.attempts);
        if (delay === undefined) {
          throw s3Error(failure, call.what, this.endpoint);
        }
        await pause(delay, call.signal);
      } finally {
        watch.end();
      }
    }
  }

  async close(): Promise<void> {
    const opening = this.#open;
    this.#open = undefined;
    await opening?.then(
      ({ client }) => client.destroy(),
      () => undefined,
    );
  }

  #delay(failure: Failure, number: number, attempts: number): number | undefined {
    const { baseMs, maxDelayMs } = this.timing;
    const skewed = failure.code === 'RequestTimeTooSkewed';
    const flickers = skewed || (failure.status === 403 && this.#proven);
    if (flickers && number > 2) {
      return undefined;
    }
    const status = flickers ? 503 : retryStatus(failure);
    const limits = { ...defaultRetryLimits, attempts, baseMs, maxDelayMs };
    return nextDelayMs(
      { number, status, headers: failure.headers, repeatable: true },
      Date.now(),
      Math.random(),
      limits,
    );
  }

  async #connect(): Promise<{ sdk: Sdk; client: Library.S3Client }> {
    const sdk = await import('@aws-sdk/client-s3');
    const { endpoint, region, accessKeyId, secretAccessKey } = this.#access;
    const sockets = { keepAlive: true, maxSockets: 64, noDelay: true };
    const client = new sdk.S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // It would cost a round trip for every part.
      expectContinueHeader: false,
      maxAttempts: 1,
      logger: silent,
      followRegionRedirects: false,
      customUserAgent: [[packageJson.name, packageJson.version]],
      requestHandler: { connectionTimeout: 10_000, httpAgent: sockets, httpsAgent: sockets },
    });
    client.middlewareStack.add(
      (next) => (args) => {
        const { Body } = args.input as { Body?: unknown };
        const request = args.request as { path: string; headers: Record<string, string> };
        if (Body instanceof FileRange) {
          request.headers['x-amz-content-sha256'] = Body.payloadHash;
        }
        // The library ends the path of a bucket with a slash, which not every service signs as it was sent.
        if (request.path.endsWith(`/${this.bucket}/`)) {
          request.path = request.path.slice(0, -1);
        }
        return next(args);
      },
      { step: 'build', name: 'asServicesExpect' },
    );
    return { sdk, client };
  }
}

/** The library would otherwise write to the console of whatever it runs in. */
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {
  // Errors are thrown too.
}

/** Ends an attempt when the caller says so, or when nothing has moved for `quietMs`. */
class Watch {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#controller.abort();
  reason: Error | undefined;

  constructor(quietMs: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    outer?.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = setTimeout(() => {
      this.fail(Object.assign(new Error(`nothing moved for ${quietMs} ms`), { code: 'ETIMEDOUT' }));
    }, quietMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  alive(): void {
    this.#timer.refresh();
  }

  fail(reason: Error): void {
    this.reason ??= reason;
    this.#controller.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onAbort);
  }
}

/** Waits; rejects with CancelledError when the signal says so. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw new CancelledError();
  });
}
