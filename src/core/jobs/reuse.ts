import { posix } from 'node:path';
import { throwIfCancelled, UserError } from '../errors.ts';
import { inParallel } from '../files/in-parallel.ts';
import { takeLock } from '../files/lock.ts';
import type { Installation } from '../home/installation.ts';
import { isThisMachine } from '../home/machine.ts';
import { endPod } from '../pods/end.ts';
import { connectTo, findPod, mountOf, type Access, type ReadyPod } from '../pods/ready.ts';
import type { Pod, Volume } from '../runpod/schemas.ts';
import type { SshConnection } from '../ssh/index.ts';
import { installWorker } from '../pods/install-worker.ts';
import { podPrefix, projectVariable } from '../journal/id.ts';
import { whyOne } from './claim.ts';
import type { RunPlan } from './plan.ts';
import { pricePerHour } from '../words/index.ts';
import { hardwareOf, podsOf, withPod } from '../pods/of-job.ts';
import { isBeingPrepared, type JobRecord } from '../journal/records.ts';
import { RemoteWorker, type PodLook, type RemoteJob } from '../pods/worker.ts';

/** Milliseconds. */
const lockPatience = 1000;

/** Pods that are looked at at the same time. */
const width = 8;
/** A kept pod that ends sooner than this is not used again, in ms: the new job must be there before. */
const enoughTime = 120_000;

/** What of a plan says which pods it can use. */
export type ReusePlan = Pick<RunPlan, 'loaded' | 'candidates'>;

/**
 * A running pod of this project, on its volume and with acceptable hardware, that nobody uses: one that a killed client
 * left before a job began on it, or one that was kept. A pod that something is about to end is not used.
 * `silent` has the ids of pods that could not be looked at; `ended` how jobs ended that the pods told of.
 * Throws a UserError `job-running` when a job of this project runs: two jobs would write the same files.
 */
export async function idlePod(
  installation: Installation,
  plan: ReusePlan,
  volume: Volume,
  access: Access,
  signal?: AbortSignal,
): Promise<{ ready: ReadyPod | undefined; silent: ReadonlySet<string>; ended: ReadonlyMap<string, JobEnd> }> {
  const records = await installation.records.list();
  const prepared = new Set(records.filter((r) => isBeingPrepared(r) !== 'no').map((r) => r.pod?.id));
  const known = new Set(records.map((r) => r.job));
  const pods = await installation.client.pods.list(signal);
  const ours = pods.filter((p) => isOurs(p, plan, volume) && !prepared.has(p.id));
  const looks = new Map<string, Look>();
  let chosen: ReadyPod | undefined;
  try {
    await inParallel(ours, width, async (pod) => {
      const looked = await look(installation, pod, access, signal);
      if (looked !== undefined) {
        looks.set(pod.id, looked);
      }
    });
    for (const { ready, told } of looks.values()) {
      const running = await runningOf(installation, plan, ready.pod, told.jobs, signal);
      if (running !== undefined) {
        throw stillRunning(running);
      }
    }
    const free = ours.find((pod) => {
      const told = looks.get(pod.id)?.told;
      return told !== undefined && isFree(told, known, Date.now()) && fits(pod, plan);
    });
    chosen = free === undefined ? undefined : looks.get(free.id)?.ready;
  } finally {
    for (const { ready } of looks.values()) {
      if (ready !== chosen) {
        ready.connection.close();
      }
    }
  }
  return {
    ready: chosen,
    silent: new Set(ours.map((p) => p.id).filter((id) => !looks.has(id))),
    ended: new Map([...looks.values()].flatMap(({ told }) => told.jobs.flatMap(endOf))),
  };
}

/** A pod that is there already and that a run will use. */
export interface ForeseenPod {
  id: string;
  name: string;
  hardware: string;
  /** USD per hour; null where the API does not tell. */
  costPerHour: number | null;
}

/** A preview waits so long for the pods that are there, in ms. */
const foreseeMs = 8_000;

