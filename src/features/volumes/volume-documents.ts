import type * as vscode from 'vscode';
import { messageOf, UserError } from '../../core/errors.ts';
import type { FileSource } from './file-source.ts';
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
  const at = async <T>(uri: vscode.Uri, work: (source: FileSource, path: string) => Promise<T>): Promise<T> => {
    const [, volume = '', ...rest] = uri.path.split('/');
    try {
      return await files.at(volume, (source) => work(source, rest.join('/')));
    } catch (error) {
      // The editor asks for files that may be there, such as settings of a folder.
      throw error instanceof UserError && error.code === 'volume-missing'
        ? FileSystemError.FileNotFound(uri)
        : FileSystemError.Unavailable(messageOf(error));
    }
  };
  return {
    // Nobody tells of changes there.
    onDidChangeFile: () => new vs.Disposable(() => undefined),
    watch: () => new vs.Disposable(() => undefined),
    stat: (uri) =>
      at(uri, async (source, path) => {
        const { size, modified, kind } = await source.stat(path);
        return {
          type: kind === 'file' ? FileType.File : FileType.Directory,
          size,
          ctime: 0,
          mtime: Math.round(modified * 1000),
          permissions: vs.FilePermission.Readonly,
        };
      }),
    readFile: (uri) => at(uri, (source, path) => source.read(path, mostBytes)),
    readDirectory: (uri) =>
      at(uri, async (source, path) => {
        const { entries } = await source.list(path);
        const known = entries.filter((e) => e.kind === 'file' || e.kind === 'folder');
        return known.map((e) => [e.name, e.kind === 'file' ? FileType.File : FileType.Directory]);
      }),
    createDirectory: refuse,
    writeFile: refuse,
    delete: refuse,
    rename: refuse,
  };
}
