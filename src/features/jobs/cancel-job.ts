import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecord } from '../../core/journal/records.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import type { AttachedJobs } from './attached-jobs.ts';
import { pickText } from './choose-job.ts';

export interface CancelOptions {
  live: AttachedJobs;
  installation: () => Promise<Installation>;
}

/** Cancels a job after saying what stays. */
export async function cancelJob(
  vs: typeof vscode,
  options: CancelOptions,
  records: readonly JobRecord[],
  target: unknown,
): Promise<void> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  const running = records.filter((record) => record.outcome === undefined);
  const record = id === undefined ? await chooseRunningJob(vs, running) : records.find((r) => r.job === id);
  if (record === undefined) {
    if (id !== undefined) {
      throw new UserError('job-unknown', {
        what: 'This computer has no record of that job.',
        next: 'Cancel it on the computer that started it.',
      });
    }
    return;
  }
  if (record.outcome !== undefined) {
    throw new NothingToDo(`The job of ${record.project} has ended already.`);
  }
  const button = 'Cancel Job';
  const detail =
    'The running step is interrupted. What it wrote stays on the volume, results so far are brought home, and the pod ends.';
  const chosen = await vs.window.showWarningMessage(
    `Cancel the job of ${record.project}?`,
    { modal: true, detail },
    button,
  );
  if (chosen === button) {
    const installation = await options.installation();
    const title = `Cancelling ${record.project}…`;
    valueOf(await withProgress(vs, { title, where: 'window' }, () => options.live.cancel(installation, record)));
  }
}

async function chooseRunningJob(vs: typeof vscode, running: JobRecord[]): Promise<JobRecord | undefined> {
  if (running.length === 0) {
    throw new NothingToDo('No job is running.');
  }
  const items = running.map((record) => ({ ...pickText(record), record }));
  return (await vs.window.showQuickPick(items, { title: 'Cancel Job', placeHolder: 'Which job?' }))?.record;
}
