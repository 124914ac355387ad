import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/**
 * Goes from a volume's root down the given names and calls `use` with a path of that very folder. Every step is opened
 * without following links and the path goes through the open descriptor, so that nobody who changes the tree meanwhile
 * can lead out of it.
 *
 * @param make whether missing folders are made
 * @throws ENOENT, ENOTDIR or ELOOP where a name is missing, no folder, or a link
 */
export async function inFolder<T>(
  root: string,
  segments: readonly string[],
  make: boolean,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  let handle = await open(root, O_RDONLY | O_DIRECTORY);
  try {
    for (const segment of segments) {
      const next = await enter(handle, segment, make);
      const old = handle;
      handle = next;
      await old.close();
    }
    return await use(descriptorPath(handle));
  } finally {
    await handle.close();
  }
}

async function enter(parent: FileHandle, name: string, make: boolean): Promise<FileHandle> {
  const path = `${descriptorPath(parent)}/${name}`;
  const attempt = (): Promise<FileHandle> => open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    return await attempt();
  } catch (error) {
    if (!make || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(path).catch((failed: unknown) => {
      if ((failed as NodeJS.ErrnoException).code !== 'EEXIST') throw failed;
    });
    return attempt();
  }
}

function descriptorPath(handle: FileHandle): string {
  return `/proc/self/fd/${String(handle.fd)}`;
}
