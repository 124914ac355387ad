import { dayOf, isPaid, soFar, spent, stretchesOf } from '../../core/caps/stretches.ts';
import type { HelperPod } from '../../core/journal/helpers.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import { clock, count, priced, pricePerHour, roughly, spentText } from '../../core/words/index.ts';
import type { ListState } from '../common/polled-list.ts';
import type { JobSummary } from '../jobs/history.ts';
import { describeJob, groupOf } from '../jobs/job-nodes.ts';
import { describePod, labelOf, workOn } from '../pods/pod-nodes.ts';

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
  /** Pods that run without a job of ours on them, and that carry nothing. */
  idle: Pod[];
  /** What the others that are of no job's steps are at work for, by the pod's id. */
  works: ReadonlyMap<string, string>;
}

/** A job is written down right after its pod was granted, so a pod this young is not called idle. */
const graceMs = 60_000;
/** A cap nears when less than this part of its time is left. */
const nearCap = 0.1;

/** Pods that cost by the hour, jobs that go on, and the pods among them that nobody uses. */
export function runningNow(
  pods: readonly Pod[],
  jobs: readonly JobSummary[],
  helpers: readonly HelperPod[],
  now: Date,
): RunningNow {
  const alive = pods.filter(isPaid);
  const works = new Map(
    alive.flatMap((pod) => {
      const work = workOn(pod, helpers);
      return work === undefined ? [] : [[pod.id, work]];
    }),
  );
  const busy = jobs.filter((job) => job.phase !== 'done');
  const used = new Set(busy.map((job) => job.pod?.id));
  const age = (pod: Pod): number => now.getTime() - Date.parse(pod.startedAt ?? pod.createdAt ?? now.toISOString());
  return {
    pods: alive,
    jobs: busy.filter((job) => groupOf(job) === 'running'),
    idle: alive.filter(
      (pod) => pod.status === 'RUNNING' && !used.has(pod.id) && !works.has(pod.id) && age(pod) > graceMs,
    ),
    works,
  };
}

/** Says what runs and what it costs, from what the lists know already. */
export function runningStatus(
  { pods, jobs, helpers }: { pods: ListState<Pod>; jobs: readonly JobSummary[]; helpers: readonly HelperPod[] },
  free: boolean,
  now = new Date(),
): RunningStatus | undefined {
  const listed = pods.items ?? [];
  const running = runningNow(listed, jobs, helpers, now);
  const stretches = soFar(
    stretchesOf({ jobs: jobs.flatMap(({ facts }) => facts ?? []), helpers, listed: pods.items, now }),
  );
  const { dollars, mostDollars } = spent(stretches, dayOf(now));
  const today = spentText(dollars, mostDollars);
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
  const money = priced([...rate, `${today} today`].join(' · '), free);
  return {
    text: `$(circuit-board) ${[what, money, ...stale].join(' · ')}`,
    tooltip: [
      ...running.jobs.map((job) => `${job.project}: ${describeJob(job, now)}`),
      ...running.pods.map((pod) => {
        const work = running.works.get(pod.id);
        return `Pod ${labelOf(pod)}: ${work === undefined ? '' : `${work} · `}${describePod(pod, now, free)}`;
      }),
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
