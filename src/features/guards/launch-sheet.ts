import type * as vscode from 'vscode';
import { basename } from 'node:path';
import type { Estimate } from '../../core/costs/index.ts';
import { CancelledError } from '../../core/errors.ts';
import type { Installation } from '../../core/installation.ts';
import type { PreflightReport } from '../../core/preflight/index.ts';
import { placeOf } from '../../core/project/parse.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { applyProfile } from '../../core/project/profile.ts';
import { fromSheetSchema, type FromSheet, type SheetState } from '../../messages/launch-sheet.ts';
import type { Disposable } from '../common/disposables.ts';
import type { RunRequest } from '../jobs/job-commands.ts';
import type { GuardsContext } from './context.ts';
import type { FindingDiagnostics } from './finding-diagnostics.ts';
import { applyFix } from './finding-fix.ts';
import { launchFacts } from './launch-facts.ts';
import { isLoopback } from './loopback.ts';
import { PageTab } from './page-tab.ts';
import { loadShown } from './project-text.ts';
import * as sheetText from './sheet-text.ts';
import { failureText, shown } from './text.ts';

type PartName = 'checks' | 'pods' | 'sync' | 'estimate' | 'limits';
type Parts = Pick<SheetState, PartName>;
const partNames: PartName[] = ['checks', 'pods', 'sync', 'estimate', 'limits'];

const busy = { busy: true };
const unknown: Parts = { checks: busy, pods: busy, sync: busy, estimate: busy, limits: busy };

export interface LaunchSheetOptions {
  context: GuardsContext;
  diagnostics: FindingDiagnostics;
  request: RunRequest;
  column: vscode.ViewColumn;
  onClosed: () => void;
}

/** One tab that says what a run would do and cost, and starts it. Everything is found out side by side and again at will. */
export class LaunchSheet implements Disposable {
  readonly #options: LaunchSheetOptions;
  readonly #page: PageTab<SheetState, FromSheet>;
  #request: RunRequest;
  #look = 0;
  #abort = new AbortController();
  #loaded: LoadedProject | undefined;
  #report: PreflightReport | undefined;
  #estimate: Estimate | undefined;
  #mostDollars: number | null | undefined;
  #parts: Parts = unknown;
  #starting = false;
  #failure: string | undefined;

