// Without a package: the start of a window reads it.
import type { JobRecord } from './record.ts';

/** Whether all of the job's results are on this machine. */
export function isHome({ fetched, notHome }: Pick<JobRecord, 'fetched' | 'notHome'>): boolean {
  return fetched !== undefined && notHome === undefined;
}

/** What of an ended job's results should be on this machine and is not. */
export function missingResults(
  record: Pick<JobRecord, 'fetch' | 'fetched' | 'notHome' | 'outcome' | 'phase' | 'remote'>,
): Omit<NonNullable<JobRecord['notHome']>, 'time'> | undefined {
  const { fetch, fetched, notHome, outcome, phase, remote } = record;
  if (outcome === undefined || remote === undefined) {
    return undefined;
  }
  const isUnfetched = outcome === 'succeeded' && phase === 'done' && fetched === undefined && fetch.length > 0;
  return notHome ?? (isUnfetched ? { why: 'Nobody has fetched them.', count: 0, left: [] } : undefined);
}

/** Whether fetching again may bring what is missing. */
export function mayComeLater(missing: ReturnType<typeof missingResults>): boolean {
  return missing !== undefined && (missing.count === 0 || missing.left.some(({ again }) => again === true));
}
