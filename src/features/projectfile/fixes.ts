import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import { modify } from 'jsonc-parser';
import type { Problem } from '../../core/project/parse.ts';
import type { Disposable } from '../common/disposables.ts';
import { findProblems } from './diagnostics.ts';
import { projectSuffix } from './project-files.ts';

/** A change of the project file's text. */
interface TextChange {
  offset: number;
  length: number;
  content: string;
}

export interface Fix {
  title: string;
  /** The one that is most likely right. */
  preferred: boolean;
  changes: TextChange[];
  /** A file to make, relative to the project's folder, and its content. */
  create?: { file: string; content: string };
}

const format = { formattingOptions: { insertSpaces: true, tabSize: 2 } };

/** What can be done about a problem; nothing for most of them. */
export function fixesOf(text: string, problem: Problem): Fix[] {
  const { fix, offset, length, path } = problem;
  if (fix === undefined) {
    return [];
  }
  if (fix.kind === 'rename') {
    const change = { offset, length, content: JSON.stringify(fix.to) };
    return [
      { title: `Rename to "${fix.to}"`, preferred: true, changes: [change] },
      { title: `Remove "${String(path.at(-1))}"`, preferred: false, changes: modify(text, path, undefined, format) },
    ];
  }
  const create = { file: fix.file, content: emptyFile(fix.file) };
  const step = path.slice(0, 2);
  return [
    { title: `Create ${fix.file}`, preferred: true, changes: [], create },
    { title: 'Remove this step', preferred: false, changes: modify(text, step, undefined, format) },
  ];
}

/** The smallest file of its kind that runs. */
function emptyFile(file: string): string {
  return file.endsWith('.ipynb')
    ? `${JSON.stringify({ cells: [], metadata: { kernelspec: { name: 'python3', display_name: 'Python 3' } }, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`
    : '';
}

/** Quick fixes for what the diagnostics of project files say. */
export function createProjectFixes(vs: typeof vscode): Disposable {
  const kind = vs.CodeActionKind.QuickFix;
  return vs.languages.registerCodeActionsProvider(
    { scheme: 'file', pattern: `**/*${projectSuffix}` },
    {
      provideCodeActions: async (document, range, context) => {
        if (!context.diagnostics.some((d) => d.source === 'RunPod')) {
          return [];
        }
        const text = document.getText();
        const rangeOf = ({ offset, length }: { offset: number; length: number }): vscode.Range =>
          new vs.Range(document.positionAt(offset), document.positionAt(offset + length));
        const here = (await findProblems(text, dirname(document.fileName))).filter(
          (problem) => rangeOf(problem).intersection(range) !== undefined,
        );
        return here.flatMap((problem) =>
          fixesOf(text, problem).map((fix) => {
            const action = new vs.CodeAction(fix.title, kind);
            action.isPreferred = fix.preferred;
            action.diagnostics = context.diagnostics.filter((d) => d.message === problem.message);
            action.edit = new vs.WorkspaceEdit();
            for (const change of fix.changes) {
              action.edit.replace(document.uri, rangeOf(change), change.content);
            }
            if (fix.create !== undefined) {
              const uri = vs.Uri.joinPath(document.uri, '..', ...fix.create.file.split('/'));
              const { content } = fix.create;
              const contents = content === '' ? {} : { contents: new TextEncoder().encode(content) };
              action.edit.createFile(uri, { ignoreIfExists: true, ...contents });
            }
            return action;
          }),
        );
      },
    },
    { providedCodeActionKinds: [kind] },
  );
}
