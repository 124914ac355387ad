import type * as vscode from 'vscode';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import type { AttachedJobs } from './attached-jobs.ts';
import { chooseJob } from './choose-job.ts';

export interface AttachOptions {
  records: JobRecords;
  live: AttachedJobs;
  installation: () => Promise<Installation>;
}

/** Attaches this window to a job that goes on without it. */
export async function attachToJob(vs: typeof vscode, options: AttachOptions, target: unknown): Promise<void> {
  const fits = (r: JobRecord): boolean => r.phase !== 'done' && r.remote !== undefined;
  const none = 'No job runs that this window could attach to.';
  const record = await chooseJob(vs, options.records, target, 'Attach to Job', fits, none);
  if (record === undefined) {
    return;
  }
  if (!fits(record)) {
    throw new NothingToDo(`The job of ${record.project} is over, or has not reached a pod yet.`);
  }
  options.live.attach(await options.installation(), record);
}
