import * as z from 'zod';
import { limits } from '../contract.ts';
import { isRunning, type Answer } from '../processes.ts';
import { mostPerHour } from '../words/money.ts';
import { askerSchema } from './asker.ts';

/** Where a job is in its life, as its client last wrote it. The journal on the volume is the truth about the run. */
export const phases = ['check', 'local', 'pod', 'wait', 'transfer', 'start', 'run', 'fetch', 'end', 'done'] as const;
export type Phase = (typeof phases)[number];

export const recordSchema = z.object({
  schema: z.literal(1),
  job: z.string(),
  project: z.string(),
  profile: z.string().optional(),
  file: z.string(),
  root: z.string(),
  restUrl: z.string(),
  volume: z.object({ id: z.string(), name: z.string(), dataCenter: z.string() }).optional(),
  pod: z
    .object({
      id: z.string(),
      name: z.string(),
      created: z.string(),
      hardware: z.string(),
      costPerHour: z.number().min(0).max(mostPerHour),
      /** When it ends itself at the latest if no client comes to it; absent where its image does not start what ends it. */
      aloneUntil: z.string().optional(),
    })
    .optional(),
  remote: z
    .object({ mount: z.string(), projectDir: z.string(), jobDir: z.string(), worker: z.string(), python: z.string() })
    .optional(),
  /** What its plan runs, in order: the journal repeats it when the job has begun. */
  steps: z.array(z.object({ name: z.string(), where: z.enum(['local', 'pod']) })).optional(),
  onFinish: z.enum(['terminate', 'stop', 'keep']),
  fetch: z.array(z.string()),
  into: z.string(),
  phase: z.enum(phases),
  /** What the caps of the day keep for it from the moment at which its pod was rented, until its start promises less. */
  reserved: z.object({ stopsBy: z.string().nullable(), mostDollars: z.number().nullable() }).optional(),
  /** What was promised of the caps when the job started (`CapPromise`), and whether its pod can keep it alone. */
  cap: z
    .object({
      stopsBy: z.string().nullable(),
      mostDollars: z.number().nullable(),
      armed: z.boolean(),
      /** A sentence. */
      text: z.string(),
    })
    .optional(),
  /** The process that prepares the job, or prepared it. `host` is the id of its machine; it was a host name once. */
  client: z
    .object({
      host: z.string(),
      pid: z.number(),
      boot: z.string().optional(),
      space: z.string().optional(),
      started: z.string().optional(),
    })
    .optional(),
  /** Who asked for it; absent in records of earlier releases. */
  askedBy: askerSchema.optional(),
  created: z.string(),
  updated: z.string(),
  outcome: z.enum(['succeeded', 'failed', 'cancelled', 'lost']).optional(),
  reason: z.string().optional(),
  podEnded: z.string().optional(),
  /** When its pod was first found gone, where nobody saw it end: it ended before. */
  goneBy: z.string().optional(),
  /** The last time that results came home, though perhaps not all; `here` were here already. */
  fetched: z.object({ time: z.string(), files: z.number(), bytes: z.number(), here: z.number().optional() }).optional(),
  /** Taken from the list by its user; its costs count all the same. */
  hidden: z.boolean().optional(),
  /** What of the results should be here and is not: single names (the first of `count`), or all of them for one reason. */
  notHome: z
    .object({
      time: z.string(),
      why: z.string().optional(),
      count: z.number(),
      left: z.array(z.object({ path: z.string(), reason: z.string(), again: z.literal(true).optional() })),
    })
    .optional(),
});
export type JobRecord = z.infer<typeof recordSchema>;

/** What a client found out about a job. */
export type RecordChange = Partial<Omit<JobRecord, 'schema' | 'job'>>;

/**
 * The record with a change, of which the client may have known less than the record says by now. A phase goes forward
 * only. How the job ended, with its reason, and when its pod ended is kept as it was said first, but for `lost`: that
 * says only that nobody had heard.
 */
export function changed(now: JobRecord, change: RecordChange): JobRecord {
  const next: Partial<JobRecord> = {
    ...now,
    ...change,
    ...endOf(now, change),
    podEnded: now.podEnded ?? change.podEnded,
    goneBy: now.goneBy ?? change.goneBy,
    phase: furthest(now.phase, change.phase),
    updated: new Date().toISOString(),
  };
  // As the file will have it: without what is undefined.
  return JSON.parse(JSON.stringify(next)) as JobRecord;
}

/** A reason belongs to its outcome. */
function endOf(now: JobRecord, { outcome, reason }: RecordChange): Pick<RecordChange, 'outcome' | 'reason'> {
  const isTold = now.outcome !== undefined && now.outcome !== 'lost';
  if (isTold) {
    return { outcome: now.outcome, reason: now.reason };
  }
  const isSame = outcome === undefined || now.outcome === undefined || outcome === now.outcome;
  return { outcome: outcome ?? now.outcome, reason: reason ?? (isSame ? now.reason : undefined) };
}

function furthest(now: Phase, next: Phase = now): Phase {
  return phases.indexOf(next) < phases.indexOf(now) ? now : next;
}

const preparing: readonly Phase[] = ['check', 'local', 'pod', 'wait', 'transfer', 'start'];

/** A client that prepares a job writes the record this often, so that it can be told from one that was killed. */
export const preparationBeatMs = 20_000;
/** A client that has not for so long counts as killed. */
const patienceMs = 120_000;

/**
 * Whether a client is at work on the job's start. What is known of its process says so, else whether it wrote the
 * record lately. `unknown` only of records from before that was done.
 */
export function isBeingPrepared({ client, phase, updated }: JobRecord): Answer {
  if (!preparing.includes(phase)) {
    return 'no';
  }
  if (client === undefined) {
    return 'unknown';
  }
  const running = isRunning(client);
  if (running !== 'unknown' || client.boot === undefined) {
    return running;
  }
  return Date.now() - Date.parse(updated) < patienceMs ? 'yes' : 'no';
}

/** Whether the client that prepared the job was ended before the job ran, so that it goes no further. */
export function wasLeft(record: JobRecord): boolean {
  return preparing.includes(record.phase) && isBeingPrepared(record) === 'no';
}

/** When the pod of a job that was left ends itself at the latest; undefined where nothing on it does. */
export function leftPodEnds({ pod, phase, updated }: JobRecord): Date | undefined {
  const alone = pod?.aloneUntil === undefined ? [] : [Date.parse(pod.aloneUntil)];
  // From the transfer on its keeper waits for the job.
  const hasKeeper = phase === 'transfer' || phase === 'start';
  const kept = hasKeeper ? [Date.parse(updated) + limits.guardMinutes * 60_000] : [];
  const latest = Math.max(...alone, ...kept);
  return Number.isFinite(latest) ? new Date(latest) : undefined;
}
