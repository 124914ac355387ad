import { UserError } from '../errors.ts';
import type { Project } from '../project/schema.ts';
import type { RunPodClient } from '../runpod/client.ts';
import { isApiError } from '../runpod/api-error.ts';
import type { CreatePodRequest } from '../runpod/requests.ts';
import type { Pod, Volume } from '../runpod/schemas.ts';
import { endKeyEnv } from './end-key.ts';
import type { Candidate } from './hardware.ts';

/** Container disk in GB where the project does not say; small CPU pods are refused with more than 30. */
const defaultDisk = { gpu: 40, cpu: 20 };

export interface RentRequest {
  name: string;
  target: Pick<Project['target'], 'image' | 'disk' | 'mount' | 'minCuda'>;
  volume: Volume;
  candidates: Candidate[];
  /** Less container disk is refused as if nothing were free. */
  minDiskGb?: number | undefined;
  /** Public SSH key, one line. */
  publicKey: string;
  env: Record<string, string>;
  /** Name of the secret with the key by which the pod may end itself. */
  endKeySecret?: string | undefined;
  /** The start command of images that are known to go on with it. */
  args?: string | undefined;
  /** Told for every candidate that was refused. */
  onRefused?: ((candidate: Candidate, reason: string) => void) | undefined;
}

/** Tries the candidates in order until RunPod grants one. The first success ends the search: exactly one pod. */
export async function rentPod(
  client: RunPodClient,
  request: RentRequest,
  signal?: AbortSignal,
): Promise<{ pod: Pod; candidate: Candidate }> {
  let last: string | undefined;
  for (const candidate of request.candidates) {
    try {
      return { pod: await client.pods.create(createRequest(request, candidate), signal), candidate };
    } catch (error) {
      if (!isApiError(error, 'no-capacity')) {
        throw error;
      }
      last = error.detail ?? error.message;
      request.onRefused?.(candidate, last);
    }
  }
  const tried = request.candidates.map((c) => c.label).join(', ');
  throw new UserError('no-stock', {
    what: `No machine is free in ${request.volume.dataCenter}: tried ${tried}.`,
    why: last === undefined ? undefined : `RunPod says: ${last}`,
    next: 'Nothing was charged. Try again in a few minutes, add more GPU types to "target.gpus", or use a volume in another data center.',
    remedies: [{ do: 'regions' }],
  });
}

function createRequest(request: RentRequest, candidate: Candidate): CreatePodRequest {
  const { target, volume } = request;
  const common = {
    name: request.name,
    image: target.image,
    cloud: 'SECURE' as const,
    dataCenterIds: [volume.dataCenter],
    disk: Math.max(target.disk ?? defaultDisk[candidate.kind], request.minDiskGb ?? 0),
    mounts: { network: [{ volumeId: volume.id, path: target.mount }] as [{ volumeId: string; path: string }] },
    ports: ['22/tcp'],
    startSsh: true,
    ...(request.args !== undefined && { args: request.args }),
    env: { ...request.env, ...endKeyEnv(request.endKeySecret), PUBLIC_KEY: request.publicKey },
  };
  return candidate.kind === 'gpu'
    ? {
        ...common,
        gpu: {
          id: candidate.id,
          count: candidate.count,
          ...(target.minCuda !== undefined && { minCudaVersion: target.minCuda }),
        },
      }
    : { ...common, cpu: { id: candidate.id, vcpuCount: candidate.count } };
}
