import { CancelledError, messageOf, UserError } from '../errors.ts';
import { hostname } from 'node:os';
import { guardCap } from '../caps/guard.ts';
import { capRemedies, capSentence } from '../caps/sentence.ts';
import { EstimatesFile, type EstimatedDollars } from '../caps/estimates-file.ts';
import { costOf, type CostReport } from '../caps/meter.ts';
import { takeLock } from '../files/lock.ts';
import type { Installation } from '../home/installation.ts';
import { SshError, type SshConnection } from '../ssh/index.ts';
import { attach, reconnect, triesForResults, type Attached } from './attach.ts';
import { endJobPod, fetchResults } from './finish.ts';
import { overLink } from '../pods/link.ts';
import { localFailure, runLocalSteps } from './local.ts';
import type { RunPlan } from './plan.ts';
import { warningOf, type ClientOutcome, type OnEvent } from '../journal/run-event.ts';
import { resultsFolder, type JobRecord } from '../journal/records.ts';
import type { LocalResult } from '../journal/spec.ts';
import type { Remedy } from '../remedy.ts';
import { submit, type Submitted } from './submit.ts';
import { emptyView, type JobView } from '../journal/view.ts';

/** How a job ended as far as this client can tell, and what came of it. */
export interface JobResult {
  record: JobRecord;
  view: JobView;
  outcome: ClientOutcome;
  reason?: string | undefined;
  /** Acts that help where it is not known how the job ended. */
  remedies?: readonly Remedy[] | undefined;
  cost: CostReport;
  /** Folder with what was brought home; undefined when nothing was. */
  results?: string | undefined;
}

export interface RunOptions {
  onEvent: OnEvent;
  /** Before the job runs on the pod this cancels and ends the pod; afterwards it only detaches. */
  signal?: AbortSignal | undefined;
  /** Returns as soon as the job runs on its own. */
  detach?: boolean | undefined;
  /** What it was thought to cost; kept, so that the next estimate can tell how right this one was. */
  estimate?: EstimatedDollars | undefined;
}

/** Runs a plan from the first local step to the end of the pod. */
export async function runJob(installation: Installation, plan: RunPlan, options: RunOptions): Promise<JobResult> {
  const record = await installation.records.save(newRecord(installation, plan));
  if (options.estimate !== undefined) {
    await new EstimatesFile(installation.home).note(record.job, record.project, options.estimate);
  }
  let prepared: JobResult | Submitted;
  try {
    prepared = await prepare(installation, plan, record, options);
  } catch (error) {
    await abandoned(installation, record.job, error);
    throw error;
  }
  if ('outcome' in prepared) {
    return prepared;
  }
  const { connection } = prepared;
  const begun = await tellCaps(installation, prepared, options.onEvent);
  if (options.detach === true) {
    connection.close();
    return { record: begun, view: emptyView(), outcome: 'detached', cost: { metered: 0 } };
  }
  return follow(installation, begun, options, connection);
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
  onEvent(armed ? { type: 'phase', phase: 'run', text } : { type: 'warning', text, remedies: capRemedies(facts) });
  return installation.records.save({ ...record, cap: { ...promise, armed, text } });
}

/** Everything until the job runs on the pod; the result when it ends before. */
async function prepare(
  installation: Installation,
  plan: RunPlan,
  begun: JobRecord,
  options: RunOptions,
): Promise<JobResult | Submitted> {
  const { onEvent, signal } = options;
  let record = begun;
  let localResults: LocalResult[] = [];
  if (plan.localSteps.length > 0) {
    record = await installation.records.save({ ...record, phase: 'local' });
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
      record = await installation.records.save({
        ...record,
        phase: 'done',
        outcome,
        ...(reason !== undefined && { reason }),
      });
      return { record, view: local.view, outcome, reason, cost: { metered: 0 } };
    }
  }
  return submit(installation, plan, record, { localResults, onEvent, signal });
}

/** Notes in the record why a job never ran, so that the list of jobs tells the truth. */
async function abandoned(installation: Installation, job: string, error: unknown): Promise<void> {
  const record = await installation.records.get(job);
  if (record !== undefined && record.outcome === undefined) {
    const outcome = error instanceof CancelledError ? { outcome: 'cancelled' as const } : {};
    const phase = record.phase === 'start' && isLoss(error) ? 'run' : 'done';
    await installation.records.save({ ...record, ...outcome, phase, reason: messageOf(error) });
  }
}

