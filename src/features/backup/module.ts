import type * as vscode from 'vscode';
import type { Volume } from '../../core/runpod/schemas.ts';
import type { Account } from '../account/account.ts';
import type { CommandRegistry } from '../common/commands.ts';
import type { Disposable } from '../common/disposables.ts';
import type { PolledList } from '../common/polled-list.ts';
import { commands } from '../ids.ts';
import type { JobsModule } from '../jobs/module.ts';

/** Bringing everything of a project home. */
export function createBackupModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  account: Account,
  volumes: PolledList<Volume>,
  { records, installation }: Pick<JobsModule, 'records' | 'installation'>,
): Disposable {
  const running = new Set<string>();
  return registry.register(commands.backup, async (target) => {
    const { backUp } = await import('./back-up.ts');
    return backUp({ vs, account, installation, records, volumes, running }, target);
  });
}
