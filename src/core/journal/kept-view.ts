import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { parseJson } from '../json.ts';
import { gateResultSchema, stepStatusSchema } from './events.ts';
import type { JobView } from './view.ts';

/** Another number wherever the same journal gives another view: what was kept before is made anew then. */
const form = 1;
/** Bytes before a place that prove that a file is still the one that was read. */
const proofBytes = 4_096;

const stepViewSchema = z.object({
  name: z.string(),
  where: z.enum(['local', 'pod']),
  status: z.union([stepStatusSchema, z.literal('unknown')]),
  started: z.string().exactOptional(),
  seconds: z.number().exactOptional(),
  why: z.array(z.string()),
  resumeFrom: z.string().exactOptional(),
  gates: z.array(gateResultSchema),
  reason: z.string().exactOptional(),
  run: z.string().exactOptional(),
  cell: z.object({ at: z.number(), of: z.number() }).exactOptional(),
  metrics: z.record(z.string(), z.number().nullable()),
});

const viewSchema: z.ZodType<JobView> = z.object({
  job: z.string().exactOptional(),
  status: z.enum(['starting', 'running', 'succeeded', 'failed', 'cancelled', 'lost']),
  reason: z.string().exactOptional(),
  started: z.string().exactOptional(),
  finished: z.string().exactOptional(),
  seconds: z.number().exactOptional(),
  step: z.string().exactOptional(),
  steps: z.array(stepViewSchema),
  watchdog: z.object({ armed: z.boolean(), detail: z.string(), deadline: z.string().nullable() }).exactOptional(),
  capSeconds: z.number().nullable().exactOptional(),
  host: z
    .object({
      python: z.string(),
      cpus: z.number(),
      memoryBytes: z.number().nullable(),
      gpus: z.array(z.string()),
    })
    .exactOptional(),
  notes: z.array(z.object({ level: z.enum(['info', 'warning', 'error']), text: z.string() })),
});

const readSchema = z.object({
  /** After the whole lines that the view is made of. */
  place: z.object({ offset: z.int().min(0), epoch: z.int(), seq: z.int() }),
  /** Of the whole file then. */
  size: z.int().min(0),
  mtimeMs: z.number(),
  proof: z.string(),
  view: viewSchema,
});
/** What one journal file said up to a place. */
export type ReadSoFar = z.infer<typeof readSchema>;

const keptSchema = z.object({ form: z.literal(form), local: readSchema.nullable(), pod: readSchema.nullable() });
export type KeptView = z.infer<typeof keptSchema>;

/** How a job stood when its journals were last read, in the folder of its record; undefined where that is not known. */
export async function readKeptView(folder: string): Promise<KeptView | undefined> {
  const text = await readIfThere(join(folder, 'view.json')).catch(() => undefined);
  return text === undefined ? undefined : keptSchema.safeParse(parseJson(text)).data;
}

/** Keeps it. Only a help: what cannot be written is read from the journals again. */
export async function keepView(folder: string, kept: Omit<KeptView, 'form'>): Promise<void> {
  try {
    // A job that was taken off the list must not come back as an empty folder.
    await stat(join(folder, 'record.json'));
    await writeFileAtomic(join(folder, 'view.json'), JSON.stringify({ form, ...kept } satisfies KeptView));
  } catch {
    // The journals have it.
  }
}

/** A digest of the bytes before a place in a file. */
export async function proofAt(path: string, offset: number): Promise<string> {
  const bytes = Buffer.alloc(Math.min(proofBytes, offset));
  const file = await open(path, 'r');
  try {
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset - bytes.length);
    return createHash('sha256').update(bytes.subarray(0, bytesRead)).digest('hex');
  } finally {
    await file.close();
  }
}
