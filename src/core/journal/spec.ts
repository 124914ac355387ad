import { limits } from '../contract.ts';
import type { SyncList } from '../files/scan.ts';
import type { LoadedProject } from '../project/load.ts';
import type { Project, Side, Step } from '../project/schema.ts';
import type { GateResult, StepStatus } from './events.ts';

/** Result of a step that ran before the upload, as the pod's journal repeats it. */
export interface LocalResult {
  step: string;
  status: StepStatus;
  seconds: number;
  /** Why it was skipped. */
  why?: string;
  /** Names the run that passed. */
  run?: string;
  gates: GateResult[];
}

export interface SpecInput {
  job: string;
  project: Project;
  side: Side;
  paths: { project: string; mount: string };
  python: string;
  /** What the transfer brings to the side; see `codeFiles`. */
  code: readonly string[];
  restUrl: string;
  /** What the caps leave for the job, in seconds; null without a cap. */
  capSeconds: number | null;
  from?: string | undefined;
  localResults?: LocalResult[];
  created?: Date;
}

/** The job as the worker reads it (docs/job-directory.md). It holds no secret. */
export function buildSpec(input: SpecInput): Record<string, unknown> {
  const { project } = input;
  return {
    schema: limits.specSchemaNumber,
    job: input.job,
    project: project.name,
    created: (input.created ?? new Date()).toISOString(),
    api: { restUrl: input.restUrl },
    paths: input.paths,
    image: input.side === 'pod' ? project.target.image : null,
    python: input.python,
    code: input.code,
    sameGpu: project.target.sameGpu,
    requirements: input.side === 'pod' ? (project.target.requirements ?? null) : null,
    env: project.env,
    capSeconds: input.capSeconds,
    stallSeconds: input.side === 'pod' ? stallSeconds(project.caps) : null,
    onFinish: project.onFinish.pod,
    holdSeconds: limits.holdSeconds,
    from: input.from ?? null,
    fetch: input.side === 'pod' ? project.onFinish.fetch : [],
    steps: project.steps.map(stepSpec),
    localResults: input.localResults ?? [],
  };
}

/** Minutes without any sign of work after which a job counts as stalled, where the project does not say. */
const defaultStallMinutes = 60;

function stallSeconds({ stallMinutes = defaultStallMinutes }: Project['caps']): number | null {
  return stallMinutes === 0 ? null : stallMinutes * 60;
}

/** The tighter of the caps in seconds of running time; null without a cap. A price that is not known caps nothing. */
export function capSeconds(caps: Project['caps'], costPerHour: number | null): number | null {
  const byTime = caps.hours === undefined ? Infinity : caps.hours * 3600;
  const byMoney =
    caps.dollars === undefined || costPerHour === null || costPerHour <= 0
      ? Infinity
      : (caps.dollars / costPerHour) * 3600;
  const seconds = Math.min(byTime, byMoney);
  return Number.isFinite(seconds) ? Math.floor(seconds) : null;
}

function stepSpec(step: Step): Record<string, unknown> {
  return {
    name: step.name,
    where: step.where,
    run: runOf(step),
    env: step.env ?? {},
    secrets: step.secrets ?? [],
    timeoutSeconds: step.timeoutMinutes === undefined ? null : step.timeoutMinutes * 60,
    inputs: step.inputs ?? [],
    outputs: step.outputs ?? [],
    code: step.code ?? [],
    gates: step.gates,
    allowStale: step.allowStale ?? false,
    checkpoints: step.checkpoints ?? null,
  };
}

function runOf(step: Step): Record<string, unknown> {
  if (step.module !== undefined) {
    return { kind: 'module', module: step.module, args: step.args ?? [] };
  }
  if (step.script !== undefined) {
    return { kind: 'script', path: step.script, args: step.args ?? [] };
  }
  if (step.notebook !== undefined) {
    return { kind: 'notebook', path: step.notebook, parameters: step.parameters ?? {} };
  }
  return { kind: 'shell', command: step.shell ?? '' };
}

/** The steps that run on one side. */
export function stepsOn(project: LoadedProject['project'], side: Side): Step[] {
  return project.steps.filter((s) => s.where === side);
}

/** Larger files are data, in bytes. */
const largestCode = 1024 * 1024;
const compiled = /\.(so|pyd|dylib|dll)$/;

/** The files on which a step's result may depend without naming them: what is small, or compiled, and not called data. */
export function codeFiles(files: readonly { path: string; size: number; list?: SyncList }[]): string[] {
  return files
    .filter(({ path, size, list }) => list !== 'data' && (size <= largestCode || compiled.test(path)))
    .map(({ path }) => path);
}
