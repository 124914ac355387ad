import type * as vscode from 'vscode';
import type * as z from 'zod';
import { dispatch, type Handlers } from '../../../messages/dispatch.ts';
import { DisposableStore, type Disposable } from '../disposables.ts';
import type { Log } from '../log.ts';
import { pageHtml } from './html.ts';

/** What every page says: that it is there and knows nothing, and that it did not understand what it was told. */
type PageWord = { type: 'ready' } | { type: 'refused'; why: string };

export interface PageOptions<Message extends { type: string }> {
  extensionUri: vscode.Uri;
  log: Log;
  /** Name of the page's script and style sheet. */
  name: string;
  title: string;
  schema: z.ZodType<Message>;
  /** For what only this page says. */
  handlers: Handlers<Exclude<Message, PageWord>>;
  /** The page is there and knows nothing: when it is new, and when it is shown again. */
  onReady: () => void;
  /** The tab came to the front or went behind another one. */
  onShownOrHidden?: () => void;
  onClosed: () => void;
}

/**
 * One editor tab with a page of ours: what it may load, what it says and is told, and its end. A page that is hidden is
 * gone; it says that it is ready when it is made again.
 */
export class Page<Message extends { type: string }> implements Disposable {
  readonly #vs: typeof vscode;
  readonly #tab: vscode.WebviewPanel;
  readonly #store = new DisposableStore();
  #ready = false;
  #closed = false;

  /** @param tab a new one, or one that was there before the window was reloaded */
  constructor(vs: typeof vscode, tab: vscode.WebviewPanel, options: PageOptions<Message>) {
    const { extensionUri, log, name, title, schema, onReady, onShownOrHidden, onClosed } = options;
    this.#vs = vs;
    this.#tab = tab;
    const resources = vs.Uri.joinPath(extensionUri, 'dist', 'webview');
    const image = (file: string): vscode.Uri => vs.Uri.joinPath(extensionUri, 'media', file);
    tab.webview.options = { enableScripts: true, enableCommandUris: false, localResourceRoots: [resources] };
    tab.iconPath = { light: image('runpod.svg'), dark: image('runpod-dark.svg') };
    const words: Handlers<PageWord> = {
      ready: () => {
        this.#ready = true;
        onReady();
      },
      refused: ({ why }) => log.warn(`The page ${name} did not understand a message: ${why}`),
    };
    // Together they are all that the message type names, which the compiler cannot add up.
    const handlers = { ...options.handlers, ...words } as unknown as Handlers<Message>;
    this.#store.add(
      tab.webview.onDidReceiveMessage((raw: unknown) => {
        const why = dispatch(schema, handlers, raw);
        if (why !== undefined) {
          log.warn(`A message of the page ${name} was refused: ${why}`);
        }
      }),
    );
    this.#store.add(
      tab.onDidChangeViewState(() => {
        this.#ready &&= tab.visible;
        onShownOrHidden?.();
      }),
    );
    tab.onDidDispose(() => {
      this.#closed = true;
      this.release();
      onClosed();
    });
    tab.webview.html = pageHtml(vs, tab.webview, resources, { name, title });
  }

  /** Whether somebody may be looking at it. */
  get visible(): boolean {
    return !this.#closed && this.#tab.visible;
  }

  /** Whether the user works in it. */
  get active(): boolean {
    return !this.#closed && this.#tab.active;
  }

  /** Whether what it is told now arrives. */
  get listening(): boolean {
    return this.#ready && this.visible;
  }

  get column(): vscode.ViewColumn | undefined {
    return this.#closed ? undefined : this.#tab.viewColumn;
  }

  async tell(message: object): Promise<void> {
    await this.#tab.webview.postMessage(message);
  }

  /** What was under way when the tab was closed may still come with its name. */
  rename(title: string): void {
    if (!this.#closed) {
      this.#tab.title = title;
    }
  }

  reveal(): void {
    if (!this.#closed) {
      this.#tab.reveal();
    }
  }

  /** Closes the tab for the user, whose keyboard goes back to what is behind it. */
  async close(): Promise<void> {
    const { window, TabInputWebview } = this.#vs;
    const { viewType } = this.#tab;
    const isOwn = ({ input }: vscode.Tab): boolean =>
      input instanceof TabInputWebview && input.viewType.endsWith(viewType);
    // Disposing the tab would leave the keyboard with nobody.
    await window.tabGroups.close(window.tabGroups.all.flatMap(({ tabs }) => tabs.filter(isOwn)));
    this.dispose();
  }

  /** Hears nothing more of the tab, which stays: after a reload of the window it is filled again. */
  release(): void {
    this.#ready = false;
    this.#store.dispose();
  }

  dispose(): void {
    this.#tab.dispose();
  }
}
