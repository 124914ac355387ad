import * as z from 'zod';

/** The project file's version that this program writes and reads. */
export const projectVersion = 1;

const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,47}$/,
    'lower-case letters, digits, "-" and "_", at most 48, starting with a letter or digit',
  );

const relativePath = z
  .string()
  .min(1)
  .refine((p) => !p.startsWith('/') && !p.split('/').includes('..') && !/^[A-Za-z]:/.test(p), {
    message: 'must be a path inside the project, with "/" between folders and no ".."',
  });

const pattern = relativePath.describe(
  'A path or glob (`**`, `*`, `?`) relative to the project folder; a trailing `/` means everything below the folder.',
);

const patterns = z.array(pattern);

const env = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string());

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const gateBase = { type: z.string() };

export const gateSchema = z.discriminatedUnion('type', [
  z
    .strictObject({
      ...gateBase,
      type: z.literal('file'),
      path: pattern,
      minBytes: z.int().min(0).default(1).describe('Smallest acceptable size of each matching file, in bytes.'),
    })
    .describe('A file exists.'),
  z
    .strictObject({
      ...gateBase,
      type: z.literal('rows'),
      path: relativePath,
      equals: z.int().min(0).optional().describe('Exact number of rows.'),
      min: z.int().min(0).optional().describe('Smallest number of rows.'),
      max: z.int().min(0).optional().describe('Largest number of rows.'),
    })
    .refine((g) => g.equals !== undefined || g.min !== undefined || g.max !== undefined, {
      message: 'needs "equals", "min" or "max"',
    })
    .describe('The row count of a parquet file.'),
  z
    .strictObject({
      ...gateBase,
      type: z.literal('distinct'),
      path: relativePath,
      column: z.string().min(1),
      includes: z.array(scalar).optional().describe('Values that must all be present.'),
      count: z.int().min(1).optional().describe('Exact number of distinct values.'),
    })
    .refine((g) => g.includes !== undefined || g.count !== undefined, { message: 'needs "includes" or "count"' })
    .describe('The distinct values of a parquet column.'),
  z
    .strictObject({
      ...gateBase,
      type: z.literal('populated'),
      path: relativePath,
      column: z.string().min(1),
      where: z
        .strictObject({ column: z.string().min(1), equals: scalar })
        .optional()
        .describe('Looks only at rows where this column has this value.'),
      minShare: z
        .number()
        .gt(0)
        .max(1)
        .default(1)
        .describe('Share of the selected rows that must have a value, 0 to 1.'),
    })
    .describe('A parquet column has values in the rows that a filter selects.'),
  z
    .strictObject({
      ...gateBase,
      type: z.literal('metric'),
      name: z.string().min(1).describe('Name of a metric that the step reports through RUNPOD_TRAINER_METRICS.'),
      min: z.number().optional(),
      max: z.number().optional(),
      of: z.enum(['last', 'best', 'worst']).default('last').describe('Which reported value counts.'),
    })
    .refine((g) => g.min !== undefined || g.max !== undefined, { message: 'needs "min" or "max"' })
    .describe('A reported metric is finite and within bounds.'),
  z.strictObject({ ...gateBase, type: z.literal('checkpoint'), path: relativePath }).describe('A checkpoint loads.'),
  z
    .strictObject({
      ...gateBase,
      type: z.literal('script'),
      script: relativePath,
      args: z.array(z.string()).default([]),
    })
    .describe('A Python script of your own exits with 0.'),
]);

const side = z.enum(['local', 'pod']);

const stepFields = {
  name: name.describe('Unique name of the step.'),
  module: z
    .string()
    .regex(/^[A-Za-z_][\w.]*$/)
    .optional()
    .describe('Runs `python -m <module>`.'),
  script: relativePath.optional().describe('Runs `python <script>`.'),
  notebook: relativePath
    .optional()
    .describe('Runs the notebook cell by cell; the executed copy is kept after every cell.'),
  shell: z.string().min(1).optional().describe('Runs under `bash -euo pipefail`.'),
  args: z.array(z.string()).optional().describe('Arguments of a module or script.'),
  parameters: z
    .record(z.string(), z.json())
    .optional()
    .describe('Values for the notebook; they override its cell tagged `parameters`.'),
  env: env.optional().describe('Environment variables of this step only.'),
  secrets: z
    .array(z.string())
    .optional()
    .describe('Names of secrets that this step may read as environment variables.'),
  where: side.default('pod').describe('`local` runs on this machine before the upload, `pod` on the rented pod.'),
  timeoutMinutes: z.number().positive().optional().describe('The step fails when it takes longer.'),
  inputs: patterns
    .optional()
    .describe(
      'Files that the step reads. The step is skipped while these, its code, command and environment are unchanged.',
    ),
  outputs: patterns.optional().describe('Files that the step writes.'),
  gates: z.array(gateSchema).default([]).describe('Checks after the step; the next step starts only when all hold.'),
};

