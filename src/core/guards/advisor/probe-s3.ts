import type { Volume } from '../../runpod/schemas.ts';
import { VolumeStore } from '../../s3/index.ts';
import { s3AccessOf, type S3Source } from '../../s3/s3-source.ts';
import type { AdviceRequest } from './types.ts';

/** A probe that has said nothing by then did not answer. */
const patienceMs = 8_000;

/**
 * Whether S3 works, by data center, where the account has a volume to ask for (R1.2): tables age, a volume that opens
 * does not lie. Keys that are refused and volumes that are too new to be known say nothing about the data center, so
 * the table's word stands there. Throws CancelledError when the signal aborts.
 */
export async function probeS3(
  source: S3Source | undefined,
  volumes: readonly Pick<Volume, 'id' | 'dataCenter'>[],
  signal?: AbortSignal,
): Promise<NonNullable<AdviceRequest['probed']>> {
  const oneEach = new Map(volumes.map((volume) => [volume.dataCenter, volume]));
  const answers = await Promise.all([...oneEach.values()].map((volume) => probe(source, volume, signal)));
  return Object.fromEntries(answers.filter((answer) => answer !== undefined));
}

async function probe(
  source: S3Source | undefined,
  { id, dataCenter }: Pick<Volume, 'id' | 'dataCenter'>,
  signal: AbortSignal | undefined,
): Promise<readonly [string, 'yes' | 'unknown'] | undefined> {
  const access = await s3AccessOf(source, dataCenter);
  if (access === undefined) {
    return undefined;
  }
  const store = new VolumeStore(access, id);
  const patience = AbortSignal.timeout(patienceMs);
  try {
    const { state } = await store.probe(signal === undefined ? patience : AbortSignal.any([patience, signal]));
    return state === 'works' ? [dataCenter, 'yes'] : state === 'unreachable' ? [dataCenter, 'unknown'] : undefined;
  } catch (error) {
    if (patience.aborted && signal?.aborted !== true) {
      return [dataCenter, 'unknown'];
    }
    throw error;
  } finally {
    await store.close();
  }
}
