import type * as vscode from 'vscode';
import {
  fromPanelSchema,
  type FromPanel,
  type PanelAction,
  type PanelExplanation,
  type PanelState,
  type ToPanel,
} from '../../messages/job-panel.ts';
import type { Disposable } from '../common/disposables.ts';
import type { Log } from '../common/log.ts';
import { Page } from '../common/page/page.ts';
import { tabTitle } from '../jobs/choose-job.ts';
import type { JobModel, StepData } from './job-model.ts';
import { panelDetail, panelState, type JobFacts } from './panel-state.ts';

/** Times in ms. One message a beat, so at most ten in a second reach the page; the first ones come at once. */
const beat = 100;
const atOnce = 4;
const readEvery = 250;
const metricsEvery = 1_000;

export interface JobPanelOptions {
  extensionUri: vscode.Uri;
  model: JobModel;
  log: Log;
  /** What this window adds to what is recorded. */
  live: () => Pick<JobFacts, 'live' | 'attached' | 'folder'>;
  /** Tells when that is another one. */
  onLiveChange: (listener: () => void) => Disposable;
  /** Tells when something is written about the job. */
  onRecordChange: (listener: () => void) => Disposable;
  act: (action: PanelAction, step: string) => void;
  copy: (text: string) => void;
  /** Why the job failed, once somebody wanted to know. */
  explanation: {
    message: () => PanelExplanation | undefined;
    look: () => void;
    act: (act: number) => void;
  };
  /** The page has been told everything that there is. */
  onComplete: () => void;
  onClosed: () => void;
}

/** What the panel is to be brought to. */
export interface Wanted {
  step?: string | undefined;
  explanation?: boolean | undefined;
}

/** What the page has been told, so that only news is sent. */
interface Told {
  generation: number;
  state: string;
  explanation: PanelExplanation | undefined;
  detail: string;
  log: number;
  metrics: number;
  metricsAt: number;
}

const untold: Told = {
  generation: 0,
  state: '',
  explanation: undefined,
  detail: '',
  log: 0,
  metrics: 0,
  metricsAt: 0,
};

/**
 * One editor tab about one job. It keeps nothing that the page would miss: when the page is shown it is told again. While
 * nobody sees it, it does nothing; of a job that is over it does nothing once all is told, until something is written.
 */
export class JobPanel implements Disposable {
  readonly #options: JobPanelOptions;
  readonly #page: Page<FromPanel>;
  #timer: NodeJS.Timeout | undefined;
  #beating = false;
  #disposed = false;
  #selected: string | undefined;
  #wanted: Wanted | undefined;
  #told: Told = untold;
  #readAt = 0;
  #toldAt = 0;
  /** Of what may be another one since it was last made. */
  #due = { state: true, detail: true };
  #state: PanelState | undefined;
  /** Something was heard while a beat went on. */
  #again = false;
  readonly #live: Disposable;
  /** Only while all is told of a job that is over. */
  #resting: Disposable | undefined;
  /** How many more messages may go without a pause. */
  #burst = 0;

