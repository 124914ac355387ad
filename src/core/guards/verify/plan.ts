import { UserError } from '../../errors.ts';
import { volumeCostPerMonth } from '../../pods/volume.ts';
import type { RunPodClient } from '../../runpod/client.ts';
import { s3Endpoint, type EndpointOptions } from '../../s3/index.ts';

/** Most that a check may cost, in USD. */
export const costLimit = 0.1;
/** The pod is ended after this many minutes, whatever is still to be asked. */
export const deadlineMinutes = 10;
export const volumeSizeGb = 10;
/** Container disk in GB that is tried after the smaller one was refused. */
export const diskSizes = [10, 20] as const;
/** USD per GB and month (RunPod pricing page). */
const containerDiskPrice = 0.1;
const hoursPerMonth = 730;
const vcpuCount = 2;

/** One CPU pod that could be rented for the check. */
export interface VerifyCandidate {
  flavor: string;
  vcpuCount: number;
  dataCenter: string;
  /** USD per hour of the pod. */
  costPerHour: number;
}

/** What a check will do, known before anything is paid for. */
export interface VerifyPlan {
  /** The cheapest first; empty when no CPU pod is free anywhere. */
  candidates: VerifyCandidate[];
  withVolume: boolean;
  /** Most that it can cost, in USD. */
  mostDollars: number;
}

/** Chooses the pods that could be rented and computes the most that the check can cost from the catalog's prices. */
export async function planVerification(
  client: RunPodClient,
  options: { volume: boolean; s3?: EndpointOptions | undefined; signal?: AbortSignal | undefined },
): Promise<VerifyPlan> {
  const [types, dataCenters] = await Promise.all([
    client.catalog.cpus({ vcpuCount }, options.signal),
    client.catalog.dataCenters({}, options.signal),
  ]);
  const standard = new Set(dataCenters.filter((d) => d.networkVolumeTypes.includes('STANDARD')).map((d) => d.id));
  // A volume is the better for the check where S3 can be asked about it.
  const withoutS3 = ({ dataCenter }: VerifyCandidate): number =>
    options.volume && s3Endpoint(dataCenter, options.s3) === undefined ? 1 : 0;
  const candidates = types
    .flatMap((type) => {
      const price = type.price?.securePerVcpu ?? 0;
      const open = type.dataCenters.filter((d) => d.availability !== 'NONE' && (!options.volume || standard.has(d.id)));
      return price === 0
        ? []
        : open.map((d) => ({ flavor: type.id, vcpuCount, dataCenter: d.id, costPerHour: price * vcpuCount }));
    })
    .toSorted((a, b) => withoutS3(a) - withoutS3(b) || a.costPerHour - b.costPerHour)
    .slice(0, 4);
  const mostDollars = mostOf(candidates, options.volume);
  if (mostDollars > costLimit) {
    throw new UserError('verify-too-dear', {
      what: `This check could cost $${mostDollars.toFixed(3)} at today's prices, more than the $${costLimit.toFixed(2)} that it promises.`,
      next: 'Nothing was started. Run it without a volume, or when a cheaper CPU pod is free.',
    });
  }
  return { candidates, withVolume: options.volume, mostDollars };
}

/** One pod until the deadline, its disk, and one begun hour of the volume. */
function mostOf(candidates: VerifyCandidate[], volume: boolean): number {
  const dearest = Math.max(0, ...candidates.map((c) => c.costPerHour));
  if (dearest === 0) {
    return 0;
  }
  const disk = (Math.max(...diskSizes) * containerDiskPrice) / hoursPerMonth;
  // A bill may reach into a second hour.
  const storage = volume ? (2 * volumeCostPerMonth(volumeSizeGb)) / hoursPerMonth : 0;
  return ((dearest + disk) * deadlineMinutes) / 60 + storage;
}
