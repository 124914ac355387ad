import { UserError } from '../errors.ts';
import type { LoadedProject } from '../project/load.ts';
import type { Project } from '../project/schema.ts';
import { scan } from '../transfer/scan.ts';

/** Larger data files stay at home in a smoke run. */
const largestData = 50e6;
const stepMinutes = 1;
/** For all steps, with the time that a pod needs around them. */
const capHours = 0.25;

export interface SmokeProject {
  loaded: LoadedProject;
  /** Data files that are too large for it; steps that need them will fail or have to do without. */
  left: string[];
}

/**
 * A variant of a project that tries everything once in a minute a step: imports, tokenizer, a few training steps, one
 * save, one load. Steps see `RUNPOD_TRAINER_SMOKE=1` and are expected to do less then; gates on metrics and row counts
 * are left out, since little training proves nothing. It has a folder of its own on the volume, and steps of this machine
 * are not run, so it replaces no results. Rejects as {@link scan} does, and with `nothing-to-smoke`.
 */
export async function smokeProject(loaded: LoadedProject, signal?: AbortSignal): Promise<SmokeProject> {
  const { project } = loaded;
  const steps = project.steps.filter((step) => step.where === 'pod');
  if (steps.length === 0) {
    throw new UserError('nothing-to-smoke', {
      what: `No step of ${project.name} runs on a pod, so there is nothing to try there.`,
      next: 'Run the project itself; its steps on this machine cost nothing.',
    });
  }
  const { files } = await scan(loaded.root, project.sync, { signal });
  const left = files.filter((f) => f.list === 'data' && f.size > largestData).map((f) => f.path);
  const { never, data } = project.sync;
  const smoke: Project = {
    ...project,
    name: `${project.name.slice(0, 42)}-smoke`,
    sync: {
      ...project.sync,
      data: data.filter((entry) => !left.includes(entry)),
      never: [...never, ...left.map((path) => `/${path}`)],
    },
    env: { ...project.env, RUNPOD_TRAINER_SMOKE: '1' },
    steps: steps.map((step) => ({
      ...step,
      timeoutMinutes: Math.min(step.timeoutMinutes ?? stepMinutes, stepMinutes),
      gates: step.gates.filter((g) => g.type === 'file' || g.type === 'checkpoint'),
    })),
    onFinish: { ...project.onFinish, pod: 'terminate', fetch: [] },
    caps: { ...project.caps, hours: Math.min(project.caps.hours ?? capHours, capHours) },
  };
  return { loaded: { ...loaded, project: smoke }, left };
}
