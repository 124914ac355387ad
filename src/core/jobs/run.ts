import { EstimatesFile, type EstimatedDollars } from '../caps/estimates-file.ts';
import { capRemedies, capSentence } from '../caps/sentence.ts';
import { CancelledError, messageOf, UserError } from '../errors.ts';
import { askerOf, type Installation } from '../home/installation.ts';
import { isHome, type JobRecord, type RecordChange } from '../journal/records.ts';
import { warningOf, type OnEvent } from '../journal/run-event.ts';
import type { LocalResult } from '../journal/spec.ts';
import { emptyView } from '../journal/view.ts';
import { thisProcess } from '../processes.ts';
import { scanProject } from '../files/to-upload.ts';
import { GhostKeeper, type AskGone } from '../volumes/ghosts.ts';
import { Adoption, type AskAdopt } from '../volumes/origins.ts';
import { lockProject } from './claim.ts';
import type { JobResult } from './conclude.ts';
import { findable, follow } from './follow.ts';
import { localFailure, runLocalSteps } from './local.ts';
import type { RunPlan } from './plan.ts';
import { cancelledElsewhere, submit, type Submitted } from './submit.ts';

export interface RunOptions {
  onEvent: OnEvent;
  /** Before the job runs on the pod this cancels and ends the pod; afterwards it only detaches. */
  signal?: AbortSignal | undefined;
  /** Returns as soon as the job runs on its own. */
  detach?: boolean | undefined;
  /** Asked when another folder has filled the project on the volume; nobody agrees unless told. */
  adopt?: AskAdopt | undefined;
  /** Asked about data on the volume that is not here any more; without an answer the job does not start. */
  gone?: AskGone | undefined;
  /** What it was thought to cost; kept, so that the next estimate can tell how right this one was. */
  estimate?: EstimatedDollars | undefined;
}

/** How often a client that prepares a job looks whether it was cancelled from elsewhere, in ms. */
const lookEvery = 1000;

/** Runs a plan from the first local step to the end of the pod. */
export async function runJob(installation: Installation, plan: RunPlan, options: RunOptions): Promise<JobResult> {
  // Before anything: of two that start at one moment the second is told at once.
  const unlock = await lockProject(installation, plan);
  let prepared: JobResult | Submitted;
  try {
    prepared = await prepareRecorded(installation, plan, options);
  } finally {
    await unlock();
  }
  if ('outcome' in prepared) {
    return prepared;
  }
  const { connection, record } = prepared;
  const begun = await tellCaps(installation, prepared, options.onEvent).catch((error: unknown) => {
    // The job runs all the same.
    options.onEvent(warningOf(error));
    return record;
  });
  if (options.detach === true) {
    connection.close();
    return findable(installation, { record: begun, view: emptyView(), outcome: 'detached', cost: { metered: 0 } });
  }
  return follow(installation, begun, options, connection);
}

