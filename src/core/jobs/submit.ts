import { join } from 'node:path';
import { throwIfCancelled, UserError } from '../errors.ts';
import type { Installation } from '../installation.ts';
import { endPod } from '../pods/end.ts';
import { shortName } from '../pods/hardware.ts';
import { connectTo, mountOf, waitUntilReady, type ReadyPod } from '../pods/ready.ts';
import { rentPod } from '../pods/rent.ts';
import { ensureVolume } from '../pods/volume.ts';
import type { Pod, Volume } from '../runpod/schemas.ts';
import type { SshConnection } from '../ssh/index.ts';
import { hashFiles, installWorker, push, scan } from '../transfer/index.ts';
import { jobVariable, podName, podPrefix, projectVariable } from './id.ts';
import { missingFiles, type RunPlan } from './plan.ts';
import type { OnEvent } from './progress.ts';
import type { JobRecord, Phase } from './records.ts';
import { buildSpec, type LocalResult } from './spec.ts';
import { RemoteWorker, type Started } from './worker.ts';

export interface SubmitOptions {
  localResults: LocalResult[];
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

export interface Submitted {
  record: JobRecord;
  connection: SshConnection;
  worker: RemoteWorker;
  started: Started;
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
  const { onEvent, signal } = options;
  const { project, root } = plan.loaded;
  let current = record;
  const step = async (phase: Phase, text: string, change: Partial<JobRecord> = {}): Promise<void> => {
    throwIfCancelled(signal);
    current = await installation.records.save({ ...current, ...change, phase });
    onEvent({ type: 'phase', phase, text });
  };

  const { files, missing } = await scan(root, project.sync, { never: [`${project.onFinish.into}/`] });
  if (missing.length > 0) {
    throw missingFiles(missing);
  }
  const volume = await ensureVolume(installation.client, plan.volume, signal);
  await step('pod', `Looking for a machine in ${volume.dataCenter}`, { volume: pick(volume) });

