import type * as vscode from 'vscode';
import { setTimeout as delay } from 'node:timers/promises';
import type { AccountModule } from '../account/module.ts';
import type { Failures } from '../common/failures.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { lazy } from '../common/lazy.ts';
import type { Log } from '../common/log.ts';
import { commands, jobPanelType } from '../ids.ts';
import type { JobsModule } from '../jobs/module.ts';
import { AttachedStates } from './attached-states.ts';
import { logScheme } from './log-address.ts';

/** A panel that is never filled, since its tab was closed meanwhile, must not keep the window from its jobs. */
const longestWaitMs = 3000;

function hasVisiblePanel(vs: typeof vscode): boolean {
  return vs.window.tabGroups.all.some(({ activeTab }) => {
    const input = activeTab?.input;
    return input instanceof vs.TabInputWebview && input.viewType.endsWith(jobPanelType);
  });
}

/** The job panel: one tab a job, there by itself when a job is started and again after a reload. */
export function createJobPanelModule(
  vs: typeof vscode,
  { extensionUri }: Pick<vscode.ExtensionContext, 'extensionUri'>,
  registry: CommandRegistry,
  log: Log,
  failures: Failures,
  { records, installation }: Pick<AccountModule, 'records' | 'installation'>,
  { live, attachAfter }: Pick<JobsModule, 'live' | 'attachAfter'>,
): Disposable {
  const store = new DisposableStore();
  const states = store.add(new AttachedStates());
  store.add(live.onDidHear(({ job, event }) => states.take(job, event)));
  store.add(live.onDidChangeAttached((job) => states.changed(job)));

  let onComplete = (): void => undefined;
  const complete = new Promise<void>((resolve) => (onComplete = resolve));
  const panels = lazy(async () => {
    const [module, known] = await Promise.all([import('./panels.ts'), records()]);
    const options = { extensionUri, log, failures, records: known, installation, live, states, onComplete };
    return store.add(new module.JobPanels(vs, options));
  });

  const failed = (error: unknown): void => log.error('The job panel could not be opened:', error as Error);
  if (hasVisiblePanel(vs)) {
    // The window was reloaded: its panel is filled from what lies on this machine before anything else is loaded.
    panels().catch(failed);
    attachAfter(Promise.race([complete, delay(longestWaitMs, undefined, { ref: false })]));
  }
  store.add(
    live.onDidStart((started) => {
      panels()
        .then((all) => all.follow(started))
        .catch(failed);
    }),
  );
  store.add(
    vs.window.registerWebviewPanelSerializer(jobPanelType, {
      deserializeWebviewPanel: async (tab, state: unknown) => (await panels()).restore(tab, state),
    }),
  );
  store.add(
    vs.workspace.registerTextDocumentContentProvider(logScheme, {
      provideTextDocumentContent: async ({ query }) => {
        const { logText } = await import('./log-document.ts');
        return logText(await records(), query);
      },
    }),
  );
  store.add(registry.register(commands.openJob, async (target) => (await panels()).open(target)));
  store.add(registry.register(commands.explainFailure, async (target) => (await panels()).explain(target)));
  return store;
}
