import type { VolumeType } from '../schemas.ts';

/** Stock of a GPU type or CPU flavor in a data center. */
export type Availability = 'NONE' | 'LOW' | 'MEDIUM' | 'HIGH';

export interface DataCenterSeed {
  id: string;
  name: string;
  region: 'NORTH_AMERICA' | 'EUROPE' | 'ASIA' | 'OCEANIA';
  country: string;
  /** Tiers of new network volumes, the default first; empty: none can be created. */
  volumes: VolumeType[];
  globalNetwork: boolean;
}

export interface GpuSeed {
  id: string;
  name: string;
  pool: string | null;
  manufacturer: 'NVIDIA' | 'AMD';
  memory: number;
  /** USD per GPU-hour; 0 = not offered on that cloud. */
  secure: number;
  community: number;
  serverless?: number;
  maxCount: number;
  stock: Record<string, Availability>;
}

export interface CpuSeed {
  id: string;
  name: string;
  group: string;
  maxVcpu: number;
  ramGbPerVcpu: number;
  diskGbPerVcpu: number;
  secure: number;
  serverless: number;
  stock: Record<string, Availability>;
}

const standard: VolumeType[] = ['STANDARD'];
const fast: VolumeType[] = ['HIGH_PERFORMANCE'];

const region = { US: 'NORTH_AMERICA', CA: 'NORTH_AMERICA', EU: 'EUROPE', EUR: 'EUROPE', AP: 'ASIA', OC: 'OCEANIA' };

function center(id: string, name: string, country: string, volumes: VolumeType[] = []): DataCenterSeed {
  const prefix = (id.split('-')[0] ?? '') as keyof typeof region;
  return {
    id,
    name,
    country,
    volumes,
    region: region[prefix] as DataCenterSeed['region'],
    globalNetwork: volumes.length > 0 && id !== 'EU-FR-1',
  };
}

/** Data centers with the volume tiers of October 2026. */
export const dataCenters: DataCenterSeed[] = [
  center('AP-IN-1', 'AP India 1', 'IN'),
  center('AP-IN-2', 'AP India 2', 'IN'),
  center('AP-JP-1', 'AP Japan 1', 'JP', standard),
  center('CA-MTL-1', 'CA Montreal 1', 'CA', fast),
  center('CA-MTL-3', 'CA Montreal 3', 'CA', standard),
  center('CA-MTL-4', 'CA Montreal 4', 'CA', ['STANDARD', 'HIGH_PERFORMANCE']),
  center('EU-CZ-1', 'EU Czechia 1', 'CZ'),
  center('EU-FR-1', 'EU France 1', 'FR', fast),
  center('EU-NL-1', 'EU Netherlands 1', 'NL'),
  center('EU-RO-1', 'EU Romania 1', 'RO', standard),
  center('EU-SE-1', 'EU Sweden 1', 'SE'),
  center('EUR-IS-1', 'EUR Iceland 1', 'IS'),
  center('EUR-IS-2', 'EUR Iceland 2', 'IS'),
  center('EUR-IS-3', 'EUR Iceland 3', 'IS', standard),
  center('EUR-IS-4', 'EUR Iceland 4', 'IS'),
  center('EUR-NO-1', 'EUR Norway 1', 'NO', standard),
  center('EUR-NO-2', 'EUR Norway 2', 'NO', fast),
  center('OC-AU-1', 'OC Australia 1', 'AU'),
  center('US-CA-2', 'US California 2', 'US', fast),
  center('US-CO-1', 'US Colorado 1', 'US', standard),
  center('US-GA-2', 'US Georgia 2', 'US'),
  center('US-IL-1', 'US Illinois 1', 'US', standard),
  center('US-KS-2', 'US Kansas 2', 'US'),
  center('US-MD-1', 'US Maryland 1', 'US', standard),
  center('US-MO-1', 'US Missouri 1', 'US', standard),
  center('US-MO-2', 'US Missouri 2', 'US'),
  center('US-NC-1', 'US North Carolina 1', 'US'),
  center('US-NC-2', 'US North Carolina 2', 'US', standard),
  center('US-NE-1', 'US Nebraska 1', 'US', standard),
  center('US-TX-3', 'US Texas 3', 'US', standard),
  center('US-TX-4', 'US Texas 4', 'US'),
  center('US-WA-1', 'US Washington 1', 'US'),
];

