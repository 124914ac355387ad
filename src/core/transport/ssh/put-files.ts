import * as z from 'zod';
import { callFiles, type RemoteFiles } from './worker-files.ts';

const entrySchema = z.object({ size: z.number(), sha256: z.string().nullable(), mtime: z.string() });

const stateSchema = z.object({
  path: z.string(),
  size: z.number(),
  sha256: z.string(),
  mtime: z.string(),
  missing: z.boolean(),
  /** What is there instead, when it changed. */
  now: entrySchema.transform((entry) => ({ ...entry, sha256: entry.sha256 ?? undefined })).optional(),
});

const removedSchema = z.object({ path: z.string(), ok: z.boolean(), error: z.string().optional() });

/** What transfers put into a project's folder on a pod, and what is there now. Rejects as `callFiles` does. */
export function putFilesState(
  remote: RemoteFiles,
  signal: AbortSignal | undefined,
): Promise<z.infer<typeof stateSchema>[]> {
  return callFiles(remote, 'state', [], stateSchema, signal);
}

/** Removes files that a transfer put there and nobody changed since; the others are answered with the reason. */
export function removeFiles(
  remote: RemoteFiles,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<z.infer<typeof removedSchema>[]> {
  const lines = paths.map((path) => ({ path }));
  return callFiles(remote, 'remove', lines, removedSchema, signal);
}
