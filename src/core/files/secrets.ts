import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import * as z from 'zod';
import { throwIfCancelled } from '../errors.ts';
import { parseJson } from '../json.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';
import { compilePattern } from './patterns.ts';
import type { LocalFile } from './scan.ts';
import { secretFile } from './secret-files.ts';
import { secretKinds, secretsInText } from './secret-kinds.ts';
import { isPassword, looksRandom } from './secret-values.ts';
import { encodingOf, isData, visibleIn, type TextEncoding } from './text-encoding.ts';
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
/** So much of a piece is looked at again with the next one; no secret and nothing around it is longer, in characters. */
const overlap = 16 * 1024;
/** A file that changed this short ago may change again without a visible change of its time, in milliseconds. */
const settleMs = 2000;

/** Largest file of which the name alone tells what it is for, and the text whether it has that, in bytes. */
const mostOfNamed = 256 * 1024;

/** The line from 1; 0 where there is none. */
type Found = [line: number, kind: string][];

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

const kindsDigest = createHash('sha256')
  .update(
    secretKinds.map(({ kind, needs, pattern, holds }) => `${kind}\n${needs}\n${pattern}\n${String(holds)}\n`).join(),
  )
  .update([unquoted, encodingOf, isData, visibleIn, isPassword, looksRandom].join('\n'))
  .digest('hex');

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
      if (named !== undefined && size > 0 && !named.holdsNone(textOf(file))) {
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
    await writeFileAtomic(options.cacheFile, JSON.stringify({ schema: 2, kinds: kindsDigest, files: fresh }));
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
    const text = searchOf(buffer.subarray(0, read));
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
    return secretsIn(buffer.subarray(0, readSync(descriptor, buffer, 0, piece, 0)));
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

/** Line and kind of each secret in a text; null for what is known to be no text. */
export function secretsIn(content: Buffer): Found | null {
  const text = searchOf(content);
  text?.push(content, true);
  return text?.found() ?? null;
}

function searchOf(start: Buffer): FileSearch | null {
  return isData(start) ? null : new FileSearch(encodingOf(start));
}

/** The text of a small file; one that cannot be read or is larger has a letter that no such file has. */
function textOf(file: Searchable): string {
  try {
    const content = file.size > mostOfNamed ? Buffer.alloc(0) : readFileSync(file.absolute);
    const encoding = encodingOf(content);
    return content.length === 0
      ? '\0'
      : encoding === 'bytes'
        ? visibleIn(content, false).text
        : decoded(content, encoding).replace(/^(?:\xef\xbb\xbf|\ufeff)/, '');
  } catch {
    return '\0';
  }
}

/** From this size on what is no text is left out of data, in bytes. */
const manyBytes = 64 * 1024;

/** Searches a file that comes in pieces, in each encoding that it may have. */
class FileSearch {
  readonly #encoding: TextEncoding | 'bytes';
  readonly #likely = new TextSearch();
  /** For a part that is in another encoding than the beginning. */
  readonly #others = new Map<TextEncoding, TextSearch>();
  #wasWide = false;

  constructor(encoding: TextEncoding | 'bytes') {
    this.#encoding = encoding;
  }

  /** Pieces but the last have an even number of bytes. */
  push(bytes: Buffer, isLast: boolean): void {
    const encoding = this.#encoding;
    const isWhole = !bytes.includes(0);
    const visible =
      isWhole && encoding !== 'bytes'
        ? { text: bytes.toString('latin1'), isWide: false }
        : visibleIn(bytes, encoding === 'bytes' && bytes.length >= manyBytes);
    const isNarrow = encoding === 'latin1' || encoding === 'bytes';
    this.#likely.push(isNarrow ? visible.text : decoded(bytes, encoding), isLast);
    if (!isNarrow) {
      this.#other('latin1').push(visible.text, isLast);
    }
    if (visible.isWide || this.#wasWide) {
      for (const wide of (['utf16le', 'utf16be'] as const).filter((other) => other !== encoding)) {
        this.#other(wide).push(decoded(bytes, wide), isLast);
      }
    }
    this.#wasWide = visible.isWide;
  }

  #other(encoding: TextEncoding): TextSearch {
    const search = this.#others.get(encoding) ?? new TextSearch();
    this.#others.set(encoding, search);
    return search;
  }

  found(): Found {
    const found = this.#likely.found.map(({ line, kind }): Found[number] => [
      this.#encoding === 'bytes' ? 0 : line,
      kind,
    ]);
    const values = new Set(this.#likely.found.map(({ kind, value }) => `${kind}\0${value}`));
    for (const { kind, value } of [...this.#others.values()].flatMap((search) => search.found)) {
      if (!values.has(`${kind}\0${value}`)) {
        values.add(`${kind}\0${value}`);
        found.push([0, kind]);
      }
    }
    const distinct = new Map(found.map((one) => [one.join(' '), one]));
    return [...distinct.values()].sort((a, b) => a[0] - b[0]);
  }
}

/** Searches a text that comes in pieces; what lies across their borders is found, and nothing twice. */
class TextSearch {
  readonly #found = new Map<string, { line: number; kind: string; value: string }>();
  /** The end of what was searched, the line where it begins, and whether the text begins with it. */
  #kept = '';
  #line = 1;
  #isFirst = true;

  get found(): { line: number; kind: string; value: string }[] {
    return [...this.#found.values()];
  }

  push(piece: string, isLast: boolean): void {
    const text = this.#kept + piece;
    this.#search(text, isLast);
    const plain = unquoted(text);
    if (plain !== text) {
      this.#search(plain, isLast);
    }
    const from = Math.max(0, text.length - overlap);
    this.#line += lineEnds(text, 0, from);
    this.#kept = text.slice(from);
    this.#isFirst &&= from === 0;
  }

  #search(text: string, isLast: boolean): void {
    let line = this.#line;
    let counted = 0;
    const places = [...secretsInText(text)].sort((a, b) => a.at - b.at);
    for (const { kind, at, end, value } of places) {
      // What touches a border may be a part of something else; the next piece has the whole of it.
      if ((end === text.length && !isLast) || (at === 0 && !this.#isFirst)) {
        continue;
      }
      line += lineEnds(text, counted, at);
      counted = at;
      this.#found.set(`${line} ${kind}`, { line, kind, value });
    }
  }
}

/**
 * What a text means that stands in quotes, a line each, as the cells of a notebook do and texts in sources, also in
 * quotes within quotes; with the same lines.
 */
function unquoted(text: string): string {
  return text
    .replace(/(?:\\n)?["'],?[ \t]*(\r?\n)[ \t]*["']/g, '$1')
    .replace(/\\+[nrt]/g, '\r')
    .replace(/\\+(["'/])/g, '$1');
}

function decoded(bytes: Buffer, encoding: TextEncoding): string {
  if (encoding === 'utf16be') {
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  // A letter for each byte: what is looked for is ASCII, and lines are counted the same.
  return bytes.toString(encoding);
}

function lineEnds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) {
    count += 1;
  }
  return count;
}

async function readCache(file: string | undefined): Promise<z.infer<typeof cacheSchema>['files']> {
  const text = file === undefined ? undefined : await readIfThere(file);
  const parsed = cacheSchema.safeParse(parseJson(text ?? ''));
  return parsed.success && parsed.data.kinds === kindsDigest ? parsed.data.files : {};
}
