import { messageOf } from '../errors.ts';
import { costOf, type CostReport } from '../costs/meter.ts';
import type { Installation } from '../installation.ts';
import type { SshConnection } from '../ssh/index.ts';
import { attach, type Attached } from './attach.ts';
import { endJobPod, fetchResults, resultsFolder } from './finish.ts';
import { localFailure, runLocalSteps } from './local.ts';
import type { RunPlan } from './plan.ts';
import type { ClientOutcome, OnEvent } from './progress.ts';
import type { JobRecord } from './records.ts';
import type { LocalResult } from './spec.ts';
import { submit } from './submit.ts';
import { emptyView, type JobView } from './view.ts';

/** How a job ended as far as this client can tell, and what came of it. */
export interface JobResult {
  record: JobRecord;
  view: JobView;
  outcome: ClientOutcome;
  reason?: string | undefined;
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
}

/** Runs a plan from the first local step to the end of the pod. */
export async function runJob(installation: Installation, plan: RunPlan, options: RunOptions): Promise<JobResult> {
  const { onEvent, signal } = options;
  let record = await installation.records.save(newRecord(installation, plan));
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
  const submitted = await submit(installation, plan, record, { localResults, onEvent, signal });
  if (!submitted.started.watchdog.armed) {
    onEvent({
      type: 'warning',
      text: `No cap holds while this computer is off: ${submitted.started.watchdog.detail}`,
    });
  }
  if (options.detach === true) {
    submitted.connection.close();
    return { record: submitted.record, view: emptyView(), outcome: 'detached', cost: { metered: 0 } };
  }
  return follow(installation, submitted.record, options, submitted.connection);
}

/** Attaches to a job and, when it ends, brings its results home, ends its pod and tells the cost. */
export async function follow(
  installation: Installation,
  record: JobRecord,
  options: RunOptions,
  connection?: SshConnection,
): Promise<JobResult> {
  const attached = await attach(installation, record, { ...options, connection });
  try {
    return await conclude(installation, record, attached, options);
  } finally {
    attached.connection?.close();
  }
}

async function conclude(
  installation: Installation,
  record: JobRecord,
  attached: Attached,
  options: RunOptions,
): Promise<JobResult> {
  const { view, outcome } = attached;
  let now = record;
  if (outcome === 'detached') {
    return { record, view, outcome, cost: await costOf(installation.client, record) };
  }
  const reason = attached.reason ?? view.reason;
  if (outcome !== 'unknown') {
    now = await installation.records.save({ ...now, phase: 'fetch', outcome, ...(reason !== undefined && { reason }) });
  }
  if (attached.connection !== undefined) {
    try {
      now = await fetchResults(installation, now, attached.connection, { ...options, signal: undefined });
    } catch (error) {
      const text = `The results could not be fetched: ${messageOf(error)} They are on the volume; fetch them later with: runpod-trainer fetch ${record.job}`;
      options.onEvent({ type: 'warning', text });
    }
  }
  now = await endJobPod(installation, now, options);
  if (outcome !== 'unknown') {
    now = await installation.records.save({ ...now, phase: 'done' });
  }
  const cost = await costOf(installation.client, now);
  const results = now.fetched === undefined ? undefined : resultsFolder(now);
  return { record: now, view, outcome, reason, cost, results };
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
    created: now,
    updated: now,
  };
}
