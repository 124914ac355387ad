import type * as vscode from 'vscode';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { setContext } from '../common/context-keys.ts';
import type { AccountModule } from '../account/module.ts';
import type { Settings } from '../common/settings.ts';
import { commands } from '../ids.ts';
import { createProjectDiagnostics } from './diagnostics.ts';
import { createProjectFixes } from './fix-provider.ts';
import { createProjectLenses, type LensJobs } from './lens-provider.ts';
import { projectFiles, projectSuffix } from './project-files.ts';
import { createProposals } from './proposal-provider.ts';

/** What the editor knows about project files. */
export function createProjectFileModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  { account, installation }: AccountModule,
  settings: Settings,
  jobs: LensJobs,
): Disposable {
  const store = new DisposableStore();
  store.add(createProjectDiagnostics(vs));
  store.add(createProjectFixes(vs));
  store.add(createProposals(vs, account, settings));
  store.add(createProjectLenses(vs, account, installation, jobs));
  store.add(
    registry.register(commands.createProjectFile, async () => {
      account.requireTrust();
      const { createProjectFile } = await import('./create.ts');
      return createProjectFile(vs, { account, installation });
    }),
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
