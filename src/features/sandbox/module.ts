import type * as vscode from 'vscode';
import { join } from 'node:path';
import { homeFolder } from '../../core/home/folder.ts';
import type { AccountModule } from '../account/module.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { setContext } from '../common/context-keys.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import { lazy } from '../common/lazy.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { Secret } from '../common/secret.ts';
import type { Log } from '../common/log.ts';
import { commands } from '../ids.ts';
import { hasCopyOpen, takeShown } from './sample-copies.ts';
import { SandboxProcess } from './sandbox-process.ts';

/** The local sandbox: starts it, stops it, and signs this window in to it. */
export function createSandboxModule(
  vs: typeof vscode,
  context: Pick<vscode.ExtensionContext, 'extensionPath'>,
  registry: CommandRegistry,
  {
    account,
    credentials,
    records,
    ownMemory,
    python,
  }: Pick<AccountModule, 'account' | 'credentials' | 'records' | 'ownMemory' | 'python'>,
  log: Log,
): Disposable {
  const store = new DisposableStore();
  /** The sample that the sandbox is started for, which is not open yet. */
  let startedFor: vscode.Uri | undefined;
  const sandbox = new SandboxProcess(() => ({
    home: homeFolder(),
    script: join(context.extensionPath, 'dist', 'sandbox', 'main.js'),
    python: async () => (await python.current(startedFor)).path,
  }));
  const status = store.add(vs.window.createStatusBarItem('runpodTrainer.sandbox', vs.StatusBarAlignment.Left, 10));
  status.name = 'RunPod Sandbox';
  status.text = '$(beaker) Sandbox';
  status.tooltip = 'This window uses the local sandbox: nothing is charged. Click to stop it.';
  status.command = commands.stopSandbox;

  /** Hears of a sandbox that another window starts or stops. */
  const failed = (doing: string) => (error: unknown) => log.error(doing, error as Error);
  const watch = lazy(async () => {
    const { connectionFile, sandboxFolder } = await import('../../core/home/sandbox.ts');
    const folder = vs.Uri.file(sandboxFolder(homeFolder()));
    const watcher = store.add(vs.workspace.createFileSystemWatcher(new vs.RelativePattern(folder, connectionFile)));
    for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete]) {
      store.add(event(() => void adopt().catch(failed('The account could not be read:'))));
    }
  });
  /** Makes this window agree with what runs. A window that chose the sandbox never falls back to paid RunPod. */
  const adopt = async (): Promise<void> => {
    if (vs.workspace.isTrusted) {
      await watch();
    }
    const found = vs.workspace.isTrusted ? await sandbox.find() : undefined;
    const running = account.usesSandbox ? found : undefined;
    setContext(vs, 'runpodTrainer.sandboxRunning', running !== undefined);
    setContext(vs, 'runpodTrainer.sandboxElsewhere', running === undefined && found !== undefined);
    if (running === undefined) {
      status.hide();
      credentials.lend(undefined);
    } else {
      status.show();
      const { restUrl, key, s3Keys } = running;
      const secretAccessKey = new Secret(s3Keys.secretAccessKey);
      credentials.lend({
        restUrl,
        apiKey: new Secret(key),
        s3Keys: { accessKeyId: s3Keys.accessKeyId, secretAccessKey },
      });
    }
    await account.setSandbox(running);
  };
  const start = async (): Promise<void> => {
    account.requireTrust();
    valueOf(await withProgress(vs, { title: 'Starting the sandbox…' }, (signal) => sandbox.start(signal)));
  };
  /** Stops it once the user has seen what runs in it; whatever this window's account is, only the sandbox's is touched. */
  const stop = async (): Promise<void> => {
    const running = await sandbox.find();
    if (running === undefined) {
      vs.window.setStatusBarMessage('No sandbox runs', 5000);
      await adopt();
      return;
    }
    const [{ stopText }, { RunPodClient }] = await Promise.all([
      import('./stop-text.ts'),
      import('../../core/runpod/client.ts'),
    ]);
    const client = new RunPodClient({ restUrl: running.restUrl, apiKey: running.key });
    const pods = (await client.pods.list()).filter((pod) => !['EXITED', 'TERMINATED'].includes(pod.status));
    const detail = stopText(running.restUrl, await (await records()).list(), pods);
    const button = 'Stop Sandbox';
    if ((await vs.window.showWarningMessage('Stop the sandbox?', { modal: true, detail }, button)) === button) {
      valueOf(await withProgress(vs, { title: 'Stopping the sandbox…', where: 'window' }, () => sandbox.stop()));
      await adopt();
    }
  };
  store.add(
    registry.register(commands.startSandbox, async () => {
      await start();
      await account.useSandbox(true);
      await adopt();
    }),
  );
  store.add(registry.register(commands.stopSandbox, stop, { alone: true }));
  store.add(
    registry.register(commands.trySample, async () => {
      account.requireTrust();
      const [{ preparePython }, { chooseSample, openSample, targetOf }] = await Promise.all([
        import('./prepare-python.ts'),
        import('./sample.ts'),
      ]);
      const sample = await chooseSample(vs);
      if (sample === undefined) {
        return;
      }
      const target = await targetOf(vs, sample);
      const source = join(context.extensionPath, 'examples', sample.folder);
      const requirements = sample.packages ? join(source, 'requirements.txt') : undefined;
      const workerFile = join(context.extensionPath, 'dist', 'worker.pyz');
      const prepared = await preparePython(vs, { python, target, requirements, workerFile });
      if (!prepared.ready) {
        return;
      }
      if (prepared.changed && (await sandbox.find()) !== undefined) {
        // Its pods have the Python that it was started with.
        await stop();
      }
      startedFor = target;
      await start();
      await account.useSandbox(true, target.toString());
      await adopt();
      await openSample(vs, ownMemory, source, target);
      tellOpen();
    }),
  );
  const tellOpen = (): void => setContext(vs, 'runpodTrainer.sampleOpen', hasCopyOpen(vs, ownMemory));
  tellOpen();
  const showOpened = async (): Promise<void> => {
    const address = await takeShown(vs, ownMemory);
    if (address !== undefined) {
      await (await import('./sample.ts')).showSample(vs, vs.Uri.parse(address));
    }
  };
  account.waitFor(adopt().catch(failed('The account could not be read:')));
  store.add(vs.workspace.onDidGrantWorkspaceTrust(() => void adopt().catch(failed('The account could not be read:'))));
  void showOpened().catch(failed('The sample could not be shown:'));
  return store;
}
