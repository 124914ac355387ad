import type * as vscode from 'vscode';
import { CancelledError } from '../../core/errors.ts';
import type { OverviewTab } from '../../messages/overview.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { isProjectFile } from '../projectfile/project-files.ts';
import type { OverviewContext } from './context.ts';
import { OverviewPanel } from './panel.ts';
import { unownedOf, unownedText } from './radar-text.ts';
import { StockWatch } from './stock-watch.ts';

/** The one overview of the window, and the look for what costs money unseen. */
export class Overview implements Disposable {
  readonly #context: OverviewContext;
  readonly #store = new DisposableStore();
  readonly #watch: StockWatch;
  #panel: OverviewPanel | undefined;
  readonly #sweeping = new AbortController();

  constructor(context: OverviewContext) {
    this.#context = context;
    this.#watch = this.#store.add(new StockWatch(context));
  }

  /** `target` is a project file where the caller knows one. */
  async show(tab: OverviewTab, target: unknown): Promise<void> {
    await this.#context.account.client();
    const file = tab === 'regions' ? await this.#projectFile(target) : undefined;
    if (this.#panel !== undefined) {
      this.#panel.show(tab, file);
      return;
    }
    const onClosed = (): void => (this.#panel = undefined);
    this.#panel = new OverviewPanel({ context: this.#context, watch: this.#watch, tab, file, onClosed });
  }

  /** Looks whether something costs money that no job here needs, and says so once. */
  async sweep(): Promise<void> {
    const { vs, installation, log } = this.#context;
    try {
      const { radar } = await import('../../core/guards/radar/index.ts');
      const seen = await radar(await installation(), this.#sweeping.signal);
      const text = unownedText(unownedOf(seen), seen.free);
      if (text !== undefined) {
        const show = 'Show';
        void vs.window.showWarningMessage(text, show).then((chosen) => {
          return chosen === show ? this.show('radar', undefined) : undefined;
        });
      }
    } catch (error) {
      // Nobody asked for this look, so nobody is told that it failed.
      log.info('The look for unused resources failed:', error instanceof Error ? error : String(error));
    }
  }

  dispose(): void {
    this.#sweeping.abort(new CancelledError());
    this.#panel?.dispose();
    this.#store.dispose();
  }

  /** The project that is meant: the one named, the one in the editor, or the only one. */
  async #projectFile(target: unknown): Promise<vscode.Uri | undefined> {
    const { vs } = this.#context;
    const active = vs.window.activeTextEditor?.document;
    if (target instanceof vs.Uri) {
      return target;
    }
    if (active !== undefined && isProjectFile(active)) {
      return active.uri;
    }
    const found = await vs.workspace.findFiles('**/*.runpod.json', '**/{node_modules,.venv,.runpod-trainer}/**', 2);
    return found.length === 1 ? found[0] : undefined;
  }
}
