import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import { byteText, count } from '../../core/words/index.ts';
import { parseJobState } from '../../core/journal/state.ts';
import type { Amount } from '../../core/volumes/browse/pod-tree.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';
import { deletable } from '../../core/volumes/browse/names.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import type { OpenRecords } from '../account/installation.ts';
import type { FileSource } from './file-source.ts';
import { placeOfRow } from './open-and-download.ts';
import type { VolumeFiles } from './volume-files.ts';

export interface DeleteContext {
  vs: typeof vscode;
  files: VolumeFiles;
  records: OpenRecords;
}

/** A job's state has no more bytes than this. */
const mostState = 4_000_000;

/** Deletes a file or folder of a volume after saying what and how much that is. Answers what is gone. */
export async function deleteVolumeFile(context: DeleteContext, target: unknown): Promise<Amount | undefined> {
  const { vs, files } = context;
  const { volume, path } = placeOfRow(target);
  const name = visibleName(path.split('/').at(-1) ?? path);
  return files.at(volume, async (source) => {
    await refuseProtected(context, source, path);
    const looked = await withProgress(vs, { title: `Looking how much ${name} has…` }, (signal) =>
      source.measure(path, signal),
    );
    const amount = valueOf(looked);
    if (!(await mayDelete(context, volume, path, amount))) {
      return undefined;
    }
    const gone = await withProgress(vs, { title: `Deleting ${name}` }, (signal, report) =>
      source.remove(path, signal, report),
    );
    if (gone.status === 'cancelled') {
      vs.window.setStatusBarMessage(`$(circle-slash) Deleting ${name} was cancelled; a part of it may be gone`, 10_000);
      return undefined;
    }
    const done = valueOf(gone);
    vs.window.setStatusBarMessage(`$(trash) Deleted ${name} (${amountText(done)})`, 8000);
    return done;
  });
}

/** Journals, results of steps and the worker are what jobs go on from and are explained by. */
async function refuseProtected({ records }: DeleteContext, source: FileSource, path: string): Promise<void> {
  const what = deletable(path);
  if (what.kind === 'protected') {
    throw new UserError('delete-protected', {
      what: `${visibleName(path)} was not deleted.`,
      why: 'Jobs keep their journal, their worker and what the transfer knows under .runpod-trainer; a job that runs would fail without it.',
      next: 'Delete the folder of a job that has ended, under .runpod-trainer/jobs, or the whole folder of a project.',
    });
  }
  if (what.kind === 'job' && !(await jobEnded(await records(), source, path, what.job))) {
    throw new UserError('delete-job', {
      what: `The folder of the job ${what.job} was not deleted.`,
      why: 'Nothing says that this job has ended.',
      next: 'Cancel the job, or wait for its end, and delete its folder then.',
    });
  }
}

async function jobEnded(
  records: Awaited<ReturnType<OpenRecords>>,
  source: FileSource,
  path: string,
  job: string,
): Promise<boolean> {
  const record = await records.get(job);
  if (record !== undefined) {
    return record.outcome !== undefined;
  }
  const text = await source.read(`${path}/state.json`, mostState).catch(() => undefined);
  const state = text && parseJobState(job, text.toString('utf8'));
  return state !== undefined && state.status !== 'running';
}

async function mayDelete({ vs, files }: DeleteContext, volume: string, path: string, amount: Amount): Promise<boolean> {
  const pods = files.podsOn(volume);
  const detail = [
    `${amountText(amount)}. This cannot be undone: nobody keeps a copy.`,
    ...(pods.length === 0
      ? []
      : [`${pods.join(', ')} ${pods.length === 1 ? 'runs' : 'run'} with this volume and may need it.`]),
    ...(path.startsWith('projects/') ? ['The next sync sends again what the project on this machine still has.'] : []),
  ].join('\n');
  const button = { 0: 'Delete Empty Folder', 1: 'Delete File' }[amount.files] ?? `Delete ${amount.files} Files`;
  const question = `Delete ${visibleName(path)} on ${files.nameOf(volume)}?`;
  return (await vs.window.showWarningMessage(question, { modal: true, detail }, button)) === button;
}

function amountText({ files, bytes }: Amount): string {
  return `${count(files, 'file')}, ${byteText(bytes)}`;
}
