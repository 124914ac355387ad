import { join } from 'node:path';
import * as z from 'zod';
import { throwIfCancelled } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import type { HashedFile } from '../files/hash.ts';
import { collect } from '../files/to-upload.ts';
import type { Installation } from '../home/installation.ts';
import { askLocalWorker } from '../home/local-worker.ts';
import { JobJournals, viewWithRecord } from '../journal/job-journals.ts';
import type { JobRecord, JobRecords } from '../journal/records.ts';
import { buildSpec, codeFiles } from '../journal/spec.ts';
import type { StepView } from '../journal/view.ts';
import { parseJson } from '../json.ts';
import type { LoadedProject } from '../project/load.ts';
import type { Project, Side, Step } from '../project/schema.ts';
import { s3AccessOf } from '../s3/s3-source.ts';
import { openStore } from '../volumes/ask-volume.ts';
import type { TransferPlan } from '../volumes/plan/index.ts';
import { otherThere, type Unsure } from '../words/index.ts';
import { lookAtOutputs, type FarOutputs } from './far-outputs.ts';

/** What a step will do when its project is run now, as well as that can be told before anything is rented. */
export interface StepForesight {
  name: string;
  where: Side;
  /** Also where it is not known: a run is paid for, a skip is not. */
  runs: boolean;
  /** A part of a sentence. */
  why: string;
  /** What of it only the volume can tell. */
  unsure?: Unsure | undefined;
}

const partsSchema = z.record(z.string(), z.record(z.string(), z.string()));
const answerSchema = z.object({
  steps: z.array(
    z.object({ step: z.string(), why: z.array(z.string()), unsure: z.array(z.string()), parts: partsSchema }),
  ),
});
/** On what each step of a job depended, as this machine had it when the job was started. */
const keptSchema = z.object({
  schema: z.literal(1),
  steps: z.record(z.string(), z.object({ parts: partsSchema, outputs: z.array(z.string()) })),
});

type ForesightSource = Pick<Installation, 'records' | 'restUrl' | 'localPython' | 'workerFile' | 's3'>;

/** So many of the newest jobs are looked at. */
const jobsRead = 10;
const fileOf = (records: JobRecords, job: string): string => join(records.folder, job, 'steps.json');

/**
 * Which steps will run again and why, by the last jobs on this volume that this machine started, and by the files as they
 * are here. The worker decides anew when it comes to a step: what only the volume knows is taken to be as it was, unless the
 * plan of the transfer tells that it is not.
 */
export async function foresee(
  source: ForesightSource,
  { project, root }: Pick<LoadedProject, 'project' | 'root'>,
  {
    from,
    volume,
    transfer,
    signal,
  }: {
    from?: string | undefined;
    /** Undefined where it is to be created, so that nothing is there. */
    volume: { id: string; dataCenter: string } | undefined;
    /** As it was computed just before; undefined where nobody could say what it is. */
    transfer: TransferPlan | undefined;
    signal?: AbortSignal | undefined;
  },
): Promise<StepForesight[]> {
  try {
    const before = volume === undefined ? {} : await lastRuns(source, project.name, volume.id);
    const { files } = await collect({ project, root }, signal);
    const other = transfer === undefined ? {} : otherOnVolume(transfer);
    const outputs = volume && (await outputsOver(source, project, volume, before, signal));
    const { steps } = await ask(source, { project, root }, { files, from, before, other, outputs, signal });
    return project.steps.map((step) =>
      foresightOf(
        step,
        steps.find((told) => told.step === step.name),
        outputs,
      ),
    );
  } catch {
    throwIfCancelled(signal);
    return project.steps.map(({ name, where }) => ({ name, where, runs: true, why: 'what changed is not known' }));
  }
}

type Told = z.infer<typeof answerSchema>['steps'][number];

/** Longest time that S3 is given, in ms. */
const storeMs = 8_000;

/**
 * What became of the outputs of steps that passed: of each that S3 could tell of. Undefined where the volume has no S3 or
 * this computer no keys, `silent` where it did not answer.
 */
async function outputsOver(
  source: ForesightSource,
  project: Project,
  volume: { id: string; dataCenter: string },
  before: Record<string, LastRun>,
  signal: AbortSignal | undefined,
): Promise<Record<string, FarOutputs> | 'silent' | undefined> {
  const passed = project.steps.filter(
    ({ name, where, outputs = [] }) => where === 'pod' && outputs.length > 0 && before[name]?.passed === true,
  );
  if (passed.length === 0 || (await s3AccessOf(source.s3, volume.dataCenter)) === undefined) {
    return undefined;
  }
  const late = AbortSignal.timeout(storeMs);
  const soon = signal === undefined ? late : AbortSignal.any([signal, late]);
  const steps = passed.map(({ name }) => ({ name, run: before[name]?.latest }));
  const store = await openStore(source, volume);
  try {
    return await lookAtOutputs(store, project.name, steps, soon);
  } catch {
    throwIfCancelled(signal);
    return 'silent';
  } finally {
    await store.close();
  }
}

