import { UserError } from '../../errors.ts';
import type { LoadedProject } from '../../project/load.ts';
import type { Project } from '../../project/schema.ts';
import { planVolume } from '../../pods/volume.ts';
import type { RunPodClient } from '../../runpod/client.ts';
import { scanProject } from '../../files/to-upload.ts';
import { cheapestGpus } from './smoke-gpus.ts';

/** Larger data files stay at home in a smoke run. */
const largestData = 50e6;
const stepMinutes = 1;
/** For all steps together, and what the pod needs around them. */
const mostHours = 0.25;
const aroundMinutes = 5;

export interface SmokeProject {
  loaded: LoadedProject;
  /** Data files that are too large for it; steps that need them will fail or have to do without. */
  left: string[];
}

/**
 * A variant of a project that tries everything once in a minute a step: imports, tokenizer, a few training steps, one
 * save, one load. Steps see `RUNPOD_TRAINER_SMOKE=1` and are expected to do less then; gates on metrics and row counts
 * are left out, since little training proves nothing. It has a folder of its own on the volume, and steps of this machine
 * are not run, so it replaces no results. It asks for the cheapest GPU that will do, whatever the project's order is.
 * Rejects as {@link scan} and {@link planVolume} do, and with `nothing-to-smoke`.
 */
export async function smokeProject(
  client: RunPodClient,
  loaded: LoadedProject,
  signal?: AbortSignal,
): Promise<SmokeProject> {
  const { project } = loaded;
  const steps = project.steps.filter((step) => step.where === 'pod');
  if (steps.length === 0) {
    throw new UserError('nothing-to-smoke', {
      what: `No step of ${project.name} runs on a pod, so there is nothing to try there.`,
      next: 'Run the project itself; its steps on this machine cost nothing.',
    });
  }
  const { files } = await scanProject(loaded, signal);
  const left = files.filter((f) => f.list === 'data' && f.size > largestData).map((f) => f.path);
  const { never, data } = project.sync;
  const smoke: Project = {
    ...project,
    name: `${project.name.slice(0, 42)}-smoke`,
    target: await smokeTarget(client, project.target, signal),
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
    caps: { ...project.caps, hours: Math.min(project.caps.hours ?? mostHours, mostHours, hoursOf(steps.length)) },
  };
  return { loaded: { ...loaded, project: smoke }, left };
}

function hoursOf(steps: number): number {
  return (steps * stepMinutes + aroundMinutes) / 60;
}

/** A CPU pod is asked for as it is: it is named by what it costs already. */
async function smokeTarget(
  client: RunPodClient,
  target: Project['target'],
  signal: AbortSignal | undefined,
): Promise<Project['target']> {
  if (target.cpu !== undefined) {
    return target;
  }
  const { gpuCount: count, minCuda } = target;
  const filter = { count, cloud: 'SECURE' as const, ...(minCuda !== undefined && { minCudaVersion: minCuda }) };
  const [volume, catalog] = await Promise.all([
    planVolume(client, target.volume, signal),
    client.catalog.gpus(filter, signal),
  ]);
  const dataCenter = volume.exists ? volume.volume.dataCenter : volume.dataCenter;
  return { ...target, gpus: cheapestGpus(catalog, target, dataCenter) };
}
