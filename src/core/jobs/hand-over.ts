import type { PodCaps } from '../caps/cap.ts';
import { limits } from '../contract.ts';
import { UserError } from '../errors.ts';
import type { Installation } from '../home/installation.ts';
import type { ReadyPod } from '../pods/ready.ts';
import type { SshConnection } from '../ssh/index.ts';
import { installWorker } from '../transport/ssh/install-worker.ts';
import { push } from '../transport/ssh/push.ts';
import type { HashedFile } from '../files/hash.ts';
import { readLastKnown, rememberTransfer } from '../volumes/plan/index.ts';
import { reconnect } from './attach.ts';
import { doneOverLink } from '../pods/link.ts';
import type { RunPlan } from './plan.ts';
import type { OnEvent } from '../journal/run-event.ts';
import type { JobRecord, Phase } from '../journal/records.ts';
import { buildSpec, type LocalResult } from '../journal/spec.ts';
import { RemoteWorker, type Started } from '../pods/worker.ts';

/** Minutes that a pod waits for its job while no client renews this; then it ends itself. */
const { guardMinutes } = limits;
/** A client at work renews it this often, in ms. */
const renewEvery = 60_000;

export interface HandOver {
  installation: Installation;
  plan: RunPlan;
  ready: ReadyPod;
  caps: PodCaps;
  files: readonly HashedFile[];
  localResults: LocalResult[];
  record: () => JobRecord;
  /** Notes a new phase in the record. */
  step: (phase: Phase, text: string, change?: Partial<JobRecord>) => Promise<void>;
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

/**
 * Brings the project to a pod that is ready and starts the job there, over as many links as it takes: what has arrived
 * is not sent again, and a job that has started is not started twice.
 */
export async function handOver(work: HandOver): Promise<{ connection: SshConnection; started: Started }> {
  const { installation, ready, onEvent, signal } = work;
  let begun = false;
  const { value: started, connection } = await doneOverLink(
    {
      connection: ready.connection,
      connect: () => reconnect(installation, work.record(), signal),
      work: async (open) => {
        const again = begun;
        begun = true;
        return transferAndStart(work, open, again);
      },
      meanwhile: () => 'nothing that arrived is sent again',
      onEvent,
      signal,
    },
    () =>
      new UserError('pod-gone', {
        what: `The pod ${ready.pod.name} is gone.`,
        why: 'It was ended from outside, or its host failed.',
        next: 'Run it again; another pod is rented, and what is on the volume is not sent again.',
      }),
  );
  return { connection, started };
}

/** So that the next plan and the next estimate know what the volume has. */
async function remember(
  { loaded }: RunPlan,
  { volume }: JobRecord,
  sent: readonly HashedFile[],
  moved: { bytes: number; seconds: number },
): Promise<void> {
  if (volume === undefined) {
    return;
  }
  const known = await readLastKnown(loaded.root);
  const mtime = new Date().toISOString();
  const now = Object.fromEntries(sent.map(({ path, size, sha256 }) => [path, { size, sha256, mtime }]));
  const before = known?.volume.id === volume.id ? known.files : {};
  const transferred = { route: 'ssh' as const, ...moved, files: { ...before, ...now } };
  // A project folder that cannot be written to is no reason to lose a pod that is ready.
  await rememberTransfer(loaded.root, volume, transferred).catch(() => undefined);
}

async function transferAndStart(work: HandOver, connection: SshConnection, again: boolean): Promise<Started> {
  const { installation, plan, ready, caps, files, step, onEvent, signal } = work;
  const { project } = plan.loaded;
  const remote = {
    mount: ready.mount,
    projectDir: `${ready.mount}/projects/${project.name}`,
    jobDir: `${ready.mount}/.runpod-trainer/jobs/${plan.job}`,
    python: 'python3',
  };
  await step('transfer', 'Comparing files');
  const workerPath = await installWorker(connection, ready.mount, installation.workerFile, signal);
  const worker = new RemoteWorker(connection, workerPath, remote.python);
  const guard = (): Promise<unknown> => {
    const minutes = Math.min(guardMinutes, Math.max(0, caps.left() ?? Infinity) / 60);
    return worker.guard(remote.jobDir, installation.restUrl, minutes, signal);
  };
  await guard();
  const renewal = setInterval(() => void guard().catch(() => undefined), renewEvery);
  try {
    const began = performance.now();
    const sent = await push({
      connection,
      worker: worker.argv,
      root: remote.projectDir,
      files,
      signal,
      onProgress: (p) => onEvent({ type: 'transfer', direction: 'up', ...p }),
    });
    await remember(plan, work.record(), files, { bytes: sent.bytes, seconds: (performance.now() - began) / 1000 });
    await step('start', sentText(sent), { remote: { ...remote, worker: workerPath } });
    const before = again ? await worker.started(remote.jobDir, signal) : undefined;
    return before ?? (await start(work, connection, worker, remote));
  } finally {
    clearInterval(renewal);
  }
}

async function start(
  { installation, plan, caps, localResults, signal }: HandOver,
  connection: SshConnection,
  worker: RemoteWorker,
  remote: { mount: string; projectDir: string; jobDir: string },
): Promise<Started> {
  const { project } = plan.loaded;
  const spec = buildSpec({
    job: plan.job,
    project,
    side: 'pod',
    paths: { project: remote.projectDir, mount: remote.mount },
    python: project.target.python,
    restUrl: installation.restUrl,
    capSeconds: caps.grant(),
    from: plan.from,
    localResults,
  });
  const sftp = await connection.sftp(signal);
  await sftp.makeFolder(remote.jobDir);
  await sftp.put(Buffer.from(`${JSON.stringify(spec, null, 1)}\n`), `${remote.jobDir}/spec.json`, { signal });
  try {
    return await worker.start(remote.jobDir, plan.secrets, signal);
  } catch (error) {
    // An earlier start, whose answer a broken link swallowed, may have taken effect meanwhile.
    const started = isRefusal(error) ? await worker.started(remote.jobDir, signal) : undefined;
    if (started === undefined) {
      throw error;
    }
    return started;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof UserError && error.code === 'worker-refused';
}

function sentText(result: { sent: number; unchanged: number }): string {
  return result.sent === 0
    ? `All ${result.unchanged} files are there already; starting the job`
    : `${result.sent} files sent and verified, ${result.unchanged} were there already; starting the job`;
}
