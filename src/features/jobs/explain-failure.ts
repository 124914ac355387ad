import type * as vscode from 'vscode';
import { isDeepStrictEqual } from 'node:util';
import { findNodeAtLocation, getNodeValue, parseTree } from 'jsonc-parser';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import {
  explain,
  gatherEvidence,
  unexplained,
  type Evidence,
  type Explanation,
} from '../../core/guards/explain/index.ts';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { buttonsOf, press } from '../common/remedies.ts';
import { commands } from '../ids.ts';
import { chooseJob } from './choose-job.ts';
import type { Launch } from './run-job.ts';
import { setProjectValue } from '../projectfile/edit.ts';
import { plainText } from '../common/text.ts';

/** Lines of evidence that a dialog shows; the whole log is one click away. */
const mostEvidence = 8;

export interface ExplainOptions {
  records: JobRecords;
  installation: () => Promise<Installation>;
  launch: Launch;
}

/** Says why a job failed and what shows it; makes the one change that would help, and goes on from the step. */
export async function explainFailure(
  vs: typeof vscode,
  { records, installation, launch }: ExplainOptions,
  target: unknown,
): Promise<void> {
  const failed = (r: JobRecord): boolean =>
    r.outcome === 'failed' || r.outcome === 'lost' || r.outcome === 'cancelled' || r.phase === 'done';
  const record = await chooseJob(vs, records, target, 'Explain Failure', (r) => failed(r) && r.outcome !== 'succeeded');
  if (record === undefined) {
    return;
  }
  const here = await installation();
  const looked = await withProgress(vs, { title: `Looking at ${record.project}…`, where: 'window' }, (signal) =>
    gatherEvidence(here, record, signal),
  );
  const evidence = valueOf(looked);
  const explanation = explain(evidence);
  if (explanation === undefined) {
    await showUnexplained(vs, record, evidence);
    return;
  }
  const { change, resume, remedies = [] } = explanation;
  const acts = buttonsOf(vs, remedies);
  const able = change?.path != null && resume !== null;
  const apply = 'Apply Change and Resume…';
  const again = 'Resume…';
  const log = 'Open Job';
  const buttons = [...acts.map((b) => b.title), ...(able ? [apply] : resume === null ? [] : [again]), log];
  const text = explanationText(explanation);
  const chosen = await vs.window.showWarningMessage(
    plainText(`${record.project}: ${explanation.what}`, 500),
    { modal: true, detail: text },
    ...buttons,
  );
  const act = acts.find((b) => b.title === chosen);
  if (act !== undefined) {
    await press(vs, act);
  } else if (chosen === log) {
    await vs.commands.executeCommand(commands.openJob, { id: record.job, step: resume?.from });
  } else if (chosen === apply || chosen === again) {
    const file = vs.Uri.file(record.file);
    if (chosen === apply && change?.path != null) {
      await applyChange(vs, file, change.path, change.from, change.to);
    }
    await launch({ file, profile: record.profile, from: resume?.from });
  }
}

/** For a dialog: what was seen, why, what to do and the change with its old and new value. */
export function explanationText({ evidence, also, why, next, change }: Explanation): string {
  const seen = shownLines(evidence.slice(0, mostEvidence));
  const place = change?.path?.map((p) => (typeof p === 'number' ? `[${p}]` : `.${p}`)).join('');
  return [
    ...(seen.length === 0 ? [] : ['Seen:', ...seen, '']),
    ...survived(also),
    plainText(why),
    '',
    plainText(next),
    ...(place === undefined || change === null
      ? []
      : [
          '',
          `Change ${place.replace(/^\./, '')}: ${plainText(JSON.stringify(change.from), 300)} → ${plainText(JSON.stringify(change.to), 300)}`,
        ]),
  ].join('\n');
}

function shownLines(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${plainText(line, 300)}`);
}

function survived(also: readonly string[]): string[] {
  return also.length === 0 ? [] : ['Earlier, and survived:', ...shownLines(also), ''];
}

/** Makes the change where the value is still the one that the explanation is about. */
async function applyChange(
  vs: typeof vscode,
  file: vscode.Uri,
  path: (string | number)[],
  from: unknown,
  to: unknown,
): Promise<void> {
  const document = await vs.workspace.openTextDocument(file);
  const tree = parseTree(document.getText(), [], { allowTrailingComma: true });
  const node = tree && findNodeAtLocation(tree, path);
  const now: unknown = node === undefined ? undefined : getNodeValue(node);
  // A value that the file leaves to its default is not there.
  if (now !== undefined && !isDeepStrictEqual(now, from)) {
    throw new UserError('change-outdated', {
      what: `The project file was not changed.`,
      why: `Where the change belongs there is ${JSON.stringify(now)} by now; the failed job had ${JSON.stringify(from)}.`,
      next: 'Run the pipeline as it is, or change the value by hand.',
    });
  }
  await setProjectValue(vs, file, path, to);
}

async function showUnexplained(vs: typeof vscode, record: JobRecord, evidence: Evidence): Promise<void> {
  const { status } = evidence.state;
  if (['succeeded', 'running', 'starting'].includes(status)) {
    const state = status === 'succeeded' ? 'has succeeded' : 'has not ended';
    throw new UserError('nothing-to-explain', {
      what: `The job of ${record.project} ${state}.`,
      next: 'There is nothing to explain.',
    });
  }
  const open = 'Open Job';
  const { error, also } = unexplained(evidence);
  const last = shownLines(evidence.log.slice(-mostEvidence));
  const detail = [
    ...(record.reason === undefined ? [] : [plainText(record.reason), '']),
    'No known cause was recognised, and nothing is guessed.',
    ...(error === undefined ? [] : ['', 'It ended with:', ...shownLines([error])]),
    ...(also.length === 0 ? [] : ['', ...survived(also).slice(0, -1)]),
    ...(last.length === 0 ? [] : ['', 'The last lines of its step:', ...last]),
  ].join('\n');
  const title = `${record.project} is ${status}.`;
  if ((await vs.window.showWarningMessage(title, { modal: true, detail }, open)) === open) {
    await vs.commands.executeCommand(commands.openJob, { id: record.job });
  }
}
