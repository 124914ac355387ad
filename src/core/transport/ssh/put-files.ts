import * as z from 'zod';
import { putSchema, type FarFile, type ManifestFiles, type PutFile } from '../far-file.ts';
import { callFiles, type RemoteFiles } from './worker-files.ts';

const nowSchema = z
  .object({ size: z.number(), sha256: z.string().nullable(), mtime: z.string() })
  .transform((entry) => ({ ...entry, sha256: entry.sha256 ?? undefined }));

const stateSchema = z.union([
  /** Asked for, and not put there by a transfer. */
  z.object({ path: z.string(), stranger: z.literal(true), now: nowSchema }),
  putSchema.extend({
    path: z.string(),
    missing: z.boolean(),
    /** What is there instead, when it changed. */
    now: nowSchema.optional(),
  }),
]);

const doneSchema = z.object({
  path: z.string(),
  ok: z.boolean(),
  error: z.string().optional(),
  /** Where it lies, relative to the project, when it was set aside and not gone before. */
  to: z.string().optional(),
});
export type DoneWith = z.infer<typeof doneSchema>;

/**
 * What transfers put into a project's folder on a pod, what is there now, and which of `files` lie there without having
 * been put there: null for what is gone. Rejects as `callFiles` does.
 */
export async function putFilesState(
  remote: RemoteFiles,
  files: readonly { path: string; size: number }[],
  signal: AbortSignal | undefined,
): Promise<{ put: ManifestFiles; there: Record<string, FarFile | null> }> {
  const put: [string, PutFile][] = [];
  const there: [string, FarFile | null][] = [];
  const lines = files.map(({ path, size }) => ({ path, size }));
  for (const line of await callFiles(remote, 'state', lines, stateSchema, signal)) {
    const { path } = line;
    if ('stranger' in line) {
      there.push([path, line.now]);
    } else {
      const { missing, now, size, sha256, mtime, list } = line;
      const entry = { size, sha256, mtime, list };
      put.push([path, entry]);
      there.push([path, missing ? null : (now ?? entry)]);
    }
  }
  return { put: Object.fromEntries(put), there: Object.fromEntries(there) };
}

/** Removes files that a transfer put there and nobody changed since; the others are answered with the reason. */
export function removeFiles(
  remote: RemoteFiles,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DoneWith[]> {
  return callFiles(remote, 'remove', paths.map(lineOf), doneSchema, signal);
}

/** The same, but they are kept for some days where jobs do not see them. */
export function setAside(
  remote: RemoteFiles,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DoneWith[]> {
  return callFiles(remote, 'set-aside', paths.map(lineOf), doneSchema, signal);
}

const lineOf = (path: string): { path: string } => ({ path });
