import * as z from 'zod';
import { count } from '../words/index.ts';
import { either, stepNames } from './place-words.ts';
import type { IssueNote } from './problem.ts';
import { side, stepSchema } from './schema-steps.ts';
import { env, ignoreLines, isObject, name, patterns, relativePath, pattern } from './schema-values.ts';

export type { Gate, GateValue } from './schema-gates.ts';
export type { Side, Step } from './schema-steps.ts';

/** The project file's version that this program writes and reads. */
export const projectVersion = 1;

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
      .startsWith('/', 'must begin with "/"')
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
      .regex(/^\d+\.\d+$/, 'must be a version such as "12.8"')
      .optional()
      .describe('Lowest CUDA version of the host driver, such as `12.8`.'),
    python: z.string().default('python3').describe('Python that runs the steps on the pod.'),
    requirements: relativePath
      .optional()
      .describe('Requirements file installed on the pod when the image does not have them.'),
    sameGpu: z
      .boolean()
      .default(false)
      .describe('A step that passed on another type of GPU runs again; else that is only told.'),
    readyMinutes: z
      .number()
      .positive()
      .default(12)
      .describe('Gives the pod up, and ends it, when SSH does not answer within this time.'),
  })
  .refine((t) => (t.gpus === undefined) !== (t.cpu === undefined), {
    message: 'needs either "gpus" or "cpu"',
    when: isObject,
  });

const syncFields = {
  must: patterns.describe(
    'Uploaded; every entry must match at least one file, or the run stops before money is spent.',
  ),
  data: patterns.describe(
    'Large data files, uploaded as they are after the local steps; every entry must match at least one file.',
  ),
  optional: patterns.describe('Uploaded when present.'),
  never: ignoreLines.describe(
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
    .refine((all) => new Set(all.map((a) => a.to.normalize('NFC').toLowerCase())).size === all.length, {
      message:
        'two archives have the same "to" (names that differ in case or accents only are one file on some machines)',
    })
    .optional()
    .describe(
      'Many small files that travel and stay as one tar file, for jobs that read archives: a volume takes about 64 KB for every file.',
    ),
  gone: z
    .strictObject({
      keep: patterns.default([]).describe('They stay on the volume, and jobs may read them.'),
      remove: patterns.default([]).describe('They are set aside there for a week before the next job.'),
    })
    .optional()
    .describe(
      'What is done about data files on the volume that were sent and are not here any more; a job asks about the others. A plain path is that file alone; globs and `folder/` mean all they match.',
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
    .prefault('runpod-results')
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
  .describe('A named set of changes, chosen by its name when the project is run.');

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
  .superRefine(
    (project, context) => {
      const names = stepNames(project);
      for (const name of new Set(names)) {
        const places = names.flatMap((n, i) => (name !== undefined && n === name ? [i] : []));
        const [, second] = places;
        if (second !== undefined) {
          const params: IssueNote = { whole: true, use: otherName(name ?? '', names) };
          const message = `"${name ?? ''}" is the name of ${few[places.length] ?? count(places.length, 'step')}: steps ${either(
            places.map((i) => String(i + 1)),
            'and',
          )}`;
          context.addIssue({ code: 'custom', path: ['steps', second, 'name'], message, params: { ...params } });
        }
      }
    },
    { when: isObject },
  );

const few: Record<number, string> = { 2: 'two steps', 3: 'three steps' };

/** A name of the same form that no step has. */
function otherName(name: string, taken: readonly (string | undefined)[]): string {
  for (let n = 2; ; n++) {
    const other = `${name.slice(0, 44)}_${n}`;
    if (!taken.includes(other)) {
      return other;
    }
  }
}

export type Project = z.infer<typeof projectSchema>;
