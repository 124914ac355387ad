import { createHash } from 'node:crypto';
import { rename, rm, rmdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { throwIfCancelled } from '../../errors.ts';
import { sha256Of } from '../../files/hash.ts';
import { takeLock } from '../../files/lock.ts';
import type { VolumeStore } from '../../s3/index.ts';
import { placeBelow, unsafeName } from '../../files/confine.ts';
import { Failures } from '../failures.ts';
import { compilePattern, neverMatcher, type Pattern } from '../../files/patterns.ts';
import { inParallel, smallFile } from '../../files/in-parallel.ts';
import { isAsPut } from '../far-file.ts';
import { cannotWrite } from '../../files/writable.ts';
import { leftOf, openInto, sortOut, type FarFile, type FetchInto, type Wanted } from '../fetching.ts';
import { Meter, type FetchResult } from '../progress.ts';
import { accept, namesOf, unmatched } from '../safe-names.ts';
import { projectFolder, readManifest, type Manifest } from './manifest.ts';
import { endsTransfer } from './push.ts';

export interface S3FetchOptions extends FetchInto {
  store: VolumeStore;
  /** The project's name, which is its folder on the volume. */
  project: string;
  /** A folder of the volume that is fetched in place of the project's. */
  folder?: string | undefined;
  /** Names that are links, and the files of the same folder that they lead to: S3 does not show links. */
  links?: ReadonlyMap<string, string> | undefined;
  /** Large files under way at a time, each in up to four ranges; 1 unless told. */
  concurrency?: number | undefined;
}

interface StoredFile extends FarFile {
  /** Where it lies below the root. */
  stored: string;
}

const lanes = 16;

/**
 * Brings files of the project's folder home with no pod. Each is written beside, compared with its size, and its sha256
 * where the manifest knows it, and then renamed, so no half file has its final name; one that was broken off goes on
 * where it stood. The volume is not trusted with names: those that leave `into` or pass a link are refused. What did not
 * come is in the answer with its reason. Rejects with the codes of `openInto`, those of S3Error that concern all, or
 * CancelledError.
 */
export async function fetchOverS3(options: S3FetchOptions): Promise<FetchResult> {
  const { store, project, patterns, signal } = options;
  const into = await openInto(options.into);
  const isProject = options.folder === undefined;
  const manifest: Manifest = isProject ? await readManifest(store, project, signal) : new Map<string, never>();
  const listed = await find(options, patterns.map(compilePattern), manifest);
  const failures = new Failures();
  const accepted = accept(listed, patterns, failures, namesOf(into));
  const names = listed.map((file) => file.path);
  const result: FetchResult = { files: 0, bytes: 0, unchanged: 0, left: [], unmatched: unmatched(patterns, names, []) };
  const wanted = await sortOut(options, into, accepted, { failures, result });
  const settled = failures.size;
  if (wanted.length > 0) {
    await fetchAll(options, into, wanted, failures, result);
  }
  result.left = leftOf(failures, settled);
  return result;
}

/** Walks the folders that a pattern can reach, one level at a time. */
async function find(options: S3FetchOptions, patterns: readonly Pattern[], manifest: Manifest): Promise<StoredFile[]> {
  const { store, signal } = options;
  const root = rootOf(options);
  // As a worker lists them: without what never counts as a project's file.
  const isNever = neverMatcher([]);
  const found: StoredFile[] = [];
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
          const isPut = entry !== undefined && isAsPut(entry, { size, mtime: modified.toISOString() });
          found.push({ path: name, stored: name, size, modified, sha256: isPut ? entry.sha256 : undefined });
        }
      }
    });
    level = below;
  }
  await inParallel([...(options.links ?? [])], lanes, async ([name, stored]) => {
    const there = unsafeName(stored, 'linux') === undefined && (await store.head(`${root}/${stored}`, signal));
    if (there) {
      found.push({ path: name, stored, size: there.size, modified: there.modified, sha256: undefined });
    }
  });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function rootOf({ project, folder }: S3FetchOptions): string {
  return folder ?? projectFolder(project);
}

async function fetchAll(
  options: S3FetchOptions,
  into: string,
  wanted: readonly Wanted<StoredFile>[],
  failures: Failures,
  result: FetchResult,
): Promise<void> {
  const { store, signal } = options;
  const meter = new Meter(
    wanted.length,
    wanted.reduce((sum, { file }) => sum + file.size, 0),
    options.onProgress,
  );
  // Parts have fixed names, so one fetch into a folder goes on at a time.
  const lock = await placeBelow(into, '.runpod-trainer/incoming-s3/lock');
  const unlock = await takeLock(lock, { signal });
  const getOne = async ({ file, name }: Wanted<StoredFile>): Promise<void> => {
    const key = `${rootOf(options)}/${file.stored}`;
    // A second name of a file has a part of its own.
    const what = [store.volumeId, key, ...(file.stored === file.path ? [] : [file.path])].join('\0');
    const part = createHash('sha256').update(what).digest('hex').slice(0, 40);
    const temporary = path.join(path.dirname(lock), part);
    const { receivedBytes, modified } = await store.download(key, temporary, {
      signal,
      resume: true,
      sha256: file.sha256,
      onBytes: (bytes) => meter.moved(file.path, bytes),
    });
    let sha256 = file.sha256;
    try {
      // Who keeps how it came wants to tell later whether it was changed.
      sha256 ??= options.onHere && (await sha256Of(temporary, signal));
      await utimes(temporary, modified, modified);
      await rename(temporary, await placeBelow(into, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    result.files += 1;
    result.bytes += receivedBytes;
    options.onHere?.(name, sha256);
    meter.done(file.path);
  };
  const guarded = async (one: Wanted<StoredFile>): Promise<void> => {
    try {
      await getOne(one);
    } catch (error) {
      throwIfCancelled(signal);
      const closed = cannotWrite(into, error);
      if (closed !== undefined) {
        throw closed;
      }
      if (endsTransfer(error)) {
        throw error;
      }
      failures.add(one.file.path, error);
    }
  };
  try {
    await inParallel(
      wanted.filter(({ file }) => file.size < smallFile),
      lanes,
      guarded,
    );
    await inParallel(
      wanted.filter(({ file }) => file.size >= smallFile),
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
