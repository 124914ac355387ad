import * as z from 'zod';
import { limits } from '../../contract.ts';
import { parseJson } from '../../json.ts';
import type { VolumeStore } from '../../s3/index.ts';
import { putSchema, type PutFile } from '../far-file.ts';

const manifestSchema = z.object({
  schema: z.literal(limits.manifestSchemaNumber),
  files: z.record(z.string(), z.unknown()),
});

export type Manifest = Map<string, PutFile>;

/** A million files with long names fit. */
const mostBytes = 512 * 1024 * 1024;

/** The folder of a project on the volume. */
export function projectFolder(project: string): string {
  return `projects/${project}`;
}

export function manifestKey(project: string): string {
  return `${projectFolder(project)}/.runpod-trainer/files.json`;
}

/** What the transfer put into a project's folder so far; empty when nothing was, or when the record is damaged. */
export async function readManifest(
  store: VolumeStore,
  project: string,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  const content = await store.read(manifestKey(project), { maxBytes: mostBytes, signal });
  const parsed = manifestSchema.safeParse(parseJson(content?.toString('utf8') ?? ''));
  const manifest: Manifest = new Map();
  for (const [path, value] of Object.entries(parsed.success ? parsed.data.files : {})) {
    const entry = putSchema.safeParse(value);
    if (entry.success) {
      manifest.set(path, entry.data);
    }
  }
  return manifest;
}

/** Reads the record, changes it and writes it, for the worker or another window may have added to it meanwhile. */
export async function changeManifest(
  store: VolumeStore,
  project: string,
  changes: ReadonlyMap<string, PutFile | undefined>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const manifest = await readManifest(store, project, signal);
  for (const [path, entry] of changes) {
    if (entry === undefined) {
      manifest.delete(path);
    } else {
      manifest.set(path, entry);
    }
  }
  const text = JSON.stringify({ schema: limits.manifestSchemaNumber, files: Object.fromEntries(manifest) });
  await store.write(manifestKey(project), Buffer.from(text), signal);
}
