import * as z from 'zod';
import { impossibleGates } from './gates.ts';
import { gateSchema } from './schema-gates.ts';
import { env, isObject, name, pattern, patterns, relativePath } from './schema-values.ts';
import type { Written } from './written.ts';

export const side = z.enum(['local', 'pod']);

const checkpoints = z.strictObject({
  pattern: pattern.describe('The files or folders that are one checkpoint each, such as `out/checkpoint-*`.'),
  complete: relativePath
    .optional()
    .describe('A file that a finished checkpoint folder has, such as `trainer_state.json`; it is written last.'),
  afterChanges: z
    .boolean()
    .default(false)
    .describe("Goes on also when the step's code, inputs or settings are others than those that wrote the checkpoint."),
});

const stepFields = {
  name: name.describe('Unique name of the step.'),
  module: z
    .string()
    .regex(/^[A-Za-z_][\w.]*$/, 'must be the name of a module, with dots between its parts, such as pkg.train')
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
    .transform((values): Record<string, Written> => values as Record<string, Written>)
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
  allowStale: z
    .boolean()
    .optional()
    .describe('The step may leave its outputs as they were, and its gates count what was there before it.'),
  checkpoints: checkpoints
    .optional()
    .describe(
      'Where the step keeps what it can go on from. After a failure it is started again with RUNPOD_TRAINER_RESUME_FROM, the path of the last complete one.',
    ),
  code: patterns
    .optional()
    .describe(
      'Of the uploaded small files, those on which the step depends besides what its source imports; all of them unless told.',
    ),
  gates: z.array(gateSchema).prefault([]).describe('Checks after the step; the next step starts only when all hold.'),
};

export const stepSchema = z
  .strictObject(stepFields)
  .refine((s) => [s.module, s.script, s.notebook, s.shell].filter((x) => x !== undefined).length === 1, {
    message: 'needs exactly one of "module", "script", "notebook" or "shell"',
    when: isObject,
  })
  .refine((s) => s.parameters === undefined || s.notebook !== undefined, {
    message: '"parameters" goes with "notebook"; use "args" for a module or script',
    when: isObject,
  })
  .refine((s) => s.args === undefined || s.module !== undefined || s.script !== undefined, {
    message: '"args" goes with "module" or "script"',
    when: isObject,
  })
  .superRefine(
    (step, context) => {
      // All that is wrong is told at once, so this is asked of steps too of which another part is wrong.
      const gates = Array.isArray(step.gates) ? step.gates.map((gate) => gateSchema.safeParse(gate).data) : [];
      for (const { gate, field, message } of impossibleGates(gates)) {
        context.addIssue({ code: 'custom', path: ['gates', gate, field], message });
      }
      const parameters = isObject({ value: step.parameters }) ? Object.keys(step.parameters ?? {}) : [];
      for (const name of parameters) {
        const message = nameFault(name);
        if (message !== undefined) {
          context.addIssue({ code: 'custom', path: ['parameters', name], message });
        }
      }
    },
    { when: isObject },
  );

const keywords = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if ' +
    'import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
);

/** A parameter becomes a variable of the notebook. */
function nameFault(name: string): string | undefined {
  if (keywords.has(name)) {
    return 'is a word of Python and cannot be a variable of the notebook; rename it there and here';
  }
  return /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(name)
    ? undefined
    : 'must be a name of Python: letters, digits and "_", and no digit first';
}

export type Step = z.infer<typeof stepSchema>;
export type Side = z.infer<typeof side>;
