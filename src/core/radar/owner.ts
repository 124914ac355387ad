import { jobVariable, podPrefix, projectVariable } from '../jobs/id.ts';
import { podsOf } from '../jobs/pods.ts';
import { isBeingPrepared, type JobRecord } from '../jobs/records.ts';
import type { Pod } from '../runpod/schemas.ts';
import type { PodJob, PodOwner } from './types.ts';

/** What the records of this computer say about a pod. */
export interface Standing {
  owner: PodOwner;
  job?: PodJob;
  /** Whether its job still needs it: yes, no, or nobody here can say. */
  needed: 'yes' | 'no' | 'unknown';
  /** Why it is not needed any more. */
  reason?: string;
}

/** Compares a pod with the records; of several jobs that had it the newest counts. */
export function standingOf(pod: Pod, records: readonly JobRecord[]): Standing {
  const record = records.find((r) => podsOf(r, [pod]).length > 0);
  if (record !== undefined) {
    return ofRecord(pod, record);
  }
  const job = pod.env[jobVariable] ?? jobOfName(pod.name);
  const project = pod.env[projectVariable] ?? null;
  if (!pod.name.startsWith(podPrefix) && job === undefined) {
    return { owner: 'unknown', needed: 'unknown' };
  }
  return {
    owner: 'other-machine',
    ...(job !== undefined && { job: { id: job, project, state: null, recordTime: null } }),
    needed: 'unknown',
  };
}

/** A job's id ends with the time of its start and four letters. */
function jobOfName(name: string): string | undefined {
  return new RegExp(`^${podPrefix}(.+-\\d{8}-\\d{6}-[a-z0-9]{4})(?:-|$)`).exec(name)?.[1];
}

function ofRecord(pod: Pod, record: JobRecord): Standing {
  const { state, needed, reason } = useOf(pod, record);
  return {
    owner: 'job',
    job: { id: record.job, project: record.project, state, recordTime: record.updated },
    needed,
    ...(reason !== undefined && { reason }),
  };
}

function useOf(pod: Pod, record: JobRecord): { state: string } & Pick<Standing, 'needed' | 'reason'> {
  const { outcome, phase, onFinish } = record;
  if (record.pod !== undefined && record.pod.id !== pod.id) {
    const reason = 'It was rented to fetch results, and the program that did it is gone.';
    return { state: 'fetching', needed: isAtWork(record) ? 'yes' : 'unknown', ...(!isAtWork(record) && { reason }) };
  }
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
  if (isBeingPrepared(record)) {
    return { state: `being prepared (${phase})`, needed: 'yes' };
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
