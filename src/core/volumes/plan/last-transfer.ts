import path from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../../files/atomic.ts';
import { parseJson } from '../../json.ts';
import { putSchema } from '../../transport/far-file.ts';
import { stateFolder } from '../../files/to-upload.ts';
import { routeKinds, type RouteKind } from './route.ts';
import type { FarState, ManifestFiles } from './types.ts';

const schema = z.object({
  schema: z.literal(1),
  /** Of the volume that this is about. */
  volume: z.object({ id: z.string(), name: z.string(), dataCenter: z.string() }),
  at: z.string(),
  files: z.record(z.string(), putSchema),
  rates: z
    .partialRecord(z.enum(routeKinds), z.object({ bytesPerSecond: z.number().positive(), at: z.string() }))
    .default({}),
});

/** What this machine remembers of a project's volume after a transfer. */
export type LastKnown = Omit<z.infer<typeof schema>, 'schema'>;

/** The copy of the last transfer; undefined when there is none or it is damaged. */
export async function readLastKnown(root: string): Promise<LastKnown | undefined> {
  const parsed = schema.safeParse(parseJson((await readIfThere(fileOf(root))) ?? ''));
  return parsed.success ? parsed.data : undefined;
}

/** A rate over less than this says more about the start than about the way, in bytes. */
const leastForRate = 4_000_000;

/** What a transfer over a route came to; `files` are all that the volume has of the project now. */
export interface Transferred {
  route: RouteKind;
  bytes: number;
  seconds: number;
  files: ManifestFiles;
}

/** Keeps what the volume has and how fast the route was; to be called after each transfer. */
export async function rememberTransfer(
  root: string,
  { id, name, dataCenter }: LastKnown['volume'],
  { route, bytes, seconds, files }: Transferred,
): Promise<void> {
  const known = await readLastKnown(root);
  const at = new Date().toISOString();
  const before = known?.volume.id === id ? known.rates : {};
  const rate = bytes < leastForRate ? {} : { [route]: { bytesPerSecond: bytes / seconds, at } };
  const last: LastKnown = { volume: { id, name, dataCenter }, at, files, rates: { ...before, ...rate } };
  await writeFileAtomic(fileOf(root), JSON.stringify({ schema: 1, ...last }));
}

/** The far end as this machine remembers it; of another volume, or one that does not exist yet, nothing is known. */
export function lastKnownState(known: LastKnown | undefined, volumeId: string | null): FarState {
  return known === undefined || known.volume.id !== volumeId
    ? { kind: 'nothing', at: null, files: {} }
    : { kind: 'last-known', at: known.at, files: known.files };
}

function fileOf(root: string): string {
  return path.join(stateFolder(root), 'volume.json');
}
