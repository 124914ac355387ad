import type * as vscode from 'vscode';
import { UserError } from '../../core/errors.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { setContext } from '../common/context-keys.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Log } from '../common/log.ts';
import { commands, walkthrough } from '../ids.ts';

export interface Refreshable {
  refresh(): Promise<void>;
}

/** Commands that belong to no single feature. */
export function createWindowModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  log: Log,
  lists: readonly Refreshable[],
): Disposable {
  const store = new DisposableStore();
  store.add(
    registry.register(commands.showLog, () => {
      // Jobs say more than fits between what the extension does.
      log.info('What jobs did is in the output "RunPod Jobs": "RunPod: Show Job Log".');
      log.show();
    }),
  );
  store.add(
    registry.register(commands.openWalkthrough, async () => {
      await vs.commands.executeCommand('workbench.action.openWalkthrough', walkthrough, false);
      // VS Code takes no notice of what was done before it first loads a walkthrough; this makes it look again.
      setContext(vs, 'runpodTrainer.walkthroughOpened', true);
    }),
  );
  store.add(registry.register(commands.refresh, () => Promise.all(lists.map((list) => list.refresh()))));
  store.add(
    registry.register(commands.copyId, async (target) => {
      const id = typeof target === 'object' && target !== null && 'id' in target ? target.id : undefined;
      if (typeof id !== 'string') {
        throw new UserError('no-id', { what: 'There is no id to copy.', next: 'Use "Copy Id" in the menu of a row.' });
      }
      await vs.env.clipboard.writeText(id);
      vs.window.setStatusBarMessage(`$(check) Copied ${id}`, 5000);
    }),
  );
  return store;
}
