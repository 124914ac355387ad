import type * as vscode from 'vscode';
import { posix } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { draftProject } from './draft.ts';

const fileName = 'training.runpod.json';
const ignored = '**/{.git,.venv,venv,node_modules,__pycache__,.ipynb_checkpoints,.runpod-trainer,site-packages}/**';
const mostFiles = 2000;

/** Writes a commented project file from what lies in the folder, and opens it. */
export async function createProjectFile(vs: typeof vscode): Promise<void> {
  const folder = await chooseFolder(vs);
  if (folder === undefined) {
    return;
  }
  const target = vs.Uri.joinPath(folder.uri, fileName);
  if (!(await exists(vs, target))) {
    const pattern = new vs.RelativePattern(folder, '**/*.{py,ipynb,parquet,txt}');
    const found = await vs.workspace.findFiles(pattern, ignored, mostFiles);
    const files = found.map((uri) => posix.relative(folder.uri.path, uri.path));
    await vs.workspace.fs.writeFile(target, new TextEncoder().encode(draftProject({ name: folder.name, files })));
  }
  await vs.window.showTextDocument(target);
}

async function chooseFolder(vs: typeof vscode): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vs.workspace.workspaceFolders ?? [];
  if (folders.length === 0) {
    throw new UserError('no-folder', {
      what: 'No folder is open.',
      why: 'A project file describes the folder that it lies in.',
      next: 'Open the folder with your training code first.',
    });
  }
  return folders.length === 1
    ? folders[0]
    : vs.window.showWorkspaceFolderPick({ placeHolder: 'Which folder is the project?' });
}

async function exists(vs: typeof vscode, uri: vscode.Uri): Promise<boolean> {
  return vs.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
