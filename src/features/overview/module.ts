import type * as vscode from 'vscode';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import type { Log } from '../common/log.ts';
import type { Settings } from '../common/settings.ts';
import { commands } from '../ids.ts';
import type { Overview } from './overview.ts';

/** A window that has just started has better things to do, in ms. */
const sweepAfterMs = 4_000;
const sweepEveryMs = 3_600_000;
const sweptKey = 'lastSweep';

export interface OverviewModuleOptions {
  vs: typeof vscode;
  context: Pick<vscode.ExtensionContext, 'extensionUri' | 'globalState'>;
  registry: CommandRegistry;
  account: AccountModule;
  settings: Settings;
  log: Log;
  failures: Failures;
  refresh: () => void;
}

/** The overview of the account: regions, costs and what costs money unseen, for which it also looks by itself. */
export function createOverviewModule(options: OverviewModuleOptions): Disposable {
  const { vs, context, registry, settings, log, failures, refresh } = options;
  const { account, installation } = options.account;
  const store = new DisposableStore();
  let loaded: Promise<Overview> | undefined;
  const load = async (): Promise<Overview> => {
    const module = await import('./overview.ts');
    const { extensionUri } = context;
    return store.add(
      new module.Overview({ vs, extensionUri, log, failures, settings, account, installation, refresh }),
    );
  };
  const overview = (): Promise<Overview> => (loaded ??= load());

  store.add(registry.register(commands.chooseRegion, async (target) => (await overview()).show('regions', target)));
  store.add(registry.register(commands.showCosts, async (target) => (await overview()).show('costs', target)));
  store.add(registry.register(commands.findUnused, async (target) => (await overview()).show('radar', target)));

  let timer: NodeJS.Timeout | undefined;
  const sweepSoon = (): void => {
    clearTimeout(timer);
    if (!account.ready || Date.now() - lastSweep(context.globalState.get(sweptKey), account.restUrl) < sweepEveryMs) {
      return;
    }
    timer = setTimeout(() => {
      if (account.ready) {
        void context.globalState.update(sweptKey, { restUrl: account.restUrl, time: Date.now() });
        void overview().then((all) => all.sweep());
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
