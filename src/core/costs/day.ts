import type { Installation } from '../installation.ts';
import { JobJournals } from '../jobs/journals.ts';
import type { JobRecord, JobRecords } from '../jobs/records.ts';
import type { Project } from '../project/schema.ts';
import type { RunPodClient } from '../runpod/client.ts';
import { dayLeft, wholeDay, type DayLeft } from './cap.ts';
import { spanOf, within, type PodKnown } from './span.ts';

/** What tells of jobs and their pods. */
export type CostSource = Pick<Installation, 'restUrl'> & { client: RunPodClient; records: JobRecords };

/**
 * What the caps of the day leave of it, by the jobs that this computer started and that have not given their money back.
 * Asks nobody when the project has no such cap.
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

/**
 * USD and hours of a project's pods since local midnight. A job that runs counts with the most that it was promised to
 * cost, so that two jobs cannot be given the same money.
 */
export async function usedToday(
  { client, records, restUrl }: CostSource,
  project: string,
  signal?: AbortSignal,
): Promise<{ dollars: number; hours: number }> {
  const own = (await records.list()).filter((r) => r.project === project && r.restUrl === restUrl);
  const pods = await client.pods.list(signal);
  const alive = new Set(pods.filter((p) => p.status !== 'TERMINATED').map((p) => p.id));
  return usedOf(records, own, alive, new Date());
}

/** The same of these jobs, on the day of `now`; `alive` are the ids of pods that exist. */
export async function usedOf(
  records: JobRecords,
  jobs: readonly JobRecord[],
  alive: Set<string>,
  now: Date,
): Promise<{ dollars: number; hours: number }> {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  let dollars = 0;
  let hours = 0;
  for (const record of jobs.filter((r) => r.podEnded === undefined || Date.parse(r.podEnded) >= midnight.getTime())) {
    const known = await knownOf(records, record, alive);
    const span = spanOf(record, known, now);
    if (span === undefined || record.pod === undefined) {
      continue;
    }
    const used = within(span, record.pod.costPerHour, midnight, now);
    dollars += known.running === true ? Math.max(used.dollars, record.cap?.mostDollars ?? 0) : used.dollars;
    hours += used.hours;
  }
  return { dollars, hours };
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
  // Only a journal of a pod tells of a watchdog.
  return watchdog === undefined ? { running } : { running, finished, jobSeconds: seconds };
}