function nvidia(
  id: string,
  memory: number,
  price: { secure: number; community?: number; serverless?: number; pool?: string; max?: number },
  stock: Record<string, Availability>,
): GpuSeed {
  const seed: GpuSeed = {
    id,
    name: id.replace(/^NVIDIA (GeForce )?/, ''),
    pool: price.pool ?? null,
    manufacturer: 'NVIDIA',
    memory,
    secure: price.secure,
    community: price.community ?? 0,
    maxCount: price.max ?? 8,
    stock,
  };
  return price.serverless === undefined ? seed : { ...seed, serverless: price.serverless };
}

/** GPU types with prices seen in 2026; stock is sample data that tests change. */
export const gpus: GpuSeed[] = [
  nvidia(
    'NVIDIA GeForce RTX 3090',
    24,
    { secure: 0.46, community: 0.22, serverless: 0.684, pool: 'AMPERE_24' },
    { 'EU-CZ-1': 'LOW', 'CA-MTL-1': 'MEDIUM' },
  ),
  nvidia(
    'NVIDIA GeForce RTX 4090',
    24,
    { secure: 0.74, community: 0.34, serverless: 1.116, pool: 'ADA_24' },
    {
      'EU-RO-1': 'HIGH',
      'EUR-NO-1': 'MEDIUM',
      'EUR-IS-3': 'LOW',
      'US-IL-1': 'HIGH',
      'US-NC-2': 'MEDIUM',
      'US-TX-3': 'LOW',
      'US-MD-1': 'MEDIUM',
    },
  ),
  nvidia(
    'NVIDIA GeForce RTX 5090',
    32,
    { secure: 0.99, community: 0.69, serverless: 1.584, pool: 'ADA_32_PRO' },
    { 'EU-RO-1': 'MEDIUM', 'EUR-NO-1': 'HIGH', 'US-NE-1': 'LOW', 'US-CO-1': 'MEDIUM' },
  ),
  nvidia(
    'NVIDIA L4',
    24,
    { secure: 0.49, serverless: 0.684, pool: 'AMPERE_24' },
    { 'EU-RO-1': 'HIGH', 'US-MO-1': 'MEDIUM' },
  ),
  nvidia(
    'NVIDIA L40S',
    48,
    { secure: 0.86, serverless: 1.908, pool: 'ADA_48_PRO' },
    { 'US-MD-1': 'HIGH', 'US-KS-2': 'MEDIUM', 'CA-MTL-3': 'LOW' },
  ),
  nvidia(
    'NVIDIA A40',
    48,
    { secure: 0.49, serverless: 1.224, pool: 'AMPERE_48', max: 10 },
    { 'CA-MTL-1': 'HIGH', 'US-KS-2': 'HIGH', 'EU-SE-1': 'LOW' },
  ),
  nvidia(
    'NVIDIA RTX A4000',
    16,
    { secure: 0.25, community: 0.17, serverless: 0.576, pool: 'AMPERE_16' },
    { 'EU-RO-1': 'MEDIUM', 'CA-MTL-3': 'HIGH' },
  ),
  nvidia(
    'NVIDIA RTX A4500',
    20,
    { secure: 0.25, community: 0.19, serverless: 0.576, pool: 'AMPERE_16' },
    { 'EU-RO-1': 'LOW', 'US-IL-1': 'LOW' },
  ),
  nvidia(
    'NVIDIA RTX A5000',
    24,
    { secure: 0.27, community: 0.16, serverless: 0.684, pool: 'AMPERE_24' },
    { 'US-IL-1': 'MEDIUM', 'EU-SE-1': 'MEDIUM' },
  ),
  nvidia(
    'NVIDIA RTX A6000',
    48,
    { secure: 0.53, community: 0.33, serverless: 1.224, pool: 'AMPERE_48' },
    { 'US-MO-1': 'HIGH', 'US-IL-1': 'MEDIUM' },
  ),
  nvidia(
    'NVIDIA RTX 6000 Ada Generation',
    48,
    { secure: 0.79, serverless: 1.908, pool: 'ADA_48_PRO' },
    { 'EU-RO-1': 'LOW', 'US-IL-1': 'LOW' },
  ),
  nvidia('NVIDIA RTX PRO 4500 Blackwell', 32, { secure: 0.72 }, { 'US-NC-2': 'MEDIUM' }),
  nvidia(
    'NVIDIA RTX PRO 6000 Blackwell Server Edition',
    96,
    { secure: 1.89, serverless: 3.996, pool: 'BLACKWELL_96' },
    { 'US-NC-2': 'HIGH', 'EUR-NO-2': 'MEDIUM', 'US-NE-1': 'MEDIUM' },
  ),
  nvidia(
    'NVIDIA A100 80GB PCIe',
    80,
    { secure: 1.39, community: 1.19, serverless: 2.736, pool: 'AMPERE_80' },
    { 'US-MD-1': 'LOW', 'US-KS-2': 'MEDIUM', 'EUR-IS-1': 'LOW' },
  ),
  nvidia(
    'NVIDIA A100-SXM4-80GB',
    80,
    { secure: 1.59, serverless: 2.736, pool: 'AMPERE_80' },
    { 'US-MD-1': 'HIGH', 'US-MO-1': 'LOW', 'EUR-IS-3': 'MEDIUM' },
  ),
  nvidia(
    'NVIDIA H100 80GB HBM3',
    80,
    { secure: 3.29, serverless: 4.176, pool: 'ADA_80_PRO' },
    { 'US-NE-1': 'HIGH', 'AP-IN-1': 'MEDIUM', 'EU-FR-1': 'MEDIUM', 'EUR-NO-2': 'LOW', 'US-CA-2': 'HIGH' },
  ),
  nvidia(
    'NVIDIA H200',
    141,
    { secure: 3.99, serverless: 5.58, pool: 'HOPPER_141' },
    { 'US-CA-2': 'MEDIUM', 'EU-FR-1': 'HIGH', 'US-NC-2': 'LOW' },
  ),
  nvidia(
    'NVIDIA B200',
    180,
    { secure: 5.98, serverless: 8.64, pool: 'BLACKWELL_180' },
    { 'US-CA-2': 'HIGH', 'EUR-NO-2': 'LOW' },
  ),
  {
    id: 'AMD Instinct MI300X OAM',
    name: 'MI300X',
    pool: null,
    manufacturer: 'AMD',
    memory: 192,
    secure: 2.49,
    community: 0,
    maxCount: 8,
    stock: { 'EU-RO-1': 'LOW' },
  },
];

