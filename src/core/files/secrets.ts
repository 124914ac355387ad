import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import * as z from 'zod';
import { throwIfCancelled } from '../errors.ts';
import { parseJson } from '../json.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';
import { compilePattern } from './patterns.ts';
import type { LocalFile } from './scan.ts';
import { secretFile, type SecretFile } from './secret-files.ts';
import { plainText, searchDigest, searchOf, secretsIn, type Found } from './secret-search.ts';
import { formOf } from './text-form.ts';
import { slices } from './time-slices.ts';

/** A secret that is about to leave this machine. The value itself is never kept. */
export interface SecretFinding {
  path: string;
  /** From 1; null when the file's name says it, and in data, which has no lines. */
  line: number | null;
  kind: string;
}

/** What a search came to. */
export interface SecretSearch {
  /** Sorted by path and line. */
  findings: SecretFinding[];
  /** What is known to be no text (tables, weights, archives, pictures, sound) was not looked through. */
  unsearched: { files: number; bytes: number };
}

export interface SecretSearchOptions {
  /** Patterns of files in which nothing is looked for: `sync.allowSecrets`. */
  allow?: readonly string[] | undefined;
  /** Remembers by file what was found, so that unchanged files are read once. */
  cacheFile?: string | undefined;
  onProgress?: ((bytes: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What has to be known of a file to search it. */
export type Searchable = Pick<LocalFile, 'path' | 'absolute' | 'size' | 'mtimeMs' | 'ino'>;

/** Read at a time, in bytes. */
const piece = 1024 * 1024;
/** A file that changed this short ago may change again without a visible change of its time, in milliseconds. */
const settleMs = 2000;

/** Largest file of which the name alone tells what it is for, and the text whether it has that, in bytes. */
const mostOfNamed = 256 * 1024;

const cacheSchema = z.object({
  schema: z.literal(2),
  /** Of what was looked for: other kinds, other findings. */
  kinds: z.string(),
  /** Path on this machine to size, mtimeMs, ino and findings; null for what is no text. */
  files: z.record(
    z.string(),
    z.tuple([z.number(), z.number(), z.number(), z.array(z.tuple([z.number(), z.string()])).nullable()]),
  ),
});

/**
 * Looks for keys and passwords by file name, and in text of any length by content. A file that cannot be read is passed
 * over here: reading it to send it says so.
 */
export async function findSecrets(
  files: readonly Searchable[],
  options: SecretSearchOptions = {},
): Promise<SecretSearch> {
  const { signal } = options;
  const allowed = (options.allow ?? []).map(compilePattern);
  const cache = await readCache(options.cacheFile);
  const fresh: typeof cache = {};
  const findings: SecretFinding[] = [];
  const unsearched = { files: 0, bytes: 0 };
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const buffer = Buffer.allocUnsafe(piece);
  let isChanged = false;
  let done = 0;
  const turn = slices();
  for (const file of files) {
    throwIfCancelled(signal);
    await turn();
    const { size, mtimeMs, ino } = file;
    if (!allowed.some((pattern) => pattern.matches(file.path))) {
      const known = cache[file.absolute];
      const isKnown = known?.[0] === size && known[1] === mtimeMs && known[2] === ino;
      const onBytes = (bytes: number): void => options.onProgress?.(done + bytes, total);
      const inside = isKnown ? known[3] : await searchFile(file, buffer, onBytes, signal);
      isChanged ||= !isKnown;
      if (isKnown || Date.now() - mtimeMs > settleMs) {
        fresh[file.absolute] = [size, mtimeMs, ino, inside];
      }
      const named = secretFile(file.path);
      if (named !== undefined && !isUnfilled(file, named)) {
        findings.push({ path: file.path, line: null, kind: named.kind });
      }
      findings.push(...(inside ?? []).map(([line, kind]) => ({ path: file.path, line: line || null, kind })));
      if (inside === null) {
        unsearched.files += 1;
        unsearched.bytes += size;
      }
    }
    done += size;
  }
  options.onProgress?.(total, total);
  if (options.cacheFile !== undefined && isChanged) {
    await writeFileAtomic(options.cacheFile, JSON.stringify({ schema: 2, kinds: searchDigest, files: fresh }));
  }
  findings.sort((a, b) => compare(a.path, b.path) || (a.line ?? 0) - (b.line ?? 0) || compare(a.kind, b.kind));
  return { findings, unsearched };
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** What is in a file; null for what is no text. */
async function searchFile(
  file: Searchable,
  buffer: Buffer,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<Found | null> {
  if (file.size === 0) {
    return [];
  }
  if (file.size < piece) {
    return searchSmall(file, buffer);
  }
  let handle: FileHandle;
  try {
    handle = await open(file.absolute, 'r');
  } catch {
    return [];
  }
  try {
    let read = await fill(handle, buffer);
    const text = searchOf(buffer.subarray(0, read), formOf(file.path));
    if (text === null) {
      return null;
    }
    const turn = slices();
    for (let at = 0; read > 0;) {
      throwIfCancelled(signal);
      at += read;
      const isLast = read < buffer.length;
      text.push(buffer.subarray(0, read), isLast);
      onBytes(at);
      if (isLast) {
        break;
      }
      await turn();
      read = await fill(handle, buffer);
      if (read === 0) {
        text.push(Buffer.alloc(0), true);
      }
    }
    return text.found();
  } catch {
    throwIfCancelled(signal);
    return [];
  } finally {
    await handle.close();
  }
}

/** Synchronous, because the many promises of a small file cost ten times as much as the file. */
function searchSmall(file: Searchable, buffer: Buffer): Found | null {
  let descriptor: number;
  try {
    descriptor = openSync(file.absolute, 'r');
  } catch {
    return [];
  }
  try {
    return secretsIn(buffer.subarray(0, readSync(descriptor, buffer, 0, piece, 0)), formOf(file.path));
  } catch {
    return [];
  } finally {
    closeSync(descriptor);
  }
}

async function fill(handle: FileHandle, buffer: Buffer): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return length;
}

/** Whether a file that its name tells to hold secrets has none; one that cannot be read or is large is not asked. */
function isUnfilled(file: Searchable, { holdsNone }: SecretFile): boolean {
  try {
    return file.size <= mostOfNamed && holdsNone(plainText(readFileSync(file.absolute)));
  } catch {
    return false;
  }
}

async function readCache(file: string | undefined): Promise<z.infer<typeof cacheSchema>['files']> {
  const text = file === undefined ? undefined : await readIfThere(file);
  const parsed = cacheSchema.safeParse(parseJson(text ?? ''));
  return parsed.success && parsed.data.kinds === searchDigest ? parsed.data.files : {};
}
