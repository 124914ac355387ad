/** Waiting between attempts: pure arithmetic on answers, no clock and no timers of its own. */

export interface RetryLimits {
  /** Attempts in all, the first included. */
  attempts: number;
  /** Delay before the second attempt, in ms; doubles each time. */
  baseMs: number;
  /** Longest computed delay between two attempts, in ms. */
  maxDelayMs: number;
  /** Longest delay that is accepted from a server, in ms; a longer one fails at once and is told to the user. */
  maxServerDelayMs: number;
}

export const defaultRetryLimits: RetryLimits = {
  attempts: 5,
  baseMs: 500,
  maxDelayMs: 20_000,
  maxServerDelayMs: 90_000,
};

/** What one attempt came to. `status` is undefined when no answer arrived. */
export interface Attempt {
  /** Counted from 1. */
  number: number;
  status: number | undefined;
  headers: Readonly<Record<string, string | undefined>>;
  /** True when repeating the request cannot do anything twice. */
  repeatable: boolean;
  /** True when something else answered in the place of an API that has answered before. */
  stray?: boolean;
}

/** Exponential delay with jitter, in ms: between half and all of `base * 2^(attempt - 1)`, capped. */
export function backoffMs(attempt: number, random: number, limits: RetryLimits = defaultRetryLimits): number {
  const full = Math.min(limits.maxDelayMs, limits.baseMs * 2 ** (attempt - 1));
  return Math.round(full * (0.5 + random / 2));
}

/**
 * Reads a `Retry-After` header: whole seconds or an HTTP date.
 * @returns ms to wait from `now` (never negative), or undefined when the header says nothing usable.
 */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) {
    return Number(text) * 1000;
  }
  // Every HTTP date names its weekday; without this check Date.parse would accept numbers such as "1.5".
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** One window of a `RateLimit` header. */
export interface RateWindow {
  name: string;
  remaining: number;
  resetMs: number;
}

/** Reads `"minute";r=0;t=12, "hour";r=2800;t=1812`; members it does not understand are left out. */
export function rateWindows(value: string | undefined): RateWindow[] {
  return (value ?? '').split(',').flatMap((member) => {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim());
    const numberOf = (key: string) => {
      const text = parameters.find((p) => p.startsWith(`${key}=`))?.slice(key.length + 1);
      return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
    };
    const remaining = numberOf('r');
    const reset = numberOf('t');
    return remaining === undefined || reset === undefined
      ? []
      : [{ name: name.replaceAll('"', ''), remaining, resetMs: reset * 1000 }];
  });
}

/** Ms until every exhausted window has reset; 0 when requests are left in all of them. */
export function exhaustedMs(value: string | undefined): number {
  return Math.max(0, ...rateWindows(value).map((w) => (w.remaining === 0 ? w.resetMs : 0)));
}

/** What the server asked for, in ms, or undefined when it asked for nothing. */
export function serverDelayMs(headers: Attempt['headers'], now: number): number | undefined {
  const asked = retryAfterMs(headers['retry-after'], now);
  if (asked !== undefined) {
    return asked;
  }
  const exhausted = exhaustedMs(headers.ratelimit);
  return exhausted > 0 ? exhausted : undefined;
}

/**
 * Decides whether a failed attempt is repeated.
 * 429 is repeated for every request, because the server did nothing; 5xx, lost and stray answers only where repeating
 * is harmless; every other status never.
 * @returns ms to wait before the next attempt, or undefined to give up.
 */
export function nextDelayMs(
  attempt: Attempt,
  now: number,
  random: number,
  limits: RetryLimits = defaultRetryLimits,
): number | undefined {
  const { status, stray = false } = attempt;
  const transient = status === undefined || status >= 500 || stray;
  if (attempt.number >= limits.attempts || !(status === 429 || (transient && attempt.repeatable))) {
    return undefined;
  }
  const computed = backoffMs(attempt.number, random, limits);
  const asked = status === undefined ? undefined : serverDelayMs(attempt.headers, now);
  if (asked === undefined) {
    return computed;
  }
  // A little jitter on top, so that several windows do not come back in the same instant.
  return asked > limits.maxServerDelayMs ? undefined : asked + Math.round(random * limits.baseMs);
}