function flavor(id: string, name: string, ram: number, secure: number, stock: Record<string, Availability>): CpuSeed {
  const five = id.startsWith('cpu5');
  return {
    id,
    name,
    group: five ? 'Gen 5' : 'Gen 3',
    maxVcpu: 32,
    ramGbPerVcpu: ram,
    diskGbPerVcpu: five ? 15 : 10,
    secure,
    serverless: secure * 1.2,
    stock,
  };
}

/** CPU flavors; their stock is thin and per data center. */
export const cpus: CpuSeed[] = [
  flavor('cpu3c', 'Compute-Optimized', 2, 0.03, {
    'EU-RO-1': 'HIGH',
    'US-IL-1': 'MEDIUM',
    'US-TX-3': 'MEDIUM',
    'US-MO-1': 'LOW',
  }),
  flavor('cpu3g', 'General Purpose', 4, 0.04, { 'EU-RO-1': 'MEDIUM', 'US-IL-1': 'LOW' }),
  flavor('cpu3m', 'Memory-Optimized', 8, 0.055, { 'EU-RO-1': 'LOW' }),
  flavor('cpu5c', 'Compute-Optimized', 2, 0.035, {
    'EU-RO-1': 'HIGH',
    'EUR-NO-1': 'MEDIUM',
    'EUR-IS-3': 'MEDIUM',
    'US-MD-1': 'HIGH',
    'US-IL-1': 'LOW',
  }),
  flavor('cpu5g', 'General Purpose', 4, 0.045, { 'EU-RO-1': 'MEDIUM', 'EUR-NO-1': 'LOW' }),
  flavor('cpu5m', 'Memory-Optimized', 8, 0.06, { 'EUR-NO-1': 'LOW' }),
];

/** CUDA versions that hosts report, oldest first. */
export const cudaVersions = ['12.4', '12.8', '12.9', '13.0'];

/** USD per GB and month. */
export const storagePrices = { standard: 0.07, standardAboveTerabyte: 0.05, highPerformance: 0.14 };
