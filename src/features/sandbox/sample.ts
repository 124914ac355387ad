import type * as vscode from 'vscode';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Account } from '../account/account.ts';

const title = 'Try the Sample Project';
const folderName = 'runpod-trainer-sample';
const projectFile = 'training.runpod.json';

/** Copies the sample project to the folder that was chosen and opens it there, signed in to the sandbox. */
export async function openSample(
  vs: typeof vscode,
  account: Pick<Account, 'useSandbox'>,
  source: string,
  target: vscode.Uri,
): Promise<void> {
  const there = await vs.workspace.fs.stat(vs.Uri.joinPath(target, projectFile)).then(
    () => true,
    () => false,
  );
  if (!there) {
    await vs.workspace.fs.copy(vs.Uri.file(source), target, { overwrite: false });
  }
  await account.useSandbox(true, target.toString());
  const open = vs.workspace.workspaceFolders ?? [];
  if (!open.some((folder) => folder.uri.toString() === target.toString())) {
    await vs.commands.executeCommand('vscode.openFolder', target, { forceReuseWindow: true });
  }
}

/** Where the sample goes; undefined when the user gave up. */
export async function chooseTarget(vs: typeof vscode): Promise<vscode.Uri | undefined> {
  const usual = vs.Uri.file(join(homedir(), folderName));
  const items = [
    { label: `$(folder) ${usual.fsPath}`, description: 'in your home folder', uri: usual },
    { label: '$(folder-opened) Another Folder…', description: 'you choose where', uri: undefined },
  ];
  const chosen = await vs.window.showQuickPick(items, {
    title,
    placeHolder: 'Where should the sample be copied to? It opens in this window.',
  });
  if (chosen === undefined || chosen.uri !== undefined) {
    return chosen?.uri;
  }
  const [parent] =
    (await vs.window.showOpenDialog({
      title,
      canSelectFolders: true,
      canSelectFiles: false,
      openLabel: 'Copy Here',
    })) ?? [];
  return parent && vs.Uri.joinPath(parent, folderName);
}
