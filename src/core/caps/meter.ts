import { JobJournals } from '../journal/job-journals.ts';
import type { HelperPod } from '../journal/helpers.ts';
import type { JobRecord } from '../journal/records.ts';
import { factsOf, type CostSource } from './known-pods.ts';
import { spent, stretchesOf, type JobFacts, type Stretch } from './stretches.ts';

/** What a job has cost, in USD. */
export interface CostReport {
  /** Its share of the pod by our own meter: price times time. */
  metered: number;
  /** Where nobody saw the end of the pod: `metered` is the least, and this the most. */
  atMost?: number;
  /** What RunPod has billed so far for that share; it lags, so it may be less or missing. */
  billed?: number;
}

/** What a job has cost; a pod that several jobs had is shared among them. A key without billing rights still gets the meter. */
export async function costOf(
  { client, records }: Pick<CostSource, 'client' | 'records'>,
  record: JobRecord,
  signal?: AbortSignal,
): Promise<CostReport> {
  const { pod } = record;
  if (pod === undefined) {
    return { metered: 0 };
  }
  const others = (await records.list()).filter((r) => r.job !== record.job && r.pod?.id === pod.id);
  const journals = new JobJournals(records, record);
  await journals.read(signal);
  const all = recorded([factsOf(record, journals), ...others.map((other) => ({ record: other }))]);
  const report = reportOf(all, record.job);
  try {
    const startTime = new Date(Math.min(...all.map(({ from }) => from))).toISOString();
    const bill = await client.billing.pods({ podId: pod.id, startTime, bucketSize: 'hour' }, signal);
    const whole = spent(all).seconds;
    const share = whole > 0 ? spent(ownOf(all, record.job)).seconds / whole : 1;
    return { ...report, billed: bill.totalAmount * share };
  } catch {
    return report;
  }
}

/** The same by the meter, of one job among what was on pods. */
export function reportOf(stretches: readonly Stretch[], job: string): CostReport {
  const own = ownOf(stretches, job);
  const { dollars, mostDollars } = spent(own);
  return { metered: dollars, ...(own.some(({ basis }) => basis === 'unseen') && { atMost: mostDollars }) };
}

function ownOf(stretches: readonly Stretch[], job: string): Stretch[] {
  return stretches.filter(({ use }) => use.of === 'job' && use.job === job);
}

/** What was on pods as this computer noted it, where nobody has asked which of them are there. */
export function recorded(jobs: readonly JobFacts[], helpers: readonly HelperPod[] = []): Stretch[] {
  return stretchesOf({ jobs, helpers, listed: undefined, now: new Date() });
}
