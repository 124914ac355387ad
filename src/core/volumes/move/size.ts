import path from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../../files/atomic.ts';
import type { Installation } from '../../home/installation.ts';
import { parseJson } from '../../json.ts';
import { connectTo, mountOf } from '../../pods/ready.ts';
import type { Pod } from '../../runpod/schemas.ts';

const sizeSchema = z.object({ bytes: z.number(), files: z.number().nullable(), at: z.string() });

/** What lies on a volume, and when that was seen (ISO 8601). */
export type VolumeSize = z.infer<typeof sizeSchema>;

/** A question for nothing must not take long. */
const patienceMs = 20_000;

const place = (home: string, volumeId: string): string => path.join(home, 'volumes', `${volumeId}.json`);

/** What was seen the last time. */
export async function knownSize(home: string, volumeId: string): Promise<VolumeSize | undefined> {
  const text = await readIfThere(place(home, volumeId));
  return text === undefined ? undefined : sizeSchema.safeParse(parseJson(text)).data;
}

export async function rememberSize(home: string, volumeId: string, size: VolumeSize): Promise<void> {
  await writeFileAtomic(place(home, volumeId), JSON.stringify(size));
}

/** Asks a pod that runs with the volume; undefined when there is none or it does not answer in time. */
export async function sizeOverPod(
  installation: Installation,
  pod: Pod | undefined,
  signal: AbortSignal | undefined,
): Promise<VolumeSize | undefined> {
  if (pod === undefined) {
    return undefined;
  }
  const limit = AbortSignal.any([AbortSignal.timeout(patienceMs), ...(signal === undefined ? [] : [signal])]);
  try {
    const connection = await connectTo(pod, installation, limit);
    try {
      const { code, stdout } = await connection.exec(['du', '-sb', mountOf(pod)], { signal: limit });
      const bytes = Number.parseInt(stdout.toString('latin1'), 10);
      return code === 0 && Number.isFinite(bytes) ? { bytes, files: null, at: new Date().toISOString() } : undefined;
    } finally {
      connection.close();
    }
  } catch {
    // The size is worth knowing, not worth failing for.
    return undefined;
  }
}
