import type * as vscode from 'vscode';
import type { Disposable } from '../disposables.ts';
import { Page, type PageOptions } from './page.ts';

/** Changes within this time reach the page as one message, in ms. */
const settleMs = 30;

export interface StatePageOptions<State, Message extends { type: string }> extends Omit<
  PageOptions<Message>,
  'onReady' | 'onShownOrHidden'
> {
  column: vscode.ViewColumn;
  /** Everything that the page shows. */
  state: () => State;
}

/** A page in a new tab that shows a state, all of it in one message, and sends wishes back. */
export class StatePage<State extends object, Message extends { type: string }> implements Disposable {
  readonly #page: Page<Message>;
  readonly #state: () => State;
  #timer: NodeJS.Timeout | undefined;

  constructor(vs: typeof vscode, { column, state, onClosed, ...options }: StatePageOptions<State, Message>) {
    this.#state = state;
    const tab = vs.window.createWebviewPanel(`runpodTrainer.${options.name}`, options.title, column);
    this.#page = new Page(vs, tab, {
      ...options,
      onReady: () => this.changed(),
      onClosed: () => {
        clearTimeout(this.#timer);
        onClosed();
      },
    });
  }

  /** The state is another one. */
  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#page.listening) {
        void this.#page.tell(this.#state());
      }
    }, settleMs);
  }

  rename(title: string): void {
    this.#page.rename(title);
  }

  reveal(): void {
    this.#page.reveal();
  }

  close(): Promise<void> {
    return this.#page.close();
  }

  dispose(): void {
    this.#page.dispose();
  }
}
