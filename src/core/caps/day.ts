import { join } from 'node:path';
import { takeLock, type LockOptions } from '../files/lock.ts';
import type { Installation } from '../home/installation.ts';
import { projectVariable } from '../journal/id.ts';
import { JobJournals } from '../journal/job-journals.ts';
import type { JobRecord, JobRecords } from '../journal/records.ts';
import type { Project } from '../project/schema.ts';
import type { RunPodClient } from '../runpod/client.ts';
import { dayLeft, wholeDay, type DayLeft } from './cap.ts';
import { spanOf, within, type PodKnown } from './span.ts';

/** What tells of jobs and their pods. */
export type CostSource = Pick<Installation, 'restUrl'> & { client: RunPodClient; records: JobRecords };

/**
 * What the caps of the day leave of it, by the jobs that this computer started and by the project's pods of other
 * computers that are there now. Asks nobody when the project has no such cap.
 * @throws UserError `cap-day` when nothing is left.
 */
export async function leftToday(
  source: CostSource,
  project: Pick<Project, 'name' | 'caps'>,
  signal?: AbortSignal,
): Promise<DayLeft> {
  const { caps } = project;
  return caps.dollarsPerDay === undefined && caps.hoursPerDay === undefined
    ? wholeDay
    : dayLeft(caps, await usedToday(source, project.name, signal));
}

/** What is left of the day for a job that is being started, and nobody else's until `release`. */
export interface DayTaken {
  left: DayLeft;
  /** May be called again. */
  release: () => Promise<void>;
}

/**
 * The same for a start: until its pod is rented and noted in its record, other starts of the project on this computer
 * wait, so that no two are given the same money.
 * @throws UserError `cap-day` when nothing is left, CancelledError.
 */
export async function takeDay(
  source: CostSource & Pick<Installation, 'home'>,
  project: Pick<Project, 'name' | 'caps'>,
  options: LockOptions = {},
): Promise<DayTaken> {
  const { dollarsPerDay, hoursPerDay } = project.caps;
  if (dollarsPerDay === undefined && hoursPerDay === undefined) {
    return { left: wholeDay, release: () => Promise.resolve() };
  }
  const release = await takeLock(join(source.home, 'locks', `day-${project.name}`), options);
  try {
    return { left: await leftToday(source, project, options.signal), release };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * USD and hours of a project's pods since local midnight. A job that runs counts with the most that it was promised, so
 * that two jobs cannot be given the same money. Of another computer's job nobody here knows the promise: its pod counts
 * with what it has come to so far, while it is there.
 */
export async function usedToday(
  { client, records, restUrl }: CostSource,
  project: string,
  signal?: AbortSignal,
): Promise<{ dollars: number; hours: number }> {
  const own = (await records.list()).filter((r) => r.project === project && r.restUrl === restUrl);
  const pods = await client.pods.list(signal);
  const there = pods.filter((p) => p.status !== 'TERMINATED');
  const now = new Date();
  const used = await usedOf(records, own, new Set(there.map((p) => p.id)), now);
  const known = new Set(own.map((r) => r.pod?.id));
  for (const pod of there.filter((p) => p.env[projectVariable] === project && !known.has(p.id))) {
    const begun = Math.max(Date.parse(pod.createdAt ?? pod.startedAt ?? now.toISOString()), midnightOf(now).getTime());
    const hours = Math.max(0, now.getTime() - begun) / 3_600_000;
    used.hours += hours;
    used.dollars += hours * (pod.cost ?? 0);
  }
  return used;
}

/** The same of these jobs, on the day of `now`; `alive` are the ids of pods that exist. */
export async function usedOf(
  records: JobRecords,
  jobs: readonly JobRecord[],
  alive: Set<string>,
  now: Date,
): Promise<{ dollars: number; hours: number }> {
  const midnight = midnightOf(now);
  let dollars = 0;
  let hours = 0;
  for (const record of jobs.filter((r) => r.podEnded === undefined || Date.parse(r.podEnded) >= midnight.getTime())) {
    const known = await knownOf(records, record, alive);
    const span = spanOf(record, known, now);
    if (span === undefined || record.pod === undefined) {
      continue;
    }
    const used = within(span, record.pod.costPerHour, midnight, now);
    const promise = known.running === true ? (record.cap ?? record.reserved) : undefined;
    dollars += Math.max(used.dollars, promise?.mostDollars ?? 0);
    hours += Math.max(used.hours, hoursUntil(promise?.stopsBy, span.from, midnight));
  }
  return { dollars, hours };
}

/** Hours of the day that begins at `midnight` in which a pod is promised to be there; 0 without a promise. */
function hoursUntil(stopsBy: string | null | undefined, from: Date, midnight: Date): number {
  if (stopsBy == null) {
    return 0;
  }
  const next = new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() + 1);
  const end = Math.min(Date.parse(stopsBy), next.getTime());
  return Math.max(0, end - Math.max(from.getTime(), midnight.getTime())) / 3_600_000;
}

function midnightOf(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate());
}

/** What is known of a job's pod; its journal is read only where the record does not tell its end. */
export async function knownOf(
  records: JobRecords,
  record: JobRecord,
  alive: Set<string> | undefined,
): Promise<PodKnown> {
  const id = record.pod?.id;
  const running = id === undefined || alive === undefined ? undefined : alive.has(id) && record.podEnded === undefined;
  const span = spanOf(record, { running });
  if (
    running === true ||
    (span !== undefined && span.basis === 'meter' && record.podEnded !== undefined && span.seconds > 0)
  ) {
    return { running };
  }
  const journals = new JobJournals(records, record);
  await journals.read();
  const { finished, seconds, watchdog } = journals.view;
  // Only a journal of a pod tells of a keeper.
  return watchdog === undefined ? { running } : { running, finished, jobSeconds: seconds };
}
