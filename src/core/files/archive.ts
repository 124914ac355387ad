import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { Hash } from 'node:crypto';
import { createHash, randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import tar from 'tar-stream';
import * as z from 'zod';
import { CancelledError, messageOf, throwIfCancelled, UserError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';
import { parseJson } from '../json.ts';
import type { HashedFile } from './hash.ts';
import { fileChanged } from './hash.ts';
import type { LocalFile } from './scan.ts';

/** An archive that lies ready in the cache folder. */
export interface BuiltArchive {
  /** To be sent like any other file. */
  file: HashedFile;
  /** What is in it. */
  members: readonly LocalFile[];
  /** False when the one from last time still holds the same. */
  rebuilt: boolean;
}

const keptSchema = z.object({
  schema: z.literal(1),
  inputs: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  sha256: z.string(),
});

/** A file that changed this short ago may change again without a visible change of its time, in milliseconds. */
const settleMs = 2000;
/** Half-built archives of a client that was killed are removed after this time, in milliseconds. */
const abandonedMs = 3_600_000;
/** Read at a time, in bytes. */
const chunk = 1024 * 1024;

/**
 * Makes one tar file for each list of files in `cacheFolder`, and removes from it what no list needs any more. The same
 * files give the same bytes: sorted by path, owner 0, mode 0644, times in whole seconds. An archive is made again only
 * when a file's path, size, time or inode is another. Rejects with `file-changed`, `archive-failed` or CancelledError.
 */
export async function buildArchives(
  archives: readonly { to: string; files: readonly LocalFile[] }[],
  cacheFolder: string,
  signal?: AbortSignal,
): Promise<BuiltArchive[]> {
  const built: BuiltArchive[] = [];
  for (const { to, files } of archives) {
    if (files.length > 0) {
      built.push(await buildArchive(to, files, cacheFolder, signal));
    }
  }
  await prune(cacheFolder, new Set(built.map(({ file }) => path.basename(file.absolute, '.tar'))));
  return built;
}

async function buildArchive(
  to: string,
  files: readonly LocalFile[],
  cacheFolder: string,
  signal: AbortSignal | undefined,
): Promise<BuiltArchive> {
  const members = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const id = createHash('sha256').update(to).digest('hex').slice(0, 16);
  const place = path.join(cacheFolder, `${id}.tar`);
  const note = path.join(cacheFolder, `${id}.json`);
  const inputs = fingerprint(members);
  const known = await kept(note, place, inputs);
  if (known !== undefined) {
    return { file: await described(to, place, known.sha256, members), members, rebuilt: false };
  }
  await mkdir(cacheFolder, { recursive: true });
  const temporary = path.join(cacheFolder, `${id}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const sha256 = await writeTar(members, temporary, signal);
    await rm(note, { force: true });
    await rename(temporary, place);
    const file = await described(to, place, sha256, members);
    if (members.every(({ mtimeMs }) => Date.now() - mtimeMs > settleMs)) {
      const { size, mtimeMs } = file;
      await writeFileAtomic(note, JSON.stringify({ schema: 1, inputs, size, mtimeMs, sha256 }));
    }
    return { file, members, rebuilt: true };
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof UserError || error instanceof CancelledError) {
      throw error;
    }
    const next = `Check that the files can be read and that there is room in ${cacheFolder}.`;
    throw new UserError(
      'archive-failed',
      { what: `The archive ${to} could not be made.`, why: messageOf(error), next },
      { cause: error },
    );
  }
}

function fingerprint(files: readonly LocalFile[]): string {
  const hash = createHash('sha256');
  for (const { path: name, size, mtimeMs, ino } of files) {
    hash.update(`${JSON.stringify([name, size, mtimeMs, ino])}\n`);
  }
  return hash.digest('hex');
}

/** What was noted of the archive, when it was made of the same files and is still as it was made. */
async function kept(note: string, place: string, inputs: string): Promise<z.infer<typeof keptSchema> | undefined> {
  const parsed = keptSchema.safeParse(parseJson((await readIfThere(note)) ?? ''));
  if (!parsed.success || parsed.data.inputs !== inputs) {
    return undefined;
  }
  const stats = await stat(place).catch(() => undefined);
  return stats?.size === parsed.data.size && stats.mtimeMs === parsed.data.mtimeMs ? parsed.data : undefined;
}

async function described(
  to: string,
  place: string,
  sha256: string,
  members: readonly LocalFile[],
): Promise<HashedFile> {
  const { size, mtimeMs, ino } = await stat(place);
  return { path: to, absolute: place, size, mtimeMs, ino, mode: 0o644, list: 'data', sha256, members };
}

/** Writes the archive piece by piece, whatever its size, and returns its sha256. */
async function writeTar(files: readonly LocalFile[], place: string, signal: AbortSignal | undefined): Promise<string> {
  const out = await open(place, 'wx', 0o600);
  const hash = createHash('sha256');
  const pack = tar.pack();
  const fill = async (): Promise<void> => {
    try {
      for (const file of files) {
        throwIfCancelled(signal);
        await addFile(pack, file, signal);
      }
      pack.finalize();
    } catch (error) {
      pack.destroy(error as Error);
      throw error;
    }
  };
  try {
    const [filled, drained] = await Promise.allSettled([fill(), drain(pack, out, hash)]);
    // A failed write destroys the pack, which then fails the filling too: the write is the reason.
    const failed = [filled, drained].filter((result) => result.status === 'rejected');
    if (failed.length > 0) {
      const reasons = failed.map(({ reason }) => reason as unknown);
      throw reasons.find((reason) => reason instanceof UserError || reason instanceof CancelledError) ?? reasons.at(-1);
    }
    await out.sync();
    return hash.digest('hex');
  } finally {
    await out.close();
  }
}

async function drain(pack: tar.Pack, out: FileHandle, hash: Hash): Promise<void> {
  for await (const piece of pack as AsyncIterable<Buffer>) {
    hash.update(piece);
    await out.writev([piece]);
  }
}

async function addFile(pack: tar.Pack, file: LocalFile, signal: AbortSignal | undefined): Promise<void> {
  const handle = await open(file.absolute, 'r');
  try {
    const before = await handle.stat();
    if (before.size !== file.size || before.mtimeMs !== file.mtimeMs) {
      throw fileChanged(file.path);
    }
    const mtime = new Date(Math.max(0, Math.floor(file.mtimeMs / 1000)) * 1000);
    const header = { name: file.path, size: file.size, mode: 0o644, uid: 0, gid: 0, mtime, type: 'file' as const };
    const sink = pack.entry(header);
    const ended = finished(sink);
    // Noted at once, for it may fail while something else is waited for.
    ended.catch(() => undefined);
    let left = file.size;
    const buffer = Buffer.allocUnsafe(Math.min(chunk, Math.max(1, left)));
    while (left > 0) {
      throwIfCancelled(signal);
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, left), null);
      if (bytesRead === 0) {
        throw fileChanged(file.path);
      }
      left -= bytesRead;
      // A copy, because the pack keeps what it is given until it is written.
      if (!sink.write(Buffer.from(buffer.subarray(0, bytesRead)))) {
        await Promise.race([once(sink, 'drain'), ended]);
      }
    }
    sink.end(undefined);
    await ended;
    const after = await handle.stat();
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      throw fileChanged(file.path);
    }
  } finally {
    await handle.close();
  }
}

/** Removes archives that nobody needs, and what a killed client left half-built. */
async function prune(cacheFolder: string, needed: ReadonlySet<string>): Promise<void> {
  const names = await readdir(cacheFolder).catch(() => []);
  for (const name of names) {
    const [id = ''] = name.split('.');
    if (!/^[0-9a-f]{16}\.(?:tar|json|[0-9a-f]{12}\.tmp)$/.test(name)) {
      continue;
    }
    const place = path.join(cacheFolder, name);
    const stats = name.endsWith('.tmp') ? await stat(place).catch(() => undefined) : undefined;
    const abandoned = stats !== undefined && Date.now() - stats.mtimeMs > abandonedMs;
    if (name.endsWith('.tmp') ? abandoned : !needed.has(id)) {
      await rm(place, { force: true });
    }
  }
}
