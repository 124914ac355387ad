import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { unsafeName } from '../files/confine.ts';
import type { Failures } from './failures.ts';
import { compilePattern, neverMatcher } from '../files/patterns.ts';

/** One file of the pod, as the worker lists it. */
export const fileSchema = z.object({
  path: z.string(),
  size: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  mtime: z.union([z.iso.datetime(), z.number()]),
});

/** What it leaves where it is, with the reason; `nothing`: a link that leads to nothing. */
export const leftSchema = z.object({ path: z.string(), left: z.string(), nothing: z.boolean().optional() });

/** A line of its list: a file, or what it leaves where it is, with the reason. */
export const listSchema = z.union([fileSchema, leftSchema]);

/** Which names are one on this machine. */
export interface Names {
  platform: NodeJS.Platform;
  /** The disk takes names that differ in case or Unicode form for the same file. */
  folds: boolean;
}

/** What the disk with this folder makes of names. */
export function namesOf(folder: string): Names {
  const probe = mkdtempSync(path.join(folder, '.names-'));
  try {
    writeFileSync(path.join(probe, 'a\u00e9'), '');
    return {
      platform: process.platform,
      folds: ['A\u00e9', 'ae\u0301'].some((other) => statSync(path.join(probe, other), { throwIfNoEntry: false })),
    };
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/** The files whose names may be used on this machine; the reasons for the others go to `failures`. */
export function accept<T extends { path: string }>(
  listed: readonly T[],
  patterns: readonly string[],
  failures: Failures,
  { platform, folds }: Names,
): T[] {
  const compiled = patterns.map(compilePattern);
  // What a program of this machine obeys when it finds it in a project must not come from a pod.
  const isNever = neverMatcher(['.vscode/']);
  const seen = new Set<string>();
  return listed.filter((file) => {
    const key = folds ? file.path.normalize('NFC').toLowerCase() : file.path;
    const reason =
      unsafeName(file.path, platform) ??
      (isNever(file.path) ? 'this name is never transferred' : undefined) ??
      (compiled.some((pattern) => pattern.matches(file.path)) ? undefined : 'it was not asked for') ??
      (seen.has(key)
        ? 'another file of the same name came before, as the disk of this machine reads names'
        : undefined);
    seen.add(key);
    if (reason !== undefined) {
      failures.add(file.path, new Error(`The name was refused: ${reason}.`));
    }
    return reason === undefined;
  });
}

/** The patterns that mean none of the files, and nothing of what was left where it is. */
export function unmatched(patterns: readonly string[], files: readonly string[], left: readonly string[]): string[] {
  return patterns.filter((text) => {
    const pattern = compilePattern(text);
    const isMeant = (name: string): boolean => pattern.matches(name) || pattern.mayMatchBelow(name);
    return !files.some((name) => pattern.matches(name)) && !left.some(isMeant);
  });
}
