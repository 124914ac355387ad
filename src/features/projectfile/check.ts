import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import { chooseProjectFile } from './choose.ts';
import { findProblems } from '../../core/project/check.ts';

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
