import * as z from 'zod';

/**
 * Shapes of answers of API v2. Lenient: unknown fields are dropped, a missing or null array is empty,
 * every other missing field is null; only ids and what nothing works without is required.
 */

/** A value that may be absent; absent and null are both null. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** A list that may be absent; absent and null are both empty. */
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

/** A word from a known set; words that the platform adds later read as `UNKNOWN`. */
const word = <const T extends string>(...known: T[]) =>
  z.string().transform((text): T | 'UNKNOWN' => known.find((k) => k === text) ?? 'UNKNOWN');

const podStatus = word('PROVISIONING', 'STARTING', 'RUNNING', 'EXITED', 'ERROR', 'TERMINATED');
const podActions = ['start', 'stop', 'restart', 'terminate'] as const;
const availability = word('NONE', 'LOW', 'MEDIUM', 'HIGH');
const cloud = word('SECURE', 'COMMUNITY');

const sshEndpoint = z.object({
  host: z.string(),
  port: z.number(),
  username: z.string().default('root'),
});

const utilization = z.object({ util: maybe(z.number()) });

const podRuntime = z.object({
  /** Seconds; unreliable, see `startedAt`. */
  uptime: maybe(z.number()),
  gpus: list(z.object({ util: maybe(z.number()), memoryUtil: maybe(z.number()) })),
  cpu: maybe(utilization),
  memory: maybe(utilization),
  ports: list(
    z.object({
      private: maybe(z.number()),
      public: maybe(z.number()),
      type: maybe(z.string()),
      ip: maybe(z.string()),
    }),
  ),
});

export const podSchema = z.object({
  id: z.string().min(1),
  name: z.string().default(''),
  status: podStatus,
  actions: list(z.string()).transform((all) => podActions.filter((known) => all.includes(known))),
  image: maybe(z.string()),
  args: maybe(z.string()),
  cmd: list(z.string()),
  entrypoint: list(z.string()),
  /** Container disk in GB. */
  disk: maybe(z.number()),
  ports: list(z.string()),
  /** In clear: never log it. */
  env: z
    .record(z.string(), z.string())
    .nullish()
    .transform((env) => env ?? {}),
  registry: maybe(z.string()),
  mounts: z
    .object({
      network: list(z.object({ volumeId: z.string(), path: z.string() })),
      persistent: maybe(z.object({ size: z.number(), path: z.string() })),
    })
    .nullish()
    .transform((mounts) => mounts ?? { network: [], persistent: null }),
  /** `vcpuCount` and `memory` (GB) are totals of the pod. */
  gpu: maybe(
    z.object({
      id: z.string(),
      count: z.number().default(1),
      vcpuCount: maybe(z.number()),
      memory: maybe(z.number()),
    }),
  ),
  cpu: maybe(z.object({ id: z.string(), vcpuCount: maybe(z.number()), memory: maybe(z.number()) })),
  cloud: maybe(cloud),
  dataCenterId: maybe(z.string()),
  /** What the host's driver supports. */
  cudaVersion: maybe(z.string()),
  template: maybe(z.string()),
  locked: maybe(z.boolean()),
  /** USD per hour; null when not told, which is not the same as free. */
  cost: maybe(z.number()),
  ssh: z
    .object({ proxy: maybe(sshEndpoint), direct: maybe(sshEndpoint) })
    .nullish()
    .transform((ssh) => ssh ?? { proxy: null, direct: null }),
  runtime: maybe(podRuntime),
  globalNetworking: maybe(z.object({ enabled: z.boolean(), ip: maybe(z.string()), internalDns: maybe(z.string()) })),
  createdAt: maybe(z.string()),
  startedAt: maybe(z.string()),
});
export type Pod = z.output<typeof podSchema>;
export type PodStatus = Pod['status'];
export type PodAction = (typeof podActions)[number];

const pagination = z
  .object({ nextCursor: maybe(z.string()), hasNextPage: z.boolean().nullish() })
  .nullish()
  .transform((p) => ({ nextCursor: p?.nextCursor ?? null, hasNextPage: p?.hasNextPage ?? false }));

export const podListSchema = z.object({ pods: list(podSchema), pagination });

export const endpointSchema = z.object({
  id: z.string().min(1),
  name: z.string().default(''),
  type: maybe(word('QUEUE', 'LOAD_BALANCER')),
  image: maybe(z.string()),
  /** In clear: never log it. */
  env: z
    .record(z.string(), z.string())
    .nullish()
    .transform((env) => env ?? {}),
  /** A worker runs on any type of these pools; `count` is per worker. */
  gpu: maybe(z.object({ pools: list(z.string()), count: z.number().default(1) })),
  /** What a worker may run on, in the order of preference; empty for GPU endpoints. */
  cpu: list(z.object({ id: z.string(), vcpuCount: z.number() })),
  /** `min` workers stand by and cost money also while no request comes. */
  workers: z.object({ min: z.number(), max: z.number() }),
  dataCenterIds: list(z.string()),
  /** Ids of volumes. */
  networkVolumes: list(z.string()),
  createdAt: maybe(z.string()),
});
export type Endpoint = z.output<typeof endpointSchema>;

