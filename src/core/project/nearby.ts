import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { distance, nearest } from './nearest.ts';
import { neverSynced } from './schema.ts';

/** Folders hold what people misspell seldom; a project is looked through this far. */
const most = { files: 5_000, depth: 8 };

const passedOver = new Set([
  ...neverSynced.map((folder) => folder.replace(/^\*\*\/|\/$/g, '')),
  'venv',
  'site-packages',
  'runpod-results',
]);

/** What lies in a project's folder, relative and with `/`; a folder ends with `/`. Links are not followed. */
export async function projectFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (found.length >= most.files || passedOver.has(entry.name)) {
        continue;
      }
      const path = posix.join(folder, entry.name);
      found.push(entry.isDirectory() ? `${path}/` : path);
      if (entry.isDirectory() && depth < most.depth) {
        await look(path, depth + 1);
      }
    }
  };
  await look('', 0);
  return found;
}

/** The file that was probably meant by one that does not exist: of the same kind, by its name or by its folder. */
export function nearbyFile(wanted: string, files: readonly string[]): string | undefined {
  const plain = wanted.replace(/\/$/, '');
  const ending = posix.extname(plain);
  const kin = files.filter((file) => file.endsWith('/') === wanted.endsWith('/'));
  const alike = kin.filter((file) => posix.extname(file) === ending);
  const beside = alike.filter((file) => posix.dirname(file) === posix.dirname(plain));
  const name = stem(plain);
  const byName = nearest(name, beside.map(stem));
  const elsewhere = alike.filter((file) => stem(file) === name);
  return (
    beside.find((file) => stem(file) === byName) ??
    (elsewhere.length === 1 ? elsewhere[0] : undefined) ??
    kin.find((file) => distance(file.toLowerCase(), wanted.toLowerCase()) <= 2)
  );
}

function stem(path: string): string {
  const base = posix.basename(path);
  return base.slice(0, base.length - posix.extname(base).length);
}
