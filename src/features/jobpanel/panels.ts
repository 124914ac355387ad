import type * as vscode from 'vscode';
import { watch } from 'node:fs';
import * as z from 'zod';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import type { Installation } from '../../core/home/installation.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import type { Log } from '../common/log.ts';
import { NothingToDo } from '../common/nothing-to-do.ts';
import { jobPanelType } from '../ids.ts';
import type { AttachedJobs } from '../jobs/attached-jobs.ts';
import { chooseJob, tabTitle } from '../jobs/choose-job.ts';
import { JobModel } from './job-model.ts';
import type { AttachedStates } from './attached-states.ts';
import type { JobExplanation } from './job-explanation.ts';
import { JobPanel, type Wanted } from './panel.ts';
import { recordFolder } from './panel-state.ts';
import { runPanelAction } from './panel-actions.ts';

/** What a page leaves behind for the time after a reload of the window. */
const savedSchema = z.object({ job: z.string().regex(/^\w[\w.-]{0,199}$/) });

export interface JobPanelsOptions {
  extensionUri: vscode.Uri;
  log: Log;
  failures: Failures;
  records: JobRecords;
  installation: () => Promise<Installation>;
  live: AttachedJobs;
  states: AttachedStates;
  /** A panel has shown all that is known of its job. */
  onComplete: () => void;
}

/** The job panels of this window: one tab a job. */
export class JobPanels implements Disposable {
  readonly #vs: typeof vscode;
  readonly #options: JobPanelsOptions;
  readonly #open = new Map<string, JobPanel>();

  constructor(vs: typeof vscode, options: JobPanelsOptions) {
    this.#vs = vs;
    this.#options = options;
    options.live.watchedWith((job) => this.#open.get(job)?.isWatched === true);
  }

  /** Brings the panel of a job to the front; `target` is its row, or nothing, and then the user picks. */
  async open(target: unknown): Promise<void> {
    const record = await chooseJob(this.#vs, this.#options.records, target, 'Open Job Panel');
    if (record === undefined) {
      return;
    }
    this.#reveal(record, { step: stepOf(target) });
  }

  /** Shows why a job failed, beside its log. */
  async explain(target: unknown): Promise<void> {
    const none = 'No job has failed.';
    const record = await chooseJob(this.#vs, this.#options.records, target, 'Explain Failure', hasFailed, none);
    if (record === undefined) {
      return;
    }
    if (!hasFailed(record)) {
      const state = record.outcome === undefined ? 'has not ended' : 'has not failed';
      throw new NothingToDo(`The job of ${record.project} ${state}: there is nothing to explain.`);
    }
    this.#reveal(record, { explanation: true });
  }

  /** Shows a job that has just been started: beside what the user works on, who may go on typing. */
  follow({ job, project }: { job: string; project: string }): void {
    if (this.#open.has(job)) {
      return;
    }
    const columns = [...this.#open.values()].map(({ column }) => column);
    const place = { viewColumn: columnBeside(this.#vs, columns), preserveFocus: true };
    this.#show(
      job,
      this.#vs.window.createWebviewPanel(jobPanelType, tabTitle({ project, created: new Date().toISOString() }), place),
    );
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
    [...this.#open.values()].forEach((panel) => panel.dispose());
  }

  #reveal(record: JobRecord, what: Wanted): void {
    const open = this.#open.get(record.job);
    if (open === undefined) {
      const tab = this.#vs.window.createWebviewPanel(jobPanelType, tabTitle(record), this.#vs.ViewColumn.Active);
      this.#show(record.job, tab, what);
    } else {
      open.reveal(what);
    }
  }

  #show(job: string, tab: vscode.WebviewPanel, what?: Wanted): void {
    const { extensionUri, log, failures, records, installation, live, states, onComplete } = this.#options;
    const vs = this.#vs;
    // Its code is loaded when somebody wants to know.
    let explanation: JobExplanation | undefined;
    const explained = async (): Promise<JobExplanation> => {
      const module = await import('./job-explanation.ts');
      explanation ??= new module.JobExplanation(vs, { job, records, installation, changed: () => panel.changed() });
      return explanation;
    };
    const explain = (work: (on: JobExplanation) => Promise<void>): void =>
      void explained()
        .then(work)
        .catch((error: unknown) => failures.show(error, 'Explain Failure'));
    const panel = new JobPanel(vs, tab, {
      extensionUri,
      model: new JobModel(records, job),
      log,
      live: () => ({
        live: states.of(job),
        attached: live.isAttached(job),
        folder: recordFolder(records.journalFile(job)),
      }),
      onLiveChange: (listener) => {
        const store = new DisposableStore();
        for (const event of [states.onDidChange, live.onDidChangeAttached]) {
          store.add(event((changed) => (changed === job ? listener() : undefined)));
        }
        return store;
      },
      onRecordChange: (listener) => watchFolder(records.folderOf(job), listener),
      act: (action, at) => {
        void runPanelAction(vs, records, { job, action, step: at }).catch((error: unknown) =>
          log.error(`The job panel's action "${action}" failed:`, error as Error),
        );
      },
      explanation: {
        message: () => explanation?.message,
        look: () => explain((on) => on.look()),
        act: (act) => explain((on) => on.act(act)),
      },
      onComplete,
      copy: (text) => void vs.env.clipboard.writeText(text),
      onClosed: () => {
        explanation?.dispose();
        this.#open.delete(job);
      },
    });
    this.#open.set(job, panel);
    if (what !== undefined) {
      panel.reveal(what);
    }
  }
}

/** A job that ended, and not well. */
const hasFailed = ({ outcome, phase }: JobRecord): boolean =>
  outcome === undefined ? phase === 'done' : outcome !== 'succeeded';

/**
 * Where a panel opens by itself: with the other panels, else in a group that the user does not work in, else in a new
 * group beside theirs. An empty window has room where it is.
 *
 * @param panels columns of the job panels that are open; undefined for one that is hidden
 */
function columnBeside(
  vs: Pick<typeof vscode, 'TabInputWebview' | 'ViewColumn' | 'window'>,
  panels: readonly (vscode.ViewColumn | undefined)[],
): vscode.ViewColumn {
  const { all, activeTabGroup: active } = vs.window.tabGroups;
  const known = panels.find((column) => column !== undefined);
  if (known !== undefined) {
    return known;
  }
  // A sheet that was started from closes; a page of VS Code's own, such as its welcome, is looked at later.
  if (active.tabs.every((tab) => !isWorkedOn(vs, tab))) {
    return active.viewColumn;
  }
  return all.find((group) => group !== active)?.viewColumn ?? vs.ViewColumn.Beside;
}

/** A text, a notebook or a picture: everything that the user opened to work on. */
function isWorkedOn({ TabInputWebview }: Pick<typeof vscode, 'TabInputWebview'>, { input }: vscode.Tab): boolean {
  return input !== undefined && !(input instanceof TabInputWebview);
}

function stepOf(target: unknown): string | undefined {
  const step = typeof target === 'object' && target !== null && 'step' in target ? target.step : undefined;
  return typeof step === 'string' ? step : undefined;
}

/** Tells when something in a folder is another one. Where that cannot be watched, nothing is told. */
export function watchFolder(folder: string, changed: () => void): Disposable {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return { dispose: () => watcher.close() };
  } catch {
    return { dispose: () => undefined };
  }
}
