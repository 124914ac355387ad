import * as z from 'zod';

/**
 * Events of the journal (docs/job-directory.md). What comes from a pod is hostile until checked: sizes are capped and
 * an event that does not fit is reported, not believed.
 */
const text = z.string().max(20_000);
const shortText = z.string().max(2_000);
const name = z.string().max(200);
const seconds = z.number().min(0);

export const gateResultSchema = z.object({
  index: z.int().min(0),
  type: name,
  title: shortText,
  status: z.enum(['passed', 'failed', 'error']),
  expected: shortText,
  seen: shortText,
  message: text.nullable(),
  evidence: z.record(z.string(), z.unknown()),
});
export type GateResult = z.infer<typeof gateResultSchema>;

export const stepStatusSchema = z.enum(['waiting', 'running', 'passed', 'failed', 'skipped', 'cancelled', 'timeout']);
export type StepStatus = z.infer<typeof stepStatusSchema>;

const envelope = { epoch: z.int().min(1), seq: z.int().min(1), time: z.string().max(40) };
const gates = z.array(gateResultSchema).max(1000);

/** A key on the pod that may end it: `pod-key` or `user-key`; `armed`, `refused`, `missing` or `unknown`. */
export const capKeySchema = z.object({ owner: name, state: name, detail: shortText });
export type CapKey = z.infer<typeof capKeySchema>;
/** Absent in the journals of older workers. */
const owners = z.array(capKeySchema).max(16).nullish();

export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({
    ...envelope,
    type: z.literal('job.started'),
    job: name,
    project: name,
    podId: name.nullable(),
    host: z.object({
      python: shortText,
      cpus: z.number(),
      memoryBytes: z.number().nullable(),
      gpus: z.array(shortText).max(64),
    }),
    steps: z.array(z.object({ name, where: z.enum(['local', 'pod']) })).max(1000),
    capSeconds: seconds.nullable(),
  }),
  z.object({
    ...envelope,
    type: z.literal('watchdog'),
    armed: z.boolean(),
    detail: text,
    deadline: z.string().max(40).nullable(),
    owners,
  }),
  z.object({
    ...envelope,
    type: z.literal('step.local'),
    step: name,
    status: stepStatusSchema,
    seconds,
    why: text.nullish(),
    gates,
  }),
  z.object({ ...envelope, type: z.literal('step.skipped'), step: name, why: text, gates }),
  z.object({
    ...envelope,
    type: z.literal('step.started'),
    step: name,
    index: z.int(),
    of: z.int(),
    why: z.array(text).max(1000),
    argv: z.array(text).max(1000),
  }),
  z.object({
    ...envelope,
    type: z.literal('log'),
    step: name.nullable(),
    stream: z.enum(['out', 'err']),
    lines: z.array(text).max(10_000),
  }),
  /** null: the step reported a value that is not a finite number. */
  z.object({
    ...envelope,
    type: z.literal('metric'),
    step: name,
    values: z.record(z.string().max(200), z.number().nullable()),
  }),
  z.object({
    ...envelope,
    type: z.literal('cell'),
    step: name,
    cell: z.int(),
    of: z.int(),
    status: z.enum(['started', 'passed', 'failed']),
    seconds: seconds.nullable(),
  }),
  z.object({ ...envelope, type: z.literal('gate'), step: name, gate: gateResultSchema }),
  z.object({
    ...envelope,
    type: z.literal('step.finished'),
    step: name,
    status: z.enum(['passed', 'failed', 'cancelled', 'timeout']),
    exitCode: z.int().nullable(),
    seconds,
    reason: text.nullable(),
  }),
  z.object({ ...envelope, type: z.literal('note'), level: z.enum(['info', 'warning', 'error']), text }),
  z.object({
    ...envelope,
    type: z.literal('job.finished'),
    status: z.enum(['succeeded', 'failed', 'cancelled', 'lost']),
    reason: text.nullable(),
    step: name.nullable(),
    seconds,
  }),
]);

export type JobEvent = z.infer<typeof jobEventSchema>;
export type JobOutcome = Extract<JobEvent, { type: 'job.finished' }>['status'];
