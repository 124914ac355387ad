import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { CancelledError, messageOf, throwIfCancelled, UserError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { takeLock } from '../files/lock.ts';
import { parseJson } from '../json.ts';

/** A failure is passed on for this long at most, in ms: what is down may be up again. */
const failureMs = 60_000;
/** Answers of accounts and sandboxes that nobody asked about for so long are removed, in ms. */
const forgottenMs = 7 * 86_400_000;

const failureSchema = z.object({
  code: z.string(),
  what: z.string(),
  why: z.string().optional(),
  next: z.string().optional(),
});
const noteSchema = z.object({
  schema: z.literal(1),
  /** When somebody began to ask, in ms since 1970. */
  at: z.number(),
  answer: z.unknown().optional(),
  failure: failureSchema.optional(),
});
type Note = z.infer<typeof noteSchema>;

export interface Seen<T> {
  value: T;
  /** When somebody began to ask for it. */
  seen: Date;
  /** Whether it was asked for by this call. */
  asked: boolean;
}

/** Names an account without telling its key. */
export function accountName(restUrl: string, apiKey: string): string {
  return createHash('sha256').update(`${restUrl}\n${apiKey}`).digest('hex').slice(0, 32);
}

/**
 * A question about an account that all programs of this machine ask together: one of them asks, the others read what it
 * was told. Whoever needs a newer answer than the one that lies in the home asks, one at a time; when that one dies, the
 * next who needs an answer asks. So it does not matter how many windows are open. The caller sees to it that an answer
 * holds no secret.
 */
export class SharedLook<T> {
  readonly #folder: string;
  readonly #file: string;
  readonly #fitting: (answer: unknown) => T | undefined;
  readonly #now: () => number;

  /**
   * @param account as `accountName` makes it
   * @param fitting the answer as it lay in the file; undefined where it is none
   */
  constructor(
    { home, account, question }: { home: string; account: string; question: string },
    fitting: (answer: unknown) => T | undefined,
    now: () => number = Date.now,
  ) {
    this.#folder = join(home, 'looks');
    this.#file = join(this.#folder, `${account}-${question}.json`);
    this.#fitting = fitting;
    this.#now = now;
  }

  /** An answer that is not older than this. Rejects as the question did, also where somebody else has asked it. */
  async get(
    maxAgeMs: number,
    ask: (signal: AbortSignal | undefined) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<Seen<T>> {
    const began = this.#now();
    const known = this.#told(await this.#read(), maxAgeMs);
    if (known !== undefined) {
      return known;
    }
    const release = await takeLock(`${this.#file}.lock`, { signal }).catch((error: unknown) => {
      if (error instanceof CancelledError) {
        throw error;
      }
      // Without a home that can be written to every window asks for itself.
      return undefined;
    });
    try {
      // Who had the lock before may have asked after this call began.
      const meanwhile = this.#told(await this.#read(), Math.max(maxAgeMs, this.#now() - began));
      return meanwhile ?? (await this.#ask(ask, signal));
    } finally {
      await release?.();
    }
  }

  async #ask(ask: (signal: AbortSignal | undefined) => Promise<T>, signal: AbortSignal | undefined): Promise<Seen<T>> {
    throwIfCancelled(signal);
    const at = this.#now();
    try {
      const value = await ask(signal);
      await this.#write({ schema: 1, at, answer: value });
      return { value, seen: new Date(at), asked: true };
    } catch (error) {
      if (!(error instanceof CancelledError) && signal?.aborted !== true) {
        const { code, what, why, next } =
          error instanceof UserError
            ? error
            : { code: 'shared-look', what: messageOf(error), why: undefined, next: undefined };
        await this.#write({ schema: 1, at, failure: { code, what, why, next } });
      }
      throw error;
    }
  }

  #told(note: Note | undefined, maxAgeMs: number): Seen<T> | undefined {
    const age = note === undefined ? Infinity : this.#now() - note.at;
    // A clock that was set back makes answers of the future, which nobody can tell the age of.
    if (note === undefined || age < 0 || age >= maxAgeMs) {
      return undefined;
    }
    if (note.failure !== undefined) {
      if (age >= failureMs) {
        return undefined;
      }
      const { code, ...words } = note.failure;
      throw new UserError(code, words);
    }
    const value = this.#fitting(note.answer);
    return value === undefined ? undefined : { value, seen: new Date(note.at), asked: false };
  }

  async #read(): Promise<Note | undefined> {
    const text = await readIfThere(this.#file).catch(() => undefined);
    return text === undefined ? undefined : noteSchema.safeParse(parseJson(text)).data;
  }

  async #write(note: Note): Promise<void> {
    const isNew = (await stat(this.#file).catch(() => undefined)) === undefined;
    await writeFileAtomic(this.#file, JSON.stringify(note)).catch(() => undefined);
    if (isNew) {
      await this.#forgetOld().catch(() => undefined);
    }
  }

  async #forgetOld(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (this.#now() - (await stat(path)).mtimeMs > forgottenMs) {
        await rm(path, { force: true });
      }
    }
  }
}
