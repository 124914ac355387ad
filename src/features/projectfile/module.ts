import type * as vscode from 'vscode';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { commands } from '../ids.ts';
import { createProjectDiagnostics } from './diagnostics.ts';
import { createProjectFixes } from './fix-provider.ts';
import { createProjectLenses } from './lens-provider.ts';

/** What the editor knows about project files. Completion and hover come from the JSON schema in the manifest. */
export function createProjectFileModule(vs: typeof vscode, registry: CommandRegistry): Disposable {
  const store = new DisposableStore();
  store.add(createProjectDiagnostics(vs));
  store.add(createProjectFixes(vs));
  store.add(createProjectLenses(vs));
  store.add(
    registry.register(commands.createProjectFile, async () => (await import('./create.ts')).createProjectFile(vs)),
  );
  return store;
}
