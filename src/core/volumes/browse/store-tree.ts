import { throwIfCancelled } from '../../errors.ts';
import type { VolumeStore } from '../../s3/index.ts';
import { inParallel } from '../../files/in-parallel.ts';
import type { Amount } from './pod-tree.ts';

/** Requests side by side. */
const lanes = 8;

interface Tree {
  files: { path: string; size: number }[];
  /** Deepest last. */
  folders: string[];
}

/** How much lies under a path of a volume over S3. */
export async function measureTree(store: VolumeStore, path: string, signal?: AbortSignal): Promise<Amount> {
  const { files } = await treeOf(store, path, signal);
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.size, 0) };
}

/**
 * Deletes a file, or a folder with everything in it, one request a file: the service knows no other way. Answers what is
 * gone; `onFile` is told after each.
 */
export async function removeTree(
  store: VolumeStore,
  path: string,
  options: { signal?: AbortSignal | undefined; onFile?: ((done: number, total: number) => void) | undefined } = {},
): Promise<Amount> {
  const { signal, onFile } = options;
  const { files, folders } = await treeOf(store, path, signal);
  let done = 0;
  let bytes = 0;
  await inParallel(files, lanes, async (file) => {
    throwIfCancelled(signal);
    await store.remove(file.path, signal);
    done += 1;
    bytes += file.size;
    onFile?.(done, files.length);
  });
  for (const folder of folders.toReversed()) {
    await store.removeFolder(folder, signal);
  }
  return { files: done, bytes };
}

/** Level by level: listings of more than one level repeat themselves for ever. */
async function treeOf(store: VolumeStore, path: string, signal: AbortSignal | undefined): Promise<Tree> {
  const file = await store.head(path, signal);
  if (file !== undefined) {
    return { files: [{ path, size: file.size }], folders: [] };
  }
  const tree: Tree = { files: [], folders: [path] };
  for (const folder of tree.folders) {
    throwIfCancelled(signal);
    for (const { name, kind, size } of await store.list(folder, signal)) {
      const below = `${folder}/${name}`;
      if (kind === 'folder') {
        tree.folders.push(below);
      } else {
        tree.files.push({ path: below, size });
      }
    }
  }
  return tree;
}
