import { duration } from './duration.ts';

/** When a job and its pod began and ended, in ms since 1970. */
export interface JobTimes {
  /** When the first step began, by the clock of the machine that ran it. */
  started?: number | undefined;
  /** How long the job took on the pod, as the worker counted; there once it has ended. */
  seconds?: number | undefined;
  /** What its steps took together, without what is between them; there once it has ended. */
  steps?: number | undefined;
  /** Whether the job goes on. */
  goesOn: boolean;
  /** Its pod, from the moment it was rented; without `until` nobody has seen it end. */
  pod?: { since: number; until?: number | undefined } | undefined;
}

/** Seconds that a job took so far; undefined before the first one and where nobody saw the last one end. */
export function jobSeconds({ started, seconds, goesOn }: JobTimes, now: number): number | undefined {
  return seconds ?? (goesOn && started !== undefined ? Math.max(0, (now - started) / 1000) : undefined);
}

/** Seconds that the pod was paid for so far; undefined without a pod and where nobody saw it end. */
export function podSeconds({ pod, goesOn }: JobTimes, now: number): number | undefined {
  const until = pod?.until ?? (goesOn ? now : undefined);
  return pod === undefined || until === undefined ? undefined : Math.max(0, (until - pod.since) / 1000);
}

/**
 * The lengths of a job with what they are of: `job 12 min 3 s, steps 11 min 50 s, pod 14 min 20 s`. The job goes from its
 * first step to its end, its steps are without what is between them, the pod is what is paid for, from its rent to its end.
 */
export function jobTimeText(times: JobTimes, now: number): string {
  return jobTimeParts(times, now).join(', ');
}

/** The same for where only one of them has room: the job's own comes first. */
export function jobTimeParts(times: JobTimes, now: number): string[] {
  const [job, pod] = [jobSeconds(times, now), podSeconds(times, now)];
  const { steps } = times;
  const isOther = job !== undefined && steps !== undefined && duration(steps) !== duration(job);
  return [
    ...(job === undefined ? [] : [`job ${duration(job)}`]),
    ...(isOther ? [`steps ${duration(steps)}`] : []),
    ...(pod === undefined ? [] : [`pod ${duration(pod)}`]),
  ];
}
