import { throwIfCancelled, UserError } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import type { Installation } from '../home/installation.ts';
import { isThisMachine } from '../home/machine.ts';
import { endPod } from '../pods/end.ts';
import { connectTo, findPod, mountOf, type Access, type ReadyPod } from '../pods/ready.ts';
import type { Pod, Volume } from '../runpod/schemas.ts';
import type { SshConnection } from '../ssh/index.ts';
import { installWorker } from '../pods/install-worker.ts';
import { podPrefix, projectVariable } from '../journal/id.ts';
import type { RunPlan } from './plan.ts';
import { podsOf, withPod } from '../pods/of-job.ts';
import { isBeingPrepared, type JobRecord } from '../journal/records.ts';
import { RemoteWorker, type RemoteJob } from '../pods/worker.ts';

/** Milliseconds. */
const lockPatience = 1000;

/**
 * A running pod of this project, on its volume and with acceptable hardware, that nobody uses: one that a killed client
 * left before a job began on it, or one that was kept. A pod with a watchdog is not used, because that one will end it.
 * `silent` has the ids of pods that could not be looked at.
 * Throws a UserError `job-running` when a job of this project runs: two jobs would write the same files.
 */
export async function idlePod(
  installation: Installation,
  plan: RunPlan,
  volume: Volume,
  access: Access,
  signal?: AbortSignal,
): Promise<{ ready: ReadyPod | undefined; silent: ReadonlySet<string> }> {
  const silent = new Set<string>();
  const records = await installation.records.list();
  const prepared = new Set(records.filter((r) => isBeingPrepared(r) !== 'no').map((r) => r.pod?.id));
  const pods = await installation.client.pods.list(signal);
  for (const pod of pods.filter((p) => isOurs(p, plan, volume) && !prepared.has(p.id))) {
    const looked = await look(installation, pod, access, signal);
    const running = await runningOf(installation, plan, pod, looked?.jobs ?? [], signal).catch((error: unknown) => {
      looked?.ready.connection.close();
      throw error;
    });
    if (running !== undefined) {
      looked?.ready.connection.close();
      throw new UserError('job-running', {
        what: `The job ${running.job} of this project is still running on the pod ${running.pod.name}.`,
        why: 'Two jobs of one project would write the same files on the volume.',
        next: 'Stay with that job, or cancel it.',
        remedies: [
          { do: 'attach', job: running.job },
          { do: 'cancel', job: running.job },
        ],
      });
    }
    if (looked !== undefined && !looked.watched && fits(pod, plan)) {
      return { ready: looked.ready, silent };
    }
    if (looked === undefined) {
      silent.add(pod.id);
    }
    looked?.ready.connection.close();
  }
  return { ready: undefined, silent };
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
 * Whether the record's job has ended, its pod should too, and no client is at that. Its watchdog may have died with the
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
  plan: RunPlan,
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

function isOurs(pod: Pod, plan: RunPlan, volume: Volume): boolean {
  return (
    pod.name.startsWith(podPrefix) &&
    pod.status === 'RUNNING' &&
    pod.ssh.direct !== null &&
    pod.env[projectVariable] === plan.loaded.project.name &&
    pod.mounts.network[0]?.volumeId === volume.id
  );
}

function fits(pod: Pod, plan: RunPlan): boolean {
  const { target } = plan.loaded.project;
  return pod.image === target.image && plan.candidates.some((c) => c.id === (pod.gpu?.id ?? pod.cpu?.id));
}

/** What goes on on a pod; undefined when it cannot be told, which is no reason to fail: another one is rented. */
async function look(
  installation: Installation,
  pod: Pod,
  access: Access,
  signal?: AbortSignal,
): Promise<{ ready: ReadyPod; jobs: RemoteJob[]; watched: boolean } | undefined> {
  let connection: SshConnection | undefined;
  try {
    connection = await connectTo(pod, access, signal);
    const mount = mountOf(pod);
    const path = await installWorker(connection, mount, installation.workerFile, signal);
    const { jobs, watched } = await new RemoteWorker(connection, path).look(mount, pod.id, signal);
    return { ready: { pod, connection, mount }, jobs, watched };
  } catch {
    connection?.close();
    throwIfCancelled(signal);
    return undefined;
  }
}
