import type * as vscode from 'vscode';
import type { Disposable } from '../common/disposables.ts';
import { projectSuffix } from './project-files.ts';

/** Run and Check above the file, "Run from here" above every step. */
export function createProjectLenses(vs: typeof vscode): Disposable {
  return vs.languages.registerCodeLensProvider(
    { scheme: 'file', pattern: `**/*${projectSuffix}` },
    {
      provideCodeLenses: async (document) => {
        const { lensPlaces } = await import('./lenses.ts');
        return lensPlaces(document.getText()).map(({ offset, title, tooltip, command, step }) => {
          const at = document.positionAt(offset);
          const args = step === undefined ? [document.uri] : [document.uri, step];
          return new vs.CodeLens(new vs.Range(at, at), { title, tooltip, command, arguments: args });
        });
      },
    },
  );
}
