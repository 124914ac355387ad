import path from 'node:path';
import type { VolumeStore } from '../../s3/index.ts';
import { S3Error } from '../../s3/index.ts';
import type { HashedFile } from '../../files/hash.ts';
import { inParallel } from '../../files/in-parallel.ts';
import { judgeFile, type FarFile } from '../far-file.ts';
import { projectFolder, type Manifest } from './manifest.ts';

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
      found.set(name, farFile(there));
    }
  });
  return found;
}

function farFile({ size, modified }: { size: number; modified?: Date | undefined }): FarFile {
  return { size, mtime: modified?.toISOString() ?? '' };
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
        found.set(`${inside}${item.name}`, farFile(item));
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

/** Files above this many bytes are not read to find out whether they changed: those of another time count as changed. */
const mostRead = 256 * 1024 * 1024;

/** Reads those files of which only the content tells what is to be done, and notes their sha256. */
export async function readDoubtful(
  store: VolumeStore,
  project: string,
  found: ReadonlyMap<string, FarFile>,
  isDoubtful: (path: string, there: FarFile) => boolean,
  lanes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const doubtful = [...found].filter(([name, there]) => there.size <= mostRead && isDoubtful(name, there));
  await inParallel(doubtful, lanes, async ([name, there]) => {
    const read = await store.digest(`${projectFolder(project)}/${name}`, signal);
    if (read?.size === there.size) {
      there.sha256 = read.sha256;
    }
  });
}

/** What is to be done about one file. */
export type Verdict = 'unchanged' | 'send' | Conflict;

const reasons = {
  unknown: 'A file that this project did not put there lies under this name.',
  far: 'It changed on the volume since it was sent.',
  both: 'It changed here and on the volume since it was sent.',
};

/** Compares a file with the manifest and with what lies there; `begun` are those that a crash left half told. */
export function judge(
  file: Pick<HashedFile, 'path' | 'size' | 'sha256'>,
  manifest: Manifest,
  there: FarFile | undefined,
  begun: ReadonlySet<string>,
): Verdict {
  if (begun.has(file.path)) {
    return 'send';
  }
  const verdict = judgeFile(file, manifest.get(file.path), there ?? null);
  if (verdict === 'same' || verdict === 'send') {
    return verdict === 'same' ? 'unchanged' : 'send';
  }
  return { path: file.path, kind: verdict, reason: reasons[verdict] };
}
