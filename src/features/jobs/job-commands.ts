import type * as vscode from 'vscode';
import type { Estimate } from '../../core/costs/estimate.ts';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecord } from '../../core/journal/records.ts';
import { loadProject, type LoadedProject } from '../../core/project/load.ts';
import { applyProfile } from '../../core/project/profile.ts';
import type { Account, Memory } from '../account/account.ts';
import type { Credentials } from '../account/credentials.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { chooseProjectFile, saveChanges } from '../projectfile/check.ts';
import { chooseProfile, confirmLocalSteps } from './launch.ts';
import type { LiveJobs } from './live-jobs.ts';

export interface JobCommandOptions {
  account: Account;
  credentials: Credentials;
  memory: Memory;
  live: LiveJobs;
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

/** Shows what a run will do and cost, and starts it when the user says so. Ends when it is shown. */
export type Launch = (request: RunRequest) => Promise<void>;

/** Asks what to run, and shows what it will do and cost before anything is paid for. */
export async function runPipeline(
  vs: typeof vscode,
  options: JobCommandOptions,
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
  const choice = await chooseProfile(vs, project, 'Run Pipeline');
  if (choice === undefined) {
    return;
  }
  const request = { file, from, ...choice };
  // What runs on this machine alone costs nothing.
  await (project.steps.some((step) => step.where === 'pod') ? launch(request) : startRun(vs, options, request));
}

/** Plans and starts a run. Answers whether it was started; not when the user does not want its local steps. */
export async function startRun(
  vs: typeof vscode,
  options: JobCommandOptions,
  request: RunRequest,
  estimate?: Estimate,
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
  if (!(await confirmLocalSteps(vs, memory, plan))) {
    return false;
  }
  live.run(installation, plan, estimate);
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

/** Cancels a job after saying what stays. */
export async function cancel(
  vs: typeof vscode,
  options: JobCommandOptions,
  records: readonly JobRecord[],
  target: unknown,
): Promise<void> {
  const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
  const running = records.filter((record) => record.outcome === undefined);
  const record = id === undefined ? await chooseJob(vs, running) : records.find((r) => r.job === id);
  if (record === undefined) {
    if (id !== undefined) {
      throw new UserError('job-unknown', {
        what: 'This computer has no record of that job.',
        next: 'Cancel it on the computer that started it.',
      });
    }
    return;
  }
  if (record.outcome !== undefined) {
    throw new UserError('job-over', {
      what: `The job of ${record.project} has ended already.`,
      next: 'There is nothing to cancel.',
    });
  }
  const button = 'Cancel Job';
  const detail =
    'The running step is interrupted. What it wrote stays on the volume, results so far are brought home, and the pod ends.';
  const chosen = await vs.window.showWarningMessage(
    `Cancel the job of ${record.project}?`,
    { modal: true, detail },
    button,
  );
  if (chosen === button) {
    const installation = await options.installation();
    const title = `Cancelling ${record.project}…`;
    valueOf(await withProgress(vs, { title, where: 'window' }, () => options.live.cancel(installation, record)));
  }
}

async function chooseJob(vs: typeof vscode, running: JobRecord[]): Promise<JobRecord | undefined> {
  if (running.length === 0) {
    throw new UserError('no-jobs-running', { what: 'No job is running.', next: 'There is nothing to cancel.' });
  }
  const items = running.map((record) => ({ label: record.project, description: record.job, record }));
  return (await vs.window.showQuickPick(items, { title: 'Cancel Job', placeHolder: 'Which job?' }))?.record;
}
