import type * as vscode from 'vscode';
import { join } from 'node:path';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { setContext } from '../common/context-keys.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { Secret } from '../common/secret.ts';
import type { Log } from '../common/log.ts';
import type { Settings } from '../common/settings.ts';
import { commands } from '../ids.ts';
import { connectionFile, SandboxProcess } from './sandbox-process.ts';

/** The local sandbox: starts it, stops it, and signs this window in to it. */
export function createSandboxModule(
  vs: typeof vscode,
  context: Pick<vscode.ExtensionContext, 'extensionPath' | 'globalStorageUri'>,
  registry: CommandRegistry,
  { account, credentials }: Pick<AccountModule, 'account' | 'credentials'>,
  settings: Settings,
  log: Log,
): Disposable {
  const store = new DisposableStore();
  const sandbox = new SandboxProcess(async () => {
    const { homeFolder } = await import('../../core/home/folder.ts');
    return {
      root: join(homeFolder(), 'sandbox'),
      script: join(context.extensionPath, 'dist', 'sandbox', 'main.js'),
      python: settings.python,
    };
  });
  const status = store.add(vs.window.createStatusBarItem('runpodTrainer.sandbox', vs.StatusBarAlignment.Left, 10));
  status.name = 'RunPod Sandbox';
  status.text = '$(beaker) Sandbox';
  status.tooltip = 'This window uses the local sandbox: nothing is charged. Click to stop it.';
  status.command = commands.stopSandbox;

  let watching: Promise<void> | undefined;
  /** Hears of a sandbox that another window starts or stops. */
  const watch = async (): Promise<void> => {
    const folder = vs.Uri.file(await sandbox.root());
    const watcher = store.add(vs.workspace.createFileSystemWatcher(new vs.RelativePattern(folder, connectionFile)));
    for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete]) {
      store.add(event(() => void adopt()));
    }
  };
  /** Makes this window agree with what runs. A window that chose the sandbox never falls back to paid RunPod. */
  const adopt = async (): Promise<void> => {
    if (account.usesSandbox) {
      await (watching ??= watch());
    }
    const running = account.usesSandbox ? await sandbox.find() : undefined;
    setContext(vs, 'runpodTrainer.sandboxRunning', running !== undefined);
    if (running === undefined) {
      status.hide();
    } else {
      status.show();
      const { restUrl, key, s3Keys } = running;
      await credentials.setApiKey(restUrl, new Secret(key));
      const secretAccessKey = new Secret(s3Keys.secretAccessKey);
      await credentials.setS3Keys(restUrl, { accessKeyId: s3Keys.accessKeyId, secretAccessKey });
    }
    await account.setSandbox(running);
  };
  const start = async (): Promise<void> => {
    account.requireTrust();
    valueOf(await withProgress(vs, { title: 'Starting the sandbox…' }, (signal) => sandbox.start(signal)));
    await account.useSandbox(true);
    await adopt();
  };
  store.add(registry.register(commands.startSandbox, start));
  store.add(
    registry.register(commands.stopSandbox, async () => {
      const button = 'Stop Sandbox';
      const detail = 'Its pods end and what runs on them is lost. Its volumes stay for the next start.';
      if ((await vs.window.showWarningMessage('Stop the sandbox?', { modal: true, detail }, button)) === button) {
        const { restUrl } = account;
        valueOf(await withProgress(vs, { title: 'Stopping the sandbox…', where: 'window' }, () => sandbox.stop()));
        await credentials.forget(restUrl);
        await adopt();
      }
    }),
  );
  store.add(
    registry.register(commands.trySample, async () => {
      account.requireTrust();
      const [{ preparePython }, { trySample }] = await Promise.all([
        import('./prepare-python.ts'),
        import('./sample.ts'),
      ]);
      const sample = join(context.extensionPath, 'examples', 'rainbow');
      const storage = context.globalStorageUri.fsPath;
      const requirements = join(sample, 'requirements.txt');
      const workerFile = join(context.extensionPath, 'dist', 'worker.pyz');
      const python = await preparePython(vs, { settings, storage, requirements, workerFile });
      if (!python.ready) {
        return;
      }
      if (python.changed && (await sandbox.find()) !== undefined) {
        // Its pods have the Python that it was started with.
        await vs.commands.executeCommand(commands.stopSandbox);
      }
      await start();
      await trySample(vs, account, sample);
    }),
  );
  account.waitFor(adopt().catch((error: unknown) => log.error('The account could not be read:', error as Error)));
  return store;
}