function foresightOf(
  { name, where, outputs = [] }: Step,
  told: Told | undefined,
  looked: Awaited<ReturnType<typeof outputsOver>>,
): StepForesight {
  const { why, unsure } = told ?? { why: ['not known'], unsure: [] };
  if (why.length > 0) {
    return { name, where, runs: true, why: why.join('; ') };
  }
  if (unsure.length > 0) {
    return { name, where, runs: true, why: unsure.join('; '), unsure: 'run' };
  }
  const since = 'nothing changed since it passed';
  if (where !== 'pod' || outputs.length === 0) {
    return { name, where, runs: false, why: since };
  }
  if (looked === undefined || looked === 'silent') {
    const more = looked === 'silent' ? ' (S3 did not tell of them)' : '';
    return { name, where, runs: false, why: `${since}${more}`, unsure: 'outputs' };
  }
  return { name, where, runs: false, why: `${since}, and its outputs are as it left them` };
}

/**
 * What lies there otherwise than the last job of this computer left it, with a clause of each. A file that changed here
 * is among it, which the steps that depend on it say better.
 */
export function otherOnVolume(
  plan: Pick<TransferPlan, 'send' | 'conflicts' | 'left' | 'ghosts' | 'deletes'>,
): Record<string, string> {
  const { send, conflicts, left = [], ghosts, deletes } = plan;
  const sent = send.filter(({ why }) => why !== 'unknown').map(({ path }) => path);
  const away = [...ghosts.filter(({ then }) => then !== 'keep').map(({ path }) => path), ...deletes];
  return Object.fromEntries([
    ...away.map((path) => [path, otherThere.gone(path)] as const),
    ...[...sent, ...conflicts.map(({ path }) => path), ...left].map((path) => [path, otherThere.filled(path)] as const),
  ]);
}

/** Keeps on what the steps of a job depend, for the next foresight; that it cannot is no reason not to start. */
export async function keepForesight(
  source: ForesightSource,
  job: string,
  loaded: Pick<LoadedProject, 'project' | 'root'>,
  files: readonly HashedFile[],
  signal?: AbortSignal,
): Promise<void> {
  try {
    const { steps } = await ask(source, loaded, { files, from: undefined, before: {}, other: {}, signal });
    const outputs = new Map(loaded.project.steps.map((step) => [step.name, step.outputs ?? []]));
    const kept: z.infer<typeof keptSchema> = {
      schema: 1,
      steps: Object.fromEntries(
        steps.map(({ step, parts }) => [step, { parts, outputs: outputs.get(step) ?? [] }] as const),
      ),
    };
    await writeFileAtomic(fileOf(source.records, job), `${JSON.stringify(kept)}\n`);
  } catch {
    throwIfCancelled(signal);
  }
}

/** Longest time that the worker is given, in ms. */
const patienceMs = 20_000;

async function ask(
  source: ForesightSource,
  { project, root }: Pick<LoadedProject, 'project' | 'root'>,
  {
    files,
    from,
    before,
    other,
    outputs,
    signal,
  }: {
    files: readonly HashedFile[];
    from: string | undefined;
    before: object;
    other: Record<string, string>;
    outputs?: Record<string, FarOutputs> | 'silent' | undefined;
    signal: AbortSignal | undefined;
  },
): Promise<z.infer<typeof answerSchema>> {
  const spec = buildSpec({
    job: 'foresight',
    project,
    side: 'pod',
    paths: { project: root, mount: root },
    python: project.target.python,
    code: codeFiles(files),
    restUrl: source.restUrl,
    capSeconds: null,
    from,
  });
  const hashes = Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]));
  const told = outputs === 'silent' ? undefined : outputs;
  const late = AbortSignal.timeout(patienceMs);
  const soon = signal === undefined ? late : AbortSignal.any([signal, late]);
  return answerSchema.parse(
    await askLocalWorker(source, 'foresee', { spec, hashes, before, other, outputs: told }, soon),
  );
}

interface LastRun {
  passed: boolean;
  latest?: string | undefined;
  /** The runs of the steps before it that it came after. */
  after?: Record<string, string | null>;
  parts?: z.infer<typeof partsSchema> | undefined;
  patterns?: string[] | undefined;
}

/** Of each step how the newest job that came to it left it. */
async function lastRuns(
  { records, restUrl }: Pick<ForesightSource, 'records' | 'restUrl'>,
  project: string,
  volume: string,
): Promise<Record<string, LastRun>> {
  const jobs = (await records.list())
    .filter((r) => r.project === project && r.restUrl === restUrl && r.volume?.id === volume && r.remote !== undefined)
    .slice(0, jobsRead);
  const known: Record<string, LastRun> = {};
  for (const record of jobs) {
    const steps = await stepsOf(records, record);
    const kept = keptSchema.safeParse(parseJson((await readIfThere(fileOf(records, record.job))) ?? '')).data?.steps;
    for (const [i, step] of steps.entries()) {
      if (step.where === 'pod' && step.status !== 'waiting' && known[step.name] === undefined) {
        known[step.name] = {
          passed: step.status === 'passed' || step.status === 'skipped',
          latest: step.run,
          after: Object.fromEntries(steps.slice(0, i).map((one) => [one.name, one.run ?? null])),
          parts: kept?.[step.name]?.parts,
          patterns: kept?.[step.name]?.outputs,
        };
      }
    }
  }
  return known;
}

async function stepsOf(records: JobRecords, record: JobRecord): Promise<StepView[]> {
  const journals = new JobJournals(records, record);
  await journals.read();
  return viewWithRecord(record, journals.view).steps;
}
