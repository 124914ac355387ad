import type * as vscode from 'vscode';
import { recorded, reportOf } from '../../core/caps/meter.ts';
import { isLoopback } from '../../core/runpod/connection.ts';
import { jobWords, phaseWords, priced, spentText } from '../../core/words/index.ts';
import { timeText } from '../common/text.ts';
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
  const all = (await records.list()).filter((r) => r.hidden !== true || r.job === id);
  if (typeof id === 'string') {
    return all.find((r) => r.job === id) ?? records.find(id);
  }
  const fitting = all.filter(fits);
  if (fitting.length === 0) {
    throw new NothingToDo(none);
  }
  const items = fitting.map((record) => ({ ...pickText(record), record }));
  return (await vs.window.showQuickPick(items, { title, placeHolder: 'Which job?' }))?.record;
}

/** What tells one job from another in a list of them: how it stands, when it began, what it cost, with which profile. */
export function pickText(record: JobRecord): { label: string; description: string } {
  const { project, phase, outcome, created, profile, pod, restUrl } = record;
  const { metered, atMost } = reportOf(recorded([{ record, heard: undefined }]), record.job);
  const state = outcome !== undefined ? jobWords[outcome] : phase === 'done' ? 'not started' : phaseWords[phase];
  const money = pod === undefined ? [] : [priced(spentText(metered, atMost), isLoopback(restUrl))];
  return {
    label: project,
    description: [state, timeText(created), ...money, ...(profile === undefined ? [] : [profile])].join(' · '),
  };
}

/** Two tabs of one project are told apart by when their jobs began. */
export function tabTitle({ project, created }: Pick<JobRecord, 'project' | 'created'>): string {
  return `${project} · ${timeText(created)}`;
}
