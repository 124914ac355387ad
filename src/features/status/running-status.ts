import { spentToday, type MeteredPod } from '../../core/caps/meter.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import { clock, count, dollars, priced, pricePerHour, roughly } from '../../core/words/index.ts';
import type { ListState } from '../common/polled-list.ts';
import type { JobSummary } from '../jobs/history.ts';
import { describeJob, groupOf } from '../jobs/job-nodes.ts';
import { describePod, labelOf } from '../pods/pod-nodes.ts';

/** What the status bar says; undefined when there is nothing to say. */
export interface RunningStatus {
  text: string;
  tooltip: string;
  /** Something idles, or a cap nears. */
  warning: boolean;
}

export interface RunningNow {
  pods: Pod[];
  jobs: JobSummary[];
  /** Pods that run without a job of ours on them. */
  idle: Pod[];
}

/** A job is written down right after its pod was granted, so a pod this young is not called idle. */
const graceMs = 60_000;
/** A helper pod for fetching belongs to no running job; it lives for some minutes. */
const helperMs = 15 * 60_000;
/** A cap nears when less than this part of its time is left. */
const nearCap = 0.1;

/** Pods that cost by the hour, jobs that go on, and the pods among them that nobody uses. */
export function runningNow(pods: readonly Pod[], jobs: readonly JobSummary[], now: Date): RunningNow {
  const alive = pods.filter((pod) => !['EXITED', 'TERMINATED'].includes(pod.status));
  const busy = jobs.filter((job) => job.phase !== 'done');
  const used = new Set(busy.map((job) => job.pod?.id));
  const age = (pod: Pod): number => now.getTime() - Date.parse(pod.startedAt ?? pod.createdAt ?? now.toISOString());
  return {
    pods: alive,
    jobs: busy.filter((job) => groupOf(job) === 'running'),
    idle: alive.filter(
      (pod) =>
        pod.status === 'RUNNING' && !used.has(pod.id) && age(pod) > (pod.name.endsWith('-fetch') ? helperMs : graceMs),
    ),
  };
}

/** Says what runs and what it costs, from what the lists know already. */
export function runningStatus(
  pods: ListState<Pod>,
  jobs: readonly JobSummary[],
  free: boolean,
  now = new Date(),
): RunningStatus | undefined {
  const listed = pods.items ?? [];
  const running = runningNow(listed, jobs, now);
  const today = spentToday(meteredPods(pods, jobs), now);
  if (running.pods.length === 0 && running.jobs.length === 0) {
    return undefined;
  }
  const prices = running.pods.map((pod) => pod.cost);
  const price = prices.includes(null) ? null : prices.reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
  const nears = running.jobs.filter((job) => capNears(job, now));
  const stale = pods.error !== undefined && pods.seen !== undefined ? [`last seen ${clock(pods.seen)}`] : [];
  const [what, rate] =
    running.pods.length === 0
      ? [count(running.jobs.length, 'job'), []]
      : [count(running.pods.length, 'pod'), [pricePerHour(price, false)]];
  const money = priced([...rate, `${dollars(today)} today`].join(' · '), free);
  return {
    text: `$(circuit-board) ${[what, money, ...stale].join(' · ')}`,
    tooltip: [
      ...running.jobs.map((job) => `${job.project}: ${describeJob(job, now)}`),
      ...running.pods.map((pod) => `Pod ${labelOf(pod)}: ${describePod(pod, now, free)}`),
      ...running.idle.map((pod) => `${labelOf(pod)} idles: no job runs on it (${pricePerHour(pod.cost, free)}).`),
      ...nears.map((job) => `${job.project} nears its cap: ${leftText(job, now)}.`),
      'Click to see what can be done.',
    ].join('\n'),
    warning: running.idle.length > 0 || nears.length > 0,
  };
}

function capNears(job: JobSummary, now: Date): boolean {
  const { watchdog, started, status } = job.view;
  if (status !== 'running' || typeof watchdog?.deadline !== 'string' || started === undefined) {
    return false;
  }
  const [end, begin] = [Date.parse(watchdog.deadline), Date.parse(started)];
  return end > begin && (end - now.getTime()) / (end - begin) < nearCap;
}

function leftText(job: JobSummary, now: Date): string {
  const seconds = (Date.parse(job.view.watchdog?.deadline ?? '') - now.getTime()) / 1000;
  return seconds > 0 ? `${roughly(seconds)} left` : 'its time is over';
}

/** Pods of the records, and those that only the list knows. One that is gone unseen is counted to its last sign of life. */
function meteredPods(pods: ListState<Pod>, jobs: readonly JobSummary[]): MeteredPod[] {
  const listed = new Set(pods.items?.map((pod) => pod.id));
  const recorded = jobs.flatMap((job): MeteredPod[] => {
    if (job.pod === undefined) {
      return [];
    }
    const gone = pods.items !== undefined && !listed.has(job.pod.id);
    const lastSign = job.view.finished ?? job.heard?.toISOString() ?? job.pod.created;
    return [{ ...job.pod, ended: job.pod.ended ?? (gone ? lastSign : undefined) }];
  });
  const known = new Set(recorded.map((pod) => pod.id));
  const others = (pods.items ?? []).flatMap((pod): MeteredPod[] => {
    const created = pod.createdAt ?? pod.startedAt;
    const counts = !known.has(pod.id) && created !== null && pod.cost !== null && pod.status === 'RUNNING';
    return counts ? [{ id: pod.id, created, costPerHour: pod.cost ?? 0 }] : [];
  });
  return [...recorded, ...others];
}
