import type * as vscode from 'vscode';
import { access } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { findNodeAtLocation, getNodeValue, parseTree } from 'jsonc-parser';
import { CancelledError, UserError } from '../../core/errors.ts';
import {
  changedSince,
  explain,
  gatePlace,
  gatherEvidence,
  linePlace,
  type Explanation,
  type ProjectPath,
} from '../../core/guards/explain/index.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import { loadProject } from '../../core/project/load.ts';
import { placeOf } from '../../core/project/parse.ts';
import { applyProfile } from '../../core/project/profile.ts';
import type { PanelExplanation } from '../../messages/job-panel.ts';
import type { Disposable } from '../common/disposables.ts';
import { buttonsOf, press } from '../common/remedies.ts';
import { failureText } from '../common/text.ts';
import { commands } from '../ids.ts';
import { setProjectValue } from '../projectfile/edit.ts';
import { explanationView, type Explained, type ExplanationView } from './explanation.ts';

export interface JobExplanationOptions {
  job: string;
  records: JobRecords;
  installation: () => Promise<Installation>;
  /** What the page shows is another thing. */
  changed: () => void;
}

/** Why one job failed, found out when somebody looks, and what the buttons of its page do. */
export class JobExplanation implements Disposable {
  readonly #vs: typeof vscode;
  readonly #options: JobExplanationOptions;
  readonly #saved: Disposable;
  #message: PanelExplanation | undefined;
  #record: JobRecord | undefined;
  #explained: Explained | undefined;
  #view: ExplanationView | undefined;
  #abort = new AbortController();

  constructor(vs: typeof vscode, options: JobExplanationOptions) {
    this.#vs = vs;
    this.#options = options;
    // Whether going on may end otherwise depends on what was changed since.
    this.#saved = vs.workspace.onDidSaveTextDocument(() => {
      if (this.#message?.told !== undefined) {
        void this.#lookForChanges();
      }
    });
  }

  /** What the page is told; undefined before anybody has looked. */
  get message(): PanelExplanation | undefined {
    return this.#message;
  }

  /** Finds everything out, anew where that was done before; what was known stays meanwhile. */
  async look(): Promise<void> {
    this.#abort.abort(new CancelledError());
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#tell({ type: 'explanation', busy: true, told: this.#message?.told });
    try {
      const { records, job } = this.#options;
      const record = await records.get(job);
      if (record === undefined) {
        throw new UserError('job-unknown', {
          what: 'This computer has no record of that job.',
          next: 'Look at it on the computer that started it.',
        });
      }
      // Who is signed out has the journals and the log all the same.
      const here = await this.#options.installation().catch(() => undefined);
      const client = here?.restUrl === record.restUrl ? here.client : undefined;
      const evidence = await gatherEvidence({ records, client }, record, signal);
      const explanation = explain(evidence);
      const line = linePlace(evidence.log, record.root, record.remote?.projectDir);
      this.#record = record;
      this.#explained = {
        explanation,
        evidence,
        reason: record.reason,
        changed: await changesOf(record, evidence.events.at(-1)?.time, signal),
        gate: gatePlace(evidence, evidence.project),
        line: line !== undefined && (await isThere(line.file)) ? line : undefined,
      };
      if (!signal.aborted) {
        this.#show();
      }
    } catch (error) {
      if (!signal.aborted) {
        this.#tell({ type: 'explanation', busy: false, failure: failureText(error) });
      }
    }
  }

  /** Does what a button of the page says. */
  async act(index: number): Promise<void> {
    const vs = this.#vs;
    const act = this.#view?.acts[index];
    const [record, explained] = [this.#record, this.#explained];
    if (act === undefined || record === undefined || explained === undefined) {
      return;
    }
    const file = vs.Uri.file(record.file);
    switch (act.do) {
      case 'remedy':
        await press(vs, buttonsOf(vs, [act.remedy])[0]);
        return;
      case 'apply':
        await applyChange(vs, file, explained.explanation);
        await vs.commands.executeCommand(commands.runFrom, { id: record.job });
        return;
      case 'resume':
        await vs.commands.executeCommand(commands.runFrom, { id: record.job });
        return;
      case 'gate':
        await showPlace(vs, file, act.path);
        return;
      case 'line': {
        const at = new vs.Position(Math.max(0, act.line - 1), 0);
        await vs.window.showTextDocument(vs.Uri.file(act.file), { selection: new vs.Range(at, at) });
        return;
      }
    }
  }

  dispose(): void {
    this.#abort.abort(new CancelledError());
    this.#saved.dispose();
  }

  async #lookForChanges(): Promise<void> {
    const [record, explained] = [this.#record, this.#explained];
    if (record !== undefined && explained !== undefined) {
      const { signal } = this.#abort;
      const changed = await changesOf(record, explained.evidence.events.at(-1)?.time, signal).catch(() => undefined);
      if (!signal.aborted && this.#explained === explained) {
        this.#explained = { ...explained, changed };
        this.#show();
      }
    }
  }

  #show(): void {
    if (this.#explained !== undefined) {
      this.#view = explanationView(this.#explained);
      this.#tell({ type: 'explanation', busy: false, told: this.#view.told });
    }
  }

  #tell(message: PanelExplanation): void {
    this.#message = message;
    this.#options.changed();
  }
}

/** What was changed here since the job was last heard of. */
async function changesOf(
  record: JobRecord,
  ended: string | undefined,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const loaded = await loadProject(record.file).catch(() => undefined);
  if (loaded === undefined) {
    return undefined;
  }
  const known = record.profile === undefined || record.profile in loaded.project.profiles;
  const project = known ? applyProfile(loaded.project, record.profile) : loaded.project;
  return changedSince({ ...loaded, project }, Date.parse(ended ?? record.updated), signal);
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function showPlace(vs: typeof vscode, file: vscode.Uri, path: ProjectPath): Promise<void> {
  const document = await vs.workspace.openTextDocument(file);
  const { offset, length } = placeOf(document.getText(), path);
  const selection = new vs.Range(document.positionAt(offset), document.positionAt(offset + length));
  await vs.window.showTextDocument(document, { selection });
}

/** Makes the change where the value is still the one that the explanation is about. */
async function applyChange(vs: typeof vscode, file: vscode.Uri, explanation: Explanation | undefined): Promise<void> {
  const { path, from, to } = explanation?.change ?? { path: null, from: null, to: null };
  if (path === null) {
    return;
  }
  const document = await vs.workspace.openTextDocument(file);
  const tree = parseTree(document.getText(), [], { allowTrailingComma: true });
  const node = tree && findNodeAtLocation(tree, path);
  const now: unknown = node === undefined ? undefined : getNodeValue(node);
  // A value that the file leaves to its default is not there.
  if (now !== undefined && !isDeepStrictEqual(now, from)) {
    throw new UserError('change-outdated', {
      what: `The project file was not changed.`,
      why: `Where the change belongs there is ${JSON.stringify(now)} by now; the failed job had ${JSON.stringify(from)}.`,
      next: 'Run the pipeline as it is, or change the value by hand.',
    });
  }
  await setProjectValue(vs, file, path, to);
}
