import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { parseJson } from '../json.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';
import { stateFolder } from './to-upload.ts';

const schema = z.object({
  schema: z.literal(1),
  id: z.string().min(1),
  root: z.string(),
  volumes: z.array(z.string()).default([]),
});

/** A project's folder as others know it again: it keeps its id when it moves, and a copy gets another one. */
export interface Origin {
  id: string;
  /** The folder with no links in it. */
  root: string;
  /** Ids of the volumes on which it may fill its project. */
  volumes: readonly string[];
}

/** What a folder says of itself; undefined when it never said anything. */
export async function readOrigin(root: string): Promise<Origin | undefined> {
  const parsed = schema.safeParse(parseJson((await readIfThere(fileOf(root))) ?? ''));
  return parsed.success ? parsed.data : undefined;
}

/** The same, made when it is missing; undefined when nothing can be written there. */
export async function originOf(root: string): Promise<Origin | undefined> {
  try {
    const here = await realpath(root);
    const known = await readOrigin(here);
    if (known?.root === here) {
      return known;
    }
    const original = known === undefined ? undefined : await readOrigin(known.root).catch(() => undefined);
    const isCopy = known !== undefined && original?.id === known.id;
    const moved = known === undefined || isCopy ? { id: randomUUID(), volumes: [] } : known;
    return await write({ ...moved, root: here });
  } catch {
    return undefined;
  }
}

/** Notes that it was agreed that the folder fills its project on a volume. */
export async function noteAgreed(origin: Origin, volume: string): Promise<void> {
  if (!origin.volumes.includes(volume)) {
    await write({ ...origin, volumes: [...origin.volumes, volume] });
  }
}

async function write({ id, root, volumes }: Origin): Promise<Origin> {
  await writeFileAtomic(fileOf(root), `${JSON.stringify({ schema: 1, id, root, volumes }, null, 1)}\n`);
  return { id, root, volumes };
}

function fileOf(root: string): string {
  return path.join(stateFolder(root), 'origin.json');
}
