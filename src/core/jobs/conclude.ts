import { JobJournals, viewWithRecord } from '../journal/job-journals.ts';
import { costOf, type CostReport } from '../caps/meter.ts';
import { CancelledError, messageOf } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import type { Installation } from '../home/installation.ts';
import { resultsFolder, type JobRecord } from '../journal/records.ts';
import { warningOf, type ClientOutcome, type OnEvent } from '../journal/run-event.ts';
import { linkPatienceMs, overLink } from '../pods/link.ts';
import { type JobView } from '../journal/view.ts';
import { reconnect } from '../pods/of-job.ts';
import type { Remedy } from '../remedy.ts';
import type { SshConnection } from '../ssh/index.ts';
import { fetchOverS3First } from './fetch-later.ts';
import { endJobPod, fetchResults, noteNotHome } from './finish.ts';

/** How a job ended as far as this client can tell, and what came of it. */
export interface JobResult {
  record: JobRecord;
  view: JobView;
  outcome: ClientOutcome;
  reason?: string | undefined;
  /** Acts that help where the job was lost, nobody knows how it ended, or it could not be followed. */
  remedies?: readonly Remedy[] | undefined;
  /** The job was left because this client could not follow it; the reason is why. */
  unfollowed?: boolean | undefined;
  /** There is no record of it that could be read, so nothing finds it by its name. */
  unrecorded?: boolean | undefined;
  /** When the job was last heard, where the link was down at the end of this client's part. */
  lastHeard?: Date | undefined;
  /** Its pod ended without this client. */
  podGone?: boolean | undefined;
  cost: CostReport;
  /** Folder with what was brought home; undefined when nothing was. */
  results?: string | undefined;
}

export interface FollowOptions {
  onEvent: OnEvent;
  /** Only detaches. */
  signal?: AbortSignal | undefined;
}

/** What a client knows of a job when its part of the watching is over. */
export interface Attached {
  view: JobView;
  outcome: ClientOutcome;
  /** Why the outcome is `lost` or `unknown`, or the job could not be followed. */
  reason?: string;
  /** Acts that help then. */
  remedies?: readonly Remedy[];
  unfollowed?: boolean;
  /** The record of a job that another client of this home has concluded while this one had no link. */
  concluded?: JobRecord;
  /** When the job was last heard, where the link is down. */
  lastHeard?: Date | undefined;
  podGone?: boolean;
  podEnded?: string | undefined;
  /** Still open after the end of the job, for fetching. */
  connection?: SshConnection | undefined;
}

/** Does what is left to do once a job was watched to its end: results, pod, record, cost. One client of a home does it. */
export async function conclude(
  installation: Installation,
  record: JobRecord,
  attached: Attached,
  options: FollowOptions,
): Promise<JobResult> {
  const detached = async (): Promise<JobResult> => {
    const cost = await costOf(installation, record);
    const { view, lastHeard, unfollowed, reason, remedies } = attached;
    return { record, view, outcome: 'detached', lastHeard, unfollowed, reason, remedies, cost };
  };
  const { outcome, concluded } = attached;
  if (outcome === 'detached') {
    return detached();
  }
  if (concluded !== undefined) {
    const { view, reason, remedies } = attached;
    const podGone = concluded.podEnded === undefined;
    const cost = await costOf(installation, concluded);
    const results = concluded.fetched === undefined ? undefined : resultsFolder(concluded);
    return { record: concluded, view, outcome, reason, remedies, podGone, cost, results };
  }
  const text = 'Another client of this machine brings the results home; waiting for it';
  const onWait = (): void => options.onEvent({ type: 'phase', phase: 'fetch', text });
  let release: () => Promise<void>;
  try {
    release = await takeLock(installation.records.concludeLock(record.job), { signal: options.signal, onWait });
  } catch (error) {
    if (error instanceof CancelledError) {
      return detached();
    }
    throw error;
  }
  try {
    // What another client did meanwhile is not done again.
    const latest = (await installation.records.get(record.job)) ?? record;
    return await concludeAlone(installation, latest, { ...attached, outcome }, options);
  } finally {
    await release();
  }
}