export const stepSchema = z
  .strictObject(stepFields)
  .refine((s) => [s.module, s.script, s.notebook, s.shell].filter((x) => x !== undefined).length === 1, {
    message: 'needs exactly one of "module", "script", "notebook" or "shell"',
  })
  .refine((s) => s.parameters === undefined || s.notebook !== undefined, {
    message: '"parameters" goes with "notebook"; use "args" for a module or script',
  })
  .refine((s) => s.args === undefined || s.module !== undefined || s.script !== undefined, {
    message: '"args" goes with "module" or "script"',
  });

const volumeSchema = z.strictObject({
  name: z.string().min(1).describe('Name of the network volume.'),
  dataCenter: z
    .string()
    .min(1)
    .optional()
    .describe('Data center of the volume, such as `US-MD-1`. A volume stays in its data center for good.'),
  size: z
    .int()
    .min(10)
    .max(4096)
    .optional()
    .describe('Size in GB when the volume is created. A volume can grow later, never shrink.'),
});

const targetSchema = z
  .strictObject({
    volume: volumeSchema,
    mount: z
      .string()
      .startsWith('/')
      .default('/workspace')
      .describe('Where the pod should mount the volume. The path that the API answers is the one used.'),
    gpus: z.array(z.string()).min(1).optional().describe('GPU types in order of preference, by RunPod id.'),
    gpuCount: z.int().min(1).max(8).default(1),
    cpu: z
      .strictObject({ id: z.string().default('cpu5c'), vcpuCount: z.int().min(2).default(2) })
      .optional()
      .describe('A CPU pod instead of a GPU pod.'),
    image: z
      .string()
      .min(1)
      .describe('Container image; it must start sshd when PUBLIC_KEY is set, as the official images do.'),
    disk: z
      .int()
      .min(20)
      .optional()
      .describe(
        'Container disk in GB, wiped when the pod ends; 40 for GPU pods and 20 for CPU pods unless told. RunPod refuses pods with less than 20, and small CPU pods with more than 30, as if there were no stock.',
      ),
    minCuda: z
      .string()
      .regex(/^\d+\.\d+$/)
      .optional()
      .describe('Lowest CUDA version of the host driver, such as `12.8`.'),
    python: z.string().default('python3').describe('Python that runs the steps on the pod.'),
    requirements: relativePath
      .optional()
      .describe('Requirements file installed on the pod when the image does not have them.'),
    readyMinutes: z
      .number()
      .positive()
      .default(12)
      .describe('Gives the pod up, and ends it, when SSH does not answer within this time.'),
  })
  .refine((t) => (t.gpus === undefined) !== (t.cpu === undefined), { message: 'needs either "gpus" or "cpu"' });

const syncFields = {
  must: patterns.describe(
    'Uploaded; every entry must match at least one file, or the run stops before money is spent.',
  ),
  data: patterns.describe(
    'Large data files, uploaded as they are after the local steps; every entry must match at least one file.',
  ),
  optional: patterns.describe('Uploaded when present.'),
  never: patterns.describe(
    'Never uploaded, whatever the other lists say; in the manner of .gitignore, so a bare name counts in every folder. `.runpodignore` files do the same from inside the folders.',
  ),
};

const archiveSchema = z.strictObject({
  from: pattern.describe('The files that go into the archive; they are not uploaded one by one.'),
  to: relativePath
    .refine((p) => /[^/]\.tar$/.test(p) && p.split('/').every((part) => part !== '' && part !== '.'), {
      message: 'must be a plain path that ends in ".tar"',
    })
    .describe('Path of the archive in the project folder on the volume.'),
});

