import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** Files and bytes below a folder, without those below the names given; links are not followed. */
export async function contentOf(
  folder: string,
  without: readonly string[] = [],
): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (without.includes(entry.name)) {
      continue;
    }
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      const inside = await contentOf(place, without);
      files += inside.files;
      bytes += inside.bytes;
    } else if (entry.isFile()) {
      files += 1;
      bytes += (await stat(place)).size;
    }
  }
  return { files, bytes };
}
