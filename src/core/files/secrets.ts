import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import * as z from 'zod';
import { throwIfCancelled } from '../errors.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';
import { parseJson } from '../json.ts';
import { compilePattern } from './patterns.ts';
import type { LocalFile } from './scan.ts';
import { slices } from './time-slices.ts';
import { secretFileKind, secretKinds } from './secret-kinds.ts';

/** A secret that is about to leave this machine. The value itself is never kept. */
export interface SecretFinding {
  path: string;
  /** From 1; null when the file's name says it. */
  line: number | null;
  kind: string;
}

export interface SecretScanOptions {
  /** Patterns of files in which nothing is looked for: `sync.allowSecrets`. */
  allow?: readonly string[] | undefined;
  /** Remembers by file what was found, so that unchanged files are read once. */
  cacheFile?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Larger files are taken for data, in bytes. */
const largest = 1024 * 1024;
/** A file that changed this short ago may change again without a visible change of its time, in milliseconds. */
const settleMs = 2000;

type Found = [line: number, kind: string][];

const cacheSchema = z.object({
  schema: z.literal(1),
  /** Of the kinds that were looked for: other kinds, other findings. */
  kinds: z.string(),
  /** Path on this machine to size, mtimeMs, ino and findings. */
  files: z.record(
    z.string(),
    z.tuple([z.number(), z.number(), z.number(), z.array(z.tuple([z.number(), z.string()]))]),
  ),
});

const kindsDigest = createHash('sha256')
  .update(secretKinds.map(({ kind, needs, pattern }) => `${kind}\n${needs}\n${pattern}\n`).join())
  .digest('hex');

/**
 * Looks for keys and passwords by file name, and in text files up to 1 MB by content. Sorted by path and line. A file
 * that cannot be read is passed over here: reading it to send it says so.
 */
export async function findSecrets(
  files: readonly LocalFile[],
  options: SecretScanOptions = {},
): Promise<SecretFinding[]> {
  const allowed = (options.allow ?? []).map(compilePattern);
  const cache = await readCache(options.cacheFile);
  const fresh: typeof cache = {};
  const findings: SecretFinding[] = [];
  const buffer = Buffer.allocUnsafe(largest);
  let isChanged = false;
  const turn = slices();
  for (const file of files) {
    throwIfCancelled(options.signal);
    await turn();
    if (allowed.some((pattern) => pattern.matches(file.path))) {
      continue;
    }
    const { size, mtimeMs, ino } = file;
    const known = cache[file.absolute];
    const isKnown = known?.[0] === size && known[1] === mtimeMs && known[2] === ino;
    const inside = isKnown ? known[3] : findInside(file, buffer);
    isChanged ||= !isKnown;
    if (isKnown || Date.now() - mtimeMs > settleMs) {
      fresh[file.absolute] = [size, mtimeMs, ino, inside];
    }
    const byName = secretFileKind(file.path);
    if (byName !== undefined) {
      findings.push({ path: file.path, line: null, kind: byName });
    }
    findings.push(...inside.map(([line, kind]) => ({ path: file.path, line, kind })));
  }
  if (options.cacheFile !== undefined && isChanged) {
    await writeFileAtomic(options.cacheFile, JSON.stringify({ schema: 1, kinds: kindsDigest, files: fresh }));
  }
  return findings.sort((a, b) => compare(a.path, b.path) || (a.line ?? 0) - (b.line ?? 0) || compare(a.kind, b.kind));
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function findInside(file: LocalFile, buffer: Buffer): Found {
  if (file.size === 0 || file.size > largest) {
    return [];
  }
  let descriptor: number;
  try {
    descriptor = openSync(file.absolute, 'r');
  } catch {
    return [];
  }
  try {
    const length = readSync(descriptor, buffer, 0, largest, 0);
    return secretsIn(buffer.subarray(0, length));
  } catch {
    return [];
  } finally {
    closeSync(descriptor);
  }
}

/** Line and kind of each secret in a text; nothing for what is not text. */
export function secretsIn(content: Buffer): Found {
  if (content.subarray(0, 8192).includes(0)) {
    return content[0] === 0xff || content[0] === 0xfe ? secretsInText(content.toString('utf16le')) : [];
  }
  // A letter for each byte: what is looked for is ASCII, and lines are counted the same.
  return secretsInText(content.toString('latin1'));
}

function secretsInText(text: string): Found {
  const found = new Map<string, [number, string]>();
  let lower: string | undefined;
  for (const { kind, needs, pattern, value, isRandom = true } of secretKinds) {
    const there = pattern.ignoreCase ? (lower ??= text.toLowerCase()).includes(needs) : text.includes(needs);
    if (!there) {
      continue;
    }
    for (const match of text.matchAll(pattern)) {
      const secret = match[value ?? 0] ?? '';
      if (!isRandom || !isPlaceholder(secret)) {
        const at = match.index + match[0].lastIndexOf(secret);
        const line = lineAt(text, at);
        found.set(`${line} ${kind}`, [line, kind]);
      }
    }
  }
  return [...found.values()].sort((a, b) => a[0] - b[0]);
}

/** Real keys are random: they do not repeat a few letters, are not words, and do not say that they are none. */
function isPlaceholder(secret: string): boolean {
  const isMixed = /\d/.test(secret) || (/[a-z]/.test(secret.slice(4)) && /[A-Z]/.test(secret.slice(4)));
  return (
    !isMixed || new Set(secret).size < 10 || /example|placeholder|your[-_]|redacted|x{6}|1234567|abcdefg/i.test(secret)
  );
}

function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}

async function readCache(file: string | undefined): Promise<z.infer<typeof cacheSchema>['files']> {
  const text = file === undefined ? undefined : await readIfThere(file);
  const parsed = cacheSchema.safeParse(parseJson(text ?? ''));
  return parsed.success && parsed.data.kinds === kindsDigest ? parsed.data.files : {};
}
