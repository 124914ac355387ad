import { createHash } from 'node:crypto';
import { lstat, mkdir, realpath, rename, rm, rmdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { throwIfCancelled } from '../../errors.ts';
import { takeLock } from '../../files/lock.ts';
import { isSameTime, type VolumeStore } from '../../s3/index.ts';
import { placeBelow, unsafeName } from '../../files/confine.ts';
import { diskFull } from '../../files/disk-full.ts';
import { Failures } from '../failures.ts';
import { sha256Of } from '../../files/hash.ts';
import { compilePattern, neverMatcher, type Pattern } from '../../files/patterns.ts';
import { inParallel, smallFile } from '../../files/in-parallel.ts';
import { Meter, type FetchResult, type TransferProgress } from '../progress.ts';
import { isAsPut } from './compare.ts';
import { projectFolder, readManifest, type Manifest } from './manifest.ts';
import { endsTransfer } from './push.ts';

export interface S3FetchOptions {
  store: VolumeStore;
  /** The project's name, which is its folder on the volume. */
  project: string;
  /** A folder of the volume that is fetched in place of the project's. */
  folder?: string | undefined;
  /** Patterns of the project file, relative to the project. */
  patterns: readonly string[];
  /** Folder of this machine that gets the files under their relative names; made when it is not there. */
  into: string;
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Large files under way at a time, each in up to four ranges; 1 unless told. */
  concurrency?: number | undefined;
}

interface FarFile {
  path: string;
  size: number;
  modified: Date;
  /** Known for files that the transfer put there and that are still as it did. */
  sha256: string | undefined;
}

const lanes = 16;

/**
 * Brings files of the project's folder home with no pod. Each is written beside, compared with its size, and its sha256
 * where the manifest knows it, and then renamed, so no half file has its final name; one that was broken off goes on
 * where it stood. The volume is not trusted with names: those that leave `into` or pass a link are refused. Rejects with
 * `fetch-failed` (naming the files) after the others arrived, the codes of S3Error that concern all, or CancelledError.
 */
export async function fetchOverS3(options: S3FetchOptions): Promise<FetchResult> {
  const { store, project, patterns, signal } = options;
  const isProject = options.folder === undefined;
  const manifest: Manifest = isProject ? await readManifest(store, project, signal) : new Map<string, never>();
  const listed = await find(options, patterns.map(compilePattern), manifest);
  const failures = new Failures();
  const accepted = accept(listed, failures);
  await mkdir(options.into, { recursive: true });
  const into = await realpath(options.into);
  const result: FetchResult = { files: 0, bytes: 0, unchanged: 0 };
  const changed: FarFile[] = [];
  for (const file of accepted) {
    throwIfCancelled(signal);
    if (await isHere(into, file, signal)) {
      result.unchanged += 1;
    } else {
      changed.push(file);
    }
  }
  if (changed.length > 0) {
    await fetchAll(options, into, changed, failures, result);
  }
  failures.throwIfAny('fetch-failed', listed.length, 'fetched', {
    rest: 'The others are complete.',
    next: 'Look at the reasons and fetch again.',
  });
  return result;
}

/** Walks the folders that a pattern can reach, one level at a time. */
async function find(options: S3FetchOptions, patterns: readonly Pattern[], manifest: Manifest): Promise<FarFile[]> {
  const { store, signal } = options;
  const root = rootOf(options);
  // As a worker lists them: without what never counts as a project's file.
  const isNever = neverMatcher([]);
  const found: FarFile[] = [];
  let level = [''];
  while (level.length > 0) {
    const below: string[] = [];
    await inParallel(level, lanes, async (folder) => {
      for (const item of await store.list(folder === '' ? root : `${root}/${folder}`, signal)) {
        const name = folder === '' ? item.name : `${folder}/${item.name}`;
        if (item.kind === 'folder') {
          const isWanted = patterns.some((pattern) => pattern.mayMatchBelow(name)) && !isNever(`${name}/`);
          if (isWanted && unsafeName(name, 'linux') === undefined) {
            below.push(name);
          }
        } else if (patterns.some((pattern) => pattern.matches(name))) {
          const { size, modified = new Date(0) } = item;
          const entry = manifest.get(name);
          const isPut = entry !== undefined && isAsPut(entry, { size, modified });
          found.push({ path: name, size, modified, sha256: isPut ? entry.sha256 : undefined });
        }
      }
    });
    level = below;
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function rootOf({ project, folder }: S3FetchOptions): string {
  return folder ?? projectFolder(project);
}

/** The files whose names may be used here. */
function accept(listed: readonly FarFile[], failures: Failures): FarFile[] {
  const isInternal = neverMatcher(['.vscode/']);
  const seen = new Set<string>();
  return listed.filter((file) => {
    // Windows and macOS take names that differ in case or Unicode form for the same file.
    const key = process.platform === 'linux' ? file.path : file.path.normalize('NFC').toLowerCase();
    const reason =
      unsafeName(file.path) ??
      (isInternal(file.path) ? 'this name is never transferred' : undefined) ??
      (seen.has(key) ? 'another file of the same name came before' : undefined);
    seen.add(key);
    if (reason !== undefined) {
      failures.add(file.path, new Error(`The name was refused: ${reason}.`));
    }
    return reason === undefined;
  });
}

/** Whether it is here already, in a regular file that no link leads to: by its content, or where that is not known by its time. */
async function isHere(into: string, file: FarFile, signal: AbortSignal | undefined): Promise<boolean> {
  const place = path.join(into, file.path);
  const stats = await lstat(place).catch(() => undefined);
  if (stats?.isFile() !== true || stats.size !== file.size || (await realpath(place)) !== place) {
    return false;
  }
  return file.sha256 === undefined
    ? isSameTime(stats.mtime, file.modified)
    : (await sha256Of(place, signal)) === file.sha256;
}

async function fetchAll(
  options: S3FetchOptions,
  into: string,
  files: readonly FarFile[],
  failures: Failures,
  result: FetchResult,
): Promise<void> {
  const { store, signal } = options;
  const meter = new Meter(
    files.length,
    files.reduce((sum, file) => sum + file.size, 0),
    options.onProgress,
  );
  // Parts have fixed names, so one fetch into a folder goes on at a time.
  const lock = await placeBelow(into, '.runpod-trainer/incoming-s3/lock');
  const unlock = await takeLock(lock, { signal });
  const getOne = async (file: FarFile): Promise<void> => {
    const key = `${rootOf(options)}/${file.path}`;
    const name = createHash('sha256').update([store.volumeId, key].join('\0')).digest('hex').slice(0, 40);
    const temporary = path.join(path.dirname(lock), name);
    const { receivedBytes, modified } = await store.download(key, temporary, {
      signal,
      resume: true,
      sha256: file.sha256,
      onBytes: (bytes) => meter.moved(file.path, bytes),
    });
    try {
      await utimes(temporary, modified, modified);
      await rename(temporary, await placeBelow(into, file.path));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    result.files += 1;
    result.bytes += receivedBytes;
    meter.done(file.path);
  };
  const guarded = async (file: FarFile): Promise<void> => {
    try {
      await getOne(file);
    } catch (error) {
      throwIfCancelled(signal);
      const full = diskFull(into, error);
      if (full !== undefined) {
        throw full;
      }
      if (endsTransfer(error)) {
        throw error;
      }
      failures.add(file.path, error);
    }
  };
  try {
    await inParallel(
      files.filter((file) => file.size < smallFile),
      lanes,
      guarded,
    );
    await inParallel(
      files.filter((file) => file.size >= smallFile),
      options.concurrency ?? 1,
      guarded,
    );
  } finally {
    await unlock();
    // Only when nothing waits in them for being gone on with.
    await rmdir(path.dirname(lock)).catch(() => undefined);
    await rmdir(path.join(into, '.runpod-trainer')).catch(() => undefined);
  }
}
