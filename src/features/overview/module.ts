import type * as vscode from 'vscode';
import { homeFolder } from '../../core/home/folder.ts';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import { lazy } from '../common/lazy.ts';
import type { Log } from '../common/log.ts';
import type { Settings } from '../common/settings.ts';
import { commands } from '../ids.ts';

/** A window that has just started has better things to do, in ms. */
const sweepAfterMs = 4_000;
const sweepEveryMs = 3_600_000;

export interface OverviewModuleOptions {
  vs: typeof vscode;
  context: Pick<vscode.ExtensionContext, 'extensionUri'>;
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
  const overview = lazy(async () => {
    const module = await import('./overview.ts');
    const { extensionUri } = context;
    return store.add(
      new module.Overview({ vs, extensionUri, log, failures, settings, account, installation, refresh }),
    );
  });

  store.add(registry.register(commands.chooseRegion, async (target) => (await overview()).show('regions', target)));
  store.add(registry.register(commands.showCosts, async (target) => (await overview()).show('costs', target)));
  store.add(registry.register(commands.findUnused, async (target) => (await overview()).show('radar', target)));

  let timer: NodeJS.Timeout | undefined;
  /** One window of this machine looks, whichever comes first. */
  const sweep = async (): Promise<void> => {
    const name = account.ready ? await account.name() : undefined;
    if (name !== undefined) {
      const { SharedLook } = await import('../../core/home/shared-look.ts');
      const look = new SharedLook({ home: homeFolder(), account: name, question: 'sweep' }, (told) =>
        told === true ? told : undefined,
      );
      await look.get(sweepEveryMs, async () => {
        await (await overview()).sweep();
        return true;
      });
    }
  };
  const sweepSoon = (): void => {
    clearTimeout(timer);
    if (account.ready) {
      timer = setTimeout(() => {
        sweep().catch((error: unknown) => log.info('The look for unused resources failed:', error as Error));
      }, sweepAfterMs);
    }
  };
  store.add(account.onDidChange(sweepSoon));
  store.add({ dispose: () => clearTimeout(timer) });
  return store;
}
