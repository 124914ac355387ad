import { roughly } from '../../words/index.ts';
import { helperUse, type HelperUse } from '../../journal/helper-use.ts';
import type { HelperPod } from '../../journal/helpers.ts';
import { jobOfName, jobVariable, podPrefix, projectVariable, helperName } from '../../journal/id.ts';
import { podsOf } from '../../pods/of-job.ts';
import { isBeingPrepared, type JobRecord } from '../../journal/records.ts';
import type { JobState } from '../../journal/state.ts';
import type { Endpoint, Pod } from '../../runpod/schemas.ts';
import type { HelperOf, Needed, Owner, OwnerJob } from './types.ts';

/** What is known of who needs a pod or endpoint. */
export interface Need {
  owner: Owner;
  job?: OwnerJob;
  helper?: HelperOf;
  needed: Needed;
  /** Why it is not needed any more, or what is odd about it. */
  reason?: string;
}

/** Where to look for the job of something: the records of this computer, and the jobs on its volume, newest first. */
export interface Known {
  records: readonly JobRecord[];
  helpers: readonly HelperPod[];
  onVolume: readonly JobState[];
  at: Date;
}

/** Compares a pod with the records; of several jobs that had it the newest counts. */
export function needOf(pod: Pod, { records, helpers, onVolume, at }: Known): Need {
  const helper = helperUse(pod, helpers);
  const record = records.find((r) => r.job === helper?.job || podsOf(r, [pod]).length > 0);
  if (helper?.isOwn === true) {
    return ofHelper(helper, record);
  }
  if (record !== undefined) {
    return ofRecord(pod, record);
  }
  if (helper !== undefined) {
    return ofElsewhere(pod, helper);
  }
  const named = namedBy(pod);
  if (!named.ours) {
    return { owner: 'unknown', needed: 'unknown' };
  }
  // A pod that goes on to a later job keeps the name of the first.
  const state = onVolume.find((s) => s.podId === pod.id) ?? onVolume.find((s) => s.job === named.job);
  return state === undefined
    ? { owner: 'other-machine', ...unreadJob(named), needed: 'unknown' }
    : { owner: 'other-machine', job: jobOf(state), ...useOnPod(pod, state, at) };
}

/** What something says of itself by its name and environment, and whether this product made it. */
export function namedBy({ name, env }: Pick<Pod | Endpoint, 'name' | 'env'>): {
  ours: boolean;
  job: string | undefined;
  project: string | null;
} {
  const job = env[jobVariable] ?? jobOfName(name);
  const project = env[projectVariable] ?? null;
  return { ours: name.startsWith(podPrefix) || job !== undefined || project !== null, job, project };
}

export function unreadJob({ job, project }: { job: string | undefined; project: string | null }): { job?: OwnerJob } {
  return job === undefined ? {} : { job: { id: job, project, state: null, recordTime: null } };
}

export function jobOf(state: JobState): OwnerJob {
  return { id: state.job, project: state.project, state: state.status, recordTime: timeOf(state) };
}

function timeOf({ finished, updated }: JobState): string {
  return finished ?? updated;
}

/** What the job's own state on the volume says of whether it needs what was made for it. */
export function useByState(state: JobState, at: Date): Pick<Need, 'needed' | 'reason'> {
  const since = Math.max(0, at.getTime() - Date.parse(timeOf(state)));
  const ago = roughly(since / 1000);
  if (state.status !== 'running') {
    const ended = `Its job has ended (${state.status}) ${ago} ago.`;
    return since < fetchMs
      ? { needed: 'unknown', reason: `${ended} Its results may be on their way to another computer.` }
      : { needed: 'no', reason: ended };
  }
  // The worker writes every few seconds.
  return since < recentMs
    ? { needed: 'yes' }
    : { needed: 'unknown', reason: `Its job ran when it was last heard of, ${ago} ago.` };
}

function useOnPod(pod: Pod, state: JobState, at: Date): Pick<Need, 'needed' | 'reason'> {
  if (pod.name === helperName(state.job) && state.podId !== pod.id) {
    return { needed: 'unknown', reason: 'It was rented to fetch results, which another computer may be at.' };
  }
  if (typeof state.podId === 'string' && state.podId !== pod.id) {
    return { needed: 'unknown', reason: 'Its job ran on another pod.' };
  }
  return useByState(state, at);
}

const leftReason =
  'The program that worked with it was ended, so nobody does any more; it ends itself within a quarter of an hour.';

/** A helper whose client lives no more ends itself within a quarter of an hour, so one that is there is in use. */
function ofElsewhere({ name, env }: Pick<Pod, 'name' | 'env'>, { purpose, project }: HelperUse): Need {
  const job = unreadJob(namedBy({ name, env }));
  return { owner: 'other-machine', ...job, helper: { purpose, project }, needed: 'unknown' };
}

function ofHelper(use: HelperUse, record: JobRecord | undefined): Need {
  const needed = use.atWork;
  const reason =
    needed === 'yes'
      ? {}
      : { reason: needed === 'no' ? leftReason : 'Whether the program that rented it is still there is not known.' };
  if (record !== undefined) {
    const state = needed === 'no' ? 'left while fetching' : 'fetching';
    const job = { id: record.job, project: record.project, state, recordTime: record.updated };
    return { owner: 'job', job, helper: { purpose: use.purpose, project: use.project }, needed, ...reason };
  }
  return { owner: 'helper', helper: { purpose: use.purpose, project: use.project }, needed, ...reason };
}

function ofRecord(pod: Pod, record: JobRecord): Need {
  const { state, needed, reason } = useOf(pod, record);
  return {
    owner: 'job',
    job: { id: record.job, project: record.project, state, recordTime: record.updated },
    needed,
    ...(reason !== undefined && { reason }),
  };
}

function useOf(pod: Pod, record: JobRecord): { state: string } & Pick<Need, 'needed' | 'reason'> {
  if (record.pod !== undefined && record.pod.id !== pod.id) {
    const reason = 'It was rented to fetch results, and the program that did it is gone.';
    return { state: 'fetching', needed: isAtWork(record) ? 'yes' : 'unknown', ...(!isAtWork(record) && { reason }) };
  }
  return useByRecord(record);
}

/** What this computer's record says of whether the job needs what was made for it. */
export function useByRecord(record: JobRecord): { state: string } & Pick<Need, 'needed' | 'reason'> {
  const { outcome, phase, onFinish } = record;
  if (outcome !== undefined) {
    const kept = onFinish === 'keep' ? ' The project asks to keep its pod.' : '';
    // A client may be bringing the results home right now.
    const needed = phase === 'fetch' || phase === 'end' ? 'unknown' : 'no';
    return { state: outcome, needed, reason: `Its job has ended (${outcome}).${kept}` };
  }
  if (phase === 'done') {
    return { state: 'not started', needed: 'no', reason: 'Its job never ran on it.' };
  }
  if (phase === 'run' || phase === 'fetch' || phase === 'end') {
    return { state: 'running', needed: 'yes' };
  }
  const prepared = isBeingPrepared(record);
  if (prepared !== 'no') {
    return { state: `being prepared (${phase})`, needed: prepared };
  }
  return {
    state: `left while in "${phase}"`,
    needed: 'no',
    reason: 'The program that prepared its job was ended before the job ran.',
  };
}

/** Whether the record was written so lately that a client is probably at it. */
function isAtWork(record: JobRecord): boolean {
  return Date.now() - Date.parse(record.updated) < recentMs;
}

const recentMs = 10 * 60_000;
/** So long a finished job's pod may wait for its results to be fetched. */
const fetchMs = 30 * 60_000;
