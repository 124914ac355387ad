import type * as vscode from 'vscode';
import type { Installation } from '../../core/home/installation.ts';
import type { Volume } from '../../core/runpod/schemas.ts';
import type { Account } from '../account/account.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { lazy } from '../common/lazy.ts';
import type { PolledList } from '../common/polled-list.ts';
import { commands } from '../ids.ts';

/** Transfer plans: how they are made, shown and carried out. */
export function createTransferModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  account: Account,
  volumes: PolledList<Volume>,
  installation: () => Promise<Installation>,
  refresh: () => void,
): Disposable {
  const store = new DisposableStore();
  const transfers = lazy(async () => {
    const { Transfers: Opened } = await import('./transfers.ts');
    return store.add(new Opened(vs, { account, installation, refresh }));
  });
  const forget = async (): Promise<void> => (await transfers.made())?.forget();
  // A plan is about the volume of one account.
  store.add(account.onDidChange(() => void forget().catch(() => undefined)));
  store.add(registry.register(commands.planSync, async (target) => (await transfers()).plan(target)));
  store.add(registry.register(commands.syncProject, async (target) => (await transfers()).syncProject(target)));
  store.add(
    registry.register(commands.syncProjectHere, async (target) => {
      const { chooseProjectOnVolume } = await import('../projectfile/projects-on-volume.ts');
      const file = await chooseProjectOnVolume(vs, volumes.state.items ?? [], target);
      return file && (await transfers()).syncProject(file);
    }),
  );
  store.add(registry.register(commands.syncNow, async () => (await transfers()).syncNow(), { alone: true }));
  store.add(registry.register(commands.choosePlanRoute, async () => (await transfers()).chooseRoute()));
  store.add(registry.register(commands.togglePlanDeletes, async () => (await transfers()).toggleDeletes()));
  store.add(registry.register(commands.refreshPlan, async () => (await transfers()).again()));
  store.add(registry.register(commands.closePlan, async () => (await transfers()).forget()));
  store.add(
    registry.register(commands.restoreRemoved, async (target) => {
      account.requireTrust();
      const { restoreRemoved } = await import('./restore-removed.ts');
      return restoreRemoved(vs, installation, target);
    }),
  );
  store.add(registry.register(commands.allowSecretFile, async (target) => (await transfers()).allow(target)));
  return store;
}
