import type * as vscode from 'vscode';
import { factsOf, noteUnseenEnds, type CostSource } from '../../core/caps/known-pods.ts';
import { recorded, reportOf } from '../../core/caps/meter.ts';
import { lostRemedies, noteGone, type GoneSource } from '../../core/jobs/gone.ts';
import { JobJournals, viewWithRecord } from '../../core/journal/job-journals.ts';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import { unfinishedStep, type JobView } from '../../core/journal/view.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import type { AttachedJobs } from './attached-jobs.ts';
import type { RunRequest } from './run-job.ts';

/** Ends the records of jobs whose pod is gone and says so; `pods` is what the API has just answered. */
export async function tellGone(
  installation: GoneSource & Pick<CostSource, 'home'>,
  pods: readonly Pod[],
  live: Pick<AttachedJobs, 'tell' | 'isAttached'>,
): Promise<void> {
  await noteUnseenEnds(installation, pods);
  for (const record of await noteGone(installation, pods)) {
    const { outcome, reason } = record;
    // Who is attached hears it from its own link.
    if (outcome !== undefined && !live.isAttached(record.job)) {
      const { view, heard } = await standOf(installation.records, record);
      const cost = reportOf(recorded([factsOf(record, { view, heard })]), record.job);
      const remedies = outcome === 'lost' ? lostRemedies(record, view) : [];
      await live.tell({ record, outcome, reason, remedies, cost });
    }
  }
}

/** The job whose row or panel a target is; undefined for any other target. */
async function recordOf(records: JobRecords, target: unknown): Promise<JobRecord | undefined> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  return typeof id === 'string' ? records.get(id) : undefined;
}

/** The same run as a job was, as a whole; undefined for a target that is no row of a job. */
export async function againRequest(
  vs: Pick<typeof vscode, 'Uri'>,
  records: JobRecords,
  target: unknown,
): Promise<RunRequest | undefined> {
  const record = await recordOf(records, target);
  return record && { file: vs.Uri.file(record.file), profile: record.profile };
}

/**
 * The run that goes on where a job stood, or from the step of a row; undefined for a target that is no row or panel of a
 * job.
 */
export async function resumeRequest(
  vs: Pick<typeof vscode, 'Uri'>,
  records: JobRecords,
  target: unknown,
): Promise<RunRequest | undefined> {
  const record = await recordOf(records, target);
  const step = typeof target === 'object' && target !== null && 'step' in target ? target.step : undefined;
  if (record === undefined) {
    return undefined;
  }
  if (typeof step === 'string') {
    return { file: vs.Uri.file(record.file), profile: record.profile, from: step };
  }
  const { view } = await standOf(records, record);
  return { file: vs.Uri.file(record.file), profile: record.profile, from: unfinishedStep(view) };
}

async function standOf(records: JobRecords, record: JobRecord): Promise<{ view: JobView; heard: Date | undefined }> {
  const journals = new JobJournals(records, record);
  await journals.read();
  return { view: viewWithRecord(record, journals.view), heard: journals.heard };
}
