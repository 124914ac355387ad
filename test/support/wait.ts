import { setTimeout } from 'node:timers/promises';

/** Looks every 20 ms until `look` answers something else than undefined or false; rejects after `timeoutMs`. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) {
      return seen;
    }
    if (performance.now() > end) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    }
    await setTimeout(20);
  }
}
