import type * as vscode from 'vscode';
import type { Installation } from '../../core/home/installation.ts';
import type { Account } from '../account/account.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { commands } from '../ids.ts';

/** Moving a volume to another data center. */
export function createMoveModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  account: Account,
  installation: () => Promise<Installation>,
  refresh: () => void,
): Disposable {
  const store = new DisposableStore();
  const context = { vs, account, installation, refresh, moving: new Set<string>() };
  store.add(
    registry.register(commands.moveVolume, async (target) => {
      const { moveVolume } = await import('./move-volume.ts');
      return moveVolume(context, target);
    }),
  );
  return store;
}