/** Fields that a profile may replace like the lists, and that are undefined when nobody names them. */
const syncExtras = {
  archives: z
    .array(archiveSchema)
    .refine((all) => new Set(all.map((a) => a.to)).size === all.length, { message: 'two archives have the same "to"' })
    .optional()
    .describe(
      'Many small files that travel and stay as one tar file, for jobs that read archives: a volume takes about 64 KB for every file.',
    ),
  allowSecrets: patterns
    .optional()
    .describe('Files in which the search for keys and passwords before an upload finds nothing to warn about.'),
};

/** Folders that are never uploaded, whatever the project file says (R2.2). */
export const neverSynced = [
  '.git/',
  '.runpod-trainer/',
  '.venv/',
  'node_modules/',
  '**/__pycache__/',
  '**/.ipynb_checkpoints/',
];

const syncSchema = z.strictObject({
  must: syncFields.must.default([]),
  data: syncFields.data.default([]),
  optional: syncFields.optional.default([]),
  never: syncFields.never.default([]),
  ...syncExtras,
});

const finishSchema = z.strictObject({
  pod: z
    .enum(['terminate', 'stop', 'keep'])
    .default('terminate')
    .describe('What happens to the pod when the job has ended. The volume keeps everything.'),
  into: relativePath
    .default('runpod-results')
    .describe('Folder of the project that gets them, in a folder a job. Never uploaded.'),
  fetch: patterns.default([]).describe('Results brought home when the job has ended.'),
});

const capsSchema = z.strictObject({
  hours: z
    .number()
    .positive()
    .max(24 * 30)
    .optional()
    .describe('The pod ends when the job has run this long, also with the laptop off.'),
  dollars: z
    .number()
    .positive()
    .optional()
    .describe('The pod ends before the job has cost this much, counted from the moment at which it is rented.'),
  dollarsPerDay: z
    .number()
    .positive()
    .optional()
    .describe(
      'What the pods of this project may cost in a day, from midnight to midnight of this computer: a job gets no more than what is left, and none starts when nothing is.',
    ),
  hoursPerDay: z
    .number()
    .positive()
    .max(24 * 8)
    .optional()
    .describe('How long the pods of this project may run in a day, all together.'),
  stallMinutes: z
    .number()
    .min(0)
    .max(24 * 60)
    .optional()
    .describe(
      'The job is cancelled and its pod ends when for this long the journal has no new line, the step computes and reads or writes next to nothing, and no GPU is in use. 60 unless told; 0 switches it off, for steps that wait for somebody.',
    ),
});

const profileSchema = z
  .strictObject({
    description: z.string().optional(),
    where: side.optional().describe('Runs every step on this side.'),
    sync: z
      .strictObject({ ...syncFields, ...syncExtras })
      .partial()
      .optional()
      .describe('Replaces the lists that it names.'),
    env: env.optional(),
    caps: capsSchema.optional(),
    target: z
      .strictObject({ gpus: z.array(z.string()).min(1), image: z.string(), disk: z.int().min(20) })
      .partial()
      .optional(),
  })
  .describe('A named set of changes, chosen with --profile.');

export const projectSchema = z
  .strictObject({
    $schema: z.string().optional(),
    version: z.literal(projectVersion).describe('Version of this file format.'),
    name: name.describe('Name of the project; its folder on the volume.'),
    experiment: z.string().optional().describe('What this project tries to find out; groups its training runs.'),
    target: targetSchema.describe('Where it runs.'),
    sync: syncSchema.prefault({}).describe('What is uploaded.'),
    env: env.default({}).describe('Environment variables of every step. No secrets: this file is not secret.'),
    steps: z.array(stepSchema).min(1).describe('What runs, in order.'),
    onFinish: finishSchema.prefault({}),
    caps: capsSchema.prefault({}).describe('Limits on time and money.'),
    profiles: z.record(name, profileSchema).default({}),
  })
  .superRefine((project, context) => {
    const seen = new Set<string>();
    for (const [i, step] of project.steps.entries()) {
      if (seen.has(step.name)) {
        context.addIssue({ code: 'custom', path: ['steps', i, 'name'], message: `"${step.name}" is used twice` });
      }
      seen.add(step.name);
    }
  });

export type Project = z.infer<typeof projectSchema>;
export type Step = z.infer<typeof stepSchema>;
export type Gate = z.infer<typeof gateSchema>;
export type Side = z.infer<typeof side>;
