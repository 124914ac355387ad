import path from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../../files.ts';
import { parseJson } from '../../json.ts';
import { stateFolder } from './collect.ts';
import { routeKinds } from './route.ts';
import type { FarState } from './types.ts';

const schema = z.object({
  schema: z.literal(1),
  /** Of the volume that this is about. */
  volume: z.object({ id: z.string(), name: z.string(), dataCenter: z.string() }),
  at: z.string(),
  files: z.record(z.string(), z.object({ size: z.number(), sha256: z.string(), mtime: z.string() })),
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

/** To be called after each transfer and each look at the manifest. */
export async function writeLastKnown(root: string, known: LastKnown): Promise<void> {
  await writeFileAtomic(fileOf(root), JSON.stringify({ schema: 1, ...known }));
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