/** Whether the pod was lost without a word: a start that was asked for may have taken effect, and only the journal knows. */
function isLoss(error: unknown): boolean {
  return error instanceof SshError || (error instanceof UserError && error.code === 'pod-gone');
}

/** Attaches to a job and, when it ends, brings its results home, ends its pod and tells the cost. */
export async function follow(
  installation: Installation,
  record: JobRecord,
  options: RunOptions,
  connection?: SshConnection,
): Promise<JobResult> {
  const release = guardCap(installation, record, options.onEvent);
  try {
    const attached = await attach(installation, record, { ...options, connection });
    try {
      return await conclude(installation, record, attached, options);
    } finally {
      attached.connection?.close();
    }
  } finally {
    release();
  }
}

async function conclude(
  installation: Installation,
  record: JobRecord,
  attached: Attached,
  options: RunOptions,
): Promise<JobResult> {
  const detached = async (): Promise<JobResult> => {
    const cost = await costOf(installation.client, record);
    return { record, view: attached.view, outcome: 'detached', cost };
  };
  const { outcome } = attached;
  if (outcome === 'detached') {
    return detached();
  }
  const text = 'Another client of this machine brings the results home; waiting for it';
  const onWait = (): void => options.onEvent({ type: 'phase', phase: 'fetch', text });
  let release: () => Promise<void>;
  try {
    release = await takeLock(installation.records.concludeLock(record.job), { signal: options.signal, onWait });
  } catch (error) {
    if (error instanceof CancelledError) {
      return detached();
    }
    throw error;
  }
  try {
    // What another client did meanwhile is not done again.
    const latest = (await installation.records.get(record.job)) ?? record;
    return await concludeAlone(installation, latest, { ...attached, outcome }, options);
  } finally {
    await release();
  }
}

async function concludeAlone(
  installation: Installation,
  record: JobRecord,
  {
    view,
    outcome: seen,
    reason: why,
    remedies,
    connection,
  }: Attached & { outcome: Exclude<ClientOutcome, 'detached'> },
  options: RunOptions,
): Promise<JobResult> {
  let now = record;
  // Another client may have seen an end that this one could not.
  const outcome = seen === 'unknown' ? (record.outcome ?? seen) : seen;
  const reason = seen === outcome ? (why ?? view.reason) : record.reason;
  if (outcome !== 'unknown' && now.phase !== 'done') {
    now = await installation.records.save({ ...now, phase: 'fetch', outcome, ...(reason !== undefined && { reason }) });
  }
  if (now.fetched === undefined && outcome !== 'unknown') {
    now = await bringHome(installation, now, connection, options);
  }
  try {
    now = await endJobPod(installation, now, options, view.finished);
  } catch (error) {
    // How the job ended is true all the same; the pod's watchdog tries to end it too.
    options.onEvent(warningOf(error));
  }
  if (outcome !== 'unknown') {
    now = await installation.records.save({ ...now, phase: 'done' });
  }
  const cost = await costOf(installation.client, now);
  const results = now.fetched === undefined ? undefined : resultsFolder(now);
  return { record: now, view, outcome, reason, ...(outcome === 'unknown' && { remedies }), cost, results };
}

/** Fetches the results; when that fails it says how to come by them, for the job has ended all the same. */
async function bringHome(
  installation: Installation,
  record: JobRecord,
  connection: SshConnection | undefined,
  options: RunOptions,
): Promise<JobRecord> {
  let why = 'The pod is gone.';
  try {
    const fetched = await overLink({
      connection,
      connect: () => reconnect(installation, record),
      work: (open) => fetchResults(installation, record, open, { ...options, signal: undefined }),
      giveUp: (tries) => tries >= triesForResults,
      meanwhile: () => 'then the results go on coming home',
      onEvent: options.onEvent,
    });
    if (fetched.end === 'done') {
      fetched.connection.close();
      return fetched.value;
    }
    if (fetched.end === 'gave-up') {
      why = messageOf(fetched.failure);
    }
  } catch (error) {
    why = messageOf(error);
  }
  // Another client of this machine may have fetched them and ended the pod.
  const now = await installation.records.get(record.job);
  if (now?.fetched !== undefined) {
    return now;
  }
  const text = `The results were not fetched: ${why} They are on the volume and can be fetched later.`;
  options.onEvent({ type: 'warning', text, remedies: [{ do: 'fetch', job: record.job }] });
  return record;
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
    onFinish: project.onFinish.pod,
    fetch: project.onFinish.fetch,
    into: project.onFinish.into,
    phase: 'check',
    client: { host: hostname(), pid: process.pid },
    created: now,
    updated: now,
  };
}
