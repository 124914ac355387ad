import { pricePerHour } from '../words/index.ts';
import { readFile } from 'node:fs/promises';
import { CancelledError, UserError } from '../errors.ts';
import type { Installation } from '../home/installation.ts';
import { connectTo, findPod } from '../pods/ready.ts';
import type { SshConnection } from '../ssh/index.ts';
import { JournalReader } from '../journal/reader.ts';
import { overLink } from '../pods/link.ts';
import type { ClientOutcome, OnEvent } from '../journal/run-event.ts';
import { isBeingPrepared, type JobRecord } from '../journal/records.ts';
import { emptyView, reduceView, type JobView } from '../journal/view.ts';
import type { Remedy } from '../remedy.ts';
import { RemoteWorker, type FollowEnd } from '../pods/worker.ts';

export interface Attached {
  view: JobView;
  outcome: ClientOutcome;
  /** Why the outcome is `lost` or `unknown`. */
  reason?: string;
  /** Acts that help where the outcome is `unknown`. */
  remedies?: readonly Remedy[];
  /** Still open after the end of the job, for fetching. */
  connection?: SshConnection | undefined;
}

/**
 * Shows a job from its first line on and stays with it until it ends: first the local copy of the journal, then the
 * rest from the pod, exactly once each, over as many links as it takes. Aborting the signal only detaches.
 */
export async function attach(
  installation: Installation,
  record: JobRecord,
  options: { onEvent: OnEvent; signal?: AbortSignal | undefined; connection?: SshConnection | undefined },
): Promise<Attached> {
  const { onEvent, signal } = options;
  if (record.remote === undefined) {
    throw notStarted(record);
  }
  const journal = new JournalFollower(installation, record.job, onEvent);
  await journal.replay();
  // Nothing is left to do on the pod when its results are here or it is gone.
  if (journal.view.finished !== undefined && (record.fetched ?? record.podEnded) !== undefined) {
    options.connection?.close();
    return { view: journal.view, outcome: outcomeOf(journal.view) };
  }
  try {
    const followed = await overLink({
      connect: () => reconnect(installation, record, signal),
      connection: options.connection,
      work: (connection) => journal.follow(connection, record, signal),
      giveUp: (tries) => journal.view.finished !== undefined && tries >= triesForResults,
      meanwhile: () => `last heard ${journal.heard.toLocaleTimeString()}; the job goes on`,
      onEvent,
      signal,
    });
    if (followed.end === 'done') {
      return ended(journal.view, followed.value, followed.connection);
    }
    // Another client of this machine may have read further before the pod ended.
    await journal.replay();
    return gone(journal.view, record);
  } catch (error) {
    if (error instanceof CancelledError) {
      return { view: journal.view, outcome: 'detached' };
    }
    throw error;
  }
}

/** So often a new link is tried when only the results are missing; without a client the pod ends soon anyway. */
export const triesForResults = 5;

function ended(view: JobView, end: FollowEnd, connection: SshConnection): Attached {
  if (end === 'finished' || view.finished !== undefined) {
    return { view, outcome: outcomeOf(view), connection };
  }
  const reason =
    view.started === undefined
      ? 'The job never began on the pod: the program that prepared it was ended while it started the worker.'
      : 'The worker on the pod is gone without having said how the job ended.';
  return { view, outcome: 'lost', reason, connection };
}

/** Reads the journal for one client: keeps the local copy, the view and the place. */
class JournalFollower {
  view: JobView = emptyView();
  /** When the last bytes came. */
  heard = new Date();
  #reader = new JournalReader();
  readonly #installation: Installation;
  readonly #job: string;
  readonly #onEvent: OnEvent;

  constructor(installation: Installation, job: string, onEvent: OnEvent) {
    this.#installation = installation;
    this.#job = job;
    this.#onEvent = onEvent;
  }

