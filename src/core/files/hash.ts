import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import * as z from 'zod';
import { limits } from '../contract.ts';
import { CancelledError, messageOf, throwIfCancelled, UserError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';
import type { LocalFile } from './scan.ts';
import { slices } from './time-slices.ts';

/**
 * A file and the lower-case hex sha256 of its content; size and times are those of the moment of reading. An archive that
 * was made of files has these too.
 */
export type HashedFile = LocalFile & { sha256: string; members?: readonly LocalFile[] };

const cacheSchema = z.object({
  schema: z.literal(1),
  /** Path on this machine to size, mtimeMs, ino and sha256. */
  files: z.record(z.string(), z.tuple([z.number(), z.number(), z.number(), z.string()])),
});

type Cache = z.infer<typeof cacheSchema>['files'];

/** A file that changed this short ago may change again without a visible change of its time, in milliseconds. */
const settleMs = limits.settleMilliseconds;

/** Files below this many bytes are read in one go. */
const small = 1024 * 1024;

/**
 * Computes the sha256 of every file. Hashes of unchanged files (same size, time and inode) come from `cacheFile`,
 * which is rewritten; a damaged one counts as empty. Rejects with `file-changed`, `file-unreadable` or CancelledError.
 */
export async function hashFiles(
  files: readonly LocalFile[],
  cacheFile: string,
  signal?: AbortSignal,
): Promise<HashedFile[]> {
  const cache = await readCache(cacheFile);
  const fresh: Cache = {};
  const hashed: HashedFile[] = [];
  let changed = false;
  const turn = slices();
  for (const file of files) {
    throwIfCancelled(signal);
    await turn();
    const known = cache[file.absolute];
    if (known?.[0] === file.size && known[1] === file.mtimeMs && known[2] === file.ino) {
      fresh[file.absolute] = known;
      hashed.push({ ...file, sha256: known[3] });
      continue;
    }
    const result = await hashFile(file, signal);
    hashed.push(result);
    changed = true;
    if (Date.now() - result.mtimeMs > settleMs) {
      fresh[file.absolute] = [result.size, result.mtimeMs, result.ino, result.sha256];
    }
  }
  if (changed || Object.keys(cache).length !== Object.keys(fresh).length) {
    await writeFileAtomic(cacheFile, JSON.stringify({ schema: 1, files: fresh }));
  }
  return hashed;
}

/** The sha256 of what is in the file now, with its present size and time. */
async function hashFile(file: LocalFile, signal: AbortSignal | undefined): Promise<HashedFile> {
  try {
    return file.size < small ? hashSmall(file) : await hashLarge(file, signal);
  } catch (error) {
    if (error instanceof UserError || error instanceof CancelledError) {
      throw error;
    }
    const next = 'Check that it still exists and its permissions.';
    const what = `${file.path} cannot be read.`;
    throw new UserError('file-unreadable', { what, why: messageOf(error), next }, { cause: error });
  }
}

/** Synchronous, because the many promises of a small file cost ten times as much as the file. */
function hashSmall(file: LocalFile): HashedFile {
  const descriptor = openSync(file.absolute, 'r');
  try {
    const before = fstatSync(descriptor);
    const sha256 = createHash('sha256').update(readFileSync(descriptor)).digest('hex');
    return unchanged(file, before, fstatSync(descriptor), sha256);
  } finally {
    closeSync(descriptor);
  }
}

async function hashLarge(file: LocalFile, signal: AbortSignal | undefined): Promise<HashedFile> {
  const handle = await open(file.absolute, 'r');
  try {
    const before = await handle.stat();
    const sha256 = await digest(handle, before.size, signal);
    return unchanged(file, before, await handle.stat(), sha256);
  } finally {
    await handle.close();
  }
}

function unchanged(file: LocalFile, before: Stats, after: Stats, sha256: string): HashedFile {
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
    throw fileChanged(file.path);
  }
  return { ...file, size: after.size, mtimeMs: after.mtimeMs, ino: after.ino, sha256 };
}

async function digest(handle: FileHandle, size: number, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(size, 1024 * 1024)));
  for (;;) {
    throwIfCancelled(signal);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) {
      return hash.digest('hex');
    }
    hash.update(buffer.subarray(0, bytesRead));
  }
}

/** The sha256 of one file of this machine, lower-case hex. */
export async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const handle = await open(file, 'r');
  try {
    return await digest(handle, (await handle.stat()).size, signal);
  } finally {
    await handle.close();
  }
}

export function fileChanged(path: string): UserError {
  return new UserError('file-changed', {
    what: `${path} changed while it was read.`,
    why: 'Something on this machine is still writing it.',
    next: 'Wait until it is complete and start again.',
  });
}

async function readCache(file: string): Promise<Cache> {
  const text = await readIfThere(file);
  if (text === undefined) {
    return {};
  }
  try {
    return cacheSchema.parse(JSON.parse(text)).files;
  } catch {
    return {};
  }
}
