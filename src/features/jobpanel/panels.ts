import type * as vscode from 'vscode';
import * as z from 'zod';
import type { JobRecords } from '../../core/journal/records.ts';
import type { Disposable } from '../common/disposables.ts';
import type { Log } from '../common/log.ts';
import type { LiveJobs } from '../jobs/attached-jobs.ts';
import { columnBeside } from './column.ts';
import { panelHtml } from '../common/page/html.ts';
import { chosenJob } from '../jobs/fetch-results.ts';
import { JobModel } from './job-model.ts';
import type { LiveStates } from './attached-states.ts';
import { JobPanel } from './panel.ts';
import { recordFolder } from './panel-state.ts';
import { perform } from './panel-actions.ts';
import { viewType } from './view-type.ts';

/** What a page leaves behind for the time after a reload of the window. */
const savedSchema = z.object({ job: z.string().regex(/^\w[\w.-]{0,199}$/) });

export interface JobPanelsOptions {
  extensionUri: vscode.Uri;
  log: Log;
  records: JobRecords;
  live: LiveJobs;
  states: LiveStates;
  /** A panel has shown all that is known of its job. */
  onComplete: () => void;
}

interface Open {
  tab: vscode.WebviewPanel;
  shown: JobPanel;
}

/** The job panels of this window: one tab a job. */
export class JobPanels implements Disposable {
  readonly #vs: typeof vscode;
  readonly #options: JobPanelsOptions;
  readonly #open = new Map<string, Open>();

  constructor(vs: typeof vscode, options: JobPanelsOptions) {
    this.#vs = vs;
    this.#options = options;
  }

  /** Brings the panel of a job to the front; `target` is its row, or nothing, and then the user picks. */
  async open(target: unknown): Promise<void> {
    const record = await chosenJob(this.#vs, this.#options.records, target, 'Open Job Panel');
    if (record === undefined) {
      return;
    }
    const step = stepOf(target);
    const open = this.#open.get(record.job);
    if (open !== undefined) {
      open.shown.reveal(step);
      return;
    }
    const tab = this.#vs.window.createWebviewPanel(viewType, record.project, this.#vs.ViewColumn.Active);
    this.#show(record.job, tab, step);
  }

  /** Shows a job that has just been started: beside what the user works on, who may go on typing. */
  follow({ job, project }: { job: string; project: string }): void {
    if (this.#open.has(job)) {
      return;
    }
    const columns = [...this.#open.values()].map(({ tab }) => tab.viewColumn);
    const place = { viewColumn: columnBeside(this.#vs, columns), preserveFocus: true };
    this.#show(job, this.#vs.window.createWebviewPanel(viewType, project, place));
  }

  /** Fills a tab that was there before the window was reloaded. */
  restore(tab: vscode.WebviewPanel, state: unknown): void {
    const saved = savedSchema.safeParse(state);
    if (saved.success && !this.#open.has(saved.data.job)) {
      this.#show(saved.data.job, tab);
    } else {
      tab.dispose();
    }
  }

  dispose(): void {
    [...this.#open.values()].forEach(({ shown }) => shown.dispose());
  }

  #show(job: string, tab: vscode.WebviewPanel, step?: string): void {
    const { extensionUri, log, records, live, states, onComplete } = this.#options;
    const vs = this.#vs;
    const image = (name: string): vscode.Uri => vs.Uri.joinPath(extensionUri, 'media', name);
    const resources = vs.Uri.joinPath(extensionUri, 'dist', 'webview');
    tab.webview.options = { enableScripts: true, enableCommandUris: false, localResourceRoots: [resources] };
    tab.iconPath = { light: image('runpod.svg'), dark: image('runpod-dark.svg') };
    const shown = new JobPanel(tab, {
      model: new JobModel(records, job),
      log,
      live: () => ({
        live: states.of(job),
        attached: live.isAttached(job),
        folder: recordFolder(records.journalFile(job)),
      }),
      act: (action, at) => {
        void perform(vs, records, { job, action, step: at }).catch((error: unknown) =>
          log.error(`The job panel's action "${action}" failed:`, error as Error),
        );
      },
      onComplete,
      copy: (text) => void vs.env.clipboard.writeText(text),
    });
    tab.webview.html = panelHtml(vs, tab.webview, resources);
    this.#open.set(job, { tab, shown });
    tab.onDidDispose(() => {
      this.#open.delete(job);
      shown.dispose();
    });
    if (step !== undefined) {
      shown.reveal(step);
    }
  }
}

function stepOf(target: unknown): string | undefined {
  const step = typeof target === 'object' && target !== null && 'step' in target ? target.step : undefined;
  return typeof step === 'string' ? step : undefined;
}