/**
 * The pod that a run would use in place of renting one, as the run itself looks for it; undefined where there is none, or
 * where that cannot be told in time. Nothing is changed: it may be gone, or another job's, when the run starts.
 */
export async function foreseePod(
  installation: Installation,
  plan: ReusePlan & Pick<RunPlan, 'volume'>,
  signal?: AbortSignal,
): Promise<ForeseenPod | undefined> {
  if (!plan.volume.exists) {
    return undefined;
  }
  const late = AbortSignal.timeout(foreseeMs);
  const soon = signal === undefined ? late : AbortSignal.any([signal, late]);
  try {
    const { ready } = await idlePod(installation, plan, plan.volume.volume, installation, soon);
    ready?.connection.close();
    return (
      ready && { id: ready.pod.id, name: ready.pod.name, hardware: hardwareOf(ready.pod), costPerHour: ready.pod.cost }
    );
  } catch {
    throwIfCancelled(signal);
    return undefined;
  }
}

/** `The idle pod rpt-songs is used again: RTX A4000, $0.20/h, which it costs already.` */
export function foreseenPodText({ name, hardware, costPerHour }: ForeseenPod, free: boolean): string {
  const price = costPerHour === null ? '' : `, ${pricePerHour(costPerHour, free)}, which it costs already`;
  return `The idle pod ${name} is used again: ${hardware}${price}.`;
}

export type JobEnd = NonNullable<JobRecord['outcome']>;

const ends = ['succeeded', 'failed', 'cancelled', 'lost'] as const satisfies readonly JobEnd[];

/** The job with its outcome, as far as it has one. */
function endOf({ job, state }: RemoteJob): [string, JobEnd][] {
  const status = ends.find((end) => end === state?.status);
  return status === undefined ? [] : [[job, status]];
}

function stillRunning({ job, pod }: { job: string; pod: Pod }): UserError {
  return new UserError('job-running', {
    what: `The job ${job} of this project is still running on the pod ${pod.name}.`,
    why: whyOne,
    next: 'Stay with that job, or cancel it.',
    remedies: [
      { do: 'attach', job },
      { do: 'cancel', job },
    ],
  });
}

/**
 * Whether a pod may have another job: nothing is about to end it, and nobody waits for a job on it but a client of this
 * home, which is not at work any more. `known` are the jobs of this home; `now` is in ms.
 */
export function isFree({ keeper, watched }: Omit<PodLook, 'jobs'>, known: ReadonlySet<string>, now: number): boolean {
  switch (keeper?.at) {
    case undefined:
      return !watched;
    case 'waiting':
      return known.has(posix.basename(keeper.jobDir ?? ''));
    case 'ended':
      return keeper.keeps && (keeper.deadline == null || Date.parse(keeper.deadline) - now > enoughTime);
    case 'running':
    case 'ending':
      return false;
  }
}

/**
 * Ends what dead clients of this machine left of this project and no run can use: pods on which no job began, `silent`
 * pods of jobs that are over, and pods that somebody stopped under a job. Answers their names.
 */
