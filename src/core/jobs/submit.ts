import { CapTimer, PodCaps, type CapPromise } from '../caps/cap.ts';
import { takeDay, type DayTaken } from '../caps/day.ts';
import { recorded } from '../caps/meter.ts';
import { spent as spentOf } from '../caps/stretches.ts';
import { limits } from '../contract.ts';
import { CancelledError, throwIfCancelled, UserError } from '../errors.ts';
import type { HashedFile } from '../files/hash.ts';
import { mayLeave, type Leaving } from '../files/leaving.ts';
import { collect, secretSearchOf } from '../files/to-upload.ts';
import { byteText, dollars, priced } from '../words/index.ts';
import { isLoopback } from '../runpod/connection.ts';
import type { Installation } from '../home/installation.ts';
import { jobVariable, podName, projectVariable } from '../journal/id.ts';
import type { JobRecord, Phase, RecordChange } from '../journal/records.ts';
import type { OnEvent } from '../journal/run-event.ts';
import type { LocalResult } from '../journal/spec.ts';
import { endPod } from '../pods/end.ts';
import { hardwareOf, podsOf, withPod } from '../pods/of-job.ts';
import { endsAlone } from '../pods/container-start.ts';
import { findPod, waitUntilReady, type ReadyPod } from '../pods/ready.ts';
import { rentPod } from '../pods/rent.ts';
import { ensureVolume } from '../pods/volume.ts';
import { RemoteWorker, type Started } from '../pods/worker.ts';
import type { Project } from '../project/schema.ts';
import type { Pod, Volume } from '../runpod/schemas.ts';
import { SshError, type SshConnection } from '../ssh/index.ts';
import { installWorker } from '../pods/install-worker.ts';
import type { GhostKeeper } from '../volumes/ghosts.ts';
import type { Adoption } from '../volumes/origins.ts';
import { missingFiles } from '../files/missing.ts';
import type { RunPlan } from './plan.ts';
import { ProjectClaim, ProjectTaken } from './claim.ts';
import { keepForesight } from './foresight.ts';
import { handOver, remoteOf } from './hand-over.ts';
import { endLeftPods, idlePod, type JobEnd } from './reuse.ts';

export const cancelledElsewhere = 'The job was cancelled from another terminal or window.';

export interface SubmitOptions {
  adoption: Adoption;
  ghosts: GhostKeeper;
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

/** In milliseconds. */
const tellEvery = 2000;

/** A run on its way to its pod: what it was given, and what came of it so far. */
class Submission {
  readonly installation: Installation;
  readonly plan: RunPlan;
  readonly files: readonly Leaving<HashedFile>[];
  readonly localResults: LocalResult[];
  readonly adoption: Adoption;
  readonly ghosts: GhostKeeper;
  readonly day: DayTaken;
  readonly onEvent: OnEvent;
  readonly claim: ProjectClaim;
  record: JobRecord;
  caps: PodCaps;
  /** The pod that ends when this does not come to its end. */
  pod: Pod | undefined;
  connection: SshConnection | undefined;
  /** Once the pod is rented its cap ends the preparation too. */
  readonly timer: CapTimer;

  constructor(
    installation: Installation,
    plan: RunPlan,
    record: JobRecord,
    {
      localResults,
      adoption,
      ghosts,
      onEvent,
      signal,
      files,
      day,
    }: SubmitOptions & { files: readonly Leaving<HashedFile>[]; day: DayTaken },
  ) {
    this.installation = installation;
    this.plan = plan;
    this.record = record;
    this.files = files;
    this.localResults = localResults;
    this.adoption = adoption;
    this.ghosts = ghosts;
    this.day = day;
    this.onEvent = onEvent;
    this.claim = new ProjectClaim(installation, plan, onEvent);
    this.timer = new CapTimer(signal);
    this.caps = new PodCaps(plan.loaded.project.caps, null, day.left);
  }

  get signal(): AbortSignal {
    return this.timer.signal;
  }

  /** Notes a new phase in the record and tells it. */
  async step(phase: Phase, text: string, change: RecordChange = {}): Promise<void> {
    throwIfCancelled(this.signal);
    this.record = await this.installation.records.change(this.plan.job, { ...change, phase });
    if (this.record.outcome === 'cancelled') {
      throw new CancelledError(cancelledElsewhere);
    }
    this.onEvent({ type: 'phase', phase, text });
  }

