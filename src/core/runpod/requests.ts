/**
 * Bodies and filters of requests. The API refuses unknown body fields, so bodies are built field by field
 * from these types and nothing else travels.
 */

/** At most one of the two CUDA rules: they exclude each other. */
export interface GpuRequest {
  /** GPU type id, such as `NVIDIA GeForce RTX 4090`. */
  id: string;
  /** Default 1; always sent. */
  count?: number;
  /** Lowest acceptable host CUDA version, `major.minor`. */
  minCudaVersion?: string;
  /** Exact host CUDA versions; excludes newer ones, so prefer `minCudaVersion`. */
  allowedCudaVersions?: string[];
  /** GB of RAM per GPU; a filter on hosts. */
  minRamPerGpu?: number;
  /** vCPUs per GPU; a filter on hosts. */
  minVcpuCountPerGpu?: number;
}

export interface CpuRequest {
  /** Flavor id, such as `cpu5c`. */
  id: string;
  /** A power of two, at least 2. */
  vcpuCount: number;
}

/** One network volume, or storage of the host; never both. `path` has no default. */
export type MountsRequest =
  | { network: [{ volumeId: string; path: string }]; persistent?: never }
  | { persistent: { size: number; path: string }; network?: never };

interface ContainerRequest {
  image?: string;
  /** Replacing the start command of an official image also removes its sshd. */
  args?: string;
  cmd?: string[];
  entrypoint?: string[];
  /** Container disk in GB; wiped at every stop, restart and edit. */
  disk?: number;
  /** `{name: value}`; readable by every key holder, so no secrets in clear. */
  env?: Record<string, string>;
  /** `22/tcp`, `8888/http`; there is no default. */
  ports?: string[];
  /** Id of stored registry credentials. */
  registry?: string | null;
}

/** A pod with either GPUs or CPUs. The name must be unique: it is how a pod is found again after a lost answer. */
export type CreatePodRequest = ContainerRequest & {
  name: string;
  image: string;
  cloud?: 'SECURE' | 'COMMUNITY';
  dataCenterIds?: string[];
  mounts?: MountsRequest;
  startSsh?: boolean;
  startJupyter?: boolean;
  globalNetworking?: boolean;
} & ({ gpu: GpuRequest; cpu?: never } | { cpu: CpuRequest; gpu?: never });

/** Changes of a pod. Anything but `name` and `locked` resets a running container. */
export type PatchPodRequest = ContainerRequest & {
  name?: string;
  locked?: boolean;
  globalNetworking?: boolean;
  mounts?: MountsRequest;
};

export interface CreateVolumeRequest {
  name: string;
  /** GB, 10 to 4096. */
  size: number;
  dataCenter: string;
  /** Omitted: the data center's default tier, which may be the dear one. */
  type?: 'STANDARD' | 'HIGH_PERFORMANCE';
}

export interface UpdateVolumeRequest {
  name?: string;
  /** GB; can only grow. */
  size?: number;
}

/** Changes of an endpoint; what is left out stays. */
export interface PatchEndpointRequest {
  name?: string;
  /** Zero for both ends all workers, and requests wait until somebody raises `max`. */
  workers?: { min?: number; max?: number };
}

export interface DataCenterFilter {
  include?: ('GPU_AVAILABILITY' | 'CPU_AVAILABILITY')[];
}

/** Stock is told for pods that match these. */
export interface GpuFilter {
  count?: number;
  cloud?: 'SECURE' | 'COMMUNITY';
  minCudaVersion?: string;
}

export interface CpuFilter {
  vcpuCount?: number;
}

/** A range of time, or the last N buckets; the default is the last 30 days by day. */
export interface BillingFilter {
  /** RFC 3339. */
  startTime?: string;
  endTime?: string;
  lastN?: number;
  bucketSize?: 'hour' | 'day' | 'week' | 'month' | 'year';
}

/** Where a log begins. `lastEventId` (from a received line) wins over `since`, which wins over `tail`. */
export interface LogQuery {
  source?: 'container' | 'system';
  /** Lines from before now, 0 to 5000; the API's default is 100. */
  tail?: number;
  /** RFC 3339. */
  since?: string;
  lastEventId?: string;
}

const containerFields = ['image', 'args', 'cmd', 'entrypoint', 'disk', 'env', 'ports', 'registry'] as const;
const gpuFields = ['id', 'minCudaVersion', 'allowedCudaVersions', 'minRamPerGpu', 'minVcpuCountPerGpu'] as const;

/** The named fields that have a value. */
function pick<T extends object, K extends keyof T>(source: T, keys: readonly K[]): Partial<Pick<T, K>> {
  const present = keys.filter((key) => source[key] !== undefined).map((key) => [key, source[key]] as const);
  return Object.fromEntries(present) as Partial<Pick<T, K>>;
}

function mountsBody(mounts: MountsRequest | undefined): object {
  if (!mounts) {
    return {};
  }
  return mounts.network
    ? { mounts: { network: mounts.network.map((m) => pick(m, ['volumeId', 'path'])) } }
    : { mounts: { persistent: pick(mounts.persistent, ['size', 'path']) } };
}

/** Omitting `gpu.count` makes the API answer "no instances", so it is always there. */
export function createPodBody(request: CreatePodRequest): object {
  const compute = request.gpu
    ? { gpu: { ...pick(request.gpu, gpuFields), count: request.gpu.count ?? 1 } }
    : { cpu: pick(request.cpu, ['id', 'vcpuCount']) };
  return {
    name: request.name,
    ...pick(request, containerFields),
    ...pick(request, ['cloud', 'dataCenterIds', 'startSsh', 'startJupyter', 'globalNetworking']),
    ...compute,
    ...mountsBody(request.mounts),
  };
}

export function patchPodBody(request: PatchPodRequest): object {
  return {
    ...pick(request, ['name', 'locked', 'globalNetworking']),
    ...pick(request, containerFields),
    ...mountsBody(request.mounts),
  };
}

export function createVolumeBody(request: CreateVolumeRequest): object {
  return pick(request, ['name', 'size', 'dataCenter', 'type']);
}

export function updateVolumeBody(request: UpdateVolumeRequest): object {
  return pick(request, ['name', 'size']);
}

export function patchEndpointBody(request: PatchEndpointRequest): object {
  return {
    ...pick(request, ['name']),
    ...(request.workers && { workers: pick(request.workers, ['min', 'max']) }),
  };
}

/**
 * Encodes a query; a list becomes one comma-separated value, fields without a value are left out.
 * @returns the query with its leading `?`, or an empty string.
 */
export function queryString(fields: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    const text = typeof value === 'object' ? value.map(encodeURIComponent).join(',') : value;
    if (text === undefined || text === '') {
      return [];
    }
    return [`${name}=${typeof value === 'object' ? text : encodeURIComponent(text)}`];
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
