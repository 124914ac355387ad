import * as z from 'zod';
import { limits } from '../contract.ts';

/**
 * Events of the journal (docs/job-directory.md, contract/events.schema.json). What comes from a pod is hostile until
 * checked: an event that does not fit is reported, not believed. Workers cut what they tell shorter
 * than what is read here, since earlier ones did not.
 */
const text = upTo(limits.readableTextCharacters);
const name = upTo(limits.nameCharacters);
const seconds = z.number().min(0);
/** Workers of earlier releases do not tell it. */
const run = text.nullable().optional();

export const gateResultSchema = z.object({
  index: z.int().min(0),
  type: name,
  title: text,
  status: z.enum(['passed', 'failed', 'error']),
  expected: text,
  seen: text,
  message: text.nullable(),
  evidence: z.record(z.string(), z.unknown()),
});
export type GateResult = z.infer<typeof gateResultSchema>;

export const stepStatusSchema = z.enum(['waiting', 'running', 'passed', 'failed', 'skipped', 'cancelled', 'timeout']);
export type StepStatus = z.infer<typeof stepStatusSchema>;

const envelope = { epoch: z.int().min(1), seq: z.int().min(1), time: z.string().max(40) };
const gates = listOf(gateResultSchema);

/** A key on the pod that may end it: `pod-key` or `user-key`; `armed`, `refused`, `missing` or `unknown`. */
export const capKeySchema = z.object({ owner: name, state: name, detail: text });
export type CapKey = z.infer<typeof capKeySchema>;
/** Absent in the journals of older workers. */
const owners = listOf(capKeySchema).nullish();

export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({
    ...envelope,
    type: z.literal('job.started'),
    job: name,
    project: name,
    podId: name.nullable(),
    host: z.object({
      python: text,
      cpus: z.number(),
      memoryBytes: z.number().nullable(),
      gpus: listOf(text),
    }),
    steps: listOf(z.object({ name, where: z.enum(['local', 'pod']) })),
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
  z.object({ ...envelope, type: z.literal('step.skipped'), step: name, why: text, gates, run }),
  z.object({
    ...envelope,
    type: z.literal('step.started'),
    step: name,
    index: z.int(),
    of: z.int(),
    why: listOf(text),
    argv: listOf(text),
    /** The checkpoint from which it goes on, as a path in the project. Workers of earlier releases do not tell it. */
    resumeFrom: text.nullable().optional(),
  }),
  z.object({
    ...envelope,
    type: z.literal('log'),
    step: name.nullable(),
    stream: z.enum(['out', 'err']),
    lines: z.array(text).max(limits.readableLogLines),
  }),
  /** null: the step reported a value that is not a finite number. */
  z.object({
    ...envelope,
    type: z.literal('metric'),
    step: name,
    values: z.record(name, z.number().nullable()),
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
    run,
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

/** At most so many characters, as Python and JSON Schema count them: an emoji is one. */
function upTo(most: number): z.ZodString {
  return z.string().refine((s) => s.length <= most || (s.length <= 2 * most && Array.from(s).length <= most), {
    error: `more than ${most} characters`,
  });
}

function listOf<T extends z.ZodType>(item: T): z.ZodArray<T> {
  return z.array(item).max(limits.eventListItems);
}

export type JobEvent = z.infer<typeof jobEventSchema>;
export type JobOutcome = Extract<JobEvent, { type: 'job.finished' }>['status'];
