import type * as vscode from 'vscode';

/** Shows a folder of this machine: in the Explorer where it is part of the workspace. */
export async function revealFolder(vs: typeof vscode, folder: string): Promise<void> {
  const uri = vs.Uri.file(folder);
  const inside = vs.workspace.getWorkspaceFolder(uri) !== undefined;
  await vs.commands.executeCommand(inside ? 'revealInExplorer' : 'revealFileInOS', uri);
}
