import type * as vscode from 'vscode';
import { dirname, sep } from 'node:path';
import { CancelledError } from '../../core/errors.ts';
import { preflight } from '../../core/guards/preflight/index.ts';
import { loadProject } from '../../core/project/load.ts';
import { parseProject } from '../../core/project/parse.ts';
import type { OverviewTab } from '../../messages/overview.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { RunRequest } from '../jobs/run-job.ts';
import { checkProjectFile, chooseProjectFile } from '../projectfile/check.ts';
import { isProjectFile } from '../projectfile/project-files.ts';
import type { GuardsContext } from './context.ts';
import { createVolume } from '../volumes/create-volume.ts';
import { explainFailure } from '../jobs/explain-failure.ts';
import { FindingDiagnostics } from './finding-diagnostics.ts';
import { LaunchSheet } from './sheet.ts';
import { Overview } from '../overview/panel.ts';
import { unownedOf, unownedText } from '../overview/radar-text.ts';
import { StockWatch } from '../overview/stock-watch.ts';

/** Saves that come together are one, in ms. */
const settleMs = 400;

/** Everything of the guards but what a window needs at its start. */
export class Guards implements Disposable {
  readonly #context: GuardsContext;
  readonly #store = new DisposableStore();
  readonly #diagnostics: FindingDiagnostics;
  readonly #watch: StockWatch;
  #sheet: LaunchSheet | undefined;
  #overview: Overview | undefined;
  #timer: NodeJS.Timeout | undefined;
  #quiet = new AbortController();
  readonly #sweeping = new AbortController();

  constructor(context: GuardsContext) {
    const { vs } = context;
    this.#context = context;
    this.#diagnostics = this.#store.add(new FindingDiagnostics(vs));
    this.#watch = this.#store.add(new StockWatch(context));
    this.#store.add(vs.workspace.onDidSaveTextDocument((document) => this.#saved(document)));
    this.#store.add({ dispose: () => clearTimeout(this.#timer) });
  }

  /** Shows the launch sheet for a run. */
  async launch(request: RunRequest): Promise<void> {
    await this.#open(request);
  }

  /** Checks a project: with everything that RunPod tells where somebody is signed in, else the file alone. */
  async check(target: unknown): Promise<void> {
    const { vs, account } = this.#context;
    const file = await chooseProjectFile(vs, target, 'Check Project');
    if (file === undefined) {
      return;
    }
    const text = (await vs.workspace.openTextDocument(file)).getText();
    // A file that cannot be read as a project has its problems marked; there is nothing to look at beyond it.
    if (!account.ready || parseProject(text).project === undefined) {
      this.#diagnostics.clear(file);
      await checkProjectFile(vs, file);
      return;
    }
    const report = await this.#open({ file });
    if (report?.findings.every((f) => f.severity === 'info') === true) {
      vs.window.setStatusBarMessage(`$(check) ${vs.workspace.asRelativePath(file)}: no problems found`, 8000);
    }
  }

  /** `target` is a project file where the caller knows one. */
  async show(tab: OverviewTab, target: unknown): Promise<void> {
    await this.#context.account.client();
    const file = tab === 'regions' ? await this.#projectFile(target) : undefined;
    if (this.#overview !== undefined) {
      this.#overview.show(tab, file);
      return;
    }
    const onClosed = (): void => (this.#overview = undefined);
    this.#overview = new Overview({ context: this.#context, watch: this.#watch, tab, file, onClosed });
  }

  createVolume(target: unknown): Promise<boolean> {
    return createVolume(this.#context, target);
  }

  explain(target: unknown): Promise<void> {
    return explainFailure(this.#context, (request) => this.launch(request), target);
  }

  /** Looks whether something costs money that no job here needs, and says so once. */
  async sweep(): Promise<void> {
    const { vs, installation, log } = this.#context;
    try {
      const { radar } = await import('../../core/guards/radar/index.ts');
      const text = unownedText(unownedOf(await radar(await installation(), this.#sweeping.signal)));
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
    this.#quiet.abort(new CancelledError());
    this.#sweeping.abort(new CancelledError());
    this.#sheet?.dispose();
    this.#overview?.dispose();
    this.#store.dispose();
  }

  async #open(request: RunRequest): ReturnType<LaunchSheet['ask']> {
    const { vs } = this.#context;
    if (this.#sheet !== undefined && this.#sheet.file.toString() !== request.file.toString()) {
      this.#sheet.dispose();
    }
    if (this.#sheet !== undefined) {
      return this.#sheet.ask(request);
    }
    const sheet = new LaunchSheet({
      context: this.#context,
      diagnostics: this.#diagnostics,
      request,
      column: vs.ViewColumn.Active,
      onClosed: () => {
        this.#sheet = this.#sheet === sheet ? undefined : this.#sheet;
      },
    });
    this.#sheet = sheet;
    return sheet.look();
  }

  /** Looks again at a file whose findings are marked, without a sheet. */
  async #checkQuietly(file: vscode.Uri): Promise<void> {
    const { installation, credentials, log } = this.#context;
    this.#quiet.abort(new CancelledError());
    this.#quiet = new AbortController();
    const { signal } = this.#quiet;
    try {
      const [here, loaded] = [await installation(), await loadProject(file.fsPath)];
      const secret = async (name: string): Promise<string | undefined> =>
        (await credentials.stepSecret(name))?.reveal();
      const { findings } = await preflight(here, loaded, { secret, signal });
      if (!signal.aborted) {
        await this.#diagnostics.set(file, loaded, findings);
      }
    } catch (error) {
      // What was found once may not be true any more.
      this.#diagnostics.clear(file);
      log.info('The project could not be checked after it was saved:', error instanceof Error ? error : String(error));
    }
  }

  /** What was saved may have mended what the sheet shows. */
  #saved(document: vscode.TextDocument): void {
    const sheet = this.#sheet;
    const root = sheet?.root ?? (sheet && dirname(sheet.file.fsPath));
    if (sheet !== undefined && root !== undefined && document.uri.fsPath.startsWith(`${root}${sep}`)) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void sheet.look(), settleMs);
    } else if (isProjectFile(document) && this.#diagnostics.has(document.uri)) {
      void this.#checkQuietly(document.uri);
    }
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
