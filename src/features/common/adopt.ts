import type * as vscode from 'vscode';
import type { AskAdopt } from '../../core/volumes/origins.ts';

/** Asks whether a folder may fill what another one has filled. */
export function askAdopt(vs: typeof vscode): AskAdopt {
  const button = 'Let This Folder Fill It';
  return async (question) => (await vs.window.showWarningMessage(question, { modal: true }, button)) === button;
}
