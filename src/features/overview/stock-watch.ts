import type * as vscode from 'vscode';
import { waitForStock, type StockWish } from '../../core/guards/advisor/index.ts';
import { pricePerHour } from '../../core/words/index.ts';
import { Emitter, type Disposable } from '../common/disposables.ts';
import { withProgress } from '../common/progress.ts';
import { commands } from '../ids.ts';
import type { OverviewContext } from './context.ts';

/** Waits in the background until something wanted is free, and says so. One wish at a time. */
export class StockWatch implements Disposable {
  readonly #context: OverviewContext;
  readonly #changed = new Emitter<undefined>();
  readonly onDidChange = this.#changed.event;
  #now: { text: string; abort: AbortController } | undefined;

  constructor(context: OverviewContext) {
    this.#context = context;
  }

  /** What is waited for, in words. */
  get text(): string | undefined {
    return this.#now?.text;
  }

  start(wish: StockWish & { text: string }, file: vscode.Uri | undefined): void {
    this.stop();
    const now = { text: `Looking for it in ${wish.dataCenter} again and again.`, abort: new AbortController() };
    this.#now = now;
    this.#changed.fire(undefined);
    void this.#wait(wish, file, now.abort.signal).finally(() => {
      if (this.#now === now) {
        this.#now = undefined;
        this.#changed.fire(undefined);
      }
    });
  }

  stop(): void {
    this.#now?.abort.abort();
    this.#now = undefined;
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.stop();
    this.#changed.dispose();
  }

  async #wait(wish: StockWish & { text: string }, file: vscode.Uri | undefined, stop: AbortSignal): Promise<void> {
    const { vs, installation, failures, settings, account } = this.#context;
    const title = `Waiting for stock in ${wish.dataCenter}`;
    const result = await withProgress(vs, { title }, async (signal, report) => {
      const { client } = await installation();
      return waitForStock(client, wish, {
        everyMs: settings.backgroundMs,
        signal: AbortSignal.any([signal, stop]),
        onLook: ({ looks, failure }) => report(failure ?? `looked ${looks === 1 ? 'once' : `${looks} times`}`),
      });
    });
    if (result.status === 'error') {
      failures.show(result.error, title);
    }
    if (result.status !== 'ok') {
      return;
    }
    const { label, pricePerHour: price } = result.value;
    const run = 'Run Pipeline…';
    const text = `${label} is in stock in ${wish.dataCenter} (${pricePerHour(price, account.free)}). It is not reserved.`;
    void vs.window.showInformationMessage(text, ...(file === undefined ? [] : [run])).then((chosen) => {
      return chosen === run ? vs.commands.executeCommand(commands.run, file) : undefined;
    });
  }
}