export const endpointListSchema = z.object({ endpoints: list(endpointSchema), pagination });

export const volumeSchema = z.object({
  id: z.string().min(1),
  name: z.string().default(''),
  /** Allocated size in GB; what is used is not told. */
  size: z.number(),
  dataCenter: z.string(),
  type: maybe(word('STANDARD', 'HIGH_PERFORMANCE')),
});
export type Volume = z.output<typeof volumeSchema>;

export const volumeListSchema = z.object({ networkVolumes: list(volumeSchema), pagination });

const resourceAvailability = z.object({ id: z.string(), name: maybe(z.string()), availability });
export type Availability = z.output<typeof availability>;

const dataCenterSchema = z.object({
  id: z.string().min(1),
  name: maybe(z.string()),
  region: maybe(z.string()),
  globalNetwork: maybe(z.boolean()),
  /** Tiers in which a volume can be created there today; empty means none can. */
  networkVolumeTypes: list(z.string()),
  compliance: list(z.string()),
  gpuAvailability: list(resourceAvailability),
  cpuAvailability: list(resourceAvailability),
});
export type DataCenter = z.output<typeof dataCenterSchema>;
export const dataCenterListSchema = z.object({ dataCenters: list(dataCenterSchema), pagination });

const gpuTypeSchema = z.object({
  id: z.string().min(1),
  name: maybe(z.string()),
  pool: maybe(z.string()),
  manufacturer: maybe(z.string()),
  /** GB per GPU. */
  memory: maybe(z.number()),
  secure: maybe(z.boolean()),
  community: maybe(z.boolean()),
  /** USD per GPU-hour (`serverless`: the platform's own unit); 0 means not offered on that cloud. */
  price: maybe(z.object({ secure: maybe(z.number()), community: maybe(z.number()), serverless: maybe(z.number()) })),
  maxCount: maybe(z.object({ secure: maybe(z.number()), community: maybe(z.number()) })),
  availability: maybe(availability),
  /** Empty when nothing is available anywhere. */
  dataCenters: list(resourceAvailability),
  cudaVersions: list(z.object({ version: z.string(), available: z.boolean() })),
});
export type GpuType = z.output<typeof gpuTypeSchema>;
export const gpuTypeListSchema = z.object({ gpus: list(gpuTypeSchema), pagination });

const cpuTypeSchema = z.object({
  id: z.string().min(1),
  name: maybe(z.string()),
  group: maybe(z.string()),
  vcpu: maybe(z.object({ min: z.number(), max: z.number() })),
  ramGbPerVcpu: maybe(z.number()),
  /** USD per vCPU-hour. */
  price: maybe(z.object({ securePerVcpu: maybe(z.number()), serverlessPerVcpu: maybe(z.number()) })),
  availability: maybe(availability),
  dataCenters: list(resourceAvailability),
});
export type CpuType = z.output<typeof cpuTypeSchema>;
export const cpuTypeListSchema = z.object({ cpus: list(cpuTypeSchema), pagination });

/** Amounts in USD by name, such as `gpuAmount`; which names there are depends on the route. */
const amounts = z.record(z.string(), z.unknown()).transform((fields) => {
  const numbers = Object.entries(fields).filter((e): e is [string, number] => typeof e[1] === 'number');
  return Object.fromEntries(numbers.filter(([name]) => name.endsWith('Amount')));
});

const billingRecord = z
  .looseObject({
    startTime: z.string(),
    endTime: z.string(),
    podId: maybe(z.string()),
    networkVolumeId: maybe(z.string()),
  })
  .transform((record) => ({
    startTime: record.startTime,
    endTime: record.endTime,
    podId: record.podId,
    networkVolumeId: record.networkVolumeId,
    amounts: amounts.parse(record),
  }));

/** A bill: records per resource and bucket, and totals over the whole range. */
export const billSchema = z
  .object({
    records: list(billingRecord),
    metadata: z.object({ totals: amounts }),
  })
  .transform((bill) => ({ records: bill.records, totals: bill.metadata.totals }))
  .refine((bill) => bill.totals.totalAmount !== undefined, { path: ['metadata', 'totals', 'totalAmount'] })
  .transform((bill) => ({ ...bill, totalAmount: bill.totals.totalAmount ?? 0 }));
export type Bill = z.output<typeof billSchema>;
export type BillingRecord = Bill['records'][number];

export const sshKeysSchema = z.object({ keys: list(z.string()) });

export const secretsSchema = z.object({ secrets: list(z.object({ name: z.string() })) });

export const logLineSchema = z.object({
  ts: maybe(z.string()),
  source: maybe(z.string()),
  line: z.string(),
});

export const balanceSchema = z.object({
  data: z.object({
    myself: z.object({
      clientBalance: z.number(),
      currentSpendPerHr: maybe(z.number()),
      spendLimit: maybe(z.number()),
    }),
  }),
});
