import { readdir } from 'node:fs/promises';
import type { Installation } from '../../home/installation.ts';
import type { JobEvent } from '../../journal/events.ts';
import { JobJournals, viewWithRecord } from '../../journal/job-journals.ts';
import type { JobRecord } from '../../journal/records.ts';
import { failedStep, type JobView } from '../../journal/view.ts';
import { loadProject } from '../../project/load.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { Evidence } from './types.ts';

/** So many last lines are kept of every step, and so many last events. */
const linesKept = 400;
const eventsKept = 400;
/** What the API knows is a help, not a need: it is not waited for any longer, in ms. */
const apiPatience = 6_000;

/**
 * What is known of a job: the copies of its journals on this machine, its record and project file, and what the API
 * says of its pod, its volume and the balance. What cannot be had is left out; nothing is thrown for that. Without a client
 * the API is not asked.
 */
export async function gatherEvidence(
  installation: Pick<Installation, 'records'> & { client: Installation['client'] | undefined },
  record: JobRecord,
  signal?: AbortSignal,
): Promise<Evidence> {
  const heard = new Heard();
  const journals = new JobJournals(installation.records, record, heard);
  const [, online, project, localNames] = await Promise.all([
    journals.read(signal),
    ask(installation, record, signal),
    loadProject(record.file).then(
      (loaded) => loaded.project,
      () => undefined,
    ),
    readdir(record.root).catch(() => undefined),
  ]);
  const view = viewWithRecord(record, journals.view);
  const status = statusOf(record, journals.view, view, online.pod);
  const step = failedStep(view)?.name ?? view.step ?? null;
  return {
    state: { status, reason: view.reason, steps: view.steps, step: view.step },
    events: heard.events,
    log: heard.linesOf(step),
    project,
    profile: record.profile,
    mount: record.remote?.mount,
    localNames,
    ...online,
  };
}

/** Keeps what a failure is explained from. */
class Heard {
  events: JobEvent[] = [];
  #lines = new Map<string | null, string[]>();

  event(event: JobEvent): void {
    if (event.type === 'log') {
      this.#lines.set(event.step, [...(this.#lines.get(event.step) ?? []), ...event.lines].slice(-linesKept));
      return;
    }
    if (event.type === 'step.started') {
      // A step that runs again begins a new log.
      this.#lines.delete(event.step);
    }
    this.events.push(event);
    if (this.events.length > 2 * eventsKept) {
      this.events = this.events.filter((e, i, all) => e.type === 'job.started' || i >= all.length - eventsKept);
    }
  }

  restart(): void {
    this.events = [];
    this.#lines.clear();
  }

  linesOf(step: string | null): string[] {
    return this.#lines.get(step) ?? this.#lines.get(null) ?? [];
  }
}

function statusOf(
  record: JobRecord,
  journal: JobView,
  { status }: JobView,
  pod: Evidence['pod'],
): Evidence['state']['status'] {
  if (record.outcome !== undefined || (journal.finished !== undefined && status !== 'running')) {
    return status;
  }
  if (record.phase === 'done') {
    return 'failed';
  }
  return pod !== undefined && ['gone', 'EXITED', 'ERROR'].includes(pod.status) ? 'unknown' : 'running';
}

type Online = Pick<Evidence, 'pod' | 'balance' | 'volumeGb'>;

async function ask(
  { client }: { client: Installation['client'] | undefined },
  record: JobRecord,
  signal: AbortSignal | undefined,
): Promise<Online> {
  if (client === undefined) {
    return {};
  }
  const soon = AbortSignal.any([AbortSignal.timeout(apiPatience), ...(signal ? [signal] : [])]);
  const { pod, volume } = record;
  const [seen, balance, size] = await Promise.all([
    pod === undefined ? undefined : podSeen(client, pod.id, soon),
    client.balance(soon).catch(() => undefined),
    volume === undefined
      ? undefined
      : client.volumes.get(volume.id, soon).then(
          (v) => v.size,
          () => undefined,
        ),
  ]);
  return {
    ...(seen && { pod: seen }),
    ...(balance && { balance: balance.balance }),
    ...(size !== undefined && { volumeGb: size }),
  };
}

async function podSeen(
  client: Installation['client'],
  id: string,
  signal: AbortSignal,
): Promise<NonNullable<Evidence['pod']>> {
  try {
    const { status, cost } = await client.pods.get(id, signal);
    const word =
      status === 'TERMINATED' ? 'gone' : status === 'PROVISIONING' || status === 'STARTING' ? 'RUNNING' : status;
    return { status: word === 'UNKNOWN' ? 'unknown' : word, costPerHour: cost };
  } catch (error) {
    return { status: isApiError(error, 'not-found') ? 'gone' : 'unknown', costPerHour: null };
  }
}
