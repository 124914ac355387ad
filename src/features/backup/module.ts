import type * as vscode from 'vscode';
import type { Volume } from '../../core/runpod/schemas.ts';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import type { Disposable } from '../common/disposables.ts';
import type { PolledList } from '../common/polled-list.ts';
import { commands } from '../ids.ts';

/** Bringing everything of a project home. */
export function createBackupModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  { account, records, installation }: AccountModule,
  volumes: PolledList<Volume>,
): Disposable {
  const running = new Set<string>();
  return registry.register(commands.backup, async (target) => {
    const { backUp } = await import('./back-up.ts');
    return backUp({ vs, account, installation, records, volumes, running }, target);
  });
}
