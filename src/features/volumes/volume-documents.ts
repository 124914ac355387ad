import type * as vscode from 'vscode';
import { messageOf } from '../../core/errors.ts';
import type { VolumeFiles } from './volume-files.ts';

export const volumeScheme = 'runpod-volume';

/** Larger files are downloaded instead of opened. */
const mostBytes = 5_000_000;

export function volumeUri(vs: typeof vscode, volume: string, path: string): vscode.Uri {
  return vs.Uri.from({ scheme: volumeScheme, path: `/${volume}/${path}` });
}

/** Files of volumes for the editor, read-only. */
export function volumeDocuments(vs: typeof vscode, files: VolumeFiles): vscode.FileSystemProvider {
  const { FileSystemError, FileType } = vs;
  const refuse = (uri: vscode.Uri): never => {
    throw FileSystemError.NoPermissions(uri);
  };
  /** The editor knows only its own kinds of errors. */
  const at: VolumeFiles['at'] = async (volume, path, work) => {
    try {
      return await files.at(volume, path, work);
    } catch (error) {
      throw FileSystemError.Unavailable(messageOf(error));
    }
  };
  const browse = () => import('../../core/volumes/browse.ts');
  const split = ({ path }: vscode.Uri): [volume: string, path: string] => {
    const [, volume = '', ...rest] = path.split('/');
    return [volume, rest.join('/')];
  };
  return {
    onDidChangeFile: new vs.EventEmitter<vscode.FileChangeEvent[]>().event,
    watch: () => new vs.Disposable(() => undefined),
    stat: (uri) =>
      at(...split(uri), async (connection, place) => {
        const { size, modified, kind } = await (await browse()).statPlace(connection, place);
        return {
          type: kind === 'file' ? FileType.File : FileType.Directory,
          size,
          ctime: 0,
          mtime: Math.round(modified * 1000),
          permissions: vs.FilePermission.Readonly,
        };
      }),
    readFile: (uri) =>
      at(...split(uri), async (connection, place) => (await browse()).readWhole(connection, place, mostBytes)),
    readDirectory: (uri) =>
      at(...split(uri), async (connection, place) => {
        const { entries } = await (await browse()).listFolder(connection, place);
        const known = entries.filter((e) => e.kind === 'file' || e.kind === 'folder');
        return known.map((e) => [e.name, e.kind === 'file' ? FileType.File : FileType.Directory]);
      }),
    createDirectory: refuse,
    writeFile: refuse,
    delete: refuse,
    rename: refuse,
  };
}
