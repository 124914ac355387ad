import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { findProblems } from './problems.ts';
import { isProjectFile, projectSuffix } from './project-files.ts';

/** The project file that a command is about: its argument, the open editor's, or the one the user chooses. */
export async function chooseProjectFile(
  vs: typeof vscode,
  target: unknown,
  title: string,
): Promise<vscode.Uri | undefined> {
  if (target instanceof vs.Uri) {
    return target;
  }
  const active = vs.window.activeTextEditor?.document;
  if (active !== undefined && isProjectFile(active)) {
    return active.uri;
  }
  const found = await projectFiles(vs);
  if (found.length === 0) {
    throw new UserError('no-project-file', {
      what: 'There is no project file in this window.',
      next: 'Create one with "RunPod: Create Project File…", or try the sample project.',
    });
  }
  if (found.length === 1) {
    return found[0];
  }
  const items = found.map((uri) => ({ label: vs.workspace.asRelativePath(uri), uri }));
  return (await vs.window.showQuickPick(items, { title, placeHolder: 'Which project file?' }))?.uri;
}

/** The project files of this window. */
export async function projectFiles(vs: typeof vscode): Promise<vscode.Uri[]> {
  return vs.workspace.findFiles(`**/*${projectSuffix}`, '**/{node_modules,.venv,.runpod-trainer}/**', 100);
}

/** Only what the user changed here: saving an untouched editor could overwrite a newer file. */
export async function saveChanges(vs: typeof vscode, file: vscode.Uri): Promise<void> {
  await vs.workspace.textDocuments.find((d) => d.isDirty && d.uri.toString() === file.toString())?.save();
}

/** Checks a project file and says how many problems there are; the problems themselves are diagnostics. */
export async function checkProjectFile(vs: typeof vscode, target: unknown): Promise<void> {
  const uri = await chooseProjectFile(vs, target, 'Check Project');
  if (uri === undefined) {
    return;
  }
  const document = await vs.workspace.openTextDocument(uri);
  const problems = await findProblems(document.getText(), dirname(uri.fsPath));
  const name = vs.workspace.asRelativePath(uri);
  const first = problems[0];
  if (first === undefined) {
    vs.window.setStatusBarMessage(`$(check) ${name}: no problems found`, 8000);
    return;
  }
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const show = 'Show Problems';
  const at = document.positionAt(first.offset);
  await vs.window.showTextDocument(document, { selection: new vs.Range(at, at), preview: false });
  void vs.window.showWarningMessage(`${name} has ${count}. First: ${first.message}`, show).then((chosen) => {
    return chosen === show ? vs.commands.executeCommand('workbench.actions.view.problems') : undefined;
  });
}
