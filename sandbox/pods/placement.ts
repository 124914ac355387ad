import { compareCuda } from '../api/catalog.ts';
import type { Volume } from '../api/volumes.ts';
import { cpus, cudaVersions, dataCenters, gpus } from '../data/catalog.ts';
import { noInstances, Problem } from '../problem.ts';
import type { CreatePod } from '../schemas.ts';
import type { Stock } from '../stock.ts';
import type { PodConfig } from './pod.ts';

type Placed = Pick<PodConfig, 'gpu' | 'cpu' | 'dataCenterId' | 'cudaVersion' | 'price' | 'cloud'>;

/** Smallest container disk that is placed; less is answered as if there were no stock. */
const leastDisk = 20;

function candidates(request: CreatePod, volume: Volume | undefined): string[] {
  const asked = request.dataCenterIds ?? [];
  if (volume === undefined) return asked.length > 0 ? asked : dataCenters.map((center) => center.id);
  if (asked.length > 0 && !asked.includes(volume.dataCenter)) {
    throw new Problem(
      400,
      `Network volume "${volume.id}" is in data center "${volume.dataCenter}", ` +
        `which is not in the requested set [${asked.join(', ')}].`,
    );
  }
  return [volume.dataCenter];
}

/** The oldest host that fits, undefined when the request does not constrain CUDA to anything that exists. */
function hostCuda(gpu: NonNullable<CreatePod['gpu']>): string | undefined {
  const { allowedCudaVersions: exact, minCudaVersion: floor } = gpu;
  return [...cudaVersions]
    .reverse()
    .find((version) => (exact?.includes(version) ?? true) && (floor === undefined || compareCuda(version, floor) >= 0));
}

/** Rules between fields, which the platform answers with 400. */
function checkRules(request: CreatePod): void {
  if ((request.gpu === undefined) === (request.cpu === undefined)) {
    throw new Problem(400, 'exactly one of gpu or cpu must be set');
  }
  if (request.gpu?.allowedCudaVersions !== undefined && request.gpu.minCudaVersion !== undefined) {
    throw new Problem(400, 'gpu.allowedCudaVersions and gpu.minCudaVersion are mutually exclusive');
  }
  if (request.mounts?.persistent !== undefined && request.mounts.network !== undefined) {
    throw new Problem(400, 'mounts.persistent and mounts.network are mutually exclusive');
  }
  if (request.mounts?.persistent !== undefined && request.cpu !== undefined) {
    throw new Problem(400, 'mounts.persistent is not supported on CPU pods');
  }
  if (request.cloud === 'COMMUNITY' && (request.mounts?.network?.length ?? 0) > 0) {
    throw new Problem(400, 'Network volumes are only available in Secure Cloud');
  }
  if (request.cpu !== undefined && !Number.isInteger(Math.log2(request.cpu.vcpuCount))) {
    throw new Problem(400, 'cpu.vcpuCount must be a power of two');
  }
}

/** Decides where a pod runs and what it costs, or refuses in the platform's words. */
export function place(request: CreatePod, volume: Volume | undefined, stock: Stock): Placed {
  checkRules(request);
  const cloud = request.cloud ?? 'SECURE';
  const among = candidates(request, volume);
  if (request.disk !== undefined && request.disk < leastDisk) throw noInstances();
  if (request.gpu !== undefined) {
    const { id, count } = request.gpu;
    const seed = gpus.find((one) => one.id === id);
    const cudaVersion = hostCuda(request.gpu);
    const price = cloud === 'SECURE' ? seed?.secure : seed?.community;
    const minVcpu = request.gpu.minVcpuCountPerGpu ?? 1;
    const minRam = request.gpu.minRamPerGpu ?? 1;
    // An omitted count is refused as if nothing were free.
    if (seed === undefined || count === undefined || count > seed.maxCount || !price || cudaVersion === undefined) {
      throw noInstances();
    }
    if (minVcpu > 16 || minRam > 4 * seed.memory) throw noInstances();
    return {
      cloud,
      gpu: { id, count, vcpuCount: 16 * count, memory: 4 * seed.memory * count },
      cpu: undefined,
      cudaVersion: seed.manufacturer === 'NVIDIA' ? cudaVersion : null,
      price: round(price * count),
      dataCenterId: stock.place('gpu', id, among),
    };
  }
  const { id = '', vcpuCount = 2 } = request.cpu ?? {};
  const seed = cpus.find((one) => one.id === id);
  if (seed === undefined || vcpuCount > seed.maxVcpu || cloud === 'COMMUNITY') throw noInstances();
  if ((request.disk ?? leastDisk) > seed.diskGbPerVcpu * vcpuCount) throw noInstances();
  return {
    cloud,
    gpu: undefined,
    cpu: { id, vcpuCount, memory: Math.max(1, Math.floor(seed.ramGbPerVcpu * vcpuCount)) },
    cudaVersion: null,
    price: round(seed.secure * vcpuCount),
    dataCenterId: stock.place('cpu', id, among),
  };
}

function round(usd: number): number {
  return Math.round(usd * 10_000) / 10_000;
}
