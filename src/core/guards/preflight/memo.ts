import { CancelledError, messageOf, throwIfCancelled, UserError } from '../../errors.ts';

/** A fact that cannot be had; the message is a sentence for people. */
export class UnknownFact extends Error {
  override readonly name = 'UnknownFact';
}

/** A sentence for why something could not be found out. */
export function unknownBecause(error: unknown): string {
  if (error instanceof UserError) {
    return [error.what, error.why].filter(Boolean).join(' ');
  }
  return messageOf(error);
}

/**
 * Facts by name, each fetched at most once, when it is first asked for, and within its own time. A fact that failed
 * fails the same way for everyone who asks.
 */
export class Memo {
  readonly #facts = new Map<string, Promise<unknown>>();
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  get<T>(name: string, limitMs: number, fetch: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#facts.get(name) as Promise<T> | undefined;
    if (known !== undefined) {
      return known;
    }
    const fact = this.#within(name, limitMs, fetch);
    this.#facts.set(name, fact);
    return fact;
  }

  async #within<T>(name: string, limitMs: number, fetch: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const deadline = AbortSignal.timeout(limitMs);
    const signal = this.#signal === undefined ? deadline : AbortSignal.any([this.#signal, deadline]);
    const late = (): Error =>
      this.#signal?.aborted === true
        ? new CancelledError()
        : new UnknownFact(`${name}: no answer within ${limitMs / 1000} s.`);
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(late());
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      throwIfCancelled(this.#signal);
      return await Promise.race([fetch(signal), aborted]);
    } catch (error) {
      throwIfCancelled(this.#signal);
      // What aborts because of the deadline reports a cancellation that nobody asked for.
      throw deadline.aborted ? late() : error;
    } finally {
      if (onAbort !== undefined) {
        signal.removeEventListener('abort', onAbort);
      }
    }
  }
}
