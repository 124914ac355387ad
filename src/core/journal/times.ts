import type { JobTimes } from '../words/index.ts';
import type { JobRecord } from './records.ts';
import type { JobView } from './view.ts';

/** When a job and its pod began and ended, from its record and its journal: the same for every list and page. */
export function timesOf(
  {
    pod,
    podEnded,
    outcome,
    phase,
  }: Pick<JobRecord, 'podEnded' | 'outcome' | 'phase'> & { pod?: { created: string } | undefined },
  view: Pick<JobView, 'started' | 'seconds' | 'steps'>,
): JobTimes {
  const since = timeOf(pod?.created);
  return {
    started: timeOf(view.started),
    seconds: view.seconds,
    steps: view.seconds === undefined ? undefined : stepSeconds(view.steps),
    // After its steps the pod is still paid for, until it is ended.
    goesOn: phase !== 'done' && (outcome === undefined || podEnded === undefined),
    pod: since === undefined ? undefined : { since, until: timeOf(podEnded) },
  };
}

/** Of those on the pod; undefined where none told its time. */
function stepSeconds(steps: JobView['steps']): number | undefined {
  const told = steps.filter((s) => s.where === 'pod' && s.status !== 'skipped').flatMap((s) => s.seconds ?? []);
  return told.length === 0 ? undefined : told.reduce((sum, seconds) => sum + seconds, 0);
}

function timeOf(iso: string | undefined): number | undefined {
  const ms = iso === undefined ? NaN : Date.parse(iso);
  return ms >= 0 ? ms : undefined;
}
