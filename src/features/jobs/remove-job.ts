import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import { mayRun, type JobRecord, type JobRecords } from '../../core/journal/records.ts';
import { chooseJob } from './choose-job.ts';

/** Why a job has to stay in the list; undefined where it may go. */
export function whyItStays(record: JobRecord): UserError | undefined {
  const { project, pod, podEnded, goneBy } = record;
  if (mayRun(record)) {
    return new UserError('job-runs', {
      what: `${project} stays in the list.`,
      why: 'Nobody has heard that it is over.',
      next: 'Cancel it first.',
      remedies: [{ do: 'cancel', job: record.job }],
    });
  }
  return pod !== undefined && podEnded === undefined && goneBy === undefined
    ? new UserError('pod-may-bill', {
        what: `${project} stays in the list.`,
        why: 'Its pod may still cost money: nobody has seen it end.',
        next: 'Look for it, and end it.',
        remedies: [{ do: 'find-unused' }],
      })
    : undefined;
}

/** Takes a job that is over from the list. Its record stays for the costs, so that it can be undone. */
export async function removeJob(
  vs: typeof vscode,
  records: JobRecords,
  target: unknown,
  changed: () => void,
): Promise<void> {
  const record = await chooseJob(vs, records, target, 'Remove from List', (r) => whyItStays(r) === undefined);
  if (record === undefined) {
    return;
  }
  const stays = whyItStays(record);
  if (stays !== undefined) {
    throw stays;
  }
  await records.change(record.job, { hidden: true });
  changed();
  const undo = 'Undo';
  const text = `${record.project} was removed from the list. Its results and its costs stay.`;
  void vs.window.showInformationMessage(text, undo).then(async (chosen) => {
    if (chosen === undo) {
      await records.change(record.job, { hidden: false });
      changed();
    }
  });
}
