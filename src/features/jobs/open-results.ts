import type * as vscode from 'vscode';
import { resultsFolder, type JobRecord, type JobRecords } from '../../core/journal/records.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import { revealFolder } from '../common/reveal-folder.ts';
import { buttonsOf } from '../common/remedies.ts';
import { chooseJob } from './choose-job.ts';

/** Shows the folder with a job's results: in the Explorer where it is part of the workspace. */
export async function openJobResults(vs: typeof vscode, records: JobRecords, target: unknown): Promise<void> {
  const isFetched = (r: JobRecord): boolean => r.fetched !== undefined;
  const none = 'No results have been brought home yet.';
  const record = await chooseJob(vs, records, target, 'Open Results Folder', isFetched, none);
  if (record === undefined) {
    return;
  }
  if (record.fetched === undefined) {
    const text = `The results of ${record.project} have not been brought home yet.`;
    throw new NothingToDo(text, buttonsOf(vs, [{ do: 'fetch', job: record.job }]));
  }
  await revealFolder(vs, resultsFolder(record));
}
