import type { UserError } from '../errors.ts';
import type { PodCaps } from './cap.ts';

/** Longest wait of a timer. */
const longestMs = 2 ** 31 - 1;

/** Stops the preparation of a job when its pod has cost what the cap allows, before a watchdog is there to do it. */
export class CapTimer {
  /** Aborts with the caller's signal, or at the cap. */
  readonly signal: AbortSignal;
  /** Why it aborted at the cap; undefined otherwise. */
  reason: UserError | undefined;
  readonly #limit = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal === undefined ? this.#limit.signal : AbortSignal.any([signal, this.#limit.signal]);
  }

  start(caps: PodCaps): void {
    this.stop();
    const left = caps.left();
    if (left === null) {
      return;
    }
    if (left <= 0) {
      this.reason = caps.spent();
      this.#limit.abort();
      return;
    }
    this.#timer = setTimeout(() => this.start(caps), Math.min(left * 1000, longestMs));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
