import * as z from 'zod';
import { limits } from '../contract.ts';
import { parseJson } from '../json.ts';

const word = z.string().max(limits.nameCharacters);

/** Of a job's `state.json` (docs/job-directory.md) what a client reads without its journal. */
const stateSchema = z.object({
  schema: z.literal(limits.stateSchemaNumber),
  job: word,
  project: word,
  status: z.enum(['running', 'succeeded', 'failed', 'cancelled', 'lost']),
  podId: word.nullish(),
  /** The worker's last sign of life, at least every 10 s. */
  updated: z.iso.datetime(),
  finished: z.iso.datetime().nullish(),
  reason: z.string().nullish(),
  epoch: z.int().nullish(),
});
export type JobState = z.infer<typeof stateSchema>;

/** Reads a snapshot that may hold anything; undefined when it is none of this job. */
export function parseJobState(job: string, text: string): JobState | undefined {
  const { data } = stateSchema.safeParse(parseJson(text));
  return data?.job === job ? data : undefined;
}
