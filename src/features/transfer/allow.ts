import type * as vscode from 'vscode';
import { modify } from 'jsonc-parser';

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
  const document = await vs.workspace.openTextDocument(uri);
  const edit = new vs.WorkspaceEdit();
  for (const { offset, length, content } of allowEdits(document.getText(), path, profile)) {
    edit.replace(uri, new vs.Range(document.positionAt(offset), document.positionAt(offset + length)), content);
  }
  await vs.workspace.applyEdit(edit);
  await document.save();
}
