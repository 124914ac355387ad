import type * as vscode from 'vscode';
import { isDeepStrictEqual } from 'node:util';
import type { Finding, Severity } from '../../core/guards/preflight/index.ts';
import { findProblems } from '../../core/project/check.ts';
import { placeOf } from '../../core/project/parse.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import type { Disposable } from '../common/disposables.ts';
import { plainText } from '../common/text.ts';

/** Marks what preflight found where its cause stands in the project file. */
export class FindingDiagnostics implements Disposable {
  readonly #vs: typeof vscode;
  readonly #collection: vscode.DiagnosticCollection;

  constructor(vs: typeof vscode) {
    this.#vs = vs;
    this.#collection = vs.languages.createDiagnosticCollection('runpodTrainerPreflight');
  }

  async set(file: vscode.Uri, loaded: LoadedProject, findings: readonly Finding[]): Promise<void> {
    const document = await this.#vs.workspace.openTextDocument(file);
    // What the live check of the file marks already, with its own quick fixes, is not marked twice.
    const live = await findProblems(document.getText(), loaded.root);
    const isMarked = ({ at }: Finding): boolean => live.some(({ path }) => isDeepStrictEqual(path, at));
    const marked = findings.filter((f) => f.at !== undefined && f.severity !== 'info' && !isMarked(f));
    this.#collection.set(
      file,
      marked.map((finding) => this.#diagnostic(document, loaded, finding)),
    );
  }

  /** Whether the file was checked and not cleared since. */
  has(file: vscode.Uri): boolean {
    return this.#collection.has(file);
  }

  clear(file: vscode.Uri): void {
    this.#collection.delete(file);
  }

  dispose(): void {
    this.#collection.dispose();
  }

  #diagnostic(document: vscode.TextDocument, { text }: LoadedProject, finding: Finding): vscode.Diagnostic {
    const vs = this.#vs;
    const { offset, length } = placeOf(text, finding.at ?? []);
    const range = new vs.Range(document.positionAt(offset), document.positionAt(offset + length));
    const severities: Record<Severity, vscode.DiagnosticSeverity> = {
      error: vs.DiagnosticSeverity.Error,
      warning: vs.DiagnosticSeverity.Warning,
      info: vs.DiagnosticSeverity.Information,
    };
    const message = plainText([finding.what, finding.why, finding.next].join(' '));
    const diagnostic = new vs.Diagnostic(range, message, severities[finding.severity]);
    diagnostic.source = 'RunPod preflight';
    diagnostic.code = finding.id;
    return diagnostic;
  }
}
