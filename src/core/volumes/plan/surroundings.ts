import { gatewayOffers } from '../../transport/gateway/offer.ts';
import { UserError } from '../../errors.ts';
import type { Installation } from '../../home/installation.ts';
import type { Project } from '../../project/schema.ts';
import type { Pod, Volume } from '../../runpod/schemas.ts';
import { s3Endpoint } from '../../s3/endpoints.ts';
import type { LastKnown } from './last-transfer.ts';
import type { Surroundings } from './route.ts';

type WantedVolume = Project['target']['volume'];

/**
 * Asks what the choice of a route depends on: the volume, pods that run with it, S3, and only where neither a pod nor S3
 * is there, what a gateway would cost. Starts nothing and costs nothing. Rejects with ApiError, `volume-ambiguous` or
 * CancelledError.
 */
export async function lookAround(
  { client, s3 }: Pick<Installation, 'client' | 's3'>,
  wanted: WantedVolume,
  signal?: AbortSignal,
): Promise<Surroundings> {
  const [volumes, pods, keys] = await Promise.all([client.volumes.list(signal), client.pods.list(signal), s3?.keys()]);
  const volume = theVolume(volumes, wanted);
  const dataCenter = volume?.dataCenter ?? wanted.dataCenter ?? null;
  const around: Surroundings = {
    asked: true,
    volume: { id: volume?.id ?? null, name: volume?.name ?? wanted.name, dataCenter },
    s3: { endpoint: endpointOf(dataCenter, s3?.endpoints), keys: keys !== undefined },
    free: client.free,
    pods:
      volume === undefined
        ? []
        : pods
            .filter((pod) => isReachable(pod, volume.id))
            .map(briefly)
            .sort(byPrice),
  };
  const needsGateway = around.pods.length === 0 && !(around.s3.endpoint === 'yes' && around.s3.keys);
  return needsGateway && dataCenter !== null
    ? { ...around, gateway: await cheapestGateway({ client }, dataCenter, signal) }
    : around;
}

/** The same without a key, from what this machine remembers. */
export function rememberedSurroundings(known: LastKnown | undefined, wanted: WantedVolume): Surroundings {
  const fits = known?.volume.name === wanted.name || known?.volume.id === wanted.name ? known : undefined;
  const dataCenter = fits?.volume.dataCenter ?? wanted.dataCenter ?? null;
  return {
    asked: false,
    volume: { id: fits?.volume.id ?? null, name: fits?.volume.name ?? wanted.name, dataCenter },
    s3: { endpoint: endpointOf(dataCenter, undefined), keys: false },
    pods: [],
    free: false,
  };
}

function endpointOf(
  dataCenter: string | null,
  options: Parameters<typeof s3Endpoint>[1],
): Surroundings['s3']['endpoint'] {
  if (dataCenter === null) {
    return 'unknown';
  }
  return s3Endpoint(dataCenter, options) === undefined ? 'no' : 'yes';
}

function theVolume(volumes: Volume[], wanted: WantedVolume): Volume | undefined {
  const named = volumes.filter((v) => v.name === wanted.name || v.id === wanted.name);
  const fitting = wanted.dataCenter === undefined ? named : named.filter((v) => v.dataCenter === wanted.dataCenter);
  if (fitting.length > 1) {
    throw new UserError('volume-ambiguous', {
      what: `${fitting.length} volumes are named "${wanted.name}".`,
      why: 'RunPod allows the same name more than once.',
      next: `Put the id of the right one in place of the name: ${fitting.map((v) => `${v.id} (${v.dataCenter})`).join(', ')}.`,
    });
  }
  return fitting[0];
}

function isReachable(pod: Pod, volumeId: string): boolean {
  const hasVolume = pod.mounts.network.some((mount) => mount.volumeId === volumeId);
  return hasVolume && pod.status === 'RUNNING' && pod.ssh.direct !== null;
}

function briefly({ id, name, cost }: Pod): Surroundings['pods'][number] {
  return { id, name, costPerHour: cost };
}

function byPrice(a: Surroundings['pods'][number], b: Surroundings['pods'][number]): number {
  return (a.costPerHour ?? Infinity) - (b.costPerHour ?? Infinity) || (a.id < b.id ? -1 : 1);
}

async function cheapestGateway(
  { client }: Pick<Installation, 'client'>,
  dataCenter: string,
  signal: AbortSignal | undefined,
): Promise<Surroundings['gateway']> {
  try {
    const [{ label, kind, costPerHour }] = await gatewayOffers(client, dataCenter, signal);
    return { label, kind, costPerHour };
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-gateway') {
      return null;
    }
    throw error;
  }
}
