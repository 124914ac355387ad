import type * as vscode from 'vscode';
import { dirname, sep } from 'node:path';
import { CancelledError } from '../../core/errors.ts';
import { preflight } from '../../core/guards/preflight/index.ts';
import { loadProject } from '../../core/project/load.ts';
import { parseProject } from '../../core/project/parse.ts';
import { setContext } from '../common/context-keys.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { RunRequest } from '../jobs/run-job.ts';
import { checkProjectFile } from '../projectfile/check.ts';
import { chooseProjectFile } from '../projectfile/choose.ts';
import { isProjectFile } from '../projectfile/project-files.ts';
import { AfterPause } from './after-pause.ts';
import type { LaunchContext } from './context.ts';
import { FindingDiagnostics } from './finding-diagnostics.ts';
import { LaunchSheet } from './sheet.ts';

/** A look asks much, so with automatic saving it waits until nobody types, in ms. */
const pauseMs = 1_000;

/** Shows the one launch sheet of the window, and keeps what was found in project files marked as it is now. */
export class Launcher implements Disposable {
  readonly #context: LaunchContext;
  readonly #store = new DisposableStore();
  readonly #diagnostics: FindingDiagnostics;
  #sheet: LaunchSheet | undefined;
  readonly #again = new AfterPause(() => void this.#sheet?.look(), pauseMs);
  #quiet = new AbortController();

  constructor(context: LaunchContext) {
    const { vs } = context;
    this.#context = context;
    this.#diagnostics = this.#store.add(new FindingDiagnostics(vs));
    this.#store.add(vs.workspace.onDidSaveTextDocument((document) => this.#saved(document)));
    this.#store.add(
      vs.workspace.onDidChangeTextDocument(({ document }) => {
        if (this.#isOfSheet(document)) {
          this.#again.putOff();
        }
      }),
    );
    this.#store.add(this.#again);
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
    if (report?.findings.every((f) => f.severity !== 'error') === true) {
      setContext(vs, 'runpodTrainer.checked', true);
    }
    if (report?.findings.every((f) => f.severity === 'info') === true) {
      vs.window.setStatusBarMessage(`$(check) ${vs.workspace.asRelativePath(file)}: no problems found`, 8000);
    }
  }

  dispose(): void {
    this.#quiet.abort(new CancelledError());
    this.#sheet?.dispose();
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
    if (this.#isOfSheet(document)) {
      this.#again.ask();
    } else if (isProjectFile(document) && this.#diagnostics.has(document.uri)) {
      void this.#checkQuietly(document.uri);
    }
  }

  #isOfSheet({ uri }: vscode.TextDocument): boolean {
    const sheet = this.#sheet;
    const root = sheet?.root ?? (sheet && dirname(sheet.file.fsPath));
    return root !== undefined && uri.fsPath.startsWith(`${root}${sep}`);
  }
}
