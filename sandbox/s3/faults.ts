import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation } from './operations.ts';
import { Refusal } from './refusal.ts';

/** Selects requests; an omitted field means any. */
export interface S3Filter {
  operation?: Operation | readonly Operation[];
  /** Tested against the key, '' for requests of a volume. */
  key?: RegExp;
  /** How often; default: until `restore`. */
  times?: number;
  /** Only every n-th of the selected requests, the n-th first. */
  every?: number;
}

export interface S3Seen {
  operation: Operation;
  key: string;
}

interface Failure {
  status: number;
  code?: string;
  message?: string;
}

interface Cut {
  /** Bytes of a body that pass before the connection is reset. */
  bytes: number;
  /** `up`: of the request's body; `down`: of the answer's. */
  direction: 'up' | 'down';
}

interface Ending {
  /** Bytes of the answer's body that are sent. */
  bytes: number;
  /** Whether the answer hides it: no Content-Length, and an orderly end. */
  silent?: boolean;
}

/** What one request meets. */
export interface S3Weather {
  /** Answered instead of carrying out. */
  before: Refusal | undefined;
  /** Answered after carrying out. */
  after: Refusal | undefined;
  lost: boolean;
  cut: Cut | undefined;
  ending: Ending | undefined;
  /** Waits as long as the request is held back. */
  held: () => Promise<void>;
}

class Rules<T> {
  readonly #list: (S3Filter & { left: number; seen: number; value: T })[] = [];

  add(filter: S3Filter, value: T): void {
    this.#list.push({ ...filter, left: filter.times ?? Infinity, seen: 0, value });
  }

  /** What the first rule that applies to the request says. */
  take({ operation, key }: S3Seen): T | undefined {
    for (const rule of this.#list) {
      const { operation: wanted = operation } = rule;
      const selected = wanted === operation || (Array.isArray(wanted) && wanted.includes(operation));
      if (!selected || rule.left <= 0 || !(rule.key?.test(key) ?? true)) continue;
      rule.seen += 1;
      if (rule.seen % (rule.every ?? 1) !== 0) continue;
      rule.left -= 1;
      return rule.value;
    }
    return undefined;
  }

  clear(): void {
    this.#list.length = 0;
  }
}

const whole = ['PutObject', 'CopyObject', 'CompleteMultipartUpload'] as const;
const sending = ['PutObject', 'UploadPart'] as const;

const usual = {
  limits: { put: 500_000_000, part: 500_000_000 },
  unsignedPayloads: true,
  trailers: false,
  repeatedTokens: true,
};

/** What requests of the S3 API meet, switched on and off by tests. */
export class S3Faults {
  /** Bodies that are taken: PutObject below `put` bytes, UploadPart up to `part`. More is answered 413. */
  limits = { ...usual.limits };
  /** Whether `UNSIGNED-PAYLOAD` is taken. */
  unsignedPayloads = usual.unsignedPayloads;
  /** Whether `aws-chunked` bodies with a trailing checksum are taken. */
  trailers = usual.trailers;
  /** Whether a recursive listing repeats its continuation token beyond 1000 keys, as the platform's does. */
  repeatedTokens = usual.repeatedTokens;
  readonly #failures = new Rules<Failure>();
  readonly #lateFailures = new Rules<Failure>();
  readonly #lost = new Rules<true>();
  readonly #waits = new Rules<number>();
  readonly #cuts = new Rules<Cut>();
  readonly #dice: { filter: Rules<true>; next: () => number | undefined }[] = [];
  readonly #endings = new Rules<Ending>();
  readonly #capacities = new Map<string, number>();
  #slowFolders: { files: number; ms: number } | undefined;
  #held = 0;
  /** Ends the waits of requests that are held back. */
  #patience = new AbortController();

  /** Selected requests are refused with this status, undone. 502 and 52x come from a proxy, in HTML. */
  fail(status: number, how: S3Filter & { code?: string; message?: string } = {}): void {
    this.#failures.add(how, { status, ...how });
  }

  /** Selected requests are carried out and answered with this status: 524 is a proxy that lost its patience. */
  failAfter(status: number, how: S3Filter & { code?: string; message?: string } = {}): void {
    this.#lateFailures.add(how, { status, ...how });
  }

  /** Selected uploads (PutObject, CompleteMultipartUpload, CopyObject) are answered 200, and nothing is kept. */
  lose(how: S3Filter = {}): void {
    this.#lost.add({ operation: whole, ...how }, true);
  }

