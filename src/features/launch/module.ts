import type * as vscode from 'vscode';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import { lazy } from '../common/lazy.ts';
import type { Log } from '../common/log.ts';
import { commands } from '../ids.ts';
import type { JobsModule } from '../jobs/module.ts';

export interface LaunchModuleOptions {
  vs: typeof vscode;
  context: Pick<vscode.ExtensionContext, 'extensionUri'>;
  registry: CommandRegistry;
  account: AccountModule;
  log: Log;
  failures: Failures;
  jobs: Pick<JobsModule, 'start' | 'launchWith'>;
}

/** The launch sheet: what a run would do and cost, and what would make it fail. */
export function createLaunchModule(options: LaunchModuleOptions): Disposable {
  const { vs, registry, log, failures, jobs } = options;
  const { extensionUri } = options.context;
  const { account, credentials, installation } = options.account;
  const { start } = jobs;
  const store = new DisposableStore();
  const launcher = lazy(async () => {
    const module = await import('./launcher.ts');
    const context = { vs, extensionUri, log, failures, account, credentials, installation, start };
    return store.add(new module.Launcher(context));
  });

  jobs.launchWith(async (request) => (await launcher()).launch(request));
  store.add(registry.register(commands.check, async (target) => (await launcher()).check(target)));
  return store;
}
