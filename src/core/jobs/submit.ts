import { CancelledError, throwIfCancelled, UserError } from '../errors.ts';
import { PodCaps, type CapPromise } from '../caps/cap.ts';
import { CapTimer } from '../caps/timer.ts';
import { takeDay, type DayTaken } from '../caps/day.ts';
import { meteredCost } from '../caps/meter.ts';
import { dollars } from '../words/index.ts';
import type { Installation } from '../home/installation.ts';
import { endPod } from '../pods/end.ts';
import { waitUntilReady, type ReadyPod } from '../pods/ready.ts';
import { rentPod } from '../pods/rent.ts';
import { ensureVolume } from '../pods/volume.ts';
import type { Pod, Volume } from '../runpod/schemas.ts';
import type { SshConnection } from '../ssh/index.ts';
import type { HashedFile } from '../files/hash.ts';
import { collect } from '../volumes/plan/index.ts';
import { handOver } from './hand-over.ts';
import { jobVariable, podName, projectVariable } from '../journal/id.ts';
import { missingFiles, type RunPlan } from './plan.ts';
import type { OnEvent } from '../journal/run-event.ts';
import type { JobRecord, Phase } from '../journal/records.ts';
import { hardwareOf, podsOf, withPod } from '../pods/of-job.ts';
import { endLeftPods, idlePod } from './reuse.ts';
import type { LocalResult } from '../journal/spec.ts';
import type { Started } from '../pods/worker.ts';