export async function endLeftPods(
  installation: Installation,
  plan: RunPlan,
  silent: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<string[]> {
  const { client, records } = installation;
  const pods = await client.pods.list(signal);
  const ended: string[] = [];
  for (const record of await records.list()) {
    if (record.job === plan.job || record.project !== plan.loaded.project.name) {
      continue;
    }
    const own = podsOf(record, pods);
    const isSilent = own.some((p) => silent.has(p.id));
    const left = isLeft(installation, record) || (isSilent && (await isOver(installation, record)));
    for (const pod of own.filter((p) => left || isStopped(record, p))) {
      await endPod(client, pod, 'terminate', signal);
      const podEnded = new Date().toISOString();
      await records.change(record.job, (now) => ({
        pod: withPod(now, pod).pod,
        ...(left && { phase: 'done' as const }),
        podEnded,
      }));
      ended.push(pod.name);
    }
  }
  return ended;
}

/** Whether a pod that its project wants terminated was stopped instead, which ended the job on it. */
function isStopped({ onFinish }: JobRecord, pod: Pod): boolean {
  return onFinish === 'terminate' && (pod.status === 'EXITED' || pod.status === 'ERROR');
}

/**
 * Whether the record's job has ended, its pod should too, and no client is at that. Its keeper may have died with the
 * container. The results are on the volume.
 */
async function isOver(installation: Installation, record: JobRecord): Promise<boolean> {
  if (record.outcome === undefined || record.onFinish !== 'terminate' || !isFromHere(installation, record)) {
    return false;
  }
  // A client that brings results home holds the lock, and ends the pod itself.
  const signal = AbortSignal.timeout(lockPatience);
  const release = await takeLock(installation.records.concludeLock(record.job), { signal }).catch(() => undefined);
  if (release === undefined) {
    return false;
  }
  const latest = await installation.records.get(record.job);
  await release();
  return latest?.podEnded === undefined;
}

/** Whether no job began on the record's pod, and the client that rented it is dead or could not end it. */
function isLeft(installation: Installation, record: JobRecord): boolean {
  const { outcome, phase, podEnded, remote } = record;
  const failed = phase === 'done' && podEnded === undefined && (outcome === undefined || remote === undefined);
  const killed = ['pod', 'wait', 'transfer'].includes(phase) && isBeingPrepared(record) === 'no';
  return isFromHere(installation, record) && (failed || killed);
}

/** Whether a client of this machine started the record's job. */
function isFromHere({ machine }: Installation, { client }: JobRecord): boolean {
  return client !== undefined && isThisMachine(client.host, machine);
}

/**
 * A job of the project that runs on the volume, and its pod. One that was lost with its host looks alive for a moment by
 * what it wrote last, so the pod of another one is asked for.
 */
async function runningOf(
  { client }: Installation,
  plan: ReusePlan,
  here: Pod,
  jobs: readonly RemoteJob[],
  signal: AbortSignal | undefined,
): Promise<{ job: string; pod: Pod } | undefined> {
  for (const { job, alive, state } of jobs) {
    if (alive && state?.project === plan.loaded.project.name) {
      const elsewhere = state.podId != null && state.podId !== here.id;
      const pod = elsewhere ? await findPod(client, state.podId ?? '', signal) : here;
      if (pod !== undefined && pod.status !== 'EXITED') {
        return { job, pod };
      }
    }
  }
  return undefined;
}

function isOurs(pod: Pod, plan: ReusePlan, volume: Volume): boolean {
  return (
    pod.name.startsWith(podPrefix) &&
    pod.status === 'RUNNING' &&
    pod.ssh.direct !== null &&
    pod.env[projectVariable] === plan.loaded.project.name &&
    pod.mounts.network[0]?.volumeId === volume.id
  );
}

function fits(pod: Pod, plan: ReusePlan): boolean {
  const { target } = plan.loaded.project;
  return pod.image === target.image && plan.candidates.some((c) => c.id === (pod.gpu?.id ?? pod.cpu?.id));
}

interface Look {
  ready: ReadyPod;
  told: PodLook;
}

/** What goes on on a pod; undefined when it cannot be told, which is no reason to fail: another one is rented. */
async function look(
  installation: Installation,
  pod: Pod,
  access: Access,
  signal?: AbortSignal,
): Promise<Look | undefined> {
  let connection: SshConnection | undefined;
  try {
    connection = await connectTo(pod, access, signal);
    const mount = mountOf(pod);
    const path = await installWorker(connection, mount, installation.workerFile, signal);
    const told = await new RemoteWorker(connection, path).look(mount, pod.id, signal);
    return { ready: { pod, connection, mount }, told };
  } catch {
    connection?.close();
    throwIfCancelled(signal);
    return undefined;
  }
}
