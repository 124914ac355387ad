import type * as vscode from 'vscode';
import { basename, join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { byteText } from '../../core/format.ts';
import { homeFolder } from '../../core/installation.ts';
import { sourceOf, type UploadSource, type VolumeStore } from '../../core/s3/index.ts';
import { sha256Of } from '../../core/transfer/hash.ts';
import { isPlainName } from '../../core/volumes/names.ts';
import { valueOf, withProgress, type Report } from '../common/progress.ts';
import { movedText } from './moved.ts';
import type { VolumeFiles } from './volume-files.ts';

/** Names in the question whether to replace files. */
const shown = 8;

/** Puts files of this machine into a folder of a volume, over S3; asks before it replaces any. */
export async function uploadVolumeFiles(vs: typeof vscode, files: VolumeFiles, target: unknown): Promise<void> {
  const { volume, folder } = folderOf(target);
  await files.overS3(volume, async (store) => {
    const chosen = await vs.window.showOpenDialog({
      canSelectMany: true,
      openLabel: 'Upload',
      title: folder === '' ? 'Upload Files to the Volume' : `Upload Files to ${folder}`,
    });
    const paths = (chosen ?? []).map((uri) => uri.fsPath);
    if (paths.length === 0 || !(await mayReplace(vs, store, folder, paths))) {
      return;
    }
    const name = paths.length === 1 ? basename(paths[0] ?? '') : `${paths.length} files`;
    const sent = await withProgress(vs, { title: `Uploading ${name}` }, (signal, report) =>
      send(store, folder, paths, signal, report),
    );
    const bytes = valueOf(sent);
    vs.window.setStatusBarMessage(`$(check) Uploaded ${name} (${byteText(bytes)})`, 8000);
  });
}

async function mayReplace(vs: typeof vscode, store: VolumeStore, folder: string, paths: string[]): Promise<boolean> {
  const listed = await withProgress(vs, { title: 'Looking at the folder…', where: 'window' }, (signal) =>
    store.list(folder, signal),
  );
  const there = new Map(valueOf(listed).map((item) => [item.name, item]));
  const taken = paths.map((path) => basename(path)).filter((name) => there.has(name));
  const folders = taken.filter((name) => there.get(name)?.kind === 'folder');
  if (folders.length > 0) {
    throw new UserError('upload-folder', {
      what: `${folders.join(', ')} would take the place of a folder of this name.`,
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

/** Answers the bytes of the files. */
async function send(
  store: VolumeStore,
  folder: string,
  paths: string[],
  signal: AbortSignal,
  report: Report,
): Promise<number> {
  const sources: UploadSource[] = [];
  for (const path of paths) {
    report(`Reading ${basename(path)}…`);
    sources.push(await sourceOf(path, await sha256Of(path, signal)));
  }
  const total = sources.reduce((sum, source) => sum + source.size, 0);
  const journal = join(homeFolder(), 'transfers');
  await store.abortStale(journal);
  let done = 0;
  for (const source of sources) {
    await store.upload(source, folder === '' ? source.path : `${folder}/${source.path}`, {
      signal,
      journal,
      onBytes: (bytes) => {
        const [message, percent] = movedText((done += bytes), total);
        report(`${message} · ${source.path}`, percent);
      },
    });
  }
  return total;
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
