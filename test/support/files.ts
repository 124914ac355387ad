import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Writes files below `root`; keys are paths with `/`. */
export async function writeTree(root: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}
