import type * as vscode from 'vscode';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';

/** The job that a command is about: that of its row or panel, else the one that the user picks. */
export async function chooseJob(
  vs: typeof vscode,
  records: JobRecords,
  target: unknown,
  title: string,
  fits: (record: JobRecord) => boolean = () => true,
  /** What is said where none fits. */
  none = 'No job has run yet.',
): Promise<JobRecord | undefined> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  const all = await records.list();
  if (typeof id === 'string') {
    return all.find((r) => r.job === id) ?? records.find(id);
  }
  const fitting = all.filter(fits);
  if (fitting.length === 0) {
    throw new NothingToDo(none);
  }
  const items = fitting.map((record) => ({ label: record.project, description: record.job, record }));
  return (await vs.window.showQuickPick(items, { title, placeHolder: 'Which job?' }))?.record;
}
