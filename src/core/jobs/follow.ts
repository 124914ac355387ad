import { duration, endsByText, phaseWords, pricePerHour } from '../words/index.ts';
import { isLoopback } from '../runpod/connection.ts';
import { guardCap } from '../caps/guard.ts';
import { CancelledError, messageOf, remediesOf, UserError } from '../errors.ts';
import type { Installation } from '../home/installation.ts';
import { isBeingPrepared, leftPodEnds, type JobRecord } from '../journal/records.ts';
import { type ClientOutcome, type OnEvent } from '../journal/run-event.ts';
import { linkPatienceMs, overLink } from '../pods/link.ts';
import { overView, type JobView } from '../journal/view.ts';
import { reconnect } from '../pods/of-job.ts';
import type { Remedy } from '../remedy.ts';
import type { FollowEnd } from '../pods/worker.ts';
import type { SshConnection } from '../ssh/index.ts';
import { JournalFollower } from './journal-follower.ts';
import { endOverS3, lostRemedies, seesVolume, unheard } from './gone.ts';
import { conclude, type Attached, type FollowOptions, type JobResult } from './conclude.ts';

/** Attaches to a job and, when it ends, brings its results home, ends its pod and tells the cost. */
export async function follow(
  installation: Installation,
  record: JobRecord,
  options: FollowOptions,
  connection?: SshConnection,
): Promise<JobResult> {
  const release = guardCap(installation, record, options.onEvent);
  try {
    const attached = await attach(installation, record, { ...options, connection });
    try {
      return await findable(installation, await conclude(installation, record, attached, options));
    } finally {
      attached.connection?.close();
    }
  } finally {
    release();
  }
}

/** With acts that can be done: what is asked of a job by its name needs its record. */
export async function findable({ records }: Pick<Installation, 'records'>, result: JobResult): Promise<JobResult> {
  return (await records.keep(result.record))
    ? result
    : { ...result, unrecorded: true, remedies: [{ do: 'find-unused' }] };
}

/**
 * Shows a job from its first line on and stays with it until it ends: first the local copy of the journal, then the
 * rest from the pod, exactly once each, over as many links as it takes. Aborting the signal only detaches.
 */
async function attach(
  installation: Installation,
  record: JobRecord,
  options: { onEvent: OnEvent; signal?: AbortSignal | undefined; connection?: SshConnection | undefined },
): Promise<Attached> {
  const { signal } = options;
  if (record.remote === undefined) {
    throw notStarted(record);
  }
  let isLive = options.connection !== undefined;
  const onEvent: OnEvent = (event) => {
    isLive = event.type === 'link' ? event.state === 'live' : isLive;
    options.onEvent(event);
  };
  const journal = new JournalFollower(installation, record.job, onEvent);
  await journal.replay();
  // Nothing is left to do on the pod when its results are here or it is gone.
  if (journal.view.finished !== undefined && (record.fetched ?? record.podEnded) !== undefined) {
    options.connection?.close();
    return { view: journal.view, outcome: outcomeOf(journal.view) };
  }
  let concluded: JobRecord | undefined;
  const connect = async (): Promise<SshConnection | undefined> => {
    // Asked at each try, for where RunPod does not answer nobody else tells.
    const now = isConcluded(record) ? undefined : await installation.records.get(record.job);
    concluded = now !== undefined && isConcluded(now) ? now : undefined;
    return concluded === undefined ? reconnect(installation, record, signal) : undefined;
  };
  try {
    const followed = await overLink({
      connect,
      connection: options.connection,
      work: (connection) => journal.follow(connection, record, signal),
      patience: () => (journal.view.finished === undefined ? Infinity : linkPatienceMs),
      meanwhile: () =>
        journal.heard === undefined ? 'not heard yet' : `last heard ${journal.heard.toLocaleTimeString()}`,
      onEvent,
      signal,
    });
    if (followed.end === 'done') {
      return ended(record, journal, followed.value, followed.connection);
    }
    return concluded === undefined
      ? await gone(installation, record, journal)
      : await concludedBefore(concluded, journal);
  } catch (error) {
    if (error instanceof CancelledError) {
      return { view: journal.view, outcome: 'detached', ...(!isLive && { lastHeard: journal.heard }) };
    }
    return unfollowed(record, journal, error);
  }
}

function isConcluded({ phase, outcome }: JobRecord): boolean {
  return phase === 'done' && outcome !== undefined;
}

/** How another client of this home has concluded the job. */
async function concludedBefore(concluded: JobRecord, journal: JournalFollower): Promise<Attached> {
  await journal.replay();
  const { view } = journal;
  const { outcome = 'unknown', reason } = concluded;
  const remedies = outcome === 'lost' ? lostRemedies(concluded, view) : undefined;
  return {
    view: view.finished === undefined ? overView(view) : view,
    outcome,
    concluded,
    ...(reason !== undefined && { reason }),
    ...(remedies !== undefined && { remedies }),
  };
}

