import type * as vscode from 'vscode';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { setContext } from '../common/context-keys.ts';
import { commands } from '../ids.ts';
import { createProjectDiagnostics } from './diagnostics.ts';
import { createProjectFixes } from './fix-provider.ts';
import { projectFiles, projectSuffix } from './project-files.ts';

/** What the editor knows about project files. Completion and hover come from the JSON schema in the manifest. */
export function createProjectFileModule(vs: typeof vscode, registry: CommandRegistry): Disposable {
  const store = new DisposableStore();
  store.add(createProjectDiagnostics(vs));
  store.add(createProjectFixes(vs));
  store.add(createProjectLenses(vs));
  store.add(
    registry.register(commands.createProjectFile, async () => (await import('./create.ts')).createProjectFile(vs)),
  );
  store.add(watchProjectFiles(vs));
  return store;
}

/** Tells welcome texts and walkthrough whether there is a project file. */
function watchProjectFiles(vs: typeof vscode): Disposable {
  const store = new DisposableStore();
  const look = async (): Promise<void> =>
    setContext(vs, 'runpodTrainer.hasProjectFile', (await projectFiles(vs, 1)).length > 0);
  const watcher = store.add(vs.workspace.createFileSystemWatcher(`**/*${projectSuffix}`, false, true, false));
  for (const event of [watcher.onDidCreate, watcher.onDidDelete, vs.workspace.onDidChangeWorkspaceFolders]) {
    store.add(event(() => void look()));
  }
  void look();
  return store;
}

/** Run and Check above the file, "Run from here" above every step. */
function createProjectLenses(vs: typeof vscode): Disposable {
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
