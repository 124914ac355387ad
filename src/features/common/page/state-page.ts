import type * as vscode from 'vscode';
import type * as z from 'zod';
import { dispatch, type Handlers } from '../../../messages/dispatch.ts';
import { DisposableStore, type Disposable } from '../disposables.ts';
import type { Log } from '../log.ts';
import { panelHtml } from './html.ts';

/** Changes within this time reach the page as one message, in ms. */
const settleMs = 30;

export interface PageTabOptions<State, Message extends { type: string }> {
  extensionUri: vscode.Uri;
  log: Log;
  /** Name of the page's script and style sheet. */
  name: string;
  title: string;
  column: vscode.ViewColumn;
  schema: z.ZodType<Message>;
  /** `ready` and `refused` are dealt with here as well. */
  handlers: Handlers<Message>;
  /** Everything that the page shows. */
  state: () => State;
  onClosed: () => void;
}

/** One editor tab whose page shows a state and sends wishes back. A page that was hidden is told anew. */
export class PageTab<State, Message extends { type: string }> implements Disposable {
  readonly #vs: typeof vscode;
  readonly #panel: vscode.WebviewPanel;
  readonly #options: PageTabOptions<State, Message>;
  readonly #store = new DisposableStore();
  #ready = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(vs: typeof vscode, options: PageTabOptions<State, Message>) {
    const { extensionUri, log, name, title, column, schema, handlers, onClosed } = options;
    this.#vs = vs;
    this.#options = options;
    const resources = vs.Uri.joinPath(extensionUri, 'dist', 'webview');
    const image = (file: string): vscode.Uri => vs.Uri.joinPath(extensionUri, 'media', file);
    this.#panel = vs.window.createWebviewPanel(`runpodTrainer.${name}`, title, column, {
      enableScripts: true,
      enableCommandUris: false,
      localResourceRoots: [resources],
    });
    this.#panel.iconPath = { light: image('runpod.svg'), dark: image('runpod-dark.svg') };
    this.#store.add(
      this.#panel.webview.onDidReceiveMessage((raw: unknown) => {
        const why = dispatch(schema, handlers, raw);
        if (why !== undefined) {
          log.warn(`A message of the page ${name} was refused: ${why}`);
        }
      }),
    );
    this.#store.add(this.#panel.onDidChangeViewState(() => (this.#ready &&= this.#panel.visible)));
    this.#panel.onDidDispose(() => {
      clearTimeout(this.#timer);
      this.#store.dispose();
      onClosed();
    });
    this.#panel.webview.html = panelHtml(vs, this.#panel.webview, resources, { name, title });
  }

  get visible(): boolean {
    return this.#panel.visible;
  }

  /** The page is there and knows nothing. */
  ready(): void {
    this.#ready = true;
    this.changed();
  }

  /** The state is another one. */
  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#ready) {
        void this.#panel.webview.postMessage(this.#options.state());
      }
    }, settleMs);
  }

  rename(title: string): void {
    this.#panel.title = title;
  }

  reveal(): void {
    this.#panel.reveal();
  }

  /** Closes the tab for the user, whose keyboard goes back to what is behind it. */
  async close(): Promise<void> {
    const { window, TabInputWebview } = this.#vs;
    const { viewType } = this.#panel;
    const isOwn = ({ input }: vscode.Tab): boolean =>
      input instanceof TabInputWebview && input.viewType.endsWith(viewType);
    // Disposing the panel would leave the keyboard with nobody.
    await window.tabGroups.close(window.tabGroups.all.flatMap(({ tabs }) => tabs.filter(isOwn)));
    this.dispose();
  }

  dispose(): void {
    this.#panel.dispose();
  }
}
