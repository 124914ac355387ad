import * as z from 'zod';
import { unsafeName } from '../files/confine.ts';
import type { Failures } from './failures.ts';
import { compilePattern, neverMatcher } from '../files/patterns.ts';

/** One file of the pod, as the worker lists it. */
export const listSchema = z.object({
  path: z.string(),
  size: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  mtime: z.union([z.iso.datetime(), z.number()]),
});

export type RemoteFile = z.infer<typeof listSchema>;

/** The files whose names may be used on this machine; the reasons for the others go to `failures`. */
export function accept(
  listed: readonly RemoteFile[],
  patterns: readonly string[],
  failures: Failures,
  platform: NodeJS.Platform = process.platform,
): RemoteFile[] {
  const compiled = patterns.map(compilePattern);
  // What a program of this machine obeys when it finds it in a project must not come from a pod.
  const isNever = neverMatcher(['.vscode/']);
  const seen = new Set<string>();
  return listed.filter((file) => {
    // Windows and macOS take names that differ in case or Unicode form for the same file.
    const key = platform === 'linux' ? file.path : file.path.normalize('NFC').toLowerCase();
    const reason =
      unsafeName(file.path, platform) ??
      (isNever(file.path) ? 'this name is never transferred' : undefined) ??
      (compiled.some((pattern) => pattern.matches(file.path)) ? undefined : 'it was not asked for') ??
      (seen.has(key) ? 'another file of the same name came before' : undefined);
    seen.add(key);
    if (reason !== undefined) {
      failures.add(file.path, new Error(`The name was refused: ${reason}.`));
    }
    return reason === undefined;
  });
}
