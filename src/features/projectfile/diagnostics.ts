import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import type { Problem } from '../../core/project/problem.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { isProjectFile } from './project-files.ts';

/** Quiet time after a keystroke before a file is checked. */
const settleMs = 300;

/** Keeps the diagnostics of open project files true: while typing, and when a file that they name comes or goes. */
export function createProjectDiagnostics(vs: typeof vscode): Disposable {
  const store = new DisposableStore();
  const collection = store.add(vs.languages.createDiagnosticCollection('runpodTrainer'));
  const timers = new Map<string, NodeJS.Timeout>();
  store.add({ dispose: () => [...timers.values()].forEach(clearTimeout) });

  const check = async (document: vscode.TextDocument): Promise<void> => {
    const { findProblems } = await import('../../core/project/check.ts');
    const { version } = document;
    const problems = await findProblems(document.getText(), dirname(document.fileName));
    if (document.version === version && !document.isClosed) {
      collection.set(
        document.uri,
        // What is no JSON is marked by the editor itself, while that looks at JSON at all.
        problems
          .filter(({ isSyntax }) => isSyntax !== true || !marksSyntax(vs))
          .map((problem) => diagnosticOf(vs, document, problem)),
      );
    }
  };
  const schedule = (document: vscode.TextDocument, delay: number): void => {
    if (!isProjectFile(document)) {
      return;
    }
    const key = document.uri.toString();
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => {
        timers.delete(key);
        void check(document);
      }, delay),
    );
  };
  const checkAll = (delay: number): void => vs.workspace.textDocuments.forEach((document) => schedule(document, delay));

  store.add(vs.workspace.onDidOpenTextDocument((document) => schedule(document, 0)));
  store.add(vs.workspace.onDidChangeTextDocument((event) => schedule(event.document, settleMs)));
  store.add(vs.workspace.onDidCloseTextDocument((document) => collection.delete(document.uri)));
  const watcher = store.add(vs.workspace.createFileSystemWatcher('**/*.{py,ipynb}'));
  // A folder that is deleted or renamed is one event, and its files are none.
  const folders = store.add(vs.workspace.createFileSystemWatcher('**/*', true, true, false));
  for (const event of [watcher.onDidCreate, watcher.onDidDelete, watcher.onDidChange, folders.onDidDelete]) {
    store.add(event(() => checkAll(settleMs)));
  }
  checkAll(0);
  return store;
}

function marksSyntax(vs: typeof vscode): boolean {
  const isOn = vs.workspace.getConfiguration('json').get('validate.enable') !== false;
  return isOn && vs.extensions.getExtension('vscode.json-language-features') !== undefined;
}

function diagnosticOf(vs: typeof vscode, document: vscode.TextDocument, problem: Problem): vscode.Diagnostic {
  const range = new vs.Range(document.positionAt(problem.offset), document.positionAt(problem.offset + problem.length));
  const { Error: error, Warning: warning } = vs.DiagnosticSeverity;
  const diagnostic = new vs.Diagnostic(range, problem.message, problem.severity === 'error' ? error : warning);
  diagnostic.source = 'RunPod';
  return diagnostic;
}
