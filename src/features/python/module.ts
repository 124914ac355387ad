import type * as vscode from 'vscode';
import type { CommandRegistry } from '../common/commands.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { commands } from '../ids.ts';
import { sources, type PythonChoice, type WorkspacePython } from './workspace-python.ts';

type Item = vscode.QuickPickItem & { use?: PythonChoice; other?: true; unset?: true };

/** Shows which Python the folder has, beside a project file, and lets the user choose another one. */
export function createPythonModule(
  vs: typeof vscode,
  registry: CommandRegistry,
  python: WorkspacePython,
  requireTrust: () => void,
): Disposable {
  const store = new DisposableStore();
  const status = store.add(
    vs.languages.createLanguageStatusItem('runpodTrainer.python', { scheme: 'file', pattern: '**/*.runpod.json' }),
  );
  status.name = 'RunPod: Python of This Machine';
  status.text = 'Python';
  status.command = { command: commands.choosePython, title: 'Choose…' };
  const show = async (): Promise<void> => {
    if (vs.workspace.isTrusted && vs.window.activeTextEditor?.document.fileName.endsWith('.runpod.json') === true) {
      const { path, from } = await python.current();
      status.text = path;
      status.detail = sources[from];
    }
  };
  const soon = (): void => void show().catch(() => undefined);
  store.add(vs.window.onDidChangeActiveTextEditor(soon));
  store.add(vs.workspace.onDidChangeConfiguration(soon));
  store.add(vs.workspace.onDidGrantWorkspaceTrust(soon));
  store.add(python.onDidChange(soon));
  soon();
  store.add(
    registry.register(commands.choosePython, async () => {
      requireTrust();
      await choosePython(vs, python);
    }),
  );
  return store;
}

async function choosePython(vs: typeof vscode, python: WorkspacePython): Promise<void> {
  const offered = await python.offered();
  const items: Item[] = [
    ...offered.map((use, i) => ({ label: use.path, description: sources[use.from], picked: i === 0, use })),
    { label: '$(folder-opened) Another One…', other: true },
    ...(offered[0]?.from === 'chosen' ? [{ label: '$(discard) Decide by Itself', unset: true as const }] : []),
  ];
  const title = 'Choose the Python for Steps on This Machine';
  const chosen = await vs.window.showQuickPick(items, { title, placeHolder: `${offered[0]?.path ?? ''} is used now` });
  if (chosen?.use !== undefined) {
    await python.choose(chosen.use.path);
  } else if (chosen?.unset === true) {
    await python.choose(undefined);
  } else if (chosen?.other === true) {
    const [file] = (await vs.window.showOpenDialog({ title, openLabel: 'Use This Python' })) ?? [];
    await (file && python.choose(file.fsPath));
  }
}
