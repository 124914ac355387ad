import type { RateLimits } from './options.ts';
import { Problem } from './problem.ts';

const windows = [
  { name: 'minute', seconds: 60 },
  { name: 'hour', seconds: 3600 },
  { name: 'day', seconds: 86_400 },
] as const;

/** Fixed windows per user (all keys of the sandbox are one user's). */
export class RateLimiter {
  #limits: RateLimits;
  readonly #used = { minute: 0, hour: 0, day: 0 };
  readonly #since = { minute: 0, hour: 0, day: 0 };

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** Replaces quotas and forgets what was used. */
  set(limits: Partial<RateLimits>): void {
    this.#limits = { ...this.#limits, ...limits };
    for (const { name } of windows) this.#used[name] = 0;
  }

  /** Counts one request. Throws 429 when a window is spent; the counted state is in `headers()`. */
  count(now: number): void {
    for (const { name, seconds } of windows) {
      if (now - this.#since[name] >= seconds * 1000) {
        this.#since[name] = now;
        this.#used[name] = 0;
      }
    }
    for (const { name, seconds } of windows) {
      if (this.#used[name] >= this.#limits[name]) {
        const wait = Math.max(1, Math.ceil((this.#since[name] + seconds * 1000 - now) / 1000));
        throw new Problem(429, `rate limit exceeded for the ${name} window`, {
          headers: { 'Retry-After': String(wait) },
        });
      }
    }
    for (const { name } of windows) this.#used[name] += 1;
  }

  /** `RateLimit` and `RateLimit-Policy` as structured-field lists. */
  headers(now: number): Record<string, string> {
    const state = windows.map(({ name, seconds }) => {
      const left = Math.max(0, Math.ceil((this.#since[name] + seconds * 1000 - now) / 1000));
      return `"${name}";r=${String(Math.max(0, this.#limits[name] - this.#used[name]))};t=${String(left)}`;
    });
    const policy = windows.map(({ name, seconds }) => `"${name}";q=${String(this.#limits[name])};w=${String(seconds)}`);
    return { RateLimit: state.join(', '), 'RateLimit-Policy': policy.join(', ') };
  }
}
