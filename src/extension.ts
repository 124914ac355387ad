import * as vscode from 'vscode';
import { createAccountModule } from './features/account/module.ts';
import { endWork } from './features/common/at-work.ts';
import { CommandRegistry } from './features/common/commands.ts';
import { DisposableStore, reportThrownTo } from './features/common/disposables.ts';
import { Failures } from './features/common/failures.ts';
import { createLog } from './features/common/log.ts';
import { Settings } from './features/common/settings.ts';
import { createBackupModule } from './features/backup/module.ts';
import { createDoctorModule } from './features/doctor/module.ts';
import { createJobPanelModule } from './features/jobpanel/module.ts';
import { createJobsModule } from './features/jobs/module.ts';
import { createLaunchModule } from './features/launch/module.ts';
import { createMoveModule } from './features/move/module.ts';
import { createOverviewModule } from './features/overview/module.ts';
import { createPythonModule } from './features/python/module.ts';
import { createPodsModule } from './features/pods/module.ts';
import { createProjectFileModule } from './features/projectfile/module.ts';
import { createSandboxModule } from './features/sandbox/module.ts';
import { createStatusModule } from './features/status/module.ts';
import { createTransferModule } from './features/transfer/module.ts';
import { createVolumesModule } from './features/volumes/module.ts';
import { createWindowModule } from './features/window/module.ts';

/** Builds the features in order; each gets what it needs and gives back what others need. */
export function activate(context: vscode.ExtensionContext): void {
  const store = new DisposableStore();
  context.subscriptions.push(store);

  const log = store.add(createLog(vscode));
  reportThrownTo((error) => log.error('A part of this window failed:', error as Error));
  const failures = new Failures(vscode, log);
  const registry = new CommandRegistry(vscode, log, failures, context.extension.packageJSON);
  const settings = new Settings(vscode);

  const account = store.add(createAccountModule(vscode, context, registry, settings, log, failures));
  const podsModule = store.add(createPodsModule(vscode, registry, account.account, settings));
  const { pods } = podsModule;
  const { volumes } = store.add(createVolumesModule(vscode, context, registry, account, settings, pods));
  const refreshPods = (): void => void Promise.all([pods.refresh(), volumes.refresh()]);
  const jobs = store.add(createJobsModule(vscode, registry, failures, account, settings, podsModule, refreshPods));
  const { installation } = account;
  store.add(createTransferModule(vscode, registry, account.account, volumes, installation, refreshPods));
  store.add(createBackupModule(vscode, registry, account, volumes));
  store.add(createMoveModule(vscode, registry, account.account, installation, refreshPods));
  store.add(createStatusModule(vscode, registry, account.account, settings, podsModule, jobs.jobs));
  store.add(createJobPanelModule(vscode, context, registry, log, failures, account, jobs));
  store.add(createDoctorModule(vscode, registry, account.account, pods, installation));
  store.add(createLaunchModule({ vs: vscode, context, registry, account, log, failures, jobs }));
  store.add(
    createOverviewModule({ vs: vscode, context, registry, account, settings, log, failures, refresh: refreshPods }),
  );
  store.add(createProjectFileModule(vscode, registry, account, settings, jobs.jobs));
  store.add(createPythonModule(vscode, registry, account.python, () => account.account.requireTrust()));
  store.add(createWindowModule(vscode, registry, log, [jobs.jobs, pods, volumes]));
  // Last: it finds out who is signed in, and every feature has to hear that.
  store.add(createSandboxModule(vscode, context, registry, account, log));
}

/** Milliseconds; the editor waits for five seconds. */
const longestEndMs = 4_500;

/** The window is closed: a job that is still prepared ends with its pod, one that runs is left to its pod. */
export function deactivate(): Promise<void> {
  return endWork(longestEndMs);
}
