import { dayShort, wholeDay, type DayLeft } from '../core/caps/cap.ts';
import { leftToday } from '../core/caps/day.ts';
import { estimateRun } from '../core/costs/estimate-run.ts';
import type { Estimate } from '../core/costs/estimate.ts';
import { throwIfCancelled, UserError } from '../core/errors.ts';
import type { Installation } from '../core/home/installation.ts';
import { foresee, type StepForesight } from '../core/jobs/foresight.ts';
import { mostOver } from '../core/jobs/plan.ts';
import { foreseenPodText, foreseePod, type ForeseenPod } from '../core/jobs/reuse.ts';
import { stepsOn } from '../core/journal/spec.ts';
import { candidates } from '../core/pods/hardware.ts';
import { planVolume } from '../core/pods/volume.ts';
import { foresightText } from '../core/words/index.ts';
import { printable, wrap } from './style.ts';
import { loadProject, type LoadedProject } from '../core/project/load.ts';
import { applyProfile } from '../core/project/profile.ts';
import { planSync } from '../core/volumes/sync.ts';
import {
  preparePlan,
  routeKinds,
  uploadWait,
  type PreparedPlan,
  type RouteKind,
  type TransferPlan,
} from '../core/volumes/plan/index.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { planText } from './plan-text.ts';
import { onlyProjectFile } from './project-file.ts';

export interface PlanCommandOptions extends GlobalOptions {
  profile?: string;
  route?: string;
  delete?: boolean;
  all?: boolean;
  json?: boolean;
}

/** Shows what a transfer would do. Starts nothing and costs nothing. */
export async function planCommand(file: string | undefined, options: PlanCommandOptions): Promise<number> {
  const output = makeOutput(options);
  const interrupt = onInterrupt();
  try {
    const installation = await installationIfAny(options);
    if (installation === undefined) {
      output.note('There is no RunPod API key, so RunPod was not asked: this is from what this machine remembers.\n');
    }
    const loaded = await projectOf(file, options.profile);
    const { plan } = await planProject(loaded, installation, options, interrupt.signal);
    const run = installation && (await runOf(installation, loaded, plan, interrupt.signal));
    const text = planText(plan, output.style, { width: output.width, all: options.all === true });
    output.result(
      { type: 'plan', plan, steps: run?.foreseen, estimate: run?.estimate, pod: run?.pod, day: run?.day },
      [text, ...runText(run, installation?.client.free === true, output.width)].join('\n'),
    );
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

interface ForeseenRun {
  foreseen: readonly StepForesight[];
  /** Undefined where it runs nothing on a pod, or the price cannot be asked for. */
  estimate?: Estimate | undefined;
  /** The pod that is there already and that it will use. */
  pod?: ForeseenPod | undefined;
  /** A cap of the day that refuses it now, or ends it early. */
  day?: { refuses: boolean; what: string; why: string; next: string } | undefined;
}

/** What a run of it would do again now, and what that would cost. */
async function runOf(
  installation: Installation,
  loaded: LoadedProject,
  plan: TransferPlan,
  signal: AbortSignal,
): Promise<ForeseenRun> {
  const { project } = loaded;
  const { id, dataCenter } = plan.volume;
  const there = id === null || dataCenter === null ? undefined : { id, dataCenter };
  const foreseen = await foresee(installation, loaded, { volume: there, transfer: plan, signal });
  const podSteps = stepsOn(project, 'pod');
  if (podSteps.length === 0) {
    return { foreseen };
  }
  const cost = async (left: DayLeft): Promise<Pick<ForeseenRun, 'estimate' | 'pod'>> => {
    const { client } = installation;
    const volume = await planVolume(client, project.target.volume, signal);
    const dataCenter = volume.exists ? volume.volume.dataCenter : volume.dataCenter;
    const list = await candidates(client, project.target, dataCenter, signal);
    const pod = await foreseePod(installation, { loaded, candidates: list, volume }, signal);
    const mostDollars = mostOver(project, list, left);
    const run = { loaded, volume, dataCenter, candidates: list, podSteps, mostDollars, foreseen, pod };
    return { pod, estimate: await estimateRun(installation, run, await uploadWait(loaded.root, plan)) };
  };
  const left = await leftToday(installation, project, signal).catch((error: unknown) =>
    error instanceof UserError && error.code === 'cap-day' ? error : undefined,
  );
  throwIfCancelled(signal);
  const refused = left instanceof UserError ? left : undefined;
  // What it will cost on a day that has something left.
  const known = left === undefined || left instanceof UserError ? wholeDay : left;
  const { estimate, pod } = await cost(known).catch(() => ({ estimate: undefined, pod: undefined }));
  throwIfCancelled(signal);
  const expected = { dollars: estimate?.likely ?? null, seconds: estimate?.seconds.likely ?? null };
  const short = dayShort(project.caps, known, expected);
  const day =
    refused === undefined
      ? short && { refuses: false, what: short.what, why: short.why, next: short.next }
      : { refuses: true, what: refused.what, why: refused.why ?? '', next: refused.next ?? '' };
  return { foreseen, estimate, pod, day };
}

function runText(run: ForeseenRun | undefined, free: boolean, width: number | undefined): string[] {
  if (run === undefined) {
    return [];
  }
  const { foreseen, estimate, pod, day } = run;
  const lines = [
    ...foreseen.map((step) => `${step.name} ${foresightText(step)}`),
    ...(pod === undefined ? [] : [foreseenPodText(pod, free)]),
    ...(estimate === undefined ? [] : [`cost: ${estimate.text}`]),
    ...(day === undefined ? [] : [`${day.refuses ? 'It would not start. ' : ''}${day.what} ${day.why} ${day.next}`]),
  ];
  const room = width === undefined ? Infinity : width - 4;
  const wrapped = lines.flatMap((line) =>
    wrap(printable(line), room).map((part, i) => `${i === 0 ? '  ' : '    '}${part}`),
  );
  return ['', 'A run now', ...wrapped];
}

/** The plan that `plan` shows and `sync` carries out; without a key it is made from memory. */
export function planProject(
  loaded: LoadedProject,
  installation: Installation | undefined,
  options: Pick<PlanCommandOptions, 'route' | 'delete'>,
  signal: AbortSignal,
): Promise<PreparedPlan> {
  const how = { route: routeOf(options.route), deletes: options.delete, signal };
  return installation === undefined
    ? preparePlan(loaded, { ...how, installation })
    : planSync(installation, loaded, how);
}

/** The project file that is named, or the one of this folder, as its profile changes it. */
export async function projectOf(file: string | undefined, profile: string | undefined): Promise<LoadedProject> {
  const loaded = await loadProject(file ?? (await onlyProjectFile('.', 'plan')));
  return { ...loaded, project: applyProfile(loaded.project, profile) };
}

/** Without a key a plan is made from memory. */
async function installationIfAny(options: GlobalOptions): Promise<Installation | undefined> {
  try {
    return await makeInstallation(options);
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-key') {
      return undefined;
    }
    throw error;
  }
}

function routeOf(text: string | undefined): RouteKind | undefined {
  const route = routeKinds.find((kind) => kind === text);
  if (text !== undefined && route === undefined) {
    throw new UserError('route-unknown', {
      what: `There is no route "${text}".`,
      next: `Choose one of: ${routeKinds.join(', ')}.`,
    });
  }
  return route;
}
