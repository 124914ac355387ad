import type { ClientOutcome } from '../core/journal/run-event.ts';

/** Exit codes of the command line; 0 only for success. */
export const exitCodes = {
  succeeded: 0,
  failed: 1,
  badInput: 2,
  lost: 3,
  cancelled: 4,
  /** The job succeeded, and not all of its results are here; of `fetch` alone also for other jobs. */
  notHome: 5,
  detached: 130,
} as const;

export function exitCodeOf(outcome: ClientOutcome): number {
  return outcome === 'unknown' ? exitCodes.lost : exitCodes[outcome];
}