  /** @param tab a new one, or one that was there before the window was reloaded */
  constructor(vs: typeof vscode, tab: vscode.WebviewPanel, options: JobPanelOptions) {
    const { extensionUri, log } = options;
    this.#options = options;
    this.#page = new Page<FromPanel>(vs, tab, {
      extensionUri,
      log,
      name: 'job-panel',
      title: 'Job',
      schema: fromPanelSchema,
      handlers: {
        select: ({ step }) => {
          this.#selected = step;
          this.#told = { ...this.#told, detail: '', log: 0, metrics: 0, metricsAt: 0 };
          this.#due.detail = true;
          this.#burst = atOnce;
          this.#soon();
        },
        action: ({ action }) => options.act(action, this.#selected ?? ''),
        copy: ({ text }) => options.copy(text),
        explain: () => options.explanation.look(),
        'explanation-act': ({ act }) => options.explanation.act(act),
      },
      onReady: () => {
        this.#selected = undefined;
        this.#told = untold;
        this.#due = { state: true, detail: true };
        this.#readAt = 0;
        this.#burst = atOnce;
        this.#soon();
      },
      onShownOrHidden: () => (this.#page.visible ? this.#soon() : this.#rest()),
      onClosed: () => {
        this.dispose();
        options.onClosed();
      },
    });
    this.#live = options.onLiveChange(() => {
      this.#due.state = true;
      this.#soon();
    });
    this.#soon();
  }

  get job(): string {
    return this.#options.model.job;
  }

  get column(): vscode.ViewColumn | undefined {
    return this.#page.column;
  }

  /** The user works in this tab. */
  get isWatched(): boolean {
    return this.#page.active;
  }

  /** What the page shows beside the model is another thing. */
  changed(): void {
    this.#soon();
  }

  /** Brings the tab to the front and shows what is wanted. */
  reveal(wanted: Wanted): void {
    this.#wanted = wanted;
    this.#page.reveal();
    this.#soon();
  }

  /** The tab stays: after a reload of the window it is filled again. */
  dispose(): void {
    this.#disposed = true;
    this.#rest();
    this.#live.dispose();
    this.#page.release();
  }

  /** Nothing is looked at before somebody looks again. */
  #rest(): void {
    clearTimeout(this.#timer);
    this.#resting?.dispose();
    this.#resting = undefined;
  }

  /** Messages are a beat apart, but for the first ones. */
  #soon(wait = 0): void {
    if (this.#beating) {
      this.#again = true;
    } else if (!this.#disposed && this.#page.visible) {
      const pause = this.#burst > 0 ? 0 : this.#toldAt + beat - Date.now();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#beat(), Math.max(wait, pause, 0));
    }
  }

  async #beat(): Promise<void> {
    this.#beating = true;
    this.#again = false;
    let hasTold = false;
    try {
      if (this.#page.listening) {
        await this.#read();
        const message = this.#next();
        if (message !== undefined && !this.#isOver()) {
          await this.#page.tell(message);
          hasTold = true;
          this.#toldAt = Date.now();
        } else if (message === undefined && this.#selected !== undefined) {
          this.#options.onComplete();
        }
        this.#burst = message === undefined ? 0 : Math.max(0, this.#burst - 1);
      }
    } catch (error) {
      this.#options.log.error('The job panel could not be brought up to date:', error as Error);
    } finally {
      this.#beating = false;
      this.#goOn(hasTold);
    }
  }

  #goOn(hasTold: boolean): void {
    if (this.#isOver() || !this.#page.listening) {
      // It says so when it is shown again, and then it is told all.
      return;
    }
    const { model, onRecordChange } = this.#options;
    if (hasTold || this.#again) {
      this.#soon();
    } else if (model.record?.phase === 'done' && !this.#hasUntoldMetrics()) {
      if (this.#resting === undefined) {
        const again = (): void => {
          this.#readAt = 0;
          this.#soon();
        };
        this.#resting = onRecordChange(again);
        // Something may have been written before that began to listen.
        again();
      }
    } else {
      this.#soon(readEvery);
    }
  }

  async #read(): Promise<void> {
    const { model } = this.#options;
    if (Date.now() - this.#readAt >= readEvery) {
      await model.refresh();
      this.#readAt = Date.now();
      this.#due = { state: true, detail: true };
    }
    if (model.generation !== this.#told.generation) {
      this.#told = { ...untold, generation: model.generation };
      this.#due = { state: true, detail: true };
    }
  }

  #hasUntoldMetrics(): boolean {
    const step = this.#selected;
    return step !== undefined && countOf(this.#options.model.step(step)) !== this.#told.metrics;
  }

  /** The most urgent of what the page has not been told. */
  #next(): ToPanel | undefined {
    const { model } = this.#options;
    const { record, view } = model;
    if (record === undefined || view === undefined) {
      return undefined;
    }
    if (this.#due.state || this.#state === undefined) {
      this.#due.state = false;
      const state = panelState({ record, view, heard: model.heard, ...this.#options.live() });
      this.#state = state;
      const text = JSON.stringify(state);
      if (text !== this.#told.state) {
        this.#told = { ...this.#told, state: text };
        this.#page.rename(tabTitle(record));
        return state;
      }
    }
    if (this.#wanted !== undefined) {
      const wanted = this.#wanted;
      this.#wanted = undefined;
      return { type: 'show', ...wanted };
    }
    const message = this.#options.explanation.message();
    if (message !== undefined && message !== this.#told.explanation) {
      this.#told = { ...this.#told, explanation: message };
      return message;
    }
    return this.#selected === undefined ? undefined : this.#nextOfStep(this.#selected, this.#state);
  }

  #nextOfStep(step: string, { steps }: PanelState): ToPanel | undefined {
    if (step !== '' && !steps.some((s) => s.name === step)) {
      return undefined;
    }
    const data = this.#options.model.step(step);
    if (this.#due.detail) {
      this.#due.detail = false;
      const detail = panelDetail(step, data);
      const text = JSON.stringify(detail);
      if (text !== this.#told.detail) {
        this.#told = { ...this.#told, detail: text };
        return detail;
      }
    }
    const count = countOf(data);
    const metricsDue = count !== this.#told.metrics && Date.now() - this.#told.metricsAt >= metricsEvery;
    if (metricsDue) {
      this.#told = { ...this.#told, metrics: count, metricsAt: Date.now() };
      return { type: 'metrics', step, x: data.metrics.x, series: data.metrics.series(), more: data.metrics.more };
    }
    if (data.log.end > this.#told.log) {
      const { from, lines } = data.log.batch(this.#told.log);
      this.#told = { ...this.#told, log: from + lines.length };
      return { type: 'log', step, from, first: data.log.first, lines };
    }
    return undefined;
  }

  #isOver(): boolean {
    return this.#disposed;
  }
}

/** How many values the metrics of a step have had. */
function countOf({ metrics }: StepData): number {
  return metrics.series().reduce((sum, s) => sum + s.count, 0);
}
