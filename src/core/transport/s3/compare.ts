import path from 'node:path';
import type { VolumeStore } from '../../s3/index.ts';
import { isSameTime, S3Error } from '../../s3/index.ts';
import type { HashedFile } from '../../files/hash.ts';
import { inParallel } from '../../files/in-parallel.ts';
import { projectFolder, type Manifest, type ManifestEntry } from './manifest.ts';

/** A file at the far end that is not as the transfer left it. */
export interface Conflict {
  path: string;
  /**
   * `both`: it changed here and there. `far`: it changed there only. `unknown`: it lies there and was not put there by
   * the transfer. `delete`: it was to be deleted, and changed there.
   */
  kind: 'both' | 'far' | 'unknown' | 'delete';
  /** A sentence. */
  reason: string;
}

/** What lies under a path. */
export interface FarFile {
  size: number;
  modified: Date | undefined;
}

/** A folder with more wanted files than this is listed; fewer files are looked at one by one. */
const fewFiles = 4;

/** What lies at the far end under these paths of the project. Lists only folders in which a path is, level by level. */
export async function lookAt(
  store: VolumeStore,
  project: string,
  paths: readonly string[],
  lanes: number,
  signal: AbortSignal | undefined,
): Promise<Map<string, FarFile>> {
  const root = projectFolder(project);
  const folders = new Map<string, string[]>();
  for (const name of paths) {
    const folder = path.posix.dirname(name);
    folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  const found = new Map<string, FarFile>();
  const single: string[] = [];
  await inParallel([...folders], lanes, async ([folder, names]) => {
    if (names.length <= fewFiles || !(await listInto(store, root, folder, new Set(names), found, signal))) {
      single.push(...names);
    }
  });
  await inParallel(single, lanes, async (name) => {
    const there = await store.head(`${root}/${name}`, signal);
    if (there !== undefined) {
      found.set(name, there);
    }
  });
  return found;
}

/** False when this folder cannot be listed as a whole. */
async function listInto(
  store: VolumeStore,
  root: string,
  folder: string,
  names: ReadonlySet<string>,
  found: Map<string, FarFile>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const inside = folder === '.' ? '' : `${folder}/`;
  try {
    for (const item of await store.list(`${root}/${inside}`.slice(0, -1), signal)) {
      if (item.kind === 'file' && names.has(`${inside}${item.name}`)) {
        found.set(`${inside}${item.name}`, item);
      }
    }
    return true;
  } catch (error) {
    // Large folders can be more than the service lists.
    if (error instanceof S3Error && ['s3-list-repeats', 's3-failing'].includes(error.code)) {
      return false;
    }
    throw error;
  }
}

/** What is to be done about one file. */
export type Verdict = 'unchanged' | 'send' | Conflict;

/** Compares a file with the manifest and with what lies there; `begun` are those that a crash left half told. */
export function judge(
  file: Pick<HashedFile, 'path' | 'size' | 'sha256'>,
  manifest: Manifest,
  there: FarFile | undefined,
  begun: ReadonlySet<string>,
): Verdict {
  const entry = manifest.get(file.path);
  if (there === undefined || begun.has(file.path)) {
    return 'send';
  }
  if (entry === undefined) {
    const reason = 'A file that this project did not put there lies under this name.';
    return { path: file.path, kind: 'unknown', reason };
  }
  const sameHere = entry.sha256 === file.sha256 && entry.size === file.size;
  if (sameHere && there.size === entry.size) {
    return 'unchanged';
  }
  if (isAsPut(entry, there)) {
    return 'send';
  }
  return sameHere
    ? { path: file.path, kind: 'far', reason: 'It changed on the volume since it was sent.' }
    : { path: file.path, kind: 'both', reason: 'It changed here and on the volume since it was sent.' };
}

/** Whether the far file is still what the transfer put there. */
export function isAsPut(entry: ManifestEntry, there: FarFile): boolean {
  return there.size === entry.size && there.modified !== undefined && isSameTime(there.modified, new Date(entry.mtime));
}
