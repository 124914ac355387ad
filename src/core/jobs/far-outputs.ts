import * as z from 'zod';
import { parseJson } from '../json.ts';
import { isSameTime, type VolumeStore } from '../s3/index.ts';
import { lookAt } from '../transport/s3/compare.ts';
import { notPassed } from '../words/index.ts';

/** What became of a step's outputs since it passed. */
export interface FarOutputs {
  /** Why it will run, as parts of a sentence; nothing where all is as it was left. */
  why: string[];
  /** Why that is not known. */
  unsure: string[];
}

/** The worker's record of the last run that passed (docs/job-directory.md); times in ns. */
const recordSchema = z.object({
  schema: z.literal(1),
  run: z.string().nullish(),
  outputs: z.record(z.string(), z.tuple([z.number(), z.number()])),
  /** Those of them that a link leads to, which S3 does not show. */
  links: z.array(z.string()).optional(),
});

/** Requests side by side. */
const lanes = 16;
const mostRecordBytes = 64 * 1024 * 1024;
/** Paths that a sentence names. */
const named = 5;

/**
 * Looks over S3, which costs nothing, whether the outputs of these steps are as their last run left them. `run` names the
 * one that this computer knows of.
 */
export async function lookAtOutputs(
  store: VolumeStore,
  project: string,
  steps: readonly { name: string; run: string | undefined }[],
  signal: AbortSignal | undefined,
): Promise<Record<string, FarOutputs>> {
  const told: Record<string, FarOutputs> = {};
  for (const { name, run } of steps) {
    const key = `projects/${project}/.runpod-trainer/steps/${name}.json`;
    const text = await store.read(key, { maxBytes: mostRecordBytes, signal });
    const record = recordSchema.safeParse(parseJson(text?.toString('utf8') ?? '')).data;
    if (text === undefined) {
      told[name] = { why: [notPassed], unsure: [] };
    } else if (record === undefined) {
      told[name] = { why: [], unsure: ['what it left on the volume cannot be read'] };
    } else if (run !== undefined && record.run !== run) {
      told[name] = { why: [], unsure: ['it has run again since, which this computer has not followed'] };
    } else {
      told[name] = { why: await changedOf(store, project, record, signal), unsure: [] };
    }
  }
  return told;
}

async function changedOf(
  store: VolumeStore,
  project: string,
  { outputs, links = [] }: z.infer<typeof recordSchema>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const there = await lookAt(store, project, Object.keys(outputs), lanes, signal);
  const hidden = new Set(links);
  const changed = Object.entries(outputs).flatMap(([path, [size, changedNs]]) => {
    const found = there.get(path);
    if (found === undefined) {
      return hidden.has(path) ? [] : [`output ${path} is gone`];
    }
    if (found.size === 0 && size > 0) {
      return [`output ${path} is empty`];
    }
    const isSame = found.size === size && isSameTime(new Date(found.mtime), new Date(changedNs / 1e6));
    return isSame ? [] : [`output ${path} changed since`];
  });
  const more = changed.length - named;
  return [...changed.slice(0, named), ...(more > 0 ? [`and ${more} more outputs`] : [])];
}