  const { ready, pod } = await obtainPod(installation, plan, volume, options, async (found, reused) => {
    const hardware = hardwareOf(found);
    const costPerHour = found.cost ?? 0;
    // The record comes before anything else: a pod that nobody remembers is a pod that bills unseen.
    await step('wait', reused ? `Using the idle pod ${found.name}` : `Rented ${hardware}; waiting until it answers`, {
      pod: {
        id: found.id,
        name: found.name,
        created: found.createdAt ?? new Date().toISOString(),
        hardware,
        costPerHour,
      },
    });
    onEvent({ type: 'pod', podId: found.id, name: found.name, hardware, costPerHour, reused });
  });
  try {
    const remote = {
      mount: ready.mount,
      projectDir: `${ready.mount}/projects/${project.name}`,
      jobDir: `${ready.mount}/.runpod-trainer/jobs/${plan.job}`,
      python: 'python3',
    };
    await step('transfer', 'Comparing files');
    const workerPath = await installWorker(ready.connection, ready.mount, installation.workerFile, signal);
    const worker = new RemoteWorker(ready.connection, workerPath, remote.python);
    const hashed = await hashFiles(files, join(root, '.runpod-trainer', 'hashes.json'), signal);
    const sent = await push({
      connection: ready.connection,
      worker: worker.argv,
      root: remote.projectDir,
      files: hashed,
      signal,
      onProgress: (p) => onEvent({ type: 'transfer', direction: 'up', ...p }),
    });
    await step('start', sentText(sent), { remote: { ...remote, worker: workerPath } });
    const spec = buildSpec({
      job: plan.job,
      project,
      side: 'pod',
      paths: { project: remote.projectDir, mount: remote.mount },
      python: project.target.python,
      restUrl: installation.restUrl,
      costPerHour: pod.cost,
      from: plan.from,
      localResults: options.localResults,
    });
    const sftp = await ready.connection.sftp(signal);
    await sftp.makeFolder(remote.jobDir);
    await sftp.put(Buffer.from(`${JSON.stringify(spec, null, 1)}\n`), `${remote.jobDir}/spec.json`, { signal });
    const started = await worker.start(remote.jobDir, plan.secrets, signal);
    await step('run', 'The job runs on the pod; closing this does not stop it');
    return { record: current, connection: ready.connection, worker, started };
  } catch (error) {
    ready.connection.close();
    await abandon(installation, current);
    throw error;
  }
}

/** Ends the pod of a job that did not start. */
async function abandon(installation: Installation, record: JobRecord): Promise<void> {
  if (record.pod === undefined) {
    return;
  }
  await endPod(installation.client, record.pod, 'terminate');
  await installation.records.save({ ...record, phase: 'done', podEnded: new Date().toISOString() });
}

/** An idle pod of this project that is already paid for, else a new one. */
async function obtainPod(
  installation: Installation,
  plan: RunPlan,
  volume: Volume,
  options: SubmitOptions,
  onPod: (pod: Pod, reused: boolean) => Promise<void>,
): Promise<{ ready: ReadyPod; pod: Pod }> {
  const { client } = installation;
  const { onEvent, signal } = options;
  const { project } = plan.loaded;
  const access = {
    key: installation.key,
    hostKeys: installation.hostKeys,
    onFirstUse: (fingerprint: string, checkedBy: string) => onEvent({ type: 'host-key', fingerprint, checkedBy }),
  };
  const idle = await idlePod(installation, plan, volume, signal);
  if (idle !== undefined) {
    await onPod(idle.pod, true);
    return { ready: idle, pod: idle.pod };
  }
  const { pod } = await rentPod(
    client,
    {
      name: podName(plan.job),
      target: project.target,
      volume,
      candidates: plan.candidates,
      publicKey: installation.key.publicKey,
      env: { [jobVariable]: plan.job, [projectVariable]: project.name },
      onRefused: (candidate, reason) => onEvent({ type: 'refused', hardware: candidate.label, reason }),
    },
    signal,
  );
  try {
    await onPod(pod, false);
    const ready = await waitUntilReady(client, pod.id, access, {
      minutes: project.target.readyMinutes,
      signal,
      onState: (text) => onEvent({ type: 'link', state: 'waiting', text }),
    });
    return { ready, pod: ready.pod };
  } catch (error) {
    await endPod(client, pod, 'terminate');
    throw withCost(error, pod);
  }
}

/** A running pod that this product rented for this project, on this volume, with acceptable hardware and no live job. */
async function idlePod(
  installation: Installation,
  plan: RunPlan,
  volume: Volume,
  signal?: AbortSignal,
): Promise<ReadyPod | undefined> {
  const { project } = plan.loaded;
  const fits = (pod: Pod): boolean =>
    pod.name.startsWith(podPrefix) &&
    pod.status === 'RUNNING' &&
    pod.ssh.direct !== null &&
    pod.env[projectVariable] === project.name &&
    pod.image === project.target.image &&
    pod.mounts.network[0]?.volumeId === volume.id &&
    plan.candidates.some((c) => c.id === (pod.gpu?.id ?? pod.cpu?.id));
  for (const pod of (await installation.client.pods.list(signal)).filter(fits)) {
    let connection: SshConnection | undefined;
    try {
      connection = await connectTo(pod, installation, signal);
      const mount = mountOf(pod);
      const path = await installWorker(connection, mount, installation.workerFile, signal);
      const jobs = await new RemoteWorker(connection, path).status(mount, signal);
      if (!jobs.some((j) => j.alive)) {
        return { pod, connection, mount };
      }
    } catch {
      throwIfCancelled(signal);
      // A pod that cannot be used is not a reason to fail: another one is rented.
    }
    connection?.close();
  }
  return undefined;
}

function withCost(error: unknown, pod: Pod): unknown {
  if (!(error instanceof UserError) || pod.cost === null) {
    return error;
  }
  const hours = (Date.now() - Date.parse(pod.createdAt ?? new Date().toISOString())) / 3_600_000;
  const cost = `The pod was terminated; it cost about $${Math.max(0, hours * pod.cost).toFixed(2)}.`;
  return new UserError(error.code, {
    what: error.what,
    why: error.why,
    next: [cost, error.next].filter(Boolean).join(' '),
  });
}

export function hardwareOf(pod: Pod): string {
  if (pod.gpu !== null) {
    return `${pod.gpu.count > 1 ? `${pod.gpu.count} × ` : ''}${shortName(pod.gpu.id)}`;
  }
  return pod.cpu === null ? 'pod' : `CPU pod${pod.cpu.vcpuCount === null ? '' : `, ${pod.cpu.vcpuCount} vCPU`}`;
}

function pick(volume: Volume): { id: string; name: string; dataCenter: string } {
  return { id: volume.id, name: volume.name, dataCenter: volume.dataCenter };
}

function sentText(result: { sent: number; unchanged: number }): string {
  return result.sent === 0
    ? `All ${result.unchanged} files are there already; starting the job`
    : `${result.sent} files sent and verified, ${result.unchanged} were there already; starting the job`;
}
