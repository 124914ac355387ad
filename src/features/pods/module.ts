import type * as vscode from 'vscode';
import type { HelperPod } from '../../core/journal/helpers.ts';
import { helperVariable, projectVariable } from '../../core/journal/id.ts';
import type { Pod } from '../../core/runpod/schemas.ts';
import type { Account } from '../account/account.ts';
import { sharedList } from '../account/shared-list.ts';
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
  /** Whether this window itself has asked for what the list shows, and not another one a while ago. */
  askedHere: () => boolean;
  /** Pods that this computer rented beside those of jobs, as they were noted when the pods were last listed. */
  helpers: () => readonly HelperPod[];
}

/** The Pods view and what can be done to a pod. */
export function createPodsModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  account: Account,
  settings: Settings,
): PodsModule {
  const store = new DisposableStore();
  let helpers: readonly HelperPod[] = [];
  let askedHere = false;
  const pods = store.add(
    new PolledList<Pod>(
      async (signal, maxAgeMs) => {
        const listed = await sharedList<Pod>(
          {
            account,
            question: 'pods',
            schema: async () => (await import('../../core/runpod/schemas.ts')).podSchema.array(),
            ask: async (client, s) => (await client.pods.list(s)).map(withoutSecrets),
          },
          maxAgeMs,
          signal,
        );
        helpers = await notedHelpers(account.restUrl);
        askedHere = listed.asked;
        return listed;
      },
      () => settings.refreshMs,
    ),
  );
  store.add(
    createListView(vs, {
      view: views.pods,
      stateKey: 'runpodTrainer.podsState',
      list: pods,
      nodes: (items) => podNodes(vs, items, helpers, account.free),
    }),
  );
  store.add(account.onDidChange(() => pods.restart(account.ready)));
  store.add(
    registry.register(commands.stopPod, (target) =>
      endPod(vs, account, { pods, helpers: () => helpers }, stopVerb, target),
    ),
  );
  store.add(
    registry.register(commands.terminatePod, (target) =>
      endPod(vs, account, { pods, helpers: () => helpers }, terminateVerb, target),
    ),
  );
  return { pods, askedHere: () => askedHere, helpers: () => helpers, dispose: () => store.dispose() };
}

/** A pod without what it was started with: keys stand there in clear, and a list of pods lies in a file. */
export function withoutSecrets(pod: Pod): Pod {
  const own = Object.entries(pod.env).filter(([name]) => name === projectVariable || name === helperVariable);
  return { ...pod, env: Object.fromEntries(own), args: null, cmd: [], entrypoint: [] };
}

/** Their code is loaded when pods are first listed. */
async function notedHelpers(restUrl: string): Promise<HelperPod[]> {
  const [{ HelperPods }, { homeFolder }] = await Promise.all([
    import('../../core/journal/helpers.ts'),
    import('../../core/home/folder.ts'),
  ]);
  return new HelperPods(homeFolder()).list(restUrl);
}
