import {
  cpus,
  cudaVersions,
  dataCenters,
  gpus,
  type Availability,
  type CpuSeed,
  type DataCenterSeed,
  type GpuSeed,
} from '../data/catalog.ts';
import { notFound, Problem } from '../problem.ts';
import type { Stock } from '../stock.ts';

const regions = [
  'NORTH_AMERICA',
  'SOUTH_AMERICA',
  'EUROPE',
  'ASIA',
  'MIDDLE_EAST',
  'AFRICA',
  'OCEANIA',
  'ANTARCTICA',
  'UNKNOWN',
];
const tiers = ['STANDARD', 'HIGH_PERFORMANCE'];
const certificates = ['SOC_2_TYPE_2', 'ISO_IEC_27001'];
const compliances = [
  'GDPR',
  'ISO_IEC_27001',
  'ISO_14001',
  'PCI_DSS',
  'HITRUST',
  'SOC_1_TYPE_2',
  'SOC_2_TYPE_2',
  'SOC_3_TYPE_2',
  'ITAR',
  'FISMA_HIGH',
  'HIPAA',
  'RENEWABLE',
];

/** Compares CUDA versions as numbers: 12.11 is above 12.2. */
export function compareCuda(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

function list(query: URLSearchParams, name: string, allowed?: readonly string[]): string[] | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const values = text.split(',');
  const bad = allowed === undefined ? undefined : values.find((value) => !allowed.includes(value));
  if (bad !== undefined && allowed !== undefined) {
    throw new Problem(422, 'Request validation failed.', {
      errors: [`$.query.${name}: value must be one of ${allowed.map((value) => `'${value}'`).join(', ')}`],
    });
  }
  return values;
}

function matching(query: URLSearchParams, name: string, pattern: RegExp): string | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!text.split(',').every((value) => pattern.test(value))) {
    throw new Problem(422, 'Request validation failed.', {
      errors: [`$.query.${name}: '${text}' does not match pattern`],
    });
  }
  return text;
}

interface Wanted {
  among: string[];
  count: number;
  cloud: 'SECURE' | 'COMMUNITY';
  cuda: string[];
}

/** The read-only catalog; levels come from the stock, so that tests see what they set. */
export class Catalog {
  readonly #stock: Stock;

  constructor(stock: Stock) {
    this.#stock = stock;
  }

