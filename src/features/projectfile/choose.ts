import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import type { Project } from '../../core/project/schema.ts';
import { isProjectFile, projectFiles } from './project-files.ts';

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

/** Only what the user changed here: saving an untouched editor could overwrite a newer file. */
export async function saveChanges(vs: typeof vscode, file: vscode.Uri): Promise<void> {
  await vs.workspace.textDocuments.find((d) => d.isDirty && d.uri.toString() === file.toString())?.save();
}

/** Which profile to run; undefined when the user gave up. A project without profiles is not asked for. */
export async function chooseProfile(
  vs: typeof vscode,
  project: Project,
  title: string,
): Promise<{ profile?: string } | undefined> {
  const profiles = Object.entries(project.profiles);
  if (profiles.length === 0) {
    return {};
  }
  const items = [
    { label: 'As it is', description: 'no profile', choice: {} },
    ...profiles.map(([profile, { description }]) => ({ label: profile, detail: description, choice: { profile } })),
  ];
  const options = { title, placeHolder: 'Which profile?' };
  return (await vs.window.showQuickPick<(typeof items)[number] & vscode.QuickPickItem>(items, options))?.choice;
}
