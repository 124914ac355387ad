import type { Clock } from '../clock.ts';
import { cpus, gpus } from '../data/catalog.ts';
import type { Ledger } from '../ledger.ts';
import { startCommand, type StartCommand } from '../pods/command.ts';
import { notFound, Problem } from '../problem.ts';
import type { CreateEndpoint, Scaling, UpdateEndpoint } from '../schemas.ts';
import { newId } from './account.ts';
import { checkContainer } from './container.ts';
import { pageOf } from './pages.ts';
import type { Volumes } from './volumes.ts';

interface Gpu {
  pools: string[];
  excludedTypes?: string[];
  count: number;
  allowedCudaVersions: string[];
  minCudaVersion: string | null;
}

interface Endpoint {
  id: string;
  order: number;
  name: string;
  type: 'QUEUE' | 'LOAD_BALANCER';
  image: string;
  command: StartCommand;
  disk: number;
  env: Record<string, string>;
  ports: string[];
  gpu: Gpu | undefined;
  cpu: { id: string; vcpuCount: number; memory: number }[] | undefined;
  workers: { min: number; max: number; idleTimeout: number };
  scaling: Scaling;
  dataCenterIds: string[];
  networkVolumes: string[];
  timeout: number;
  flashboot: 'OFF' | 'FLASHBOOT' | 'PRIORITY_FLASHBOOT';
  createdAt: string;
}

export interface EndpointsSettings {
  volumes: Volumes;
  ledger: Ledger;
  clock: Clock;
}

/**
 * Serverless endpoints as entries with a price: no worker of them runs and no request is answered. Standing workers
 * (`workers.min`) are metered. They end with the sandbox, as pods do.
 */
export class Endpoints {
  readonly #settings: EndpointsSettings;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #metered = new Set<string>();
  #count = 0;

  constructor(settings: EndpointsSettings) {
    this.#settings = settings;
  }

