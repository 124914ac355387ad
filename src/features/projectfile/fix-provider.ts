import type * as vscode from 'vscode';
import { dirname } from 'node:path';
import type { Disposable } from '../common/disposables.ts';
import { projectSuffix } from './project-files.ts';

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
        const [{ fixesOf }, { findProblems }] = await Promise.all([
          import('./fixes.ts'),
          import('../../core/project/check.ts'),
        ]);
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