  /** Holds selected requests back for so many ms; they are carried out even when nobody waits for the answer. */
  slow(ms: number, how: S3Filter = {}): void {
    this.#waits.add(how, ms);
  }

  /** Resets the connection of selected uploads or downloads after so many bytes of the body. */
  cut(how: S3Filter & Cut): void {
    this.#cuts.add(
      { operation: how.direction === 'up' ? sending : 'GetObject', ...how },
      { bytes: how.bytes, direction: how.direction },
    );
  }

  /**
   * Resets uploads and downloads at random, the same way for the same seed and order of requests.
   *
   * @param how.probability of a cut, 0 to 1
   * @param how.bytes a cut comes within so many bytes of the body
   */
  cutRandomly(seed: number, how: S3Filter & { probability: number; bytes: number }): void {
    const filter = new Rules<true>();
    filter.add({ operation: [...sending, 'GetObject'], ...how }, true);
    const random = randomOf(seed);
    const next = (): number | undefined => {
      const [chance, place] = [random(), random()];
      return chance < how.probability ? Math.floor(place * how.bytes) : undefined;
    };
    this.#dice.push({ filter, next });
  }

  /** Answers of GetObject end after so many bytes, with status 200. */
  endEarly(how: S3Filter & Ending): void {
    this.#endings.add(
      { operation: 'GetObject', ...how },
      { bytes: how.bytes, ...(how.silent !== undefined && { silent: how.silent }) },
    );
  }

  /** Gives a volume room for so many bytes instead of its size; undefined ends that. Uploads beyond are 507. */
  limit(volume: string, bytes: number | undefined): void {
    if (bytes === undefined) this.#capacities.delete(volume);
    else this.#capacities.set(volume, bytes);
  }

  /** Listings that begin in a folder of more than `files` entries (10,000) take so many ms longer. */
  slowFolders(ms: number, files = 10_000): void {
    this.#slowFolders = { files, ms };
  }

  /** Ends all of it; requests that are held back go on. */
  restore(): void {
    this.#patience.abort();
    this.#patience = new AbortController();
    this.limits = { ...usual.limits };
    this.unsignedPayloads = usual.unsignedPayloads;
    this.trailers = usual.trailers;
    this.repeatedTokens = usual.repeatedTokens;
    for (const rules of [this.#failures, this.#lateFailures, this.#lost, this.#waits, this.#cuts, this.#endings]) {
      rules.clear();
    }
    this.#dice.length = 0;
    this.#capacities.clear();
    this.#slowFolders = undefined;
  }

  /** What this request meets; counts it. */
  meet(seen: S3Seen): S3Weather {
    const wait = this.#waits.take(seen) ?? 0;
    const direction = seen.operation === 'GetObject' ? 'down' : 'up';
    const bytes = this.#dice.find(({ filter }) => filter.take(seen))?.next();
    return {
      before: refusalOf(this.#failures.take(seen)),
      after: refusalOf(this.#lateFailures.take(seen)),
      lost: this.#lost.take(seen) ?? false,
      cut: this.#cuts.take(seen) ?? (bytes === undefined ? undefined : { bytes, direction }),
      ending: this.#endings.take(seen),
      held: async () => {
        if (wait > 0) await this.#wait(wait);
      },
    };
  }

  /** Bytes that a volume of this size holds at the moment. */
  capacity(volume: string, size: number): number {
    return this.#capacities.get(volume) ?? size;
  }

  /** Waits where a folder is too big to be listed quickly. */
  async listing(entries: () => Promise<number>): Promise<void> {
    if (this.#slowFolders !== undefined && (await entries()) > this.#slowFolders.files) {
      await this.#wait(this.#slowFolders.ms);
    }
  }

  /** Requests that are held back at this moment. */
  get held(): number {
    return this.#held;
  }

  async #wait(ms: number): Promise<void> {
    this.#held += 1;
    await sleep(ms, undefined, { signal: this.#patience.signal }).catch(() => undefined);
    this.#held -= 1;
  }
}

const codes: Record<number, string> = {
  400: 'InvalidRequest',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  413: 'EntityTooLarge',
  500: 'InternalError',
  503: 'SlowDown',
  507: 'InsufficientStorage',
};

function refusalOf(failure: Failure | undefined): Refusal | undefined {
  if (failure === undefined) return undefined;
  const { status, code = codes[status] ?? 'InternalError', message = 'The service is not available.' } = failure;
  return new Refusal(status, code, message);
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
