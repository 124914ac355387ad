import type * as vscode from 'vscode';
import { basename } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { byteText } from '../../core/words/index.ts';
import { isPlainName } from '../../core/volumes/browse/names.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import type { FileSource } from './file-source.ts';
import type { VolumeFiles } from './volume-files.ts';

/** Names in the question whether to replace files. */
const shown = 8;

/** Puts files of this machine into a folder of a volume, over S3 or through a running pod; asks before it replaces any. */
export async function uploadVolumeFiles(vs: typeof vscode, files: VolumeFiles, target: unknown): Promise<void> {
  const { volume, folder } = folderOf(target);
  await files.at(volume, async (source) => {
    const chosen = await vs.window.showOpenDialog({
      canSelectMany: true,
      openLabel: 'Upload',
      title: folder === '' ? 'Upload Files to the Volume' : `Upload Files to ${folder}`,
    });
    const paths = (chosen ?? []).map((uri) => uri.fsPath);
    if (paths.length === 0 || !(await mayReplace(vs, source, folder, paths))) {
      return;
    }
    const name = paths.length === 1 ? basename(paths[0] ?? '') : `${paths.length} files`;
    const sent = await withProgress(vs, { title: `Uploading ${name}` }, (signal, report) =>
      source.upload(paths, folder, signal, report),
    );
    const bytes = valueOf(sent);
    vs.window.setStatusBarMessage(`$(check) Uploaded ${name} (${byteText(bytes)})`, 8000);
  });
}

async function mayReplace(vs: typeof vscode, source: FileSource, folder: string, paths: string[]): Promise<boolean> {
  const names = paths.map((path) => basename(path));
  const looked = await withProgress(vs, { title: 'Looking at the folder…', where: 'window' }, () =>
    kindsOf(source, folder, names),
  );
  const there = valueOf(looked);
  const taken = names.filter((name) => there.has(name));
  const folders = taken.filter((name) => there.get(name) !== 'file');
  if (folders.length > 0) {
    throw new UserError('upload-folder', {
      what: `${folders.join(', ')} would take the place of a folder or a link of this name.`,
      next: 'Rename the file first. Nothing was sent.',
    });
  }
  if (taken.length === 0) {
    return true;
  }
  const what = taken.length === 1 ? `"${taken[0] ?? ''}"` : `${taken.length} files`;
  const button = taken.length === 1 ? 'Replace File' : `Replace ${taken.length} Files`;
  const more = taken.length > shown ? `\nand ${taken.length - shown} more` : '';
  const detail = `What is there now is lost:\n${taken.slice(0, shown).join('\n')}${more}`;
  return (
    (await vs.window.showWarningMessage(`Replace ${what} on the volume?`, { modal: true, detail }, button)) === button
  );
}

/** What has one of these names in the folder already. */
async function kindsOf(source: FileSource, folder: string, names: readonly string[]): Promise<Map<string, string>> {
  const { entries, more } = await source.list(folder);
  const there = new Map(entries.map(({ name, kind }) => [name, kind as string]));
  for (const name of more === 0 ? [] : names.filter((wanted) => !there.has(wanted))) {
    // A long folder is listed in part.
    const seen = await source.stat(folder === '' ? name : `${folder}/${name}`).catch(() => undefined);
    if (seen !== undefined) {
      there.set(name, seen.kind);
    }
  }
  return there;
}

/** The folder that a row stands for; a volume's row is its topmost folder. */
function folderOf(target: unknown): { volume: string; folder: string } {
  if (typeof target === 'object' && target !== null) {
    if (
      'volume' in target &&
      'path' in target &&
      typeof target.volume === 'string' &&
      typeof target.path === 'string'
    ) {
      if (isPlainName(target.path)) {
        return { volume: target.volume, folder: target.path };
      }
    } else if ('id' in target && typeof target.id === 'string') {
      return { volume: target.id, folder: '' };
    }
  }
  throw new UserError('no-folder', {
    what: 'No folder was chosen.',
    next: 'Use the menu of a volume or a folder in the Volumes view.',
  });
}
