import { UserError } from '../../errors.ts';
import { shortName, type Candidate } from '../../pods/hardware.ts';
import type { RunPodClient } from '../../runpod/client.ts';
import type { CpuType, GpuType } from '../../runpod/schemas.ts';

/** Container disk in GB: RunPod grants no pod with less, and no small CPU pod with more than 30. */
export const gatewayDiskGb = 20;
const vcpuCount = 2;
/** So many GPU types are tried when no CPU pod is to be had. */
const gpuTypesTried = 3;

/**
 * What can carry files to and from a volume in a data center, cheapest first: CPU pods that the catalog shows in stock,
 * GPU pods only when there are none. Rejects with `no-gateway` when nothing is free there, before anything is asked for.
 */
export async function gatewayOffers(
  client: RunPodClient,
  dataCenter: string,
  signal?: AbortSignal,
): Promise<[Candidate, ...Candidate[]]> {
  const cpus = (await client.catalog.cpus({ vcpuCount }, signal))
    .filter((type) => isFree(type, dataCenter))
    .map((type): Candidate => {
      const price = type.price?.securePerVcpu ?? null;
      return {
        kind: 'cpu',
        id: type.id,
        label: `CPU pod, ${vcpuCount} vCPU`,
        costPerHour: price === null ? null : price * vcpuCount,
        stock: 'UNKNOWN',
        count: vcpuCount,
      };
    });
  const [cheapest, ...more] = cpus.toSorted(byPrice);
  if (cheapest !== undefined) {
    return [cheapest, ...more];
  }
  const gpus = (await client.catalog.gpus({ count: 1, cloud: 'SECURE' }, signal))
    .filter((type) => isFree(type, dataCenter))
    .map((type): Candidate => ({
      kind: 'gpu',
      id: type.id,
      label: `${shortName(type.name ?? type.id)} pod`,
      costPerHour: type.price?.secure ?? null,
      stock: 'UNKNOWN',
      count: 1,
    }));
  const [first, ...others] = gpus.toSorted(byPrice);
  if (first === undefined) {
    throw new UserError('no-gateway', {
      what: `No pod that could carry the files is free in ${dataCenter} at the moment.`,
      why: 'A volume can only be reached by a pod in its data center, or over S3 where the data center has it.',
      next: 'Nothing was charged. Try again in a few minutes.',
    });
  }
  return [first, ...others.slice(0, gpuTypesTried - 1)];
}

function isFree(type: GpuType | CpuType, dataCenter: string): boolean {
  return type.dataCenters.some((d) => d.id === dataCenter && d.availability !== 'NONE');
}

function byPrice(a: Candidate, b: Candidate): number {
  return (a.costPerHour ?? Infinity) - (b.costPerHour ?? Infinity);
}