  /** Shows what the local copy has beyond what was shown. */
  async replay(): Promise<void> {
    const bytes = await readFile(this.#installation.records.journalFile(this.#job)).catch(() => Buffer.alloc(0));
    this.#reader.restart();
    this.#take(bytes.subarray(this.#reader.offset), true);
    this.#reader.restart();
  }

  async follow(connection: SshConnection, record: JobRecord, signal?: AbortSignal): Promise<FollowEnd> {
    const remote = record.remote;
    if (remote === undefined) {
      return 'worker-gone';
    }
    const worker = new RemoteWorker(connection, remote.worker, remote.python);
    const end = await this.#followFrom(worker, remote.jobDir, signal);
    if (end !== 'other-journal') {
      return end;
    }
    await this.#installation.records.putJournalAside(this.#job);
    this.#reader = new JournalReader();
    this.view = emptyView();
    const text =
      'The journal on the volume is shorter than the copy here: it is read anew, and the copy is kept beside it.';
    this.#onEvent({ type: 'warning', text });
    return this.#followFrom(worker, remote.jobDir, signal);
  }

  async #followFrom(worker: RemoteWorker, jobDir: string, signal: AbortSignal | undefined): Promise<FollowEnd> {
    this.#reader.restart();
    let place = this.#reader.offset;
    return worker.follow(
      jobDir,
      place,
      async (chunk) => {
        this.heard = new Date();
        this.#take(chunk, false);
        await this.#installation.records.writeJournal(this.#job, place, chunk);
        place += chunk.length;
      },
      { signal },
    );
  }

  #take(bytes: Buffer, replay: boolean): void {
    for (const event of this.#reader.push(bytes)) {
      if (event.type === 'bad-line') {
        this.#onEvent({ type: 'warning', text: `The journal has a fault at byte ${event.offset}: ${event.message}.` });
      } else {
        this.view = reduceView(this.view, event);
        this.#onEvent({ type: 'job', side: 'pod', replay, event });
      }
    }
  }
}

/** A connection to the job's pod, or undefined when that pod is gone. */
export async function reconnect(
  installation: Installation,
  record: JobRecord,
  signal?: AbortSignal,
): Promise<SshConnection | undefined> {
  if (record.pod === undefined) {
    return undefined;
  }
  const pod = await findPod(installation.client, record.pod.id, signal);
  const over = pod === undefined || pod.status === 'EXITED' || pod.status === 'ERROR';
  return over ? undefined : connectTo(pod, installation, signal);
}

function outcomeOf(view: JobView): ClientOutcome {
  return view.status === 'starting' || view.status === 'running' ? 'unknown' : view.status;
}

function gone(view: JobView, record: JobRecord): Attached {
  if (view.finished !== undefined) {
    return { view, outcome: outcomeOf(view) };
  }
  const reason =
    'The pod is gone, and this copy of the journal does not say how the job ended. The whole of it is on the volume and comes home with the results.';
  return { view, outcome: 'unknown', reason, remedies: [{ do: 'fetch', job: record.job }] };
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
  const busy = isBeingPrepared(record);
  const left = pod !== undefined && podEnded === undefined;
  return new UserError('job-not-started', {
    what: `The job ${job} has not started on a pod${busy ? ' yet' : ''}.`,
    why: busy
      ? `Process ${record.client?.pid ?? '?'} is preparing it (phase "${phase}").`
      : `The program that prepared it was ended in the phase "${phase}" (${updated}).${left ? ` Its pod ${pod.name} is still there and costs ${pricePerHour(pod.costPerHour)}.` : ' Nothing was rented.'}`,
    next: busy
      ? 'Attach when the job runs.'
      : `Run the project again${left ? ', which uses that pod when it fits, or end the pod by cancelling the job' : ''}.`,
    remedies: busy ? [] : [runAgain(record), ...(left ? [{ do: 'cancel' as const, job }] : [])],
  });
}

function runAgain({ file, profile }: JobRecord): Remedy {
  return { do: 'run', file, ...(profile !== undefined && { profile }) };
}
