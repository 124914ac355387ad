import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import { modify } from 'jsonc-parser';
import { UserError } from '../../core/errors.ts';
import { loadProject, type LoadedProject } from '../../core/project/load.ts';
import { parseProject } from '../../core/project/parse.ts';

/** A project file as its editor shows it, saved or not; throws what `loadProject` throws. */
export async function loadShown(vs: typeof vscode, file: vscode.Uri): Promise<LoadedProject> {
  const open = vs.workspace.textDocuments.find((d) => d.uri.toString() === file.toString());
  const text = open?.isDirty === true ? open.getText() : undefined;
  const { project } = text === undefined ? {} : parseProject(text);
  if (text === undefined || project === undefined) {
    return loadProject(file.fsPath);
  }
  return { file: file.fsPath, root: dirname(file.fsPath), text, project };
}

/** Sets a value of a project file, keeps comments and layout, and saves it. */
export async function setValue(
  vs: typeof vscode,
  file: vscode.Uri,
  path: readonly (string | number)[],
  value: unknown,
): Promise<void> {
  const document = await vs.workspace.openTextDocument(file);
  const text = document.getText();
  const changes = modify(text, [...path], value, { formattingOptions: { insertSpaces: true, tabSize: 2 } });
  const edit = new vs.WorkspaceEdit();
  for (const { offset, length, content } of changes) {
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
