import type { PodCaps } from '../caps/cap.ts';
import { limits } from '../contract.ts';
import { UserError } from '../errors.ts';
import type { HashedFile } from '../files/hash.ts';
import type { Leaving } from '../files/leaving.ts';
import type { Installation } from '../home/installation.ts';
import type { JobRecord, Phase, RecordChange } from '../journal/records.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { buildSpec, codeFiles, type LocalResult } from '../journal/spec.ts';
import { installWorker } from '../pods/install-worker.ts';
import { doneOverLink, linkPatienceMs } from '../pods/link.ts';
import { reconnect } from '../pods/of-job.ts';
import type { ReadyPod } from '../pods/ready.ts';
import { RemoteWorker, type Started } from '../pods/worker.ts';
import type { SshConnection } from '../ssh/index.ts';
import { push } from '../transport/ssh/push.ts';
import type { GhostKeeper } from '../volumes/ghosts.ts';
import type { Adoption } from '../volumes/origins.ts';
import { rememberTransfer, type ManifestFiles } from '../volumes/plan/index.ts';
import { ProjectTaken, type ProjectClaim } from './claim.ts';
import { count } from '../words/index.ts';
import type { RunPlan } from './plan.ts';

/** Minutes that a pod waits for its job while no client renews this; then it ends itself. */
const { guardMinutes } = limits;
/** A client at work renews it, and its claim of the project, this often, in ms. */
const renewEvery = limits.claimBeatSeconds * 1000;
const lookEvery = 1000;

/** A run that has its pod. */
interface WithPod {
  readonly installation: Installation;
  readonly plan: RunPlan;
  readonly files: readonly Leaving<HashedFile>[];
  readonly localResults: LocalResult[];
  readonly adoption: Adoption;
  readonly ghosts: GhostKeeper;
  readonly claim: ProjectClaim;
  readonly caps: PodCaps;
  readonly record: JobRecord;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
  /** Notes a new phase in the record and tells it. */
  step(phase: Phase, text: string, change?: RecordChange): Promise<void>;
}

/**
 * Brings the project to a pod that is ready and starts the job there, over as many links as it takes: what has arrived
 * is not sent again, and a job that has started is not started twice.
 */
export async function handOver(
  run: WithPod,
  ready: ReadyPod,
): Promise<{ connection: SshConnection; started: Started }> {
  const { installation, onEvent, signal } = run;
  const asked = { toBegin: false };
  const { value: started, connection } = await doneOverLink(
    {
      connection: ready.connection,
      connect: () => reconnect(installation, run.record, signal),
      work: (open) => transferAndStart(run, ready, open, asked),
      // Once it was asked to begin, the job may run: only its pod's end tells that it does not.
      patience: () => (asked.toBegin ? Infinity : linkPatienceMs),
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
  files: ManifestFiles,
  moved: { bytes: number; seconds: number } = { bytes: 0, seconds: 0 },
): Promise<void> {
  if (volume === undefined) {
    return;
  }
  // A project folder that cannot be written to is no reason to lose a pod that is ready.
  await rememberTransfer(loaded.root, volume, { route: 'ssh', ...moved, files }).catch(() => undefined);
}

/** Files as they stand there once they were sent. */
function putNow(files: readonly HashedFile[]): ManifestFiles {
  const mtime = new Date().toISOString();
  return Object.fromEntries(files.map(({ path, size, sha256, list }) => [path, { size, sha256, mtime, list }]));
}

async function transferAndStart(
  run: WithPod,
  ready: ReadyPod,
  connection: SshConnection,
  asked: { toBegin: boolean },
): Promise<Started> {
  const { installation, plan, caps, claim, files, onEvent } = run;
  const remote = remoteOf(plan, ready.mount);
  const lost = new AbortController();
  const signal = AbortSignal.any([run.signal, lost.signal]);
  const workerPath = await installWorker(connection, ready.mount, installation.workerFile, signal);
  const worker = new RemoteWorker(connection, workerPath, remote.python);
  // A start whose answer a broken link swallowed: nothing may be sent into the folder of a job that runs.
  const begun = asked.toBegin ? await worker.begun(remote.jobDir, signal) : null;
  if (begun !== null) {
    return begun;
  }
  await run.step('transfer', 'Comparing files');
  const guard = (): Promise<unknown> => {
    const minutes = Math.min(guardMinutes, Math.max(0, caps.left() ?? Infinity) / 60);
    return worker.guard(remote.jobDir, installation.restUrl, minutes, signal);
  };
  await guard();
  await claim.take(worker, ready.pod, remote, signal);
  let renewed = Date.now();
  const renewal = setInterval(() => {
    // By a clock that goes on while the computer sleeps: who wakes up asks at once whether the project is still its own.
    if (Date.now() - renewed < renewEvery) {
      return;
    }
    renewed = Date.now();
    void guard().catch(() => undefined);
    claim.keep(worker, remote, signal).catch((error: unknown) => {
      if (error instanceof ProjectTaken) {
        lost.abort(error);
      }
    });
  }, lookEvery);
  try {
    const { root, project } = plan.loaded;
    const far = { connection, worker: worker.argv, root: remote.projectDir };
    const volume = ready.pod.mounts.network[0]?.volumeId ?? '';
    await run.adoption.agreeOverSsh(far, { root, project: project.name, volume }, signal);
    const before = await run.ghosts.clear(far, files, {
      onEvent,
      remember: (put) => remember(plan, run.record, put),
      signal,
    });
    const began = performance.now();
    const sent = await push({
      ...far,
      files,
      signal,
      onProgress: (p) => onEvent({ type: 'transfer', direction: 'up', ...p }),
    });
    await remember(
      plan,
      run.record,
      { ...before, ...putNow(files) },
      { bytes: sent.bytes, seconds: (performance.now() - began) / 1000 },
    );
    await run.step('start', sentText(sent), { remote: { ...remote, worker: workerPath } });
    asked.toBegin = true;
    return await worker.begin(remote.jobDir, specOf(run, remote), plan.secrets, signal);
  } catch (error) {
    if (isRefusal(error)) {
      // A worker does not start when another job has followed while this client gave no sign of life.
      await claim.keep(worker, remote, run.signal);
    }
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    clearInterval(renewal);
  }
}

/** Where a job's things lie on a pod. */
export function remoteOf(
  { job, loaded }: RunPlan,
  mount: string,
): { mount: string; projectDir: string; jobDir: string; python: string } {
  return {
    mount,
    projectDir: `${mount}/projects/${loaded.project.name}`,
    jobDir: `${mount}/.runpod-trainer/jobs/${job}`,
    python: 'python3',
  };
}

function specOf(
  { installation, plan, caps, files, localResults }: WithPod,
  remote: { mount: string; projectDir: string },
): ReturnType<typeof buildSpec> {
  const { project } = plan.loaded;
  return buildSpec({
    job: plan.job,
    project,
    side: 'pod',
    paths: { project: remote.projectDir, mount: remote.mount },
    python: project.target.python,
    code: codeFiles(files),
    restUrl: installation.restUrl,
    capSeconds: caps.grant(),
    from: plan.from,
    localResults,
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof UserError && error.code === 'worker-refused';
}

function sentText(result: { sent: number; unchanged: number }): string {
  const before = result.unchanged === 0 ? '' : `, ${result.unchanged} there already`;
  return result.sent === 0
    ? `${count(result.unchanged, 'file')} there already; starting the job`
    : `${count(result.sent, 'file')} sent and verified${before}; starting the job`;
}
