import type { Pod } from '../runpod/schemas.ts';
import { podName } from './id.ts';
import type { JobRecord } from './records.ts';

/** Name of the small pod through which a job's results are fetched when its own is gone. */
export function helperName(job: string): string {
  return `${podName(job)}-fetch`;
}

/**
 * The pods among these that a job rented: the one its record names, one whose id a killed client had no time to write
 * down, and a helper for fetching that a killed client left.
 */
export function podsOf(record: JobRecord, pods: readonly Pod[]): Pod[] {
  const names = [podName(record.job), helperName(record.job)];
  return pods.filter((p) => p.status !== 'TERMINATED' && (p.id === record.pod?.id || names.includes(p.name)));
}