async function concludeAlone(
  installation: Installation,
  record: JobRecord,
  attached: Attached & { outcome: Exclude<ClientOutcome, 'detached'> },
  options: FollowOptions,
): Promise<JobResult> {
  const { outcome: seen, reason: why, connection, podGone, podEnded } = attached;
  let { view, remedies } = attached;
  let now = record;
  // Another client may have seen an end that this one could not.
  let outcome = seen === 'unknown' || seen === 'lost' ? (record.outcome ?? seen) : seen;
  let reason = seen === outcome ? (why ?? view.reason) : record.reason;
  const goneBy = podGone === true && podEnded === undefined ? new Date().toISOString() : undefined;
  if (outcome !== 'unknown' && (now.phase !== 'done' || now.outcome !== outcome)) {
    now = await installation.records.changeIfThere(now, { phase: 'fetch', outcome, reason, podEnded, goneBy });
  }
  if (now.fetched === undefined && outcome !== 'unknown' && !(podGone === true && outcome === 'lost')) {
    now = await fetchAtEnd(installation, now, connection, options);
  }
  if (outcome === 'lost' && now.outcome !== undefined && now.outcome !== 'lost') {
    // What came home told the end.
    const journals = new JobJournals(installation.records, now);
    await journals.read();
    ({ outcome, reason } = now);
    view = viewWithRecord(now, journals.view);
    remedies = undefined;
  }
  try {
    // When a pod ended that went long ago without a witness is for the bill to tell.
    if (podGone !== true || view.finished !== undefined || wasJustHeard(attached.lastHeard)) {
      now = await endJobPod(installation, now, options, view.finished);
    }
  } catch (error) {
    // How the job ended is true all the same; the pod's keeper tries to end it too.
    options.onEvent(warningOf(error));
  }
  if (outcome !== 'unknown') {
    now = await installation.records.changeIfThere(now, { phase: 'done' });
  }
  const cost = await costOf(installation, now);
  const results = now.fetched === undefined ? undefined : resultsFolder(now);
  return { record: now, view, outcome, reason, remedies, podGone, cost, results };
}

/** How long ago the last word may be for the end of a pod to be the moment at which this client noticed it, in ms. */
const noticedMs = 120_000;

function wasJustHeard(lastHeard: Date | undefined): boolean {
  return lastHeard !== undefined && Date.now() - lastHeard.getTime() < noticedMs;
}

/**
 * Fetches the results, over S3 where the pod is out of reach; when that fails it says how to come by them, for the job has
 * ended all the same.
 */
async function fetchAtEnd(
  installation: Installation,
  record: JobRecord,
  connection: SshConnection | undefined,
  options: FollowOptions,
): Promise<JobRecord> {
  // Interrupting ends the waiting for a link, not the fetching.
  const whole = { ...options, signal: undefined };
  let failure: unknown = new Error('The pod is gone.');
  try {
    const fetched = await overLink({
      connection,
      connect: () => reconnect(installation, record, options.signal),
      work: (open) => fetchResults(installation, record, open, whole),
      patience: () => linkPatienceMs,
      meanwhile: () => 'then the results go on coming home',
      onEvent: options.onEvent,
      signal: options.signal,
    });
    if (fetched.end === 'done') {
      fetched.connection.close();
      return fetched.value.record;
    }
    failure = fetched.end === 'gave-up' ? fetched.failure : failure;
    const overS3 = await fetchOverS3First(installation, record, whole);
    if (overS3 !== undefined) {
      return overS3.record;
    }
  } catch (error) {
    failure = error;
  }
  // Another client of this machine may have fetched them and ended the pod.
  const now = await installation.records.get(record.job);
  if (now?.fetched !== undefined) {
    return now;
  }
  const text = `The results were not fetched: ${messageOf(failure)} They are on the volume and can be fetched later.`;
  options.onEvent({ type: 'warning', text });
  return noteNotHome(installation, record, failure);
}
