import type * as vscode from 'vscode';
import type { Pod } from '../../core/runpod/schemas.ts';
import type { Account } from '../account/account.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { createListView } from '../common/list-view.ts';
import { PolledList } from '../common/polled-list.ts';
import type { Settings } from '../common/settings.ts';
import { commands, views } from '../ids.ts';
import { endPod, stopVerb, terminateVerb } from './pod-commands.ts';
import { podNodes } from './pod-nodes.ts';

export interface PodsModule extends Disposable {
  pods: PolledList<Pod>;
}

/** The Pods view and what can be done to a pod. */
export function createPodsModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  account: Account,
  settings: Settings,
): PodsModule {
  const store = new DisposableStore();
  const pods = store.add(
    new PolledList<Pod>(
      async (signal) => (await account.client()).pods.list(signal),
      () => settings.refreshMs,
      () => settings.backgroundMs,
    ),
  );
  store.add(
    createListView(vs, {
      view: views.pods,
      stateKey: 'runpodTrainer.podsState',
      list: pods,
      nodes: (items) => podNodes(vs, items, account.free),
    }),
  );
  store.add(account.onDidChange(() => pods.restart(account.ready)));
  store.add(registry.register(commands.stopPod, (target) => endPod(vs, account, pods, stopVerb, target)));
  store.add(registry.register(commands.terminatePod, (target) => endPod(vs, account, pods, terminateVerb, target)));
  return { pods, dispose: () => store.dispose() };
}
