import { open } from 'node:fs/promises';
import { podName } from './id.ts';
import { JournalReader } from './reader.ts';
import type { JobRecord, JobRecords } from './records.ts';

/** The newest so many jobs are looked at. */
const jobsRead = 200;
/** The first event is in the first bytes; a journal that does not have it there is not ours. */
const headBytes = 64 * 1024;
/** A longer time is no boot: the computer slept, or a clock was set. */
const longestSeconds = 2 * 3600;

/** A pod's boot as the records of this computer tell it. */
export interface Boot {
  dataCenter: string;
  seconds: number;
}

/** Boot times of this computer's jobs against one API: from the moment of renting to the first event of the worker. */
export async function recordedBoots(records: JobRecords, restUrl: string): Promise<Boot[]> {
  const all = (await records.list()).filter((r) => r.restUrl === restUrl && wasRented(r)).slice(0, jobsRead);
  const boots = await Promise.all(all.map((record) => bootOf(records, record)));
  return boots.filter((b) => b !== undefined);
}

/** A pod that an earlier job had is there already, so it tells nothing about booting. */
function wasRented(record: JobRecord): boolean {
  return record.volume !== undefined && record.pod?.name === podName(record.job);
}

async function bootOf(records: JobRecords, record: JobRecord): Promise<Boot | undefined> {
  const head = await headOf(records.journalFile(record.job));
  const [first] = new JournalReader().push(head);
  if (first?.type !== 'job.started' || record.pod === undefined || record.volume === undefined) {
    return undefined;
  }
  const seconds = (Date.parse(first.time) - Date.parse(record.pod.created)) / 1000;
  const fits = seconds >= 0 && seconds <= longestSeconds;
  return fits ? { dataCenter: record.volume.dataCenter, seconds } : undefined;
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) {
    return Buffer.alloc(0);
  }
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Seconds from renting a pod to its job at work, upload included, by the jobs of this computer. */
export interface BootHistory {
  median: number;
  count: number;
}

/** Median and number of boots by data center. */
export function bootHistory(boots: readonly Boot[]): Map<string, BootHistory> {
  const groups = new Map<string, number[]>();
  for (const { dataCenter, seconds } of boots) {
    groups.set(dataCenter, [...(groups.get(dataCenter) ?? []), seconds]);
  }
  return new Map([...groups].map(([id, all]) => [id, { median: medianOf(all), count: all.length }]));
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