/** Prepares the job, with a record of it that shows how far it is. */
async function prepareRecorded(
  installation: Installation,
  plan: RunPlan,
  options: RunOptions,
): Promise<JobResult | Submitted> {
  const record = await installation.records.create(newRecord(installation, plan));
  if (options.estimate !== undefined) {
    await new EstimatesFile(installation.home).note(record.job, record.project, options.estimate);
  }
  const stopShowing = installation.records.showPreparing(record.job);
  const elsewhere = new AbortController();
  const looks = setInterval(() => {
    void (async () => {
      if ((await installation.records.get(record.job))?.outcome === 'cancelled') {
        elsewhere.abort();
      }
    })().catch(() => undefined);
  }, lookEvery);
  const signal = AbortSignal.any([elsewhere.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  try {
    const prepared = await prepare(installation, plan, record, { ...options, signal });
    if ('outcome' in prepared && prepared.outcome === 'cancelled' && elsewhere.signal.aborted) {
      throw new CancelledError(cancelledElsewhere);
    }
    return prepared;
  } catch (error) {
    await abandoned(installation, record.job, error);
    throw error;
  } finally {
    clearInterval(looks);
    stopShowing();
  }
}

/** Says who holds the caps of a job that has just started, and keeps it. */
async function tellCaps(
  installation: Installation,
  { record, started, promise }: Submitted,
  onEvent: OnEvent,
): Promise<JobRecord> {
  const { armed, detail, owners } = started.watchdog;
  const facts = { ...promise, armed, detail, keys: owners ?? [] };
  const text = capSentence(facts);
  onEvent(
    armed ? { type: 'phase', phase: 'run', text, cap: true } : { type: 'warning', text, remedies: capRemedies(facts) },
  );
  return installation.records.changeIfThere(record, { cap: { ...promise, armed, text } });
}

/** Everything until the job runs on the pod; the result when it ends before. */
async function prepare(
  installation: Installation,
  plan: RunPlan,
  begun: JobRecord,
  options: RunOptions,
): Promise<JobResult | Submitted> {
  const { onEvent, signal } = options;
  const adoption = new Adoption(options.adopt);
  const ghosts = new GhostKeeper(plan.loaded, options.gone, adoption);
  await warnOfUnfetched(installation, plan, onEvent);
  if (plan.volume.exists && plan.podSteps.length > 0) {
    const { root, project } = plan.loaded;
    await adoption.checkRecords(installation.records, { root, project: project.name, volume: plan.volume.volume.id });
  }
  let record = begun;
  let localResults: LocalResult[] = [];
  if (plan.localSteps.length > 0 && plan.podSteps.length > 0) {
    // Who has to answer should not have to wait for them.
    const { files, archives } = await scanProject(plan.loaded, signal);
    const here = [...files, ...archives.map(({ to }) => ({ path: to }))];
    await ghosts.beforeMoney(installation, plan.volume, here, { beforeLocalSteps: true, signal });
  }
  if (plan.localSteps.length > 0) {
    record = await installation.records.change(record.job, { phase: 'local' });
    onEvent({ type: 'phase', phase: 'local', text: 'Running the steps of this machine' });
    const local = await runLocalSteps(installation, plan.loaded, plan.job, {
      from: plan.from,
      secrets: plan.secrets,
      onEvent,
      signal,
    });
    localResults = local.results;
    if (local.view.status !== 'succeeded' || plan.podSteps.length === 0) {
      const failed = local.view.status !== 'succeeded';
      const outcome = local.view.status === 'cancelled' ? 'cancelled' : failed ? 'failed' : 'succeeded';
      const reason = failed ? localFailure(local.view).message : undefined;
      record = await installation.records.change(record.job, {
        phase: 'done',
        outcome,
        ...(reason !== undefined && { reason }),
      });
      return { record, view: local.view, outcome, reason, cost: { metered: 0 } };
    }
  }
  return submit(installation, plan, record, { localResults, adoption, ghosts, onEvent, signal });
}

/**
 * Jobs of a project write to one folder on the volume, so results of the last one that nobody fetched may be lost to this
 * run.
 */
async function warnOfUnfetched({ records }: Installation, plan: RunPlan, onEvent: OnEvent): Promise<void> {
  const { loaded, podSteps, volume } = plan;
  if (!volume.exists || podSteps.length === 0) {
    return;
  }
  const last = (await records.list()).find(
    ({ project, remote, volume: on }) =>
      project === loaded.project.name && remote !== undefined && on?.id === volume.volume.id,
  );
  if (last !== undefined && last.fetch.length > 0 && !isHome(last) && last.outcome !== 'cancelled') {
    onEvent({
      type: 'warning',
      text: `The results of the job ${last.job} were not${last.fetched === undefined ? '' : ' all'} fetched; this run may write over them on the volume.`,
      remedies: [{ do: 'fetch', job: last.job }],
    });
  }
}

/** Notes in the record why a job never ran, so that the list of jobs tells the truth. */
async function abandoned(installation: Installation, job: string, error: unknown): Promise<void> {
  const outcome = error instanceof CancelledError ? { outcome: 'cancelled' as const } : {};
  const change = (now: JobRecord): RecordChange =>
    now.outcome === undefined
      ? { ...outcome, phase: now.phase === 'start' && isLoss(error) ? 'run' : 'done', reason: messageOf(error) }
      : {};
  // Why the job never ran is what the user has to hear, also when the record is gone.
  await installation.records.change(job, change).catch(() => undefined);
}

/**
 * Whether the pod was lost without a word, or its programs were: a start that was asked for may have taken effect, and
 * only the journal knows.
 */
function isLoss(error: unknown): boolean {
  // With what the pod cost, a failure of SSH is told by a UserError of its code.
  return error instanceof UserError && (/^ssh-/.test(error.code) || ['pod-gone', 'worker-broken'].includes(error.code));
}

function newRecord(installation: Installation, plan: RunPlan): JobRecord {
  const { project, file, root } = plan.loaded;
  const now = new Date().toISOString();
  return {
    schema: 1,
    job: plan.job,
    project: project.name,
    ...(plan.profile !== undefined && { profile: plan.profile }),
    file,
    root,
    restUrl: installation.restUrl,
    steps: project.steps.map(({ name, where }) => ({ name, where })),
    onFinish: project.onFinish.pod,
    fetch: project.onFinish.fetch,
    into: project.onFinish.into,
    phase: 'check',
    client: { host: installation.machine, ...thisProcess() },
    askedBy: askerOf(installation),
    created: now,
    updated: now,
  };
}