  /** One page, newest first. */
  list(query: URLSearchParams): unknown {
    const all = [...this.#endpoints.values()].map((item) => ({ item, order: item.order }));
    const { items, pagination } = pageOf('endpoints', all, query);
    return { endpoints: items.map(view), pagination };
  }

  get(id: string): unknown {
    return view(this.#find(id));
  }

  create(request: CreateEndpoint): unknown {
    checkContainer(request);
    if (request.templateId !== undefined) throw notFound('template');
    if (typeof request.registry === 'string') throw new Problem(400, `registry "${request.registry}" not found`);
    if ((request.gpu === undefined) === (request.cpu === undefined)) {
      throw new Problem(400, 'exactly one of gpu or cpu must be set');
    }
    const { type, scaling, workers } = request;
    const made: Endpoint = {
      id: newId(),
      order: this.#count + 1,
      name: request.name,
      type,
      image: request.image ?? '',
      command: startCommand(request),
      disk: request.disk ?? 20,
      env: request.env ?? {},
      ports: request.ports ?? [],
      gpu: request.gpu && gpuOf(request.gpu),
      cpu: request.cpu && cpuOf(request.cpu),
      workers: { min: workers?.min ?? 0, max: workers?.max ?? 3, idleTimeout: workers?.idleTimeout ?? 10 },
      scaling,
      dataCenterIds: request.dataCenterIds ?? [],
      networkVolumes: request.networkVolumes ?? [],
      timeout: request.timeout ?? 300_000,
      flashboot: request.flashboot ?? 'OFF',
      createdAt: this.#settings.clock.iso(),
    };
    this.#check(made, workers?.idleTimeout);
    this.#count += 1;
    this.#endpoints.set(made.id, made);
    this.#meter(made);
    return view(made);
  }

  update(id: string, request: UpdateEndpoint): unknown {
    const old = this.#find(id);
    checkContainer(request);
    if (request.templateId !== undefined) throw notFound('template');
    if (request.gpu !== undefined && old.gpu === undefined)
      throw new Problem(400, 'gpu is not valid on a CPU endpoint');
    if (request.cpu !== undefined && old.cpu === undefined)
      throw new Problem(400, 'cpu is not valid on a GPU endpoint');
    if (request.scaling?.type === 'QUEUE_DELAY' && old.type === 'LOAD_BALANCER') {
      throw new Problem(400, 'QUEUE_DELAY scaling is only available on QUEUE endpoints');
    }
    const { min, max, idleTimeout } = request.workers ?? {};
    const next: Endpoint = {
      ...old,
      name: request.name ?? old.name,
      image: request.image ?? old.image,
      command: startCommand(request, old.command),
      disk: request.disk ?? old.disk,
      env: request.env ?? old.env,
      ports: request.ports ?? old.ports,
      gpu: request.gpu && old.gpu ? gpuOf(request.gpu, old.gpu) : old.gpu,
      cpu: request.cpu ? cpuOf(request.cpu) : old.cpu,
      workers: {
        min: min ?? old.workers.min,
        max: max ?? old.workers.max,
        idleTimeout: idleTimeout ?? old.workers.idleTimeout,
      },
      scaling: request.scaling ?? old.scaling,
      dataCenterIds: request.dataCenterIds ?? old.dataCenterIds,
      networkVolumes: request.networkVolumes ?? old.networkVolumes,
      timeout: request.timeout ?? old.timeout,
      flashboot: request.flashboot ?? old.flashboot,
    };
    this.#check(next, idleTimeout);
    this.#endpoints.set(id, next);
    this.#meter(next);
    return view(next);
  }

  delete(id: string): void {
    this.#find(id);
    this.#endpoints.delete(id);
    this.#unmeter(id);
  }

  /** Standing workers end when nothing is left on the account, and come back with credit. */
  enforceBalance(): void {
    const broke = this.#settings.ledger.balance() <= 0;
    for (const endpoint of this.#endpoints.values()) {
      if (broke) this.#unmeter(endpoint.id);
      else if (!this.#metered.has(endpoint.id)) this.#meter(endpoint);
    }
  }

  /** Ends all endpoints. */
  close(): void {
    for (const id of this.#endpoints.keys()) this.#unmeter(id);
    this.#endpoints.clear();
  }

  #find(id: string): Endpoint {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) throw notFound('endpoint');
    return endpoint;
  }

  #check(endpoint: Endpoint, idleTimeout: number | undefined): void {
    const { workers, networkVolumes } = endpoint;
    if (workers.min > workers.max) throw new Problem(400, 'workers.min must not be greater than workers.max');
    if (idleTimeout !== undefined && hasNoIdleTimeout(endpoint)) {
      throw new Problem(400, 'workers.idleTimeout is not valid on QUEUE endpoints that scale by REQUEST_COUNT');
    }
    const known = this.#settings.volumes.list().networkVolumes;
    const places = networkVolumes.map((id) => {
      const volume = known.find((one) => one.id === id);
      if (volume === undefined) throw new Problem(400, `Network volume "${id}" not found`);
      return volume.dataCenter;
    });
    if (new Set(places).size < places.length) throw new Problem(400, 'at most one network volume per data center');
  }

  #meter({ id, gpu, workers, cpu }: Endpoint): void {
    this.#unmeter(id);
    if (workers.min === 0) return;
    const rate = workers.min * (gpu === undefined ? cpuPrice(cpu?.[0]) : gpu.count * poolPrice(gpu.pools[0]));
    this.#settings.ledger.open(gpu === undefined ? 'serverlessCpu' : 'serverlessGpu', id, rate);
    this.#metered.add(id);
  }

  #unmeter(id: string): void {
    if (this.#metered.delete(id)) this.#settings.ledger.close(id);
  }
}

/** USD per GPU-hour of a pool. */
function poolPrice(pool: string | undefined): number {
  return gpus.find((gpu) => gpu.pool === pool)?.serverless ?? 0;
}

/** USD per hour of a CPU worker. */
function cpuPrice(cpu: { id: string; vcpuCount: number } | undefined): number {
  return (cpus.find((one) => one.id === cpu?.id)?.serverless ?? 0) * (cpu?.vcpuCount ?? 0);
}

function gpuOf(request: NonNullable<UpdateEndpoint['gpu']>, old?: Gpu): Gpu {
  const pools = request.pools ?? old?.pools ?? [];
  const kept = request.pools === undefined ? old?.excludedTypes : undefined;
  const excludedTypes = (request.excludedTypes ?? kept)?.map((id) => id.trim());
  const unknown = pools.find((pool) => !gpus.some((gpu) => gpu.pool === pool));
  if (unknown !== undefined) throw new Problem(400, `unknown GPU pool "${unknown}"`);
  const inPools = gpus.filter((gpu) => gpu.pool !== null && pools.includes(gpu.pool));
  const stray = excludedTypes?.find((id) => !inPools.some((gpu) => gpu.id === id));
  if (stray !== undefined) throw new Problem(400, `gpu.excludedTypes: "${stray}" is not a GPU type of the pools`);
  if (inPools.every((gpu) => excludedTypes?.includes(gpu.id))) throw new Problem(400, 'no GPU type is left');
  const allowedCudaVersions = request.allowedCudaVersions ?? old?.allowedCudaVersions ?? [];
  // An empty text takes the floor away.
  const minCudaVersion = (request.minCudaVersion ?? old?.minCudaVersion ?? '') || null;
  if (allowedCudaVersions.length > 0 && minCudaVersion !== null) {
    throw new Problem(400, 'gpu.allowedCudaVersions and gpu.minCudaVersion are mutually exclusive');
  }
  return {
    pools,
    ...(excludedTypes !== undefined && { excludedTypes }),
    count: request.count ?? old?.count ?? 1,
    allowedCudaVersions,
    minCudaVersion,
  };
}

function cpuOf(request: NonNullable<CreateEndpoint['cpu']>): NonNullable<Endpoint['cpu']> {
  return request.map(({ id, vcpuCount }) => {
    const seed = cpus.find((one) => one.id === id);
    if (seed === undefined) throw new Problem(400, `unknown CPU flavor "${id}"`);
    if (!Number.isInteger(Math.log2(vcpuCount))) throw new Problem(400, 'cpu.vcpuCount must be a power of two');
    return { id, vcpuCount, memory: Math.max(1, Math.floor(seed.ramGbPerVcpu * vcpuCount)) };
  });
}

function hasNoIdleTimeout({ type, scaling }: Endpoint): boolean {
  return type === 'QUEUE' && scaling.type === 'REQUEST_COUNT';
}

/** Addresses with a name that never resolves: nothing of the sandbox may reach another machine. */
function requestUrls({ id, type }: Endpoint): Record<string, string> {
  if (type === 'LOAD_BALANCER') {
    const base = `https://${id}.serverless.sandbox.invalid`;
    return { base, health: `${base}/ping` };
  }
  const base = `https://serverless.sandbox.invalid/v2/${id}`;
  return {
    run: `${base}/run`,
    runSync: `${base}/runsync`,
    status: `${base}/status/{job_id}`,
    stream: `${base}/stream/{job_id}`,
    cancel: `${base}/cancel/{job_id}`,
    retry: `${base}/retry/{job_id}`,
    purgeQueue: `${base}/purge-queue`,
    health: `${base}/health`,
  };
}

function view(endpoint: Endpoint): unknown {
  const { gpu, cpu, command, workers } = endpoint;
  const { min, max, idleTimeout } = workers;
  return {
    id: endpoint.id,
    name: endpoint.name,
    type: endpoint.type,
    requestUrls: requestUrls(endpoint),
    image: endpoint.image,
    args: command.args,
    cmd: command.cmd,
    entrypoint: command.entrypoint,
    disk: endpoint.disk,
    ports: endpoint.ports,
    env: endpoint.env,
    registry: null,
    ...(gpu && { gpu }),
    ...(cpu && { cpu }),
    workers: { min, max, ...(!hasNoIdleTimeout(endpoint) && { idleTimeout }) },
    scaling: endpoint.scaling,
    dataCenterIds: endpoint.dataCenterIds,
    networkVolumes: endpoint.networkVolumes,
    timeout: endpoint.timeout,
    flashboot: endpoint.flashboot,
    createdAt: endpoint.createdAt,
  };
}
