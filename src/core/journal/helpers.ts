import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { parseJson } from '../json.ts';
import { thisProcess } from '../processes.ts';
import { askerSchema } from './asker.ts';
import { purposes } from './helper-use.ts';

const helperSchema = z.object({
  schema: z.literal(1),
  /** Of the pod. */
  id: z.string(),
  name: z.string(),
  purpose: z.enum(purposes),
  project: z.string().optional(),
  /** The job whose results it fetches. */
  job: z.string().optional(),
  restUrl: z.string(),
  hardware: z.string(),
  /** USD. */
  costPerHour: z.number(),
  /** ISO time, as `ended`, by this computer's clock. */
  created: z.string(),
  ended: z.string().optional(),
  /** When it was first found gone, where nobody saw it end: it ended before. */
  goneBy: z.string().optional(),
  /** Who asked for it; absent in notes of earlier releases. */
  askedBy: askerSchema.optional(),
  /** The process that works with it. */
  client: z.object({
    pid: z.number(),
    boot: z.string().optional(),
    space: z.string().optional(),
    started: z.string().optional(),
  }),
});
/** A pod that was rented from here for something else than the steps of a job. */
export type HelperPod = z.infer<typeof helperSchema>;

/** The helper pods of this home, a small file each, so that each is known again and its cost is found. */
export class HelperPods {
  readonly #folder: string;

  constructor(home: string) {
    this.#folder = join(home, 'helpers');
  }

  /** Notes a pod that this process has just rented. */
  async note(pod: Omit<HelperPod, 'schema' | 'client' | 'created' | 'ended' | 'goneBy'>): Promise<void> {
    await this.#write({ schema: 1, ...pod, created: new Date().toISOString(), client: thisProcess() });
  }

  /** Notes that a pod has ended; answers what is known of it. */
  async end(id: string): Promise<HelperPod | undefined> {
    const pod = await this.#read(`${id}.json`);
    if (pod === undefined || pod.ended !== undefined) {
      return pod;
    }
    const ended = { ...pod, ended: new Date().toISOString() };
    await this.#write(ended);
    return ended;
  }

  /** Notes that a pod is not there any more, which nobody saw end. */
  async noteGone(id: string): Promise<HelperPod | undefined> {
    const pod = await this.#read(`${id}.json`);
    if (pod === undefined || pod.ended !== undefined || pod.goneBy !== undefined) {
      return pod;
    }
    const gone = { ...pod, goneBy: new Date().toISOString() };
    await this.#write(gone);
    return gone;
  }

  /** Those of one account's API; what cannot be read is left out. */
  async list(restUrl: string): Promise<HelperPod[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const pods = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => this.#read(name)));
    return pods.filter((pod) => pod?.restUrl === restUrl).filter((pod) => pod !== undefined);
  }

  async #read(name: string): Promise<HelperPod | undefined> {
    const text = await readIfThere(join(this.#folder, name)).catch(() => undefined);
    return helperSchema.safeParse(text === undefined ? undefined : parseJson(text)).data;
  }

  #write(pod: HelperPod): Promise<void> {
    return writeFileAtomic(join(this.#folder, `${pod.id}.json`), `${JSON.stringify(pod)}\n`);
  }
}
