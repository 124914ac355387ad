import type * as vscode from 'vscode';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import type { Log } from '../common/log.ts';
import type { Settings } from '../common/settings.ts';
import { commands } from '../ids.ts';
import type { JobsModule } from '../jobs/module.ts';
import type { Guards } from './launcher.ts';

/** A window that has just started has better things to do, in ms. */
const sweepAfterMs = 4_000;
const sweepEveryMs = 3_600_000;
const sweptKey = 'lastSweep';

export interface GuardsModuleOptions {
  vs: typeof vscode;
  context: Pick<vscode.ExtensionContext, 'extensionUri' | 'globalState'>;
  registry: CommandRegistry;
  account: AccountModule;
  settings: Settings;
  log: Log;
  failures: Failures;
  jobs: Pick<JobsModule, 'installation' | 'records' | 'start' | 'launchWith'>;
  refresh: () => void;
}

/** The launch sheet, the overview of the account, and the look for what costs money unseen. */
export function createGuardsModule(options: GuardsModuleOptions): Disposable {
  const { vs, context, registry, settings, log, failures, jobs, refresh } = options;
  const { account, credentials } = options.account;
  const store = new DisposableStore();
  let loaded: Promise<Guards> | undefined;
  const load = async (): Promise<Guards> => {
    const module = await import('./launcher.ts');
    const { installation, records, start } = jobs;
    const { extensionUri } = context;
    const restUrl = (): string => account.restUrl;
    return store.add(
      new module.Guards({
        vs,
        extensionUri,
        log,
        failures,
        settings,
        account,
        credentials,
        restUrl,
        installation,
        records,
        start,
        refresh,
      }),
    );
  };
  const guards = (): Promise<Guards> => (loaded ??= load());

  jobs.launchWith(async (request) => (await guards()).launch(request));
  store.add(registry.register(commands.check, async (target) => (await guards()).check(target)));
  store.add(registry.register(commands.chooseRegion, async (target) => (await guards()).show('regions', target)));
  store.add(registry.register(commands.showCosts, async (target) => (await guards()).show('costs', target)));
  store.add(registry.register(commands.findUnused, async (target) => (await guards()).show('radar', target)));
  store.add(registry.register(commands.createVolume, async (target) => (await guards()).createVolume(target)));
  store.add(registry.register(commands.explainFailure, async (target) => (await guards()).explain(target)));

  let timer: NodeJS.Timeout | undefined;
  const sweepSoon = (): void => {
    clearTimeout(timer);
    if (!account.ready || Date.now() - lastSweep(context.globalState.get(sweptKey), account.restUrl) < sweepEveryMs) {
      return;
    }
    timer = setTimeout(() => {
      if (account.ready) {
        void context.globalState.update(sweptKey, { restUrl: account.restUrl, time: Date.now() });
        void guards().then((all) => all.sweep());
      }
    }, sweepAfterMs);
  };
  store.add(account.onDidChange(sweepSoon));
  store.add({ dispose: () => clearTimeout(timer) });
  return store;
}

/** When this account was looked at last, in ms since 1970; 0 when it never was. */
function lastSweep(stored: unknown, restUrl: string): number {
  const { restUrl: where, time } = (stored ?? {}) as { restUrl?: unknown; time?: unknown };
  return where === restUrl && typeof time === 'number' ? time : 0;
}