  dataCenters(query: URLSearchParams): unknown {
    const wantedRegions = list(query, 'regions', regions);
    const wantedTiers = list(query, 'networkVolumeTypes', tiers);
    const wantedCompliance = list(query, 'compliance', compliances);
    const globalNetwork = list(query, 'globalNetwork', ['true', 'false'])?.[0];
    const include = list(query, 'include', ['GPU_AVAILABILITY', 'CPU_AVAILABILITY']);
    const found = dataCenters.filter(
      (center) =>
        (wantedRegions?.includes(center.region) ?? true) &&
        (wantedTiers?.every((tier) => (center.volumes as string[]).includes(tier)) ?? true) &&
        (wantedCompliance?.every((one) => certificates.includes(one)) ?? true) &&
        (globalNetwork === undefined || String(center.globalNetwork) === globalNetwork),
    );
    return { dataCenters: found.map((center) => this.#dataCenter(center, include ?? [])) };
  }

  dataCenter(id: string, query: URLSearchParams): unknown {
    const center = dataCenters.find((one) => one.id === id);
    if (center === undefined) throw notFound('data center');
    return this.#dataCenter(center, list(query, 'include', ['GPU_AVAILABILITY', 'CPU_AVAILABILITY']) ?? []);
  }

  #dataCenter(center: DataCenterSeed, include: string[]): unknown {
    const offers = (seeds: readonly (GpuSeed | CpuSeed)[]) =>
      seeds
        .filter((seed) => this.#stock.offeredIn(seed.id).includes(center.id))
        .map((seed) => ({ id: seed.id, name: seed.name, availability: this.#stock.level(seed.id, [center.id]) }));
    const gpuOffers = include.includes('GPU_AVAILABILITY') ? offers(gpus) : [];
    const cpuOffers = include.includes('CPU_AVAILABILITY') ? offers(cpus) : [];
    return {
      id: center.id,
      name: center.name,
      region: center.region,
      globalNetwork: center.globalNetwork,
      networkVolumeTypes: center.volumes,
      compliance: certificates,
      ...(gpuOffers.length > 0 && { gpuAvailability: gpuOffers }),
      ...(cpuOffers.length > 0 && { cpuAvailability: cpuOffers }),
    };
  }

  gpus(query: URLSearchParams): unknown {
    const wanted = this.#gpuWanted(query);
    const scoped = query.get('countryCodes') !== null;
    const found = gpus.filter(
      (gpu) => wanted === undefined || !scoped || this.#stock.offeredIn(gpu.id).some((id) => wanted.among.includes(id)),
    );
    return { gpus: found.map((gpu) => this.#gpu(gpu, wanted)) };
  }

  gpu(id: string, query: URLSearchParams): unknown {
    const gpu = gpus.find((one) => one.id === id);
    if (gpu === undefined) throw notFound('GPU type');
    return this.#gpu(gpu, this.#gpuWanted(query));
  }

  #included(query: URLSearchParams, products: string[], dependents: string[]): boolean {
    const include = list(query, 'include', ['AVAILABILITY']) !== undefined;
    const product = list(query, 'product', products) !== undefined;
    if (include && !product) throw new Problem(400, 'product is required with include=AVAILABILITY');
    if (product && !include) throw new Problem(400, 'product is valid only with include=AVAILABILITY');
    for (const name of dependents) {
      if (!include && query.get(name) !== null)
        throw new Problem(400, `${name} is valid only with include=AVAILABILITY`);
    }
    return include;
  }

  #gpuWanted(query: URLSearchParams): Wanted | undefined {
    const countries = matching(query, 'countryCodes', /^[A-Z]{2}$/)?.split(',');
    const exact = matching(query, 'cudaVersions', /^\d+\.\d+$/)?.split(',');
    const floor = matching(query, 'minCudaVersion', /^\d+(\.\d+)?$/);
    const count = matching(query, 'count', /^[1-9]\d*$/);
    const cloud = list(query, 'cloud', ['SECURE', 'COMMUNITY'])?.[0] ?? 'SECURE';
    const dependents = ['count', 'cloud', 'countryCodes', 'cudaVersions', 'minCudaVersion'];
    if (!this.#included(query, ['POD', 'CLUSTER', 'SERVERLESS'], dependents)) return undefined;
    if (exact !== undefined && floor !== undefined) {
      throw new Problem(400, 'cudaVersions and minCudaVersion are mutually exclusive');
    }
    return {
      among: dataCenters.filter((one) => countries?.includes(one.country) ?? true).map((one) => one.id),
      count: Number(count ?? 1),
      cloud: cloud as Wanted['cloud'],
      cuda: cudaVersions.filter(
        (version) =>
          (exact?.includes(version) ?? true) &&
          (floor === undefined || compareCuda(version, floor.includes('.') ? floor : `${floor}.0`) >= 0),
      ),
    };
  }

  #gpu(gpu: GpuSeed, wanted: Wanted | undefined): unknown {
    const view = {
      id: gpu.id,
      name: gpu.name,
      pool: gpu.pool,
      manufacturer: gpu.manufacturer,
      memory: gpu.memory,
      secure: gpu.secure > 0,
      community: gpu.community > 0,
      price: {
        secure: gpu.secure,
        community: gpu.community,
        ...(gpu.serverless !== undefined && { serverless: gpu.serverless }),
      },
      maxCount: { secure: gpu.secure > 0 ? gpu.maxCount : 0, community: gpu.community > 0 ? 4 : 0 },
    };
    if (wanted === undefined) return view;
    const price = wanted.cloud === 'SECURE' ? gpu.secure : gpu.community;
    const possible = price > 0 && wanted.count <= gpu.maxCount && wanted.cuda.length > 0;
    const level: Availability = possible ? this.#stock.level(gpu.id, wanted.among) : 'NONE';
    const rows = dataCenters
      .filter((center) => wanted.among.includes(center.id) && this.#stock.offeredIn(gpu.id).includes(center.id))
      .map((center) => ({ id: center.id, name: center.name, availability: this.#stock.level(gpu.id, [center.id]) }));
    return {
      ...view,
      availability: level,
      ...(level !== 'NONE' && { dataCenters: rows }),
      cudaVersions: wanted.cuda.map((version) => ({ version, available: level !== 'NONE' })),
    };
  }

  cpus(query: URLSearchParams): unknown {
    const wanted = this.#cpuWanted(query);
    return { cpus: cpus.map((cpu) => this.#cpu(cpu, wanted)) };
  }

  cpu(id: string, query: URLSearchParams): unknown {
    const cpu = cpus.find((one) => one.id === id);
    if (cpu === undefined) throw notFound('CPU flavor');
    return this.#cpu(cpu, this.#cpuWanted(query));
  }

  #cpuWanted(query: URLSearchParams): number | undefined {
    const count = matching(query, 'vcpuCount', /^[1-9]\d*$/);
    if (!this.#included(query, ['POD', 'SERVERLESS'], ['vcpuCount'])) return undefined;
    return Number(count ?? 2);
  }

  #cpu(cpu: CpuSeed, vcpuCount: number | undefined): unknown {
    const view = {
      id: cpu.id,
      name: cpu.name,
      group: cpu.group,
      vcpu: { min: 2, max: cpu.maxVcpu },
      ramGbPerVcpu: cpu.ramGbPerVcpu,
      price: { securePerVcpu: cpu.secure, serverlessPerVcpu: cpu.serverless },
    };
    if (vcpuCount === undefined) return view;
    const offered = this.#stock.offeredIn(cpu.id);
    const level = vcpuCount <= cpu.maxVcpu ? this.#stock.level(cpu.id, offered) : 'NONE';
    const rows = dataCenters
      .filter((center) => offered.includes(center.id))
      .map((center) => ({ id: center.id, name: center.name, availability: this.#stock.level(cpu.id, [center.id]) }));
    return { ...view, availability: level, ...(level !== 'NONE' && { dataCenters: rows }) };
  }
}
