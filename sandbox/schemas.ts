import * as z from 'zod';

const env = z.record(z.string(), z.string());
const cuda = z.string().regex(/^\d+\.\d+$/);

const mounts = z.strictObject({
  persistent: z.strictObject({ size: z.int().min(10), path: z.string() }).optional(),
  network: z
    .array(z.strictObject({ volumeId: z.string(), path: z.string() }))
    .max(1)
    .optional(),
});

const image = {
  image: z.string().optional(),
  args: z.string().optional(),
  cmd: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  disk: z.int().min(1).optional(),
  env: env.optional(),
  ports: z.array(z.string()).optional(),
  registry: z.string().nullable().optional(),
  templateId: z.string().min(1).optional(),
};

const container = { ...image, mounts: mounts.optional(), globalNetworking: z.boolean().optional() };

function wantImage(
  body: { image?: string | undefined; templateId?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (body.image === undefined && body.templateId === undefined) {
    context.addIssue({ code: 'custom', path: ['image'], message: "missing property 'image'" });
  }
}

/** Body of `POST /v2/pods`. */
export const createPod = z
  .strictObject({
    ...container,
    name: z.string().min(1),
    cloud: z.enum(['SECURE', 'COMMUNITY']).optional(),
    gpu: z
      .strictObject({
        id: z.string(),
        count: z.int().min(1).optional(),
        allowedCudaVersions: z.array(cuda).optional(),
        minCudaVersion: cuda.optional(),
        minRamPerGpu: z.int().min(1).optional(),
        minVcpuCountPerGpu: z.int().min(1).optional(),
      })
      .optional(),
    cpu: z.strictObject({ id: z.string().min(1), vcpuCount: z.int().min(2) }).optional(),
    dataCenterIds: z.array(z.string()).optional(),
    startSsh: z.boolean().optional(),
    startJupyter: z.boolean().optional(),
  })
  .superRefine(wantImage);
export type CreatePod = z.infer<typeof createPod>;

/** Body of `PATCH /v2/pods/{id}`. */
export const updatePod = z.strictObject({
  ...container,
  name: z.string().min(1).optional(),
  locked: z.boolean().optional(),
});
export type UpdatePod = z.infer<typeof updatePod>;

export const podAction = z.strictObject({ action: z.enum(['start', 'stop', 'restart', 'terminate']) });
export type PodAction = z.infer<typeof podAction>['action'];

const scaling = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('QUEUE_DELAY'), queueDelay: z.number().min(0.5) }),
  z.strictObject({ type: z.literal('REQUEST_COUNT'), requestCount: z.int().min(1) }),
]);
export type Scaling = z.infer<typeof scaling>;

const pools = z.array(z.string()).min(1);
const excludedTypes = z.array(z.string().regex(/^\s*[^-\s]/));

const endpoint = {
  ...image,
  workers: z
    .strictObject({
      min: z.int().min(0).optional(),
      max: z.int().min(0).optional(),
      idleTimeout: z.int().min(1).max(3600).optional(),
    })
    .optional(),
  cpu: z
    .array(z.strictObject({ id: z.string().min(1), vcpuCount: z.int().min(2) }))
    .min(1)
    .optional(),
  dataCenterIds: z.array(z.string()).optional(),
  networkVolumes: z.array(z.string()).optional(),
  timeout: z.int().optional(),
  flashboot: z.enum(['OFF', 'FLASHBOOT', 'PRIORITY_FLASHBOOT']).optional(),
};

/** Body of `POST /v2/serverless`. */
export const createEndpoint = z
  .strictObject({
    ...endpoint,
    name: z.string().min(1),
    type: z.enum(['QUEUE', 'LOAD_BALANCER']),
    scaling,
    gpu: z
      .strictObject({
        pools,
        excludedTypes: excludedTypes.optional(),
        count: z.int().min(1).optional(),
        allowedCudaVersions: z.array(cuda).optional(),
        minCudaVersion: cuda.optional(),
      })
      .optional(),
  })
  .superRefine(wantImage)
  .superRefine((body, context) => {
    if (body.type === 'LOAD_BALANCER' && body.scaling.type !== 'REQUEST_COUNT') {
      context.addIssue({ code: 'custom', path: ['scaling', 'type'], message: "value must be 'REQUEST_COUNT'" });
    }
  });
export type CreateEndpoint = z.infer<typeof createEndpoint>;

/** Body of `PATCH /v2/serverless/{id}`. */
export const updateEndpoint = z.strictObject({
  ...endpoint,
  name: z.string().min(1).optional(),
  scaling: scaling.optional(),
  gpu: z
    .strictObject({
      pools: pools.optional(),
      excludedTypes: excludedTypes.optional(),
      count: z.int().min(1).optional(),
      allowedCudaVersions: z.array(cuda).optional(),
      minCudaVersion: z.union([z.literal(''), cuda]).optional(),
    })
    .refine((gpu) => gpu.excludedTypes === undefined || gpu.pools !== undefined, {
      message: "properties 'pools' required, if 'excludedTypes' exists",
    })
    .optional(),
});
export type UpdateEndpoint = z.infer<typeof updateEndpoint>;

const tier = z.enum(['STANDARD', 'HIGH_PERFORMANCE']);
export type VolumeType = z.infer<typeof tier>;

export const createVolume = z.strictObject({
  name: z.string().min(1),
  size: z.int().min(10).max(4096),
  dataCenter: z.string().min(1),
  type: tier.optional(),
});

export const updateVolume = z
  .strictObject({ name: z.string().min(1).optional(), size: z.int().min(10).max(4096).optional() })
  .refine((body) => Object.keys(body).length > 0, { message: 'minProperties: got 0, want 1' });

export const sshKeys = z.strictObject({
  keys: z.array(z.string().regex(/^(ssh|ecdsa|sk)-[^\s]+ [^\s]+([ \t][^\n\r]*)?$/)),
});

const secretName = z
  .string()
  .max(191)
  .regex(/^(?!runpod)[A-Za-z_][A-Za-z0-9_.\-/]*$/i);
const secretValue = z
  .string()
  .min(1)
  .max(16 * 1024 * 1024 - 1);

export const createSecret = z.strictObject({
  name: secretName,
  value: secretValue,
  description: z.string().optional(),
});

export const updateSecret = z
  .strictObject({ value: secretValue.optional(), description: z.string().optional() })
  .refine((body) => Object.keys(body).length > 0, { message: 'minProperties: got 0, want 1' });

export const graphqlRequest = z.object({ query: z.string() });
