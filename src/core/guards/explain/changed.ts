import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { throwIfCancelled } from '../../errors.ts';
import { scanProject } from '../../files/to-upload.ts';
import type { LoadedProject } from '../../project/load.ts';

/**
 * What of a project was changed on this machine since a time, in ms since 1970: its file and what it uploads, as paths in
 * its folder. Undefined where that cannot be told.
 */
export async function changedSince(
  { file, root, project }: Pick<LoadedProject, 'file' | 'root' | 'project'>,
  since: number,
  signal?: AbortSignal,
): Promise<string[] | undefined> {
  try {
    const [own, { files }] = await Promise.all([stat(file), scanProject({ root, project }, signal)]);
    const all = [
      { path: relative(root, file), mtimeMs: own.mtimeMs },
      ...files.filter(({ absolute }) => absolute !== file),
    ];
    return all.filter(({ mtimeMs }) => mtimeMs > since).map(({ path }) => path);
  } catch {
    throwIfCancelled(signal);
    return undefined;
  }
}
