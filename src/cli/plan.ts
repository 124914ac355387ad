import { UserError } from '../core/errors.ts';
import type { Installation } from '../core/home/installation.ts';
import { loadProject, type LoadedProject } from '../core/project/load.ts';
import { applyProfile } from '../core/project/profile.ts';
import { planSync } from '../core/volumes/sync.ts';
import { preparePlan, routeKinds, type PreparedPlan, type RouteKind } from '../core/volumes/plan/index.ts';
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
    const { plan } = await planProject(await projectOf(file, options.profile), installation, options, interrupt.signal);
    const text = planText(plan, output.style, { width: output.width, all: options.all === true });
    output.result({ type: 'plan', plan }, text);
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
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
