import { UserError } from '../errors.ts';
import type { Installation } from '../home/installation.ts';
import type { Project } from '../project/schema.ts';
import { isApiError } from '../runpod/api-error.ts';
import type { CpuRequest, GpuRequest } from '../runpod/requests.ts';
import type { Pod, Volume } from '../runpod/schemas.ts';
import { containerStart } from './container-start.ts';
import { endKeyEnv } from './end-key.ts';
import type { Candidate } from './hardware.ts';

/** Container disk in GB where the project does not say; small CPU pods are refused with more than 30. */
const defaultDisk = { gpu: 40, cpu: 20 };

/** Who rents: its key opens the pod, and what it has beside its worker starts with the pod. */
export type Renter = Pick<Installation, 'client' | 'key' | 'restUrl' | 'workerFile' | 'endKeySecret'>;

/** What every pod is asked for with. */
interface AnyPod {
  name: string;
  /** So many minutes after the first start of its container the pod ends itself where no keeper was put on it. */
  aloneMinutes: number;
  env?: Record<string, string> | undefined;
}

export interface RentRequest extends AnyPod {
  target: Pick<Project['target'], 'image' | 'disk' | 'mount' | 'minCuda'>;
  volume: Volume;
  candidates: Candidate[];
  /** Less container disk is refused as if nothing were free. */
  minDiskGb?: number | undefined;
  /** Told for every candidate that was refused. */
  onRefused?: ((candidate: Candidate, reason: string) => void) | undefined;
}

/** Tries the candidates in order until RunPod grants one. The first success ends the search: exactly one pod. */
export async function rentPod(
  renter: Renter,
  request: RentRequest,
  signal?: AbortSignal,
): Promise<{ pod: Pod; candidate: Candidate }> {
  const { target, volume, minDiskGb = 0 } = request;
  let last: string | undefined;
  for (const candidate of request.candidates) {
    try {
      const disk = Math.max(target.disk ?? defaultDisk[candidate.kind], minDiskGb);
      const { image, mount } = target;
      const hardware = hardwareFor(candidate, target);
      const { dataCenter } = volume;
      return {
        pod: await askForPod(renter, { ...request, image, dataCenter, volume, mount, disk, hardware }, signal),
        candidate,
      };
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

function hardwareFor({ kind, id, count }: Candidate, { minCuda }: RentRequest['target']): PodRequest['hardware'] {
  return kind === 'gpu'
    ? { gpu: { id, count, ...(minCuda !== undefined && { minCudaVersion: minCuda }) } }
    : { cpu: { id, vcpuCount: count } };
}

export interface PodRequest extends AnyPod {
  image: string;
  dataCenter: string;
  volume?: Pick<Volume, 'id'> | undefined;
  /** Where the volume is mounted. */
  mount: string;
  /** Container disk in GB. */
  disk: number;
  hardware: { gpu: GpuRequest } | { cpu: CpuRequest };
}

/**
 * Asks RunPod for a pod. There is no other way to one, so that none is ever there which nothing would end: its client may
 * be killed in the moment after.
 */
export async function askForPod(
  { client, key, restUrl, workerFile, endKeySecret }: Renter,
  { name, image, dataCenter, volume, mount, disk, hardware, env, aloneMinutes }: PodRequest,
  signal?: AbortSignal,
): Promise<Pod> {
  const args = await containerStart(workerFile, { image, mount, seconds: aloneMinutes * 60, restUrl });
  return client.pods.create(
    {
      name,
      image,
      cloud: 'SECURE',
      dataCenterIds: [dataCenter],
      disk,
      ...(volume !== undefined && { mounts: { network: [{ volumeId: volume.id, path: mount }] } }),
      ports: ['22/tcp'],
      startSsh: true,
      ...(args !== undefined && { args }),
      env: { ...env, ...endKeyEnv(endKeySecret), PUBLIC_KEY: key.publicKey },
      ...hardware,
    },
    signal,
  );
}
