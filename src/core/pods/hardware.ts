import { UserError } from '../errors.ts';
import type { Project } from '../project/schema.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { Availability, CpuType, GpuType } from '../runpod/schemas.ts';

/** One thing that could be rented for the project, in the order of preference. */
export interface Candidate {
  kind: 'gpu' | 'cpu';
  id: string;
  /** For people: `RTX 4090`, `2 × H100`, `CPU pod, 2 vCPU`. */
  label: string;
  /** USD per hour for the whole pod; null when the catalog does not tell. */
  costPerHour: number | null;
  /** Stock in the volume's data center as the catalog sees it: a hint, not a promise. */
  stock: Availability;
  count: number;
}

/**
 * What the project may rent in a data center, in the project's order; those with no stock come last, since the catalog
 * is a hint and may be wrong both ways. Throws a UserError when the project names hardware that RunPod does not have.
 */
export async function candidates(
  client: RunPodClient,
  target: Project['target'],
  dataCenter: string,
  signal?: AbortSignal,
): Promise<Candidate[]> {
  const found = target.cpu
    ? await cpuCandidates(client, target.cpu, dataCenter, signal)
    : await gpuCandidates(client, target, dataCenter, signal);
  return found.toSorted((a, b) => Number(a.stock === 'NONE') - Number(b.stock === 'NONE'));
}

async function gpuCandidates(
  client: RunPodClient,
  target: Project['target'],
  dataCenter: string,
  signal?: AbortSignal,
): Promise<Candidate[]> {
  const { gpuCount, minCuda } = target;
  const filter = {
    count: gpuCount,
    cloud: 'SECURE' as const,
    ...(minCuda !== undefined && { minCudaVersion: minCuda }),
  };
  const catalog = await client.catalog.gpus(filter, signal);
  return (target.gpus ?? []).map((id) => {
    const type = catalog.find((g) => g.id === id);
    if (type === undefined) {
      throw unknownHardware('GPU type', id, catalog);
    }
    const price = type.price?.secure ?? null;
    return {
      kind: 'gpu',
      id,
      label: `${gpuCount > 1 ? `${gpuCount} × ` : ''}${shortName(type.name ?? id)}`,
      costPerHour: price === null || price === 0 ? null : price * gpuCount,
      stock: stockIn(type, dataCenter),
      count: gpuCount,
    };
  });
}

async function cpuCandidates(
  client: RunPodClient,
  cpu: { id: string; vcpuCount: number },
  dataCenter: string,
  signal?: AbortSignal,
): Promise<Candidate[]> {
  const catalog = await client.catalog.cpus({ vcpuCount: cpu.vcpuCount }, signal);
  const type = catalog.find((c) => c.id === cpu.id);
  if (type === undefined) {
    throw unknownHardware('CPU type', cpu.id, catalog);
  }
  const perVcpu = type.price?.securePerVcpu ?? null;
  return [
    {
      kind: 'cpu',
      id: cpu.id,
      label: `CPU pod, ${cpu.vcpuCount} vCPU`,
      costPerHour: perVcpu === null ? null : perVcpu * cpu.vcpuCount,
      stock: stockIn(type, dataCenter),
      count: cpu.vcpuCount,
    },
  ];
}

function stockIn(type: GpuType | CpuType, dataCenter: string): Availability {
  return type.dataCenters.find((d) => d.id === dataCenter)?.availability ?? 'NONE';
}

/** `NVIDIA GeForce RTX 4090` → `RTX 4090`. */
export function shortName(id: string): string {
  return id.replace(/^NVIDIA\s+/, '').replace(/^GeForce\s+/, '');
}

function unknownHardware(kind: string, id: string, catalog: { id: string }[]): UserError {
  const words = id.toLowerCase().split(/\s+/);
  const similar = catalog
    .map((c) => c.id)
    .filter((c) => words.some((w) => /\d/.test(w) && c.toLowerCase().includes(w)))
    .slice(0, 6);
  const options = similar.length > 0 ? similar : catalog.map((c) => c.id).slice(0, 12);
  return new UserError('hardware-unknown', {
    what: `RunPod has no ${kind} "${id}".`,
    next:
      options.length === 0
        ? 'RunPod lists none at the moment; try again later.'
        : `Use one of RunPod's ids in the project file, such as: ${options.join(', ')}.`,
  });
}