  /**
   * The pod is this job's from here on; `created` is when it began to cost it money, `ended` how jobs ended that had it
   * before.
   */
  async take(pod: Pod, reused: boolean, created: string, ended?: ReadonlyMap<string, JobEnd>): Promise<void> {
    const { project } = this.plan.loaded;
    this.pod = pod;
    this.caps = new PodCaps(project.caps, pod.cost, this.day.left);
    this.timer.start(this.caps);
    const { id, name } = pod;
    const hardware = hardwareOf(pod);
    const costPerHour = pod.cost ?? 0;
    const alone = reused ? limits.guardMinutes : endsAlone(project.target.image) && aloneMinutesOf(project);
    const aloneUntil = alone === false ? undefined : new Date(Date.parse(created) + alone * 60_000).toISOString();
    // The record comes before anything else: a pod that nobody remembers is a pod that bills unseen.
    await this.step('wait', reused ? `Using the idle pod ${name}` : `Rented ${hardware}; waiting until it answers`, {
      pod: { id, name, created, hardware, costPerHour, aloneUntil },
      reserved: this.caps.reservation(project.target.readyMinutes * 60),
    });
    await this.day.release();
    if (reused) {
      await endForOthers(this.installation, this.plan.job, pod, ended);
    }
    this.onEvent({ type: 'pod', podId: id, name, hardware, costPerHour, reused });
  }
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
  const { files: all, scan } = await collect(plan.loaded, options.signal);
  if (scan.missing.length > 0) {
    throw missingFiles(scan.missing, scan);
  }
  const files = await mayLeave(all, {
    ...secretSearchOf(plan.loaded),
    onProgress: tellSearch(options.onEvent),
    signal: options.signal,
  });
  await options.ghosts.beforeMoney(installation, plan.volume, files, { signal: options.signal });
  await keepForesight(installation, plan.job, plan.loaded, files, options.signal);
  const onWait = (): void =>
    options.onEvent({ type: 'phase', phase: 'pod', text: 'Waiting for another start of this project to be counted' });
  const day = await takeDay(installation, plan.loaded.project, { signal: options.signal, onWait });
  const run = new Submission(installation, plan, record, { ...options, files, day });
  try {
    return await rentAndStart(run);
  } catch (error) {
    run.connection?.close();
    const latest = await installation.records.get(plan.job).catch(() => undefined);
    const why = latest?.outcome === 'cancelled' ? new CancelledError(cancelledElsewhere) : error;
    throw await abandon(run, run.timer.reason ?? why);
  } finally {
    run.timer.stop();
    await day.release();
  }
}

/** Says now and then how far the search for secrets is, when it takes long. */
function tellSearch(onEvent: OnEvent): (bytes: number, total: number) => void {
  let told = Date.now();
  return (bytes, total) => {
    if (Date.now() - told > tellEvery && bytes < total) {
      told = Date.now();
      onEvent({
        type: 'phase',
        phase: 'check',
        text: `Looking for secrets in files: ${byteText(bytes)} of ${byteText(total)}`,
      });
    }
  };
}

async function rentAndStart(run: Submission): Promise<Submitted> {
  const { client } = run.installation;
  const volume = await ensureVolume(client, run.plan.volume, run.signal);
  const { id, name, dataCenter } = volume;
  await run.step('pod', `Looking for a machine in ${dataCenter}`, { volume: { id, name, dataCenter } });
  const ready = await obtainPod(run, volume);
  run.connection = ready.connection;
  const { connection, started } = await handOver(run, ready);
  run.connection = connection;
  await run.step('run', 'The job runs on the pod; closing this does not stop it');
  return { record: run.record, connection, started, promise: run.caps.promise() };
}

/** Minutes after which a pod to which no client came ends itself. */
function aloneMinutesOf({ target }: Project): number {
  return target.readyMinutes + limits.guardMinutes;
}

/** An idle pod of this project that is already paid for, else a new one. */
async function obtainPod(run: Submission, volume: Volume): Promise<ReadyPod> {
  const { installation, plan, onEvent, signal } = run;
  const { client } = installation;
  const { project } = plan.loaded;
  const access = {
    client,
    key: installation.key,
    hostKeys: installation.hostKeys,
    onFirstUse: (fingerprint: string, checkedBy: string) => onEvent({ type: 'host-key', fingerprint, checkedBy }),
  };
  const { ready: found, silent, ended } = await idlePod(installation, plan, volume, access, signal);
  const idle = found !== undefined && (await isClaimed(run, found)) ? found : undefined;
  if (idle !== undefined) {
    // What it cost before is not this job's.
    await run.take(idle.pod, true, new Date().toISOString(), ended);
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
    installation,
    {
      name: podName(plan.job),
      aloneMinutes: aloneMinutesOf(project),
      target: project.target,
      volume,
      candidates: plan.candidates,
      minDiskGb,
      env: { [jobVariable]: plan.job, [projectVariable]: project.name },
      onRefused: (candidate, reason) => onEvent({ type: 'refused', hardware: candidate.label, reason }),
    },
    signal,
  );
  await run.take(pod, false, asked);
  return waitUntilReady(client, pod.id, access, {
    minutes: project.target.readyMinutes,
    signal,
    onState: (text) => onEvent({ type: 'link', state: 'waiting', text }),
  });
}

/** Claims the project through a pod that is reused; false when that pod is ended in the same moment. */
async function isClaimed(run: Submission, idle: ReadyPod): Promise<boolean> {
  try {
    await claimThrough(run, idle);
    return true;
  } catch (error) {
    if (error instanceof UserError && error.code === 'worker-refused') {
      return false;
    }
    const isGone = async (): Promise<boolean> =>
      (await findPod(run.installation.client, idle.pod.id, run.signal)) === undefined;
    if (error instanceof SshError && (await isGone())) {
      return false;
    }
    throw error;
  }
}

/** Takes the project before the pod is taken: a refusal leaves a pod that is kept as it was. */
async function claimThrough({ installation, plan, claim, signal }: Submission, idle: ReadyPod): Promise<void> {
  try {
    const worker = await installWorker(idle.connection, idle.mount, installation.workerFile, signal);
    const remote = remoteOf(plan, idle.mount);
    const pod = new RemoteWorker(idle.connection, worker);
    await claim.take(pod, idle.pod, remote, signal);
    // At once: something there may be about to end it, for want of a job.
    await pod.guard(remote.jobDir, installation.restUrl, limits.guardMinutes, signal);
  } catch (error) {
    idle.connection.close();
    throw error;
  }
}

/**
 * From here on the pod is another job's: for those that had it before it has ended, and it costs them nothing more. Also
 * for one whose client was killed before it could note the pod: else that job's pod would be ended as left behind.
 */
async function endForOthers(
  installation: Installation,
  job: string,
  pod: Pod,
  ended: ReadonlyMap<string, JobEnd> = new Map(),
): Promise<void> {
  const { records } = installation;
  for (const record of await records.list()) {
    const had = podsOf(record, [pod]).length > 0 && (record.pod === undefined || record.pod.id === pod.id);
    if (record.job !== job && had && record.podEnded === undefined) {
      const outcome = record.outcome ?? ended.get(record.job);
      await records.changeIfThere(record, {
        pod: withPod(record, pod).pod,
        phase: 'done',
        ...(outcome !== undefined && { outcome }),
        reason: record.reason ?? `Its pod went on with the job ${job}.`,
        podEnded: new Date().toISOString(),
      });
    }
  }
}

/** Ends the pod of a job that did not start; answers the error with what the pod has cost. */
async function abandon({ installation, record, pod }: Submission, error: unknown): Promise<unknown> {
  if (pod === undefined) {
    return error;
  }
  if (error instanceof ProjectTaken && error.podId === pod.id) {
    // The pod is that job's.
    await installation.records.changeIfThere(record, { podEnded: new Date().toISOString() });
    return error;
  }
  await endPod(installation.client, pod, 'terminate');
  return withCost(error, await installation.records.changeIfThere(record, { podEnded: new Date().toISOString() }));
}

/** Both times of the record are this computer's: the platform's clock may differ. */
function withCost(error: unknown, record: JobRecord): unknown {
  const { pod, restUrl } = record;
  if (pod === undefined || pod.costPerHour === 0) {
    return error;
  }
  const spent = priced(`about ${dollars(spentOf(recorded([{ record }])).dollars)}`, isLoopback(restUrl));
  const text = `The pod was terminated; what it cost: ${spent}.`;
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
