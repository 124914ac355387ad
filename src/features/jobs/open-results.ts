import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import { resultsFolder, type JobRecords } from '../../core/journal/records.ts';
import { revealFolder } from '../common/reveal-folder.ts';
import { chooseJob } from './choose-job.ts';

/** Shows the folder with a job's results: in the Explorer where it is part of the workspace. */
export async function openJobResults(vs: typeof vscode, records: JobRecords, target: unknown): Promise<void> {
  const record = await chooseJob(vs, records, target, 'Open Results Folder', (r) => r.fetched !== undefined);
  if (record === undefined) {
    return;
  }
  if (record.fetched === undefined) {
    throw new UserError('not-fetched', {
      what: `The results of ${record.project} have not been brought home yet.`,
      next: 'Fetch them first with "Fetch Results…".',
    });
  }
  await revealFolder(vs, resultsFolder(record));
}