/** It was handed over, so it goes on whatever keeps this client from following it. */
function unfollowed({ job }: JobRecord, { view, heard }: JournalFollower, error: unknown): Attached {
  const remedies: readonly Remedy[] = [...remediesOf(error), { do: 'attach', job }, { do: 'cancel', job }];
  return { view, outcome: 'detached', unfollowed: true, reason: messageOf(error), remedies, lastHeard: heard };
}

function ended(record: JobRecord, journal: JournalFollower, end: FollowEnd, connection: SshConnection): Attached {
  const { view } = journal;
  if (end === 'finished' || view.finished !== undefined) {
    return { view, outcome: outcomeOf(view), connection };
  }
  return {
    view: overView(view),
    outcome: 'lost',
    reason: whyLost(record, journal),
    remedies: lostRemedies(record, view),
    connection,
  };
}

/** What is known of a job whose worker is gone and whose journal does not tell its end. */
function whyLost({ phase }: JobRecord, { view, isRemoved }: JournalFollower): string {
  if (isRemoved) {
    return 'The worker on the pod is gone, and the journal of the job with it: something removed it while the job ran, perhaps a step that cleans up.';
  }
  if (view.started !== undefined) {
    return 'The worker on the pod is gone without having said how the job ended.';
  }
  return phase === 'start'
    ? 'No worker is there, and its journal is empty: the program that prepared the job was ended while it started the worker.'
    : 'The worker on the pod is gone, and its journal is not there: what it did is not known.';
}

function outcomeOf(view: JobView): ClientOutcome {
  return view.status === 'starting' || view.status === 'running' ? 'unknown' : view.status;
}

/** What is known of a job whose pod is gone: what is here, else what the volume tells for nothing, else that it was lost. */
async function gone(installation: Installation, record: JobRecord, journal: JournalFollower): Promise<Attached> {
  const lastHeard = journal.heard;
  // Another client of this machine may have read further before the pod ended.
  await journal.replay();
  const told = journal.view.finished === undefined ? await endOverS3(installation, record) : undefined;
  await journal.replay();
  const { view } = journal;
  const common = { podGone: true, lastHeard, podEnded: told?.podEnded };
  if (view.finished !== undefined) {
    return { ...common, view, outcome: outcomeOf(view) };
  }
  if (told?.outcome !== undefined) {
    return {
      ...common,
      view: overView(view),
      outcome: told.outcome,
      ...(told.reason !== undefined && { reason: told.reason }),
    };
  }
  const remedies = lostRemedies(record, view);
  if (!(await seesVolume(installation, record).catch(() => true))) {
    const reason =
      'Neither its pod nor its volume is there, and nobody here heard how the job ended. The volume was deleted, or the key is of another account.';
    return { ...common, view: overView(view), outcome: 'unknown', reason };
  }
  return { ...common, view: overView(view), outcome: 'lost', reason: unheard(record), remedies };
}

/** A job whose client never got as far as the pod's worker. */
function notStarted(record: JobRecord): UserError {
  const { job, pod, podEnded, phase, updated, reason } = record;
  if (phase === 'done') {
    return new UserError('job-not-started', {
      what: `The job ${job} ran no step on a pod.`,
      why: reason,
      next: 'Run the project again.',
      remedies: [runAgain(record)],
    });
  }
  const busy = isBeingPrepared(record) === 'yes';
  const left = pod !== undefined && podEnded === undefined;
  return new UserError('job-not-started', {
    what: `The job ${job} has not started on a pod${busy ? ' yet' : ''}.`,
    why: busy
      ? `Another terminal or window of this computer is preparing it, and is ${phaseWords[phase]}.`
      : `The program that prepared it was ended while it was ${phaseWords[phase]}, ${duration((Date.now() - Date.parse(updated)) / 1000)} ago.${left ? ` Its pod ${pod.name} is still there (${pricePerHour(pod.costPerHour, isLoopback(record.restUrl))}); ${endsByText(leftPodEnds(record))}.` : ' Nothing was rented.'}`,
    next: busy
      ? 'Attach when the job runs.'
      : `Run the project again${left ? ', which uses that pod when it fits, or end the pod by cancelling the job' : ''}.`,
    remedies: busy ? [] : [runAgain(record), ...(left ? [{ do: 'cancel' as const, job }] : [])],
  });
}

function runAgain({ file, profile }: JobRecord): Remedy {
  return { do: 'run', file, ...(profile !== undefined && { profile }) };
}
