import type * as vscode from 'vscode';
import { advise, adviceRequest, type Advice, type AdviceRequest } from '../../core/guards/advisor/index.ts';
import { accountCosts } from '../../core/costs/account-costs.ts';
import { CancelledError, messageOf } from '../../core/errors.ts';
import { clock } from '../../core/words/index.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { radar, type Radar } from '../../core/guards/radar/index.ts';
import {
  fromOverviewSchema,
  type FromOverview,
  type OverviewState,
  type OverviewTab,
} from '../../messages/overview.ts';
import type { Disposable } from '../common/disposables.ts';
import { commands } from '../ids.ts';
import type { OverviewContext } from './context.ts';
import { isLoopback } from '../../core/runpod/connection.ts';
import { costsText } from './costs-text.ts';
import { radarText } from './radar-text.ts';
import { regionsText } from './regions-text.ts';
import { StatePage } from '../common/page/state-page.ts';
import { loadFromEditor } from '../projectfile/edit.ts';
import type { StockWatch } from './stock-watch.ts';
import { stopRadarEndpoint, stopRadarPod } from './radar-stop.ts';
import { plainText } from '../common/text.ts';

export interface OverviewPanelOptions {
  context: OverviewContext;
  watch: StockWatch;
  tab: OverviewTab;
  /** The project that regions are compared for. */
  file: vscode.Uri | undefined;
  onClosed: () => void;
}

/** One tab about the account: where to rent, what was spent, and what costs money unseen. */
export class OverviewPanel implements Disposable {
  readonly #options: OverviewPanelOptions;
  readonly #page: StatePage<OverviewState, FromOverview>;
  readonly #watching: Disposable;
  readonly #looks = new Map<OverviewTab, AbortController>();
  #tab: OverviewTab;
  #file: vscode.Uri | undefined;
  #parts: Pick<OverviewState, OverviewTab> = { regions: { busy: true }, costs: { busy: true }, radar: { busy: true } };
  #advised: { advice: Advice; request: AdviceRequest; project: string | undefined } | undefined;
  #radar: Radar | undefined;

  constructor(options: OverviewPanelOptions) {
    this.#options = options;
    this.#tab = options.tab;
    this.#file = options.file;
    const { vs, extensionUri, log } = options.context;
    this.#watching = options.watch.onDidChange(() => this.#page.changed());
    this.#page = new StatePage(vs, {
      extensionUri,
      log,
      name: 'overview',
      title: 'RunPod Overview',
      column: vs.ViewColumn.Active,
      schema: fromOverviewSchema,
      handlers: {
        tab: ({ tab }) => this.#turnTo(tab),
        again: ({ tab }) => void this.#look(tab),
        createVolume: ({ dataCenter }) => void this.#createVolume(dataCenter),
        wait: ({ on }) => this.#wait(on),
        endPod: ({ id }) => this.#try('Stop Pod', () => this.#endPod(id)),
        endEndpoint: ({ id }) => this.#try('Stop Endpoint', () => this.#endEndpoint(id)),
      },
      state: () => this.#state(),
      onClosed: () => {
        this.#watching.dispose();
        this.#looks.forEach((look) => look.abort(new CancelledError()));
        options.onClosed();
      },
    });
    void this.#look(this.#tab);
  }

  show(tab: OverviewTab, file: vscode.Uri | undefined): void {
    this.#file = file ?? this.#file;
    this.#tab = tab;
    this.#page.reveal();
    this.#page.changed();
    void this.#look(tab);
  }

  dispose(): void {
    this.#page.dispose();
  }

  #turnTo(tab: OverviewTab): void {
    this.#tab = tab;
    this.#page.changed();
    if (this.#parts[tab].value === undefined && !this.#looks.has(tab)) {
      void this.#look(tab);
    }
  }

  async #look(tab: OverviewTab): Promise<void> {
    this.#looks.get(tab)?.abort(new CancelledError());
    const abort = new AbortController();
    this.#looks.set(tab, abort);
    this.#set(tab, { ...this.#parts[tab], busy: true });
    const done = <V>(value: V): { busy: false; value: V; seen: string } => ({
      busy: false,
      value,
      seen: clock(new Date()),
    });
    try {
      const { signal } = abort;
      const parts = await this.#read(tab, signal, done);
      if (!signal.aborted) {
        this.#parts = { ...this.#parts, ...parts };
        this.#page.changed();
      }
    } catch (error) {
      if (!abort.signal.aborted) {
        // What was seen last stays, with its time.
        this.#set(tab, { ...this.#parts[tab], busy: false, failure: plainText(messageOf(error)) });
      }
    }
  }

  async #read(
    tab: OverviewTab,
    signal: AbortSignal,
    done: <V>(value: V) => { busy: false; value: V; seen: string },
  ): Promise<Partial<Pick<OverviewState, OverviewTab>>> {
    const { vs, installation } = this.#options.context;
    const here = await installation();
    switch (tab) {
      case 'regions': {
        const loaded: LoadedProject | undefined = this.#file && (await loadFromEditor(vs, this.#file));
        const request = loaded === undefined ? { dataBytes: 0 } : await adviceRequest(here, loaded, signal);
        const advice = await advise(here, request, signal);
        this.#advised = { advice, request, project: loaded?.project.name };
        return { regions: done(regionsText(advice, request, loaded?.project.name)) };
      }
      case 'costs':
        return { costs: done(costsText(await accountCosts(here, { signal }))) };
      case 'radar':
        this.#radar = await radar(here, signal);
        return { radar: done(radarText(this.#radar)) };
    }
  }

  #set(tab: OverviewTab, part: OverviewState[OverviewTab]): void {
    this.#parts = { ...this.#parts, [tab]: part };
    this.#page.changed();
  }

  async #createVolume(dataCenter: string): Promise<void> {
    const { vs } = this.#options.context;
    const size = this.#advised?.advice.sizeGb;
    const made = await vs.commands.executeCommand(commands.createVolume, { dataCenter, size, file: this.#file });
    if (made === true) {
      await this.#look('regions');
    }
  }

  #wait(on: boolean): void {
    const wish = this.#advised?.advice.noStock?.tellWhenFree;
    if (!on) {
      this.#options.watch.stop();
    } else if (wish !== undefined) {
      this.#options.watch.start(wish, this.#file);
    }
  }

  async #endPod(id: string): Promise<void> {
    const seen = this.#radar?.pods.find(({ pod }) => pod.id === id);
    if (seen === undefined) {
      return;
    }
    try {
      await stopRadarPod(this.#options.context, seen);
    } finally {
      await this.#look('radar');
    }
  }

  async #endEndpoint(id: string): Promise<void> {
    const seen = this.#radar?.endpoints.find(({ endpoint }) => endpoint.id === id);
    if (seen === undefined) {
      return;
    }
    try {
      await stopRadarEndpoint(this.#options.context, seen);
    } finally {
      await this.#look('radar');
    }
  }

  #try(doing: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#options.context.failures.show(error, doing));
  }

  #state(): OverviewState {
    return {
      type: 'state',
      tab: this.#tab,
      sandbox: isLoopback(this.#options.context.account.restUrl),
      ...this.#parts,
      waiting: this.#options.watch.text,
    };
  }
}
