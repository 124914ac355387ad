import type * as vscode from 'vscode';
import * as z from 'zod';
import type { PanelAction } from '../../messages/job-panel.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Log } from '../common/log.ts';
import { commands } from '../ids.ts';
import {
  attachToJob,
  chosenJob,
  fetchJobResults,
  openJobResults,
  revealFolder,
  type JobActionOptions,
} from './job-actions.ts';
import { JobModel } from './job-model.ts';
import { panelHtml } from './html.ts';
import { LiveStates } from './live-states.ts';
import { logDocuments, logScheme, logUri } from './log-document.ts';
import { JobPanel } from './panel.ts';
import { recordFolder } from './panel-state.ts';

const viewType = 'runpodTrainer.jobPanel';

/** What a page leaves behind for the time after a reload of the window. */
const savedSchema = z.object({ job: z.string().regex(/^\w[\w.-]{0,199}$/) });

/** The job panel: one tab a job, there again after a reload. */
export function createJobPanelModule(
  vs: typeof vscode,
  context: Pick<vscode.ExtensionContext, 'extensionUri'>,
  registry: CommandRegistry,
  log: Log,
  options: JobActionOptions,
): Disposable {
  const store = new DisposableStore();
  const { records, live } = options;
  const states = store.add(new LiveStates());
  const panels = new Map<string, JobPanel>();
  const image = (name: string): vscode.Uri => vs.Uri.joinPath(context.extensionUri, 'media', name);
  const resources = vs.Uri.joinPath(context.extensionUri, 'dist', 'webview');
  store.add(live.onDidHear(({ job, event }) => states.take(job, event)));
  store.add(live.onDidChangeAttached((job) => states.changed(job)));
  store.add({ dispose: () => [...panels.values()].forEach((panel) => panel.dispose()) });

  const act = (job: string, action: PanelAction, step: string): void => {
    void perform(vs, options, { job, action, step }).catch((error: unknown) =>
      log.error(`The job panel's action "${action}" failed:`, error as Error),
    );
  };

  const show = (job: string, panel: vscode.WebviewPanel, step?: string): void => {
    panel.webview.options = { enableScripts: true, enableCommandUris: false, localResourceRoots: [resources] };
    panel.iconPath = { light: image('runpod.svg'), dark: image('runpod-dark.svg') };
    panel.webview.html = panelHtml(vs, panel.webview, resources);
    const shown = new JobPanel(panel, {
      model: new JobModel(records, job),
      log,
      live: () => ({
        live: states.of(job),
        attached: live.isAttached(job),
        folder: recordFolder(records.journalFile(job)),
      }),
      act: (action, at) => act(job, action, at),
      copy: (text) => void vs.env.clipboard.writeText(text),
    });
    panels.set(job, shown);
    panel.onDidDispose(() => {
      panels.delete(job);
      shown.dispose();
    });
    if (step !== undefined) {
      shown.reveal(step);
    }
  };

  store.add(
    vs.window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: (panel, state: unknown) => {
        const saved = savedSchema.safeParse(state);
        if (saved.success && !panels.has(saved.data.job)) {
          show(saved.data.job, panel);
        } else {
          panel.dispose();
        }
        return Promise.resolve();
      },
    }),
  );
  store.add(vs.workspace.registerTextDocumentContentProvider(logScheme, logDocuments(records)));
  store.add(
    registry.register(commands.openJob, async (target) => {
      const record = await chosenJob(vs, records, target, 'Open Job Panel');
      if (record === undefined) {
        return;
      }
      const step = stepOf(target);
      const open = panels.get(record.job);
      if (open !== undefined) {
        open.reveal(step);
        return;
      }
      const column = vs.ViewColumn.Active;
      show(record.job, vs.window.createWebviewPanel(viewType, record.project, column), step);
    }),
  );
  store.add(registry.register(commands.fetchResults, (target) => fetchJobResults(vs, options, target)));
  store.add(registry.register(commands.openResults, (target) => openJobResults(vs, records, target)));
  store.add(registry.register(commands.attachJob, (target) => attachToJob(vs, options, target)));
  return store;
}

function stepOf(target: unknown): string | undefined {
  const step = typeof target === 'object' && target !== null && 'step' in target ? target.step : undefined;
  return typeof step === 'string' ? step : undefined;
}

/** Does what a button of the panel asks for; commands show their own failures. */
async function perform(
  vs: typeof vscode,
  { records }: JobActionOptions,
  { job, action, step }: { job: string; action: PanelAction; step: string },
): Promise<void> {
  const run = (command: string, ...args: unknown[]): Thenable<unknown> => vs.commands.executeCommand(command, ...args);
  const record = await records.get(job);
  if (record === undefined) {
    return;
  }
  switch (action) {
    case 'cancel':
      await run(commands.cancelJob, { id: job });
      return;
    case 'attach':
      await run(commands.attachJob, { id: job });
      return;
    case 'fetch':
      await run(commands.fetchResults, { id: job });
      return;
    case 'openResults':
      await run(commands.openResults, { id: job });
      return;
    case 'rerun':
      await run(commands.run, vs.Uri.file(record.file));
      return;
    case 'openLog':
      await vs.window.showTextDocument(logUri(vs, record.project, job, step), { preview: true });
      return;
    case 'openProjectFile':
      await vs.window.showTextDocument(vs.Uri.file(record.file));
      return;
    case 'openRecord':
      await revealFolder(vs, recordFolder(records.journalFile(job)));
      return;
    case 'copyJobId':
      await run(commands.copyId, { id: job });
      return;
  }
}