  constructor(options: LaunchSheetOptions) {
    this.#options = options;
    this.#request = options.request;
    const { vs, extensionUri, log } = options.context;
    this.#page = new PageTab(vs, {
      extensionUri,
      log,
      name: 'launch-sheet',
      title: `Run ${basename(options.request.file.fsPath).replace(/\.runpod\.json$/, '')}`,
      column: options.column,
      schema: fromSheetSchema,
      handlers: {
        ready: () => this.#page.ready(),
        show: ({ look, finding }) => this.#try('Show', () => this.#showPlace(look, finding)),
        fix: ({ look, finding }) => this.#try('Fix', () => this.#fix(look, finding)),
        again: () => void this.look(),
        profile: ({ profile }) => {
          this.#request = { ...this.#request, profile: profile === '' ? undefined : profile };
          void this.look();
        },
        start: () => this.#try('Start', () => this.#start()),
        cancel: () => this.#try('Cancel', () => this.#page.close()),
        refused: ({ why }) => log.warn(`The launch sheet did not understand a message: ${why}`),
      },
      state: () => this.#state(),
      onClosed: () => {
        this.#abort.abort(new CancelledError());
        options.onClosed();
      },
    });
  }

  get file(): vscode.Uri {
    return this.#request.file;
  }

  get root(): string | undefined {
    return this.#loaded?.root;
  }

  /** Shows another run, or the same one anew. */
  ask(request: RunRequest): Promise<PreflightReport | undefined> {
    this.#request = request;
    this.#page.reveal();
    return this.look();
  }

  dispose(): void {
    this.#page.dispose();
  }

  /** Finds everything out anew; what was known stays on the screen meanwhile. Answers what preflight found, if it could look. */
  async look(): Promise<PreflightReport | undefined> {
    this.#abort.abort(new CancelledError());
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const look = ++this.#look;
    this.#failure = undefined;
    for (const name of partNames) {
      this.#set(name, { ...this.#parts[name], busy: true });
    }
    const { vs, installation } = this.#options.context;
    const { file, profile } = this.#request;
    try {
      const [here, loaded] = await Promise.all([installation(), loadShown(vs, file)]);
      if (signal.aborted) {
        return undefined;
      }
      // The name is checked here, so that every part may rely on it.
      const project = applyProfile(loaded.project, profile);
      this.#loaded = loaded;
      this.#page.rename(`Run ${project.name}`);
      return await this.#findOut(here, loaded, { ...loaded, project }, look, signal);
    } catch (error) {
      const why = failureText(error);
      for (const name of partNames) {
        this.#fill(look, name, { busy: false, failure: why });
      }
      return undefined;
    }
  }

  async #findOut(
    here: Installation,
    loaded: LoadedProject,
    changed: LoadedProject,
    look: number,
    signal: AbortSignal,
  ): Promise<PreflightReport | undefined> {
    const { credentials } = this.#options.context;
    const facts = launchFacts(here, loaded, changed, this.#request, credentials, signal);
    const isNow = (): boolean => look === this.#look;
    const { hardware, sync, upload, estimate, most, report } = facts;
    const show = <K extends PartName>(name: K, value: Promise<Parts[K]['value']>): Promise<void> =>
      this.#part(look, name, value);
    await Promise.all([
      show(
        'pods',
        hardware.then(({ volume, list }) => sheetText.podsText(volume, list)),
      ),
      show(
        'sync',
        sync.then(async ({ plan }) => sheetText.syncText(plan, await upload)),
      ),
      show(
        'estimate',
        estimate.then((found) => {
          this.#estimate = isNow() ? found : this.#estimate;
          return sheetText.estimateText(found);
        }),
      ),
      show(
        'limits',
        most.then(async (dollars) => {
          this.#mostDollars = isNow() ? dollars : this.#mostDollars;
          return sheetText.limitsText(changed.project, dollars, await here.platform.capabilities(here.restUrl));
        }),
      ),
      show(
        'checks',
        report.then((found) => {
          this.#report = isNow() ? found : this.#report;
          return sheetText.checksText(found, loaded);
        }),
      ),
    ]);
    const found = await report.catch(() => undefined);
    if (found !== undefined && isNow()) {
      await this.#options.diagnostics.set(this.file, loaded, found.findings);
    }
    return isNow() ? found : undefined;
  }

  async #part<K extends PartName>(look: number, name: K, value: Promise<Parts[K]['value']>): Promise<void> {
    try {
      this.#fill(look, name, { busy: false, value: await value } as Parts[K]);
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        this.#fill(look, name, { busy: false, failure: failureText(error) });
      }
    }
  }

  #fill<K extends PartName>(look: number, name: K, part: Parts[K]): void {
    if (look === this.#look) {
      this.#set(name, part);
    }
  }

  #set<K extends PartName>(name: K, part: Parts[K]): void {
    this.#parts = { ...this.#parts, [name]: part };
    this.#page.changed();
  }

  async #showPlace(look: number, index: number): Promise<void> {
    const finding = this.#findingOf(look, index);
    if (finding?.at === undefined || this.#loaded === undefined) {
      return;
    }
    const { vs } = this.#options.context;
    const document = await vs.workspace.openTextDocument(this.file);
    const { offset, length } = placeOf(document.getText(), finding.at);
    const selection = new vs.Range(document.positionAt(offset), document.positionAt(offset + length));
    const shownAt = vs.window.visibleTextEditors.find((e) => e.document === document)?.viewColumn;
    await vs.window.showTextDocument(document, { selection, viewColumn: shownAt ?? vs.ViewColumn.Beside });
  }

  async #fix(look: number, index: number): Promise<void> {
    const fix = this.#findingOf(look, index)?.fix;
    if (fix === undefined || this.#loaded === undefined) {
      return;
    }
    const { vs, installation } = this.#options.context;
    await applyFix(vs, await installation(), this.file, this.#loaded, fix);
    await this.look();
  }

  #findingOf(look: number, index: number): PreflightReport['findings'][number] | undefined {
    return look === this.#look ? this.#report?.findings[index] : undefined;
  }

  async #start(): Promise<void> {
    if (this.#starting || this.#blocked() !== undefined) {
      return;
    }
    this.#starting = true;
    this.#failure = undefined;
    this.#page.changed();
    try {
      if (await this.#options.context.start(this.#request, this.#estimate)) {
        await this.#page.close();
      }
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        this.#failure = failureText(error);
      }
    } finally {
      this.#starting = false;
      this.#page.changed();
    }
  }

  #try(doing: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#options.context.failures.show(error, doing));
  }

  #blocked(): string | undefined {
    const { checks, limits } = this.#parts;
    if (checks.busy) {
      return 'The checks are still at work.';
    }
    if (checks.failure !== undefined || limits.failure !== undefined) {
      return checks.failure ?? limits.failure;
    }
    const errors = this.#report?.findings.filter((f) => f.severity === 'error').length ?? 0;
    return errors === 0
      ? undefined
      : `${errors === 1 ? 'One error has' : `${errors} errors have`} to be corrected first.`;
  }

  #state(): SheetState {
    const { restUrl } = this.#options.context;
    const { file, profile, from } = this.#request;
    const plain = this.#loaded?.project;
    const project =
      plain && applyProfile(plain, profile !== undefined && profile in plain.profiles ? profile : undefined);
    return {
      type: 'state',
      look: this.#look,
      project: shown(project?.name ?? basename(file.fsPath), 200),
      file: shown(this.#options.context.vs.workspace.asRelativePath(file)),
      sandbox: isLoopback(restUrl()),
      profiles: Object.entries(plain?.profiles ?? {}).map(([name, { description }]) => ({
        name: shown(name, 200),
        description: shown(description ?? ''),
      })),
      profile: shown(profile ?? '', 200),
      steps: project === undefined ? [] : sheetText.stepsText(project, from),
      ...this.#parts,
      ending: project === undefined ? { text: '', costs: false } : sheetText.endingText(project),
      start: {
        label:
          project === undefined ? 'Start' : sheetText.startLabel(project, this.#estimate?.likely, this.#mostDollars),
        blocked: this.#blocked(),
        busy: this.#starting,
        failure: this.#failure,
      },
    };
  }
}
