import type * as vscode from 'vscode';
import { basename } from 'node:path';
import { CancelledError } from '../../core/errors.ts';
import { clock } from '../../core/words/index.ts';
import type { PreflightReport } from '../../core/guards/preflight/index.ts';
import { trustDigest } from '../../core/project/local-steps.ts';
import { placeOf } from '../../core/project/parse.ts';
import { applyProfile } from '../../core/project/profile.ts';
import { fromSheetSchema, type FromSheet, type SheetState } from '../../messages/launch-sheet.ts';
import type { Disposable } from '../common/disposables.ts';
import type { RunRequest } from '../jobs/run-job.ts';
import type { LaunchContext } from './context.ts';
import type { FindingDiagnostics } from './finding-diagnostics.ts';
import { applyFix } from './apply-fix.ts';
import { RunPreview } from './run-preview.ts';
import { buttonsOf, press } from '../common/remedies.ts';
import { StatePage } from '../common/page/state-page.ts';
import * as sheetText from './sheet-text.ts';
import { failureText, plainText } from '../common/text.ts';

export interface LaunchSheetOptions {
  context: LaunchContext;
  diagnostics: FindingDiagnostics;
  request: RunRequest;
  column: vscode.ViewColumn;
  onClosed: () => void;
}

/** One tab that says what a run would do and cost, and starts it, or a short try of it. */
export class LaunchSheet implements Disposable {
  readonly #options: LaunchSheetOptions;
  readonly #page: StatePage<SheetState, FromSheet>;
  readonly #known: RunPreview;
  #request: RunRequest;
  #starting: 'run' | 'smoke' | undefined;
  #failure: string | undefined;
  /** What was started from here and goes on while the sheet stays. */
  #note: string | undefined;

  constructor(options: LaunchSheetOptions) {
    this.#options = options;
    this.#request = options.request;
    const { vs, extensionUri, log } = options.context;
    this.#known = new RunPreview(options.context, options.diagnostics, () => this.#redraw());
    this.#page = new StatePage(vs, {
      extensionUri,
      log,
      name: 'launch-sheet',
      title: `Run ${basename(options.request.file.fsPath).replace(/\.runpod\.json$/, '')}`,
      column: options.column,
      schema: fromSheetSchema,
      handlers: {
        show: ({ look, finding }) => this.#try('Show', () => this.#showPlace(look, finding)),
        fix: ({ look, finding }) => this.#try('Fix', () => this.#fix(look, finding)),
        again: () => void this.look(),
        profile: ({ profile }) => {
          this.#request = { ...this.#request, profile: profile === '' ? undefined : profile };
          void this.look();
        },
        start: () => this.#try('Start', () => this.#start('run')),
        smoke: () => this.#try('Smoke Run', () => this.#start('smoke')),
        cancel: () => this.#try('Cancel', () => this.#page.close()),
      },
      state: () => this.#state(),
      onClosed: () => {
        this.#known.end();
        options.onClosed();
      },
    });
  }

  get file(): vscode.Uri {
    return this.#request.file;
  }

  get root(): string | undefined {
    return this.#known.loaded?.root;
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

  /** Finds everything out anew. Answers what preflight found, if it could look. */
  async look(): Promise<PreflightReport | undefined> {
    this.#failure = undefined;
    return this.#known.look(this.#request);
  }

  #redraw(): void {
    const { loaded } = this.#known;
    if (loaded !== undefined) {
      this.#page.rename(`Run ${loaded.project.name}`);
    }
    this.#page.changed();
  }

  async #showPlace(look: number, index: number): Promise<void> {
    const finding = this.#known.findingOf(look, index);
    if (finding?.at === undefined) {
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
    const { fix, remedies = [] } = this.#known.findingOf(look, index) ?? {};
    const { loaded } = this.#known;
    if (loaded === undefined) {
      return;
    }
    const { vs, installation } = this.#options.context;
    if (fix === undefined) {
      await press(vs, buttonsOf(vs, remedies)[0]);
    } else {
      await applyFix(vs, await installation(), this.file, loaded, fix);
    }
    await this.look();
  }

  /** A smoke run is checked by itself when it starts: it may work where the whole run cannot. */
  async #start(what: 'run' | 'smoke'): Promise<void> {
    const blocked = what === 'run' ? this.#known.blocked() : this.#known.parts.smoke.failure;
    if (this.#starting !== undefined || blocked !== undefined) {
      return;
    }
    this.#starting = what;
    this.#failure = undefined;
    this.#page.changed();
    const smoke = what === 'smoke';
    const { estimate, smoke: smokeEstimate } = this.#known;
    try {
      const request = { ...this.#request, smoke };
      const localSteps = smoke ? undefined : this.#localSteps();
      const started = await this.#options.context.start(request, {
        estimate: smoke ? smokeEstimate : estimate,
        localSteps,
      });
      if (started && !smoke) {
        await this.#page.close();
      } else if (started) {
        this.#note = `The smoke run was started at ${clock(new Date())}. Its job panel shows it; start the run when it has passed.`;
      }
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        this.#failure = failureText(error);
      }
    } finally {
      this.#starting = undefined;
      this.#page.changed();
    }
  }

  /** Digest of the commands for this machine that stand on the page. */
  #localSteps(): string | undefined {
    const { loaded } = this.#known;
    if (loaded === undefined) {
      return undefined;
    }
    const project = applyProfile(loaded.project, this.#request.profile);
    const local = project.steps.filter((step) => step.where === 'local');
    return sheetText.localText(project) === undefined ? undefined : trustDigest(loaded.root, local, project);
  }

  #try(doing: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#options.context.failures.show(error, doing));
  }

  #state(): SheetState {
    const { account } = this.#options.context;
    const { file, profile, from } = this.#request;
    const { number, parts, loaded, estimate, mostDollars, foreseen, foreseeing } = this.#known;
    const plain = loaded?.project;
    const project =
      plain && applyProfile(plain, profile !== undefined && profile in plain.profiles ? profile : undefined);
    return {
      type: 'state',
      look: number,
      project: plainText(project?.name ?? basename(file.fsPath), 200),
      file: plainText(this.#options.context.vs.workspace.asRelativePath(file)),
      sandbox: account.free,
      profiles: Object.entries(plain?.profiles ?? {}).map(([name, { description }]) => ({
        name: plainText(name, 200),
        description: plainText(description ?? ''),
      })),
      profile: plainText(profile ?? '', 200),
      steps: project === undefined ? [] : sheetText.stepsText(project, from, foreseen),
      stepsBusy: foreseeing,
      local: project === undefined ? [] : sheetText.localText(project),
      ...parts,
      ending: project === undefined ? { text: '', costs: false } : sheetText.endingText(project),
      start: {
        label:
          project === undefined ? 'Start' : sheetText.startLabel(project, estimate?.likely, mostDollars, account.free),
        blocked: this.#known.blocked(),
        busy: this.#starting,
        failure: this.#failure,
        note: this.#note,
      },
    };
  }
}
