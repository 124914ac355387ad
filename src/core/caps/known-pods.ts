import type { Installation } from '../home/installation.ts';
import { HelperPods } from '../journal/helpers.ts';
import { JobJournals } from '../journal/job-journals.ts';
import type { JobRecord, JobRecords } from '../journal/records.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { Pod } from '../runpod/schemas.ts';
import { isPaid, stretchesOf, youngMs, type JobFacts, type PodFacts } from './stretches.ts';

/** What tells of jobs and their pods. */
export type CostSource = Pick<Installation, 'home' | 'restUrl'> & { client: RunPodClient; records: JobRecords };

/** All that is known here of an account's pods. `listed` is what the API has just answered. */
export async function knownPods(
  { home, records, restUrl }: Pick<CostSource, 'home' | 'records' | 'restUrl'>,
  listed: readonly Pod[] | undefined,
  now = new Date(),
): Promise<PodFacts> {
  if (listed !== undefined) {
    await noteUnseenEnds({ home, records, restUrl }, listed, now);
  }
  const own = (await records.list()).filter((r) => r.restUrl === restUrl);
  const there = listed && new Set(listed.filter(isPaid).map(({ id }) => id));
  return {
    jobs: await Promise.all(own.map((record) => jobFacts(records, record, there))),
    helpers: await new HelperPods(home).list(restUrl),
    listed,
    now,
  };
}

/** Notes which pods are gone whose end nobody saw, so that what they can have cost at most does not grow. */
export async function noteUnseenEnds(
  { home, records, restUrl }: Pick<CostSource, 'home' | 'records' | 'restUrl'>,
  listed: readonly Pod[],
  now = new Date(),
): Promise<void> {
  const there = new Set(listed.filter(isPaid).map(({ id }) => id));
  const isGone = ({ id, created }: { id: string; created: string }): boolean =>
    !there.has(id) && now.getTime() - Date.parse(created) > youngMs;
  for (const { job, pod, podEnded, goneBy, restUrl: url } of await records.list()) {
    if (url === restUrl && pod !== undefined && podEnded === undefined && goneBy === undefined && isGone(pod)) {
      // A help for sums: what they are for is worth more.
      await records.change(job, { goneBy: now.toISOString() }).catch(() => undefined);
    }
  }
  const helpers = new HelperPods(home);
  for (const helper of await helpers.list(restUrl)) {
    if (helper.ended === undefined && helper.goneBy === undefined && isGone(helper)) {
      await helpers.noteGone(helper.id).catch(() => undefined);
    }
  }
}

/** What is known of a job's pod; its journal is read only where the record does not tell its end. */
async function jobFacts(
  records: JobRecords,
  record: JobRecord,
  there: ReadonlySet<string> | undefined,
): Promise<JobFacts> {
  const { pod, podEnded } = record;
  if (pod === undefined || there?.has(pod.id) === true) {
    return { record };
  }
  const [stretch] = stretchesOf({ jobs: [{ record }], helpers: [], listed: undefined, now: new Date() });
  if (podEnded !== undefined && stretch?.basis === 'seen' && stretch.until > stretch.from) {
    return { record };
  }
  const journals = new JobJournals(records, record);
  await journals.read();
  return factsOf(record, journals);
}

/** The same where the journals have been read. */
export function factsOf(record: JobRecord, { view, heard }: Pick<JobJournals, 'view' | 'heard'>): JobFacts {
  // Only a journal of a pod tells of a keeper.
  return view.watchdog === undefined
    ? { record, heard }
    : { record, finished: view.finished, jobSeconds: view.seconds, heard };
}
