import { pricePerHour } from '../words/index.ts';
import { isLoopback } from '../runpod/connection.ts';
import { limits } from '../contract.ts';
import { CancelledError, messageOf, throwIfCancelled, UserError } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import type { Installation } from '../home/installation.ts';
import { endPod } from '../pods/end.ts';
import { findPod } from '../pods/ready.ts';
import type { SshConnection } from '../ssh/index.ts';
import { resultsFolder, type JobRecord } from '../journal/records.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { RemoteWorker } from '../pods/worker.ts';
import { bringHome, type BringOptions, type Brought } from './bring-home.ts';
import { resultsOverSsh, type FarResults } from './far-results.ts';

/** A lease is renewed this often while results are fetched, in ms: it outlasts a link that is down for half a minute. */
const renewEvery = (limits.leaseSeconds * 1000) / 8;

export interface FinishOptions {
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

/** Brings a job's results home over an open connection, while a lease keeps the keeper from ending the pod. */
export async function fetchResults(
  installation: Installation,
  record: JobRecord,
  connection: SshConnection,
  options: BringOptions,
): Promise<Brought> {
  const { remote } = record;
  if (remote === undefined) {
    throw nothingToFetch(record);
  }
  const { signal } = options;
  const worker = new RemoteWorker(connection, remote.worker, remote.python);
  return fetchAlone(installation, record, options, async () => {
    const hold = (): void => void worker.control(remote.jobDir, 'hold', signal).catch(() => undefined);
    // Without a lease there is a moment, which logs and evidence need not.
    await worker.control(remote.jobDir, 'hold', signal).catch(() => throwIfCancelled(signal));
    const lease = setInterval(hold, renewEvery);
    try {
      const far = resultsOverSsh(connection, worker, remote, signal);
      return await bringHome(installation, record, far, options);
    } finally {
      clearInterval(lease);
      await worker.control(remote.jobDir, 'release').catch(() => undefined);
    }
  });
}

/** The same over another route. */
export function fetchOver(
  installation: Installation,
  record: JobRecord,
  far: FarResults,
  options: BringOptions,
): Promise<Brought> {
  return fetchAlone(installation, record, options, () => bringHome(installation, record, far, options));
}

/** One client of this home at a time writes into a job's folder of results. */
async function fetchAlone(
  { records }: Installation,
  record: JobRecord,
  { onEvent, signal }: BringOptions,
  work: () => Promise<Brought>,
): Promise<Brought> {
  const onWait = (): void =>
    onEvent({ type: 'phase', phase: 'fetch', text: 'Waiting for another client that brings these results home' });
  const unlock = await takeLock(records.fetchLock(record.job), { signal, onWait });
  try {
    onEvent({ type: 'phase', phase: 'fetch', text: `Bringing results home to ${resultsFolder(record)}` });
    return await work();
  } finally {
    await unlock();
  }
}

export function nothingToFetch({ job }: JobRecord): UserError {
  return new UserError('nothing-to-fetch', {
    what: `The job ${job} never started on a pod, so it has no results.`,
    next: 'Run it again.',
  });
}

/** Notes why nothing of a job's results came. */
export async function noteNotHome(
  { records }: Pick<Installation, 'records'>,
  record: JobRecord,
  failure: unknown,
): Promise<JobRecord> {
  if (failure instanceof CancelledError) {
    return record;
  }
  const notHome = { time: new Date().toISOString(), why: messageOf(failure), count: 0, left: [] };
  return records.changeIfThere(record, { notHome });
}

/**
 * Ends the job's pod as the project asks and confirms it. `keep` leaves it running and says what it costs. A pod that is
 * gone already ended soon after the job did, at `finished`.
 */
export async function endJobPod(
  installation: Installation,
  record: JobRecord,
  options: FinishOptions,
  finished?: string,
): Promise<JobRecord> {
  if (record.pod === undefined || record.podEnded !== undefined) {
    return record;
  }
  const found = await findPod(installation.client, record.pod.id).catch(() => 'unknown');
  if (found === undefined) {
    return installation.records.changeIfThere(record, { podEnded: endedBy(finished) });
  }
  if (record.onFinish === 'keep') {
    options.onEvent({
      type: 'warning',
      text: `The pod ${record.pod.name} keeps running (${pricePerHour(record.pod.costPerHour, isLoopback(record.restUrl))}), as "onFinish.pod" asks.`,
    });
    return record;
  }
  options.onEvent({ type: 'phase', phase: 'end', text: 'Ending the pod' });
  await endPod(installation.client, record.pod, record.onFinish);
  return installation.records.changeIfThere(record, { podEnded: new Date().toISOString() });
}

/** The latest moment at which the keeper of a job that finished then has ended its pod; without one it is now. */
export function endedBy(finished: string | undefined): string {
  const latest = finished === undefined ? Infinity : Date.parse(finished) + watchdogMs;
  return new Date(Math.min(Date.now(), latest)).toISOString();
}

/** The keeper ends a pod that nobody fetches from after this time, or when the lease of a client that died is over; its call takes a moment too. */
const watchdogMs = Math.max(limits.endAfterSeconds, limits.leaseSeconds) * 1000 + 10_000;
