import type * as vscode from 'vscode';
import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import { UserError } from '../../core/errors.ts';
import { unsafeName } from '../../core/files/confine.ts';
import { isWithin } from '../../core/files/within.ts';
import { resultsFolder, type JobRecord, type JobRecords } from '../../core/journal/records.ts';
import { parseProject } from '../../core/project/parse.ts';

/** A row of a step or a gate. */
const rowSchema = z.object({ id: z.string(), step: z.string(), gate: z.int().min(0).optional() });
type Row = z.infer<typeof rowSchema>;

async function rowOf(records: JobRecords, target: unknown): Promise<{ row: Row; record: JobRecord }> {
  const row = rowSchema.safeParse(target).data;
  const record = row && (await records.get(row.id));
  if (row === undefined || record === undefined) {
    throw new UserError('no-step', { what: 'No step was chosen.', next: 'Use the menu of a step in the Jobs view.' });
  }
  return { row, record };
}

/** Where a step, or a gate of it, stands in a project file; the nearest that is there, undefined where the step is not. */
export function placeOfStep(text: string, step: string, gate?: number): { offset: number; length: number } | undefined {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const steps = (tree && findNodeAtLocation(tree, ['steps'])?.children) ?? [];
  const node = steps.find((one) => findNodeAtLocation(one, ['name'])?.value === step);
  const inside = node && gate !== undefined ? findNodeAtLocation(node, ['gates', gate]) : undefined;
  const found = inside ?? node;
  return found && { offset: found.offset, length: found.length };
}

/** Opens the project file of a job where a step, or a gate of it, stands. */
export async function openInProjectFile(vs: typeof vscode, records: JobRecords, target: unknown): Promise<void> {
  const { row, record } = await rowOf(records, target);
  const document = await vs.workspace.openTextDocument(vs.Uri.file(record.file));
  const place = placeOfStep(document.getText(), row.step, row.gate);
  const at = document.positionAt(place?.offset ?? 0);
  const end = document.positionAt((place?.offset ?? 0) + (place?.length ?? 0));
  await vs.window.showTextDocument(document, { selection: new vs.Range(at, end) });
  if (place === undefined) {
    vs.window.setStatusBarMessage(`$(info) The project file has no such step any more.`, 8000);
  }
}

/**
 * The files of a step, or of one gate, as the project file names them now: relative and without patterns. What a journal
 * says is never taken for a path.
 */
export function filesOfStep(text: string, step: string, gate?: number): string[] {
  const { project } = parseProject(text);
  const found = project?.steps.find(({ name }) => name === step);
  const gates = (found?.gates ?? []).filter((_, i) => gate === undefined || i === gate);
  const named = gates.flatMap((one) => ('path' in one ? [one.path] : []));
  return [...named, ...(gate === undefined ? (found?.outputs ?? []) : [])]
    .map(withoutPattern)
    .map((path) => path.replace(/^\.\//, '').replace(/\/$/, ''))
    .filter((path) => unsafeName(path) === undefined);
}

/** The folder in which a pattern begins; a plain path as it is. */
function withoutPattern(path: string): string {
  const at = path.search(/[*?[]/);
  return at === -1 ? path : path.slice(0, path.lastIndexOf('/', at) + 1);
}

/** Shows in the Explorer what a step wrote: in the results that came home, else in the project's folder. */
export async function revealStepFiles(vs: typeof vscode, records: JobRecords, target: unknown): Promise<void> {
  const { row, record } = await rowOf(records, target);
  const text = (await vs.workspace.openTextDocument(vs.Uri.file(record.file))).getText();
  const names = filesOfStep(text, row.step, row.gate);
  for (const folder of [resultsFolder(record), record.root]) {
    for (const name of names) {
      const place = await insideOf(folder, name);
      if (place !== undefined) {
        await vs.commands.executeCommand('revealInExplorer', vs.Uri.file(place));
        return;
      }
    }
  }
  const [first] = names;
  const isFetchable = record.outcome !== undefined && record.remote !== undefined;
  throw new UserError('not-here', {
    what: first === undefined ? `The project file names no file of this step.` : `${first} is not on this computer.`,
    next:
      first === undefined
        ? 'Name what it writes among its outputs.'
        : `On the volume ${record.volume?.name ?? ''} it lies in projects/${record.project}/${first}, if it was written there.`,
    remedies: first !== undefined && isFetchable ? [{ do: 'fetch', job: record.job }] : [],
  });
}

/** The place of a name below a folder where it is there, and no link leads out of it. */
async function insideOf(folder: string, name: string): Promise<string | undefined> {
  try {
    const place = join(folder, name);
    await lstat(place);
    return isWithin(await realpath(folder), await realpath(place)) ? place : undefined;
  } catch {
    return undefined;
  }
}
