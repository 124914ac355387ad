import type * as vscode from 'vscode';
import { join } from 'node:path';
import { homeFolder } from '../../core/home/folder.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { S3Source } from '../../core/s3/s3-source.ts';
import type { CommandRegistry } from '../common/commands.ts';
import { setContext } from '../common/context-keys.ts';
import { DisposableStore, type Disposable } from '../common/disposables.ts';
import type { Failures } from '../common/failures.ts';
import type { Log } from '../common/log.ts';
import type { Settings } from '../common/settings.ts';
import { commands } from '../ids.ts';
import { WorkspacePython } from '../python/workspace-python.ts';
import { Account, type Memory } from './account.ts';
import { Credentials } from './credentials.ts';
import { editorInstallation, openRecords, s3SourceOf, type OpenRecords } from './installation.ts';
import { MachineMemory } from './machine-memory.ts';

export interface AccountModule extends Disposable {
  account: Account;
  credentials: Credentials;
  /** The volumes' S3 API as this window reaches it now. */
  s3: () => S3Source;
  records: OpenRecords;
  installation: () => Promise<Installation>;
  python: WorkspacePython;
  /** What is remembered of this machine alone. */
  ownMemory: Memory;
}

/** Sign-in, sign-out and the account that other features ask for a client. */
export function createAccountModule(
  vs: typeof vscode,
  context: Pick<vscode.ExtensionContext, 'secrets' | 'globalState' | 'globalStorageUri' | 'extensionPath'>,
  registry: CommandRegistry,
  settings: Settings,
  log: Log,
  failures: Failures,
): AccountModule {
  const store = new DisposableStore();
  const credentials = new Credentials(context.secrets);
  const ownMemory = new MachineMemory(context.globalState, homeFolder());
  const python = store.add(
    new WorkspacePython(vs, { settings, memory: ownMemory, storage: context.globalStorageUri.fsPath }),
  );
  const account = store.add(
    new Account({
      credentials,
      memory: context.globalState,
      ownMemory,
      restUrl: () => settings.restUrl,
      folder: () => vs.workspace.workspaceFolders?.[0]?.uri.toString() ?? 'no folder',
      trusted: () => vs.workspace.isTrusted,
      unreadable: (failure) => failures.show(failure, 'Sign In'),
      log: (text) => log.debug(text),
    }),
  );
  store.add(
    account.onDidChange(() => {
      setContext(vs, 'runpodTrainer.signedIn', account.signedIn);
      setContext(vs, 'runpodTrainer.signedInToRunPod', account.signedIn && !account.free);
    }),
  );
  store.add(settings.onDidChangeRestUrl(() => void account.reload()));
  store.add(vs.workspace.onDidGrantWorkspaceTrust(() => void account.reload()));
  const dialogs = () => import('./sign-in.ts');
  store.add(registry.register(commands.signIn, async () => (await dialogs()).signIn(vs, account)));
  store.add(registry.register(commands.setS3Keys, async () => (await dialogs()).setS3Keys(vs, account, credentials)));
  store.add(
    registry.register(commands.setSecret, async (target) =>
      (await dialogs()).setStepSecret(vs, account, credentials, target),
    ),
  );
  store.add(registry.register(commands.signOut, async () => (await dialogs()).signOut(vs, account)));
  const s3 = (): S3Source => s3SourceOf(account, credentials, settings);
  const workerFile = join(context.extensionPath, 'dist', 'worker.pyz');
  return {
    account,
    credentials,
    s3,
    records: openRecords(),
    installation: () => editorInstallation({ account, credentials, settings, python, s3, workerFile }),
    ownMemory,
    python,
    dispose: () => store.dispose(),
  };
}
