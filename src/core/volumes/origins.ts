import { hostname } from 'node:os';
import * as z from 'zod';
import { UserError } from '../errors.ts';
import { noteAgreed, originOf, readOrigin, type Origin } from '../files/origin.ts';
import type { JobRecords } from '../journal/records.ts';
import { parseJson } from '../json.ts';
import type { VolumeStore } from '../s3/index.ts';
import { projectFolder } from '../transport/s3/manifest.ts';
import { callFiles, type RemoteFiles } from '../transport/ssh/worker-files.ts';

/** Asked before a folder fills what another one of the same project name has filled; false leaves that alone. */
export type AskAdopt = (question: string) => Promise<boolean>;

/** What is to be filled: the project of a folder of this machine, on the volume with that id. */
export interface Filling {
  root: string;
  project: string;
  volume: string;
}

/** A folder that has filled a project on a volume. */
const otherSchema = z.object({ folder: z.string().nullish(), host: z.string().nullish() });
type Other = z.infer<typeof otherSchema>;
const answerSchema = z.object({ ok: z.boolean(), others: z.array(otherSchema) });

const storedSchema = z.object({ schema: z.literal(1), origins: z.array(z.looseObject({ id: z.string() })) });
const mostBytes = 1024 * 1024;

/** Asks at most once for a folder: who agreed is not asked again on another way. */
export class Adoption {
  readonly #ask: AskAdopt | undefined;
  #agreed = false;

  constructor(ask: AskAdopt | undefined) {
    this.#ask = ask;
  }

  /**
   * Looks in the records of this home, before anything is paid for, whether another folder of this machine has filled
   * the project on that volume.
   * @throws UserError `other-origin` when the user does not want to go on.
   */
  async checkRecords(records: JobRecords, { root, project, volume }: Filling): Promise<void> {
    const mine = await originOf(root);
    if (mine === undefined || mine.volumes.includes(volume)) {
      return;
    }
    const jobs = (await records.list()).filter((r) => r.project === project && r.volume?.id === volume);
    // A job that sent nothing has filled nothing.
    const roots = new Set(jobs.filter((r) => r.remote !== undefined && r.root !== root).map((r) => r.root));
    for (const folder of roots) {
      const other = await readOrigin(folder).catch(() => undefined);
      if (other !== undefined && other.id !== mine.id) {
        await this.#agree(project, [{ folder, host: hostname() }]);
        return;
      }
    }
  }

  /** The same by what the volume itself says over S3; writes nothing there, since nothing may come of the run. */
  async checkStore(store: VolumeStore, { root, project }: Filling, signal?: AbortSignal): Promise<void> {
    const mine = await originOf(root);
    if (mine !== undefined) {
      const known = await readOrigins(store, project, signal);
      if (known.length > 0 && !known.some(({ id }) => id === mine.id)) {
        await this.#agree(project, z.array(otherSchema).catch([]).parse(known));
      }
    }
  }

  /** The same on the volume, through a pod; notes there that the folder was agreed to. */
  async agreeOverSsh(remote: RemoteFiles, { root, project, volume }: Filling, signal?: AbortSignal): Promise<void> {
    const mine = await originOf(root);
    if (mine === undefined) {
      return;
    }
    const ask = async (adopt: boolean): Promise<z.infer<typeof answerSchema>> => {
      const [answer] = await callFiles(remote, 'origin', [{ ...told(mine), adopt }], answerSchema, signal);
      return answer ?? { ok: true, others: [] };
    };
    const { ok, others } = await ask(this.#agreed);
    if (!ok) {
      await this.#agree(project, others);
      await ask(true);
    }
    await note(mine, volume);
  }

  /** The same over S3. */
  async agreeOverS3(store: VolumeStore, { root, project, volume }: Filling, signal?: AbortSignal): Promise<void> {
    const mine = await originOf(root);
    if (mine === undefined) {
      return;
    }
    const known = await readOrigins(store, project, signal);
    if (!known.some(({ id }) => id === mine.id)) {
      if (known.length > 0) {
        await this.#agree(project, z.array(otherSchema).catch([]).parse(known));
      }
      const origins = [...known, { ...told(mine), since: new Date().toISOString() }];
      await store.write(originsKey(project), Buffer.from(`${JSON.stringify({ schema: 1, origins })}\n`), signal);
    }
    await note(mine, volume);
  }

  async #agree(project: string, others: readonly Other[]): Promise<void> {
    if (this.#agreed) {
      return;
    }
    const last = others.at(-1);
    const from = `${last?.folder ?? 'another folder'}${last?.host == null ? '' : ` on ${last.host}`}`;
    const what = `The project "${project}" on this volume was filled from ${from}, not from this folder.`;
    const why = 'The files of both would be mixed there, and a job would run on what is left of the other one.';
    this.#agreed = (await this.#ask?.(`${what} ${why}`)) === true;
    if (!this.#agreed) {
      throw new UserError('other-origin', {
        what,
        why,
        next: 'Give this project another name or another volume, or let this folder fill it from here on.',
        remedies: [{ do: 'adopt' }],
      });
    }
  }
}

const originsKey = (project: string): string => `${projectFolder(project)}/.runpod-trainer/origins.json`;

async function readOrigins(
  store: VolumeStore,
  project: string,
  signal: AbortSignal | undefined,
): Promise<z.infer<typeof storedSchema>['origins']> {
  const content = await store.read(originsKey(project), { maxBytes: mostBytes, signal });
  const stored = storedSchema.safeParse(parseJson(content?.toString('utf8') ?? ''));
  return stored.success ? stored.data.origins : [];
}

/** Where it cannot be noted, the volume is asked again. */
async function note(origin: Origin, volume: string): Promise<void> {
  await noteAgreed(origin, volume).catch(() => undefined);
}

function told({ id, root }: Origin): { id: string; folder: string; host: string } {
  return { id, folder: root, host: hostname() };
}
