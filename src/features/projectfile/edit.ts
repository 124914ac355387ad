import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import { modify, type Edit } from 'jsonc-parser';
import { UserError } from '../../core/errors.ts';
import { loadProject, type LoadedProject } from '../../core/project/load.ts';
import { parseProject } from '../../core/project/parse.ts';

/** A project file as its editor shows it, saved or not; throws what `loadProject` throws. */
export async function loadFromEditor(vs: typeof vscode, file: vscode.Uri): Promise<LoadedProject> {
  const open = vs.workspace.textDocuments.find((d) => d.uri.toString() === file.toString());
  const text = open?.isDirty === true ? open.getText() : undefined;
  const { project } = text === undefined ? {} : parseProject(text);
  if (text === undefined || project === undefined) {
    return loadProject(file.fsPath);
  }
  return { file: file.fsPath, root: dirname(file.fsPath), text, project };
}

/** Sets a value of a project file, keeps comments and layout, and saves it. */
export async function setProjectValue(
  vs: typeof vscode,
  file: vscode.Uri,
  path: readonly (string | number)[],
  value: unknown,
): Promise<void> {
  await changeProjectFile(vs, file, (text) =>
    modify(text, [...path], value, { formattingOptions: { insertSpaces: true, tabSize: 2 } }),
  );
}

/** Makes changes of a project file's text and saves it; the editor can undo them. */
export async function changeProjectFile(
  vs: typeof vscode,
  file: vscode.Uri,
  changes: (text: string) => readonly Edit[],
): Promise<void> {
  const document = await vs.workspace.openTextDocument(file);
  const edit = new vs.WorkspaceEdit();
  for (const { offset, length, content } of changes(document.getText())) {
    edit.replace(file, new vs.Range(document.positionAt(offset), document.positionAt(offset + length)), content);
  }
  if (!(await vs.workspace.applyEdit(edit)) || !(await document.save())) {
    throw new UserError('edit-failed', {
      what: `The project file could not be changed.`,
      why: 'VS Code did not apply or save the change.',
      next: 'Make the change by hand.',
    });
  }
}

/** Adds a path to `sync.allowSecrets`, at the end of the list or in a new one. */
export function allowEdits(
  text: string,
  path: string,
  profile?: string,
): { offset: number; length: number; content: string }[] {
  const list = [...(profile === undefined ? [] : ['profiles', profile]), 'sync', 'allowSecrets', -1];
  return modify(text, list, path, {
    isArrayInsertion: true,
    formattingOptions: { insertSpaces: true, tabSize: 2 },
  });
}

/** Writes the change into the project file and saves it; the editor can undo it. */
export async function allowSecrets(
  vs: typeof vscode,
  uri: vscode.Uri,
  path: string,
  profile: string | undefined,
): Promise<void> {
  await changeProjectFile(vs, uri, (text) => allowEdits(text, path, profile));
}
