import type * as vscode from 'vscode';

export const projectSuffix = '.runpod.json';

export function isProjectFile(document: vscode.TextDocument): boolean {
  return document.uri.scheme === 'file' && document.fileName.endsWith(projectSuffix);
}