export interface SubmitOptions {
  localResults: LocalResult[];
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

export interface Submitted {
  record: JobRecord;
  connection: SshConnection;
  started: Started;
  promise: CapPromise;
}

/**
 * From a plan to a running job: pod, wait, transfer, start. When anything fails or is cancelled on the way, the pod is
 * ended before the error is passed on: nothing runs that nobody asked for.
 */
export async function submit(
  installation: Installation,
  plan: RunPlan,
  record: JobRecord,
  options: SubmitOptions,
): Promise<Submitted> {
  // Before anything is rented: reading large files takes its time.
  const { files, scan } = await collect(plan.loaded, options.signal);
  if (scan.missing.length > 0) {
    throw missingFiles(scan.missing);
  }
  const onWait = (): void =>
    options.onEvent({ type: 'phase', phase: 'pod', text: 'Waiting for another start of this project to be counted' });
  const day = await takeDay(installation, plan.loaded.project, { signal: options.signal, onWait });
  try {
    return await rentAndStart(installation, plan, record, { ...options, files, day });
  } finally {
    await day.release();
  }
}

async function rentAndStart(
  installation: Installation,
  plan: RunPlan,
  record: JobRecord,
  options: SubmitOptions & { files: HashedFile[]; day: DayTaken },
): Promise<Submitted> {
  const { onEvent, files, day } = options;
  const { project } = plan.loaded;
  // Once the pod is rented its cap ends the preparation too.
  const timer = new CapTimer(options.signal);
  const { signal } = timer;
  let current = record;
  const step = async (phase: Phase, text: string, change: Partial<JobRecord> = {}): Promise<void> => {
    throwIfCancelled(signal);
    current = await installation.records.save({ ...current, ...change, phase });
    onEvent({ type: 'phase', phase, text });
  };

  const volume = await ensureVolume(installation.client, plan.volume, signal);
  await step('pod', `Looking for a machine in ${volume.dataCenter}`, { volume: pick(volume) });

  let rented: Pod | undefined;
  let caps = new PodCaps(project.caps, null, day.left);
  let connection: SshConnection | undefined;
  const onPod = async (found: Pod, reused: boolean, created: string): Promise<void> => {
    rented = found;
    const hardware = hardwareOf(found);
    const costPerHour = found.cost ?? 0;
    caps = new PodCaps(project.caps, found.cost, day.left);
    timer.start(caps);
    // The record comes before anything else: a pod that nobody remembers is a pod that bills unseen.
    await step('wait', reused ? `Using the idle pod ${found.name}` : `Rented ${hardware}; waiting until it answers`, {
      pod: {
        id: found.id,
        name: found.name,
        created,
        hardware,
        costPerHour,
      },
      reserved: caps.reservation(project.target.readyMinutes * 60),
    });
    await day.release();
    if (reused) {
      await takeOver(installation, plan.job, found);
    }
    onEvent({ type: 'pod', podId: found.id, name: found.name, hardware, costPerHour, reused });
  };
  try {
    const ready = await obtainPod(installation, plan, volume, { ...options, signal }, onPod);
    ({ connection } = ready);
    const handed = await handOver({
      installation,
      plan,
      ready,
      caps,
      files,
      localResults: options.localResults,
      record: () => current,
      step,
      onEvent,
      signal,
    });
    ({ connection } = handed);
    await step('run', 'The job runs on the pod; closing this does not stop it');
    return { record: current, connection, started: handed.started, promise: caps.promise() };
  } catch (error) {
    connection?.close();
    throw await abandon(installation, current, rented, timer.reason ?? error);
  } finally {
    timer.stop();
  }
}

/**
 * From here on the pod is another job's: for those that had it before it has ended, and it costs them nothing more. Also
 * for one whose client was killed before it could note the pod: else that job's pod would be ended as left behind.
 */
async function takeOver(installation: Installation, job: string, pod: Pod): Promise<void> {
  const { records } = installation;
  for (const record of await records.list()) {
    const had = podsOf(record, [pod]).length > 0 && (record.pod === undefined || record.pod.id === pod.id);
    if (record.job !== job && had && record.podEnded === undefined) {
      const reason = record.reason ?? `Its pod went on with the job ${job}.`;
      await records.save({ ...withPod(record, pod), phase: 'done', reason, podEnded: new Date().toISOString() });
    }
  }
}

/** Ends the pod of a job that did not start; answers the error with what the pod has cost. */
async function abandon(
  installation: Installation,
  record: JobRecord,
  pod: Pod | undefined,
  error: unknown,
): Promise<unknown> {
  if (pod === undefined) {
    return error;
  }
  await endPod(installation.client, pod, 'terminate');
  const ended = await installation.records.save({ ...record, podEnded: new Date().toISOString() });
  return withCost(error, ended);
}

/** An idle pod of this project that is already paid for, else a new one. */
async function obtainPod(
  installation: Installation,
  plan: RunPlan,
  volume: Volume,
  options: SubmitOptions,
  onPod: (pod: Pod, reused: boolean, created: string) => Promise<void>,
): Promise<ReadyPod> {
  const { client } = installation;
  const { onEvent, signal } = options;
  const { project } = plan.loaded;
  const access = {
    key: installation.key,
    hostKeys: installation.hostKeys,
    onFirstUse: (fingerprint: string, checkedBy: string) => onEvent({ type: 'host-key', fingerprint, checkedBy }),
  };
  const { ready: idle, silent } = await idlePod(installation, plan, volume, access, signal);
  if (idle !== undefined) {
    // What it cost before is not this job's.
    await onPod(idle.pod, true, new Date().toISOString());
  }
  for (const left of await endLeftPods(installation, plan, silent, signal)) {
    onEvent({ type: 'warning', text: `The pod ${left} was left by a client that was ended; it is terminated.` });
  }
  if (idle !== undefined) {
    return idle;
  }
  // By this machine's clock, as its end will be: the platform's may differ.
  const asked = new Date().toISOString();
  const { minDiskGb } = await installation.platform.capabilities(installation.restUrl);
  if ((project.target.disk ?? minDiskGb) < minDiskGb) {
    onEvent({
      type: 'warning',
      text: `RunPod grants no pod with less than ${minDiskGb} GB of container disk; it gets these.`,
    });
  }
  const { pod } = await rentPod(
    client,
    {
      name: podName(plan.job),
      target: project.target,
      volume,
      candidates: plan.candidates,
      minDiskGb,
      publicKey: installation.key.publicKey,
      env: { [jobVariable]: plan.job, [projectVariable]: project.name },
      endKeySecret: installation.endKeySecret,
      onRefused: (candidate, reason) => onEvent({ type: 'refused', hardware: candidate.label, reason }),
    },
    signal,
  );
  await onPod(pod, false, asked);
  return waitUntilReady(client, pod.id, access, {
    minutes: project.target.readyMinutes,
    signal,
    onState: (text) => onEvent({ type: 'link', state: 'waiting', text }),
  });
}

/** Both times of the record are this computer's: the platform's clock may differ. */
function withCost(error: unknown, { pod, podEnded }: JobRecord): unknown {
  if (pod === undefined || pod.costPerHour === 0) {
    return error;
  }
  const cost = meteredCost(pod, podEnded);
  const text = `The pod was terminated; it cost about ${dollars(cost)}.`;
  if (error instanceof CancelledError) {
    return new CancelledError(`${error.message} ${text}`);
  }
  if (!(error instanceof UserError)) {
    return error;
  }
  const { code, what, why, next, remedies } = error;
  const after = [text, next].filter(Boolean).join(' ');
  return new UserError(code, { what, why, next: after, remedies }, { cause: error });
}

function pick(volume: Volume): { id: string; name: string; dataCenter: string } {
  return { id: volume.id, name: volume.name, dataCenter: volume.dataCenter };
}
