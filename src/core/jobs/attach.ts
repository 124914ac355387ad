import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import type { Installation } from '../installation.ts';
import { connectTo, findPod } from '../pods/ready.ts';
import { isApiError } from '../runpod/api-error.ts';
import { SshError, type SshConnection } from '../ssh/index.ts';
import { JournalReader } from './journal.ts';
import type { ClientOutcome, OnEvent } from './progress.ts';
import { isBeingPrepared, type JobRecord } from './records.ts';
import { emptyView, reduceView, type JobView } from './view.ts';
import { RemoteWorker } from './worker.ts';

export interface Attached {
  view: JobView;
  outcome: ClientOutcome;
  /** Why the outcome is `lost` or `unknown`. */
  reason?: string;
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
  let connection = options.connection;
  let attempt = 0;
  for (;;) {
    // Nothing is left to do on the pod when its results are here or it is gone.
    const settled = record.fetched !== undefined || record.podEnded !== undefined;
    if (journal.view.finished !== undefined && connection === undefined && (settled || attempt > 0)) {
      return { view: journal.view, outcome: outcomeOf(journal.view) };
    }
    try {
      connection ??= await reconnect(installation, record, signal);
      if (connection === undefined) {
        // Another client of this machine may have read further before the pod ended.
        await journal.replay();
        return gone(journal.view, record);
      }
      onEvent({ type: 'link', state: 'live', text: 'Connected to the pod' });
      attempt = 0;
      const end = await journal.follow(connection, record, signal);
      if (end === 'finished' || journal.view.finished !== undefined) {
        return { view: journal.view, outcome: outcomeOf(journal.view), connection };
      }
      const reason =
        journal.view.started === undefined
          ? 'The job never began on the pod: the program that prepared it was ended while it started the worker.'
          : 'The worker on the pod is gone without having said how the job ended.';
      return { view: journal.view, outcome: 'lost', reason, connection };
    } catch (error) {
      connection?.close();
      connection = undefined;
      if (!signal?.aborted) {
        if (!isPassing(error)) {
          throw error;
        }
        const seconds = delay(attempt++);
        const text = `Last seen ${new Date().toLocaleTimeString()}; reconnecting in ${Math.ceil(seconds)} s, the job goes on`;
        onEvent({ type: 'link', state: 'lost', text });
        await wait(seconds * 1000, undefined, { signal }).catch(() => undefined);
      }
      if (signal?.aborted) {
        return { view: journal.view, outcome: 'detached' };
      }
    }
  }
}

/** Failures of the way to the pod; they say nothing about the job. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof SshError ||
    isApiError(error, 'network', 'timeout', 'server', 'rate-limit') ||
    (error instanceof UserError && error.code === 'pod-no-ssh')
  );
}

/** Reads the journal for one client: keeps the local copy, the view and the place. */
class JournalFollower {
  view: JobView = emptyView();
  readonly #reader = new JournalReader();
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

  async follow(
    connection: SshConnection,
    record: JobRecord,
    signal?: AbortSignal,
  ): Promise<'finished' | 'worker-gone'> {
    const remote = record.remote;
    if (remote === undefined) {
      return 'worker-gone';
    }
    this.#reader.restart();
    let place = this.#reader.offset;
    const worker = new RemoteWorker(connection, remote.worker, remote.python);
    return worker.follow(
      remote.jobDir,
      place,
      async (chunk) => {
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

/** Seconds to the next try: 1, 2, 4 … 30, each varied by a quarter so that many clients do not come at once. */
export function delay(attempt: number, random: () => number = Math.random): number {
  return Math.min(30, 2 ** Math.min(attempt, 5)) * (0.75 + 0.5 * random());
}

function outcomeOf(view: JobView): ClientOutcome {
  return view.status === 'starting' || view.status === 'running' ? 'unknown' : view.status;
}

function gone(view: JobView, record: JobRecord): Attached {
  if (view.finished !== undefined) {
    return { view, outcome: outcomeOf(view) };
  }
  const reason = `The pod is gone, and this copy of the journal does not say how the job ended. The whole of it is on the volume and comes home with: runpod-trainer fetch ${record.job}`;
  return { view, outcome: 'unknown', reason };
}

/** A job whose client never got as far as the pod's worker. */
function notStarted(record: JobRecord): UserError {
  const { job, pod, podEnded, phase, updated, reason } = record;
  if (phase === 'done') {
    return new UserError('job-not-started', {
      what: `The job ${job} ran no step on a pod.`,
      why: reason,
      next: 'Run the project again.',
    });
  }
  const busy = isBeingPrepared(record);
  const left = pod !== undefined && podEnded === undefined;
  return new UserError('job-not-started', {
    what: `The job ${job} has not started on a pod${busy ? ' yet' : ''}.`,
    why: busy
      ? `Process ${record.client?.pid ?? '?'} is preparing it (phase "${phase}").`
      : `The program that prepared it was ended in the phase "${phase}" (${updated}).${left ? ` Its pod ${pod.name} is still there and costs $${pod.costPerHour.toFixed(2)}/h.` : ' Nothing was rented.'}`,
    next: busy
      ? 'Attach when the job runs.'
      : `Run the project again${left ? `, which uses that pod when it fits; or end it: runpod-trainer cancel ${job}` : '.'}`,
  });
}
