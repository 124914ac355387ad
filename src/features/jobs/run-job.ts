import type * as vscode from 'vscode';
import type { Estimate } from '../../core/costs/estimate.ts';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { RunPlan } from '../../core/jobs/plan.ts';
import type { Project } from '../../core/project/schema.ts';
import { loadProject, type LoadedProject } from '../../core/project/load.ts';
import { applyProfile } from '../../core/project/profile.ts';
import type { Account, Memory } from '../account/account.ts';
import type { Credentials } from '../account/credentials.ts';
import { commandText, trustDigest } from '../../core/project/local-steps.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { chooseProfile, chooseProjectFile, saveChanges } from '../projectfile/choose.ts';
import type { AttachedJobs } from './attached-jobs.ts';

const trustedKey = 'trustedLocalSteps';

export interface RunContext {
  account: Account;
  credentials: Credentials;
  memory: Memory;
  live: AttachedJobs;
  installation: () => Promise<Installation>;
}

/** A run that is wished for; `profile` and `from` as on the command line. */
export interface RunRequest {
  /** The project file. */
  file: vscode.Uri;
  profile?: string | undefined;
  from?: string | undefined;
  /** Tries every step of the pod for a minute in place of the whole run. */
  smoke?: boolean | undefined;
}

/** What was on the screen when the user said start. */
export interface ShownRun {
  estimate?: Estimate | undefined;
  /** Digest of the commands for this machine; absent when not all of them were shown. */
  localSteps?: string | undefined;
}

/** Shows what a run will do and cost, and starts it when the user says so. Ends when it is shown. */
export type Launch = (request: RunRequest) => Promise<void>;

/** Asks what to run, and shows what it will do and cost before anything is paid for. */
export async function runPipeline(
  vs: typeof vscode,
  options: RunContext,
  launch: Launch,
  target: unknown,
  from?: string,
): Promise<void> {
  const { account } = options;
  account.requireTrust();
  const file = await chooseProjectFile(vs, target, 'Run Pipeline');
  if (file === undefined) {
    return;
  }
  await saveChanges(vs, file);
  const { project } = await loadProject(file.fsPath);
  await account.client();
  if (usesPod(project)) {
    await launch({ file, from });
    return;
  }
  const choice = await chooseProfile(vs, project, 'Run Pipeline');
  if (choice === undefined) {
    return;
  }
  const request = { file, from, ...choice };
  // What runs on this machine alone costs nothing.
  await (usesPod(applyProfile(project, choice.profile)) ? launch(request) : startRun(vs, options, request));
}

function usesPod({ steps }: Project): boolean {
  return steps.some((step) => step.where === 'pod');
}

/** Plans and starts a run. Answers whether it was started; not when the user does not want its local steps. */
export async function startRun(
  vs: typeof vscode,
  options: RunContext,
  request: RunRequest,
  shown: ShownRun = {},
): Promise<boolean> {
  const { account, credentials, memory, live } = options;
  account.requireTrust();
  await saveChanges(vs, request.file);
  const given = await loadProject(request.file.fsPath);
  const client = await account.client();
  const installation = await options.installation();
  const secret = async (name: string): Promise<string | undefined> => (await credentials.stepSecret(name))?.reveal();
  const { planRun } = await import('../../core/jobs/plan.ts');
  const planned = await withProgress(
    vs,
    { title: `Planning ${given.project.name}…`, where: 'window' },
    async (signal) => {
      const { loaded, profile, from } =
        request.smoke === true
          ? { loaded: await smokeOf(installation, given, request.profile, secret, signal) }
          : { loaded: given, ...request };
      return planRun(client, loaded, { profile, from, secret, costs: installation, signal });
    },
  );
  const plan = valueOf(planned);
  if (!(await confirmLocalSteps(vs, memory, plan, shown.localSteps))) {
    return false;
  }
  live.run(installation, plan, shown.estimate);
  return true;
}

/** The project as a smoke run tries it. Rejects with `preflight` when something would make that fail as well. */
async function smokeOf(
  installation: Installation,
  given: LoadedProject,
  profile: string | undefined,
  secret: (name: string) => Promise<string | undefined>,
  signal: AbortSignal,
): Promise<LoadedProject> {
  const { preflight, smokeProject } = await import('../../core/guards/preflight/index.ts');
  const project = applyProfile(given.project, profile);
  const { loaded } = await smokeProject(installation.client, { ...given, project }, signal);
  const { findings } = await preflight(installation, loaded, { secret, signal });
  const wrong = findings.find((finding) => finding.severity === 'error');
  if (wrong !== undefined) {
    const { what, why, next, remedies } = wrong;
    throw new UserError('preflight', { what, why, next: `${next} Nothing was rented.`, remedies });
  }
  return loaded;
}

/**
 * Commands of a project file that run on this machine are shown, and confirmed once per content. `agreed` is the digest of
 * those that stood on the page from which the run was started.
 */
export async function confirmLocalSteps(
  vs: typeof vscode,
  memory: Memory,
  plan: RunPlan,
  agreed?: string,
): Promise<boolean> {
  if (plan.localSteps.length === 0) {
    return true;
  }
  const { root } = plan.loaded;
  const digest = trustDigest(root, plan.localSteps, plan.loaded.project);
  const stored = memory.get(trustedKey);
  const trusted = Array.isArray(stored) ? stored.filter((d) => typeof d === 'string') : [];
  if (trusted.includes(digest)) {
    return true;
  }
  const button = 'Run Them Here';
  const detail = plan.localSteps.map((step) => `${step.name}: ${commandText(step)}`).join('\n');
  const question = 'These steps of the project file run on this machine. Run them?';
  if (agreed !== digest && (await vs.window.showWarningMessage(question, { modal: true, detail }, button)) !== button) {
    return false;
  }
  await memory.update(trustedKey, [...trusted.slice(-199), digest]);
  return true;
}
