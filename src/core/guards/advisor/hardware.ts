import { shortName } from '../../pods/hardware.ts';
import type { RunPodClient } from '../../runpod/client.ts';
import type { Availability, CpuType, GpuType } from '../../runpod/schemas.ts';
import type { AdviceRequest, Hardware, RegionRow } from './types.ts';

/** What of a request decides about hardware. */
export type HardwareWish = Pick<AdviceRequest, 'gpus' | 'gpuCount' | 'minCuda' | 'cpu'>;

/** The part of the catalog that a wish is about; the other list is empty. */
export interface HardwareCatalog {
  gpus: readonly GpuType[];
  cpus: readonly CpuType[];
}

/** Reads what can be rented, in one call. Throws ApiError, and CancelledError when the signal aborts. */
export async function readCatalog(
  client: RunPodClient,
  wish: HardwareWish,
  signal?: AbortSignal,
): Promise<HardwareCatalog> {
  if (wish.cpu !== undefined) {
    return { gpus: [], cpus: await client.catalog.cpus({ vcpuCount: wish.cpu.vcpuCount }, signal) };
  }
  const { gpuCount = 1, minCuda } = wish;
  const filter = {
    count: gpuCount,
    cloud: 'SECURE' as const,
    ...(minCuda !== undefined && { minCudaVersion: minCuda }),
  };
  return { gpus: await client.catalog.gpus(filter, signal), cpus: [] };
}

/** What is wanted, in its order and also when there is none, then what else is in stock there, cheapest first. */
export function hardwareIn(dataCenter: string, catalog: HardwareCatalog, wish: HardwareWish): Hardware[] {
  return wish.cpu === undefined ? gpusIn(dataCenter, catalog.gpus, wish) : [cpuIn(dataCenter, catalog.cpus, wish.cpu)];
}

function gpusIn(dataCenter: string, catalog: readonly GpuType[], wish: HardwareWish): Hardware[] {
  const { gpuCount = 1, gpus: wanted = [] } = wish;
  const all = catalog.map((type): Hardware => {
    const price = type.price?.secure ?? null;
    return {
      kind: 'gpu',
      id: type.id,
      label: `${gpuCount > 1 ? `${gpuCount} × ` : ''}${shortName(type.name ?? type.id)}`,
      wanted: wanted.includes(type.id),
      stock: stockIn(type, dataCenter),
      // A price of 0 means that the type is not offered there.
      pricePerHour: price === null || price === 0 ? null : price * gpuCount,
      memoryGb: type.memory,
    };
  });
  const named = wanted.map((id) => all.find((h) => h.id === id)).filter((h) => h !== undefined);
  return [...named, ...all.filter((h) => !h.wanted && h.stock !== 'NONE').sort(byPrice)];
}

function cpuIn(dataCenter: string, catalog: readonly CpuType[], cpu: NonNullable<AdviceRequest['cpu']>): Hardware {
  const type = catalog.find((c) => c.id === cpu.id);
  const perVcpu = type?.price?.securePerVcpu ?? null;
  return {
    kind: 'cpu',
    id: cpu.id,
    label: `CPU pod, ${cpu.vcpuCount} vCPU`,
    wanted: true,
    stock: type === undefined ? 'NONE' : stockIn(type, dataCenter),
    pricePerHour: perVcpu === null ? null : perVcpu * cpu.vcpuCount,
    memoryGb: null,
  };
}

function stockIn(type: GpuType | CpuType, dataCenter: string): Availability {
  return type.dataCenters.find((d) => d.id === dataCenter)?.availability ?? 'NONE';
}

/** What the project could rent there now: what it names, or anything when it names nothing. */
export function usable({ gpus }: Pick<RegionRow, 'gpus'>): Hardware[] {
  const named = gpus.some((h) => h.wanted);
  return gpus.filter((h) => (h.wanted || !named) && h.stock !== 'NONE');
}

export function byPrice(a: Hardware, b: Hardware): number {
  return (a.pricePerHour ?? Infinity) - (b.pricePerHour ?? Infinity);
}
