import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import type { Installation } from '../../core/installation.ts';
import type { JobRecord } from '../../core/jobs/records.ts';
import { capNote } from '../../core/platform/index.ts';
import { loadProject } from '../../core/project/load.ts';
import type { Account, Memory } from '../account/account.ts';
import type { Credentials } from '../account/credentials.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { chooseProjectFile } from '../projectfile/check.ts';
import { chooseProfile, confirmLaunch, confirmLocalSteps } from './launch.ts';
import type { LiveJobs } from './live-jobs.ts';

export interface JobCommandOptions {
  account: Account;
  credentials: Credentials;
  memory: Memory;
  live: LiveJobs;
  installation: () => Promise<Installation>;
}

/** Plans a run, shows what will happen and what it may cost, and starts it. */
export async function runPipeline(
  vs: typeof vscode,
  options: JobCommandOptions,
  target: unknown,
  from?: string,
): Promise<void> {
  const { account, credentials, memory, live } = options;
  account.requireTrust();
  const uri = await chooseProjectFile(vs, target, 'Run Pipeline');
  if (uri === undefined) {
    return;
  }
  // Only what the user changed here: saving an untouched editor could overwrite a newer file.
  await vs.workspace.textDocuments.find((d) => d.isDirty && d.uri.toString() === uri.toString())?.save();
  const loaded = await loadProject(uri.fsPath);
  const client = await account.client();
  const choice = await chooseProfile(vs, loaded.project);
  if (choice === undefined) {
    return;
  }
  const { planRun } = await import('../../core/jobs/plan.ts');
  const planned = await withProgress(vs, { title: `Checking ${loaded.project.name}…` }, (signal) =>
    planRun(client, loaded, {
      ...choice,
      from,
      secret: async (name) => (await credentials.stepSecret(name))?.reveal(),
      signal,
    }),
  );
  const plan = valueOf(planned);
  const installation = await options.installation();
  const note = capNote(await installation.platform.capabilities(installation.restUrl));
  if ((await confirmLocalSteps(vs, memory, plan)) && (await confirmLaunch(vs, plan, note))) {
    live.run(installation, plan);
  }
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
  const record = running.find((r) => r.job === id) ?? (id === undefined ? await chooseJob(vs, running) : undefined);
  if (record === undefined) {
    return;
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
