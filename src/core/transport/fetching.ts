import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { throwIfCancelled } from '../errors.ts';
import { sha256Of } from '../files/hash.ts';
import { makeFolder } from '../files/writable.ts';
import { isSameTime } from '../s3/index.ts';
import type { Failures } from './failures.ts';
import type { FetchResult, Left, TransferProgress } from './progress.ts';

/** One file at the far end. */
export interface FarFile {
  path: string;
  size: number;
  modified: Date;
  /** Unknown over S3 for what the transfer did not put there. */
  sha256: string | undefined;
}

/**
 * What becomes of a file that is not here as it is there: it is taken, under another name where `as` says so; it is left
 * and told with the reason; or it is passed over, since what is here is right.
 */
export type Choice = { do: 'take'; as?: string } | { do: 'leave'; reason: string } | { do: 'pass' };

/** What a fetch is given beside what it fetches, whatever the route. */
export interface FetchInto {
  /** Patterns of the project file, relative to the folder that is fetched. */
  patterns: readonly string[];
  /** Folder of this machine that gets the files under their relative names; made when it is not there. */
  into: string;
  /** Decides about the files that are not here as they are there; without it, and for those it does not name, they are taken. */
  choose?: ((files: readonly FarFile[], into: string) => Promise<ReadonlyMap<string, Choice>>) | undefined;
  /** Told of each file that is here with the content of the far end: its name here, and its sha256 where that is known. */
  onHere?: ((name: string, sha256: string | undefined) => void) | undefined;
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** A file that is to come, and the name that it gets. */
export interface Wanted<T extends FarFile> {
  file: T;
  name: string;
}

/** Makes the folder that a fetch writes into; answers its real path. Rejects as `makeFolder` does. */
export async function openInto(into: string): Promise<string> {
  makeFolder(into);
  return realpath(into);
}

/** What did not come; the first `settled` failures were known before anything was on its way. */
export function leftOf(failures: Failures, settled: number): Left[] {
  return failures.list().map((left, index) => (index < settled ? left : { ...left, again: true }));
}

/** Of the files whose names may be used here those that are to come. */
export async function sortOut<T extends FarFile>(
  { choose, onHere, signal }: Pick<FetchInto, 'choose' | 'onHere' | 'signal'>,
  into: string,
  files: readonly T[],
  { failures, result }: { failures: Failures; result: FetchResult },
): Promise<Wanted<T>[]> {
  const changed: T[] = [];
  for (const file of files) {
    throwIfCancelled(signal);
    if (await isHere(into, file, signal)) {
      result.unchanged += 1;
      onHere?.(file.path, file.sha256);
    } else {
      changed.push(file);
    }
  }
  const choices = (await choose?.(changed, into)) ?? new Map<string, Choice>();
  return changed.flatMap((file) => {
    const choice = choices.get(file.path) ?? { do: 'take' };
    if (choice.do === 'take') {
      return [{ file, name: choice.as ?? file.path }];
    }
    if (choice.do === 'leave') {
      failures.add(file.path, new Error(choice.reason));
    } else {
      result.unchanged += 1;
    }
    return [];
  });
}

/**
 * Whether it is here already, in a regular file that no link leads to: by its content, or where that is not known by its
 * time.
 */
export async function isHere(into: string, file: FarFile, signal: AbortSignal | undefined): Promise<boolean> {
  const place = path.join(into, file.path);
  const stats = await lstat(place).catch(() => undefined);
  if (stats?.isFile() !== true || stats.size !== file.size || (await realpath(place)) !== place) {
    return false;
  }
  return file.sha256 === undefined
    ? isSameTime(stats.mtime, file.modified)
    : (await sha256Of(place, signal)) === file.sha256;
}
