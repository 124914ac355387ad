import type * as vscode from 'vscode';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { isPlainName } from '../../core/volumes/browse/names.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { volumeUri } from './volume-documents.ts';
import type { VolumeFiles } from './volume-files.ts';

/** Opens a file of a volume in the editor, read-only. */
export async function openVolumeFile(vs: typeof vscode, target: unknown): Promise<void> {
  const { volume, path } = placeOfRow(target);
  await vs.commands.executeCommand('vscode.open', volumeUri(vs, volume, path), { preview: true });
}

/** Saves a file of a volume on this machine, where the user says. */
export async function downloadVolumeFile(vs: typeof vscode, files: VolumeFiles, target: unknown): Promise<void> {
  const { volume, path } = placeOfRow(target);
  const name = basename(path);
  const folder = vs.workspace.workspaceFolders?.[0]?.uri.fsPath ?? homedir();
  const chosen = await vs.window.showSaveDialog({
    defaultUri: vs.Uri.file(join(folder, name)),
    saveLabel: 'Download',
    title: `Download ${name}`,
  });
  if (chosen === undefined) {
    return;
  }
  const result = await withProgress(vs, { title: `Downloading ${name}` }, (signal, report) =>
    files.at(volume, (source) => source.download(path, chosen.fsPath, signal, report)),
  );
  valueOf(result);
  vs.window.setStatusBarMessage(`$(check) Downloaded ${name}`, 8000);
}

/** The file or folder that a row stands for. */
export function placeOfRow(target: unknown): { volume: string; path: string } {
  if (typeof target === 'object' && target !== null && 'volume' in target && 'path' in target) {
    const { volume, path } = target;
    if (typeof volume === 'string' && typeof path === 'string' && path !== '' && isPlainName(path)) {
      return { volume, path };
    }
  }
  throw new UserError('no-file', { what: 'No file was chosen.', next: 'Use the menu of a file in the Volumes view.' });
}
