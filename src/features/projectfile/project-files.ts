import type * as vscode from 'vscode';

export const projectSuffix = '.runpod.json';

export function isProjectFile(document: vscode.TextDocument): boolean {
  return document.uri.scheme === 'file' && document.fileName.endsWith(projectSuffix);
}

/** The project files of this window; at most so many. */
export async function projectFiles(vs: typeof vscode, most = 100): Promise<vscode.Uri[]> {
  return vs.workspace.findFiles(`**/*${projectSuffix}`, '**/{node_modules,.venv,.runpod-trainer}/**', most);
}
