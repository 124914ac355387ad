import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import { Account } from '../../../src/features/account/account.ts';
import { Credentials } from '../../../src/features/account/credentials.ts';
import { MachineMemory } from '../../../src/features/account/machine-memory.ts';
import type { CommandRegistry } from '../../../src/features/common/commands.ts';
import { Emitter, type Disposable } from '../../../src/features/common/disposables.ts';
import { Secret } from '../../../src/features/common/secret.ts';
import { Settings } from '../../../src/features/common/settings.ts';
import { createPodsModule } from '../../../src/features/pods/module.ts';
import { idleMs } from '../../../src/features/status/module.ts';
import { FakeMemory, FakeSecrets } from '../../support/memory.ts';
import { useTempFolder } from '../../support/temp.ts';
import { until } from '../../support/wait.ts';

const key = 'rpa_CANARY0123456789';
const listed = {
  pods: [
    {
      id: 'pod1',
      name: 'rpt-songs-20260101-000000-abcd',
      status: 'RUNNING',
      cost: 0.44,
      args: '--token CANARY-args',
      cmd: ['CANARY-cmd'],
      entrypoint: ['CANARY-entrypoint'],
      env: { WANDB_API_KEY: 'CANARY-env', RUNPOD_TRAINER_PROJECT: 'songs' },
    },
  ],
};

/** As much of an editor as the Pods view uses; it is visible, and no setting is changed. */
function fakeEditor(): typeof vscode {
  class Item {
    id = undefined;
  }
  class Changes<T> extends Emitter<T> {}
  const none = new Emitter<unknown>().event;
  const view = { visible: true, dispose: () => undefined };
  return {
    EventEmitter: Changes,
    TreeItem: Item,
    ThemeIcon: Item,
    ThemeColor: Item,
    TreeItemCollapsibleState: {},
    commands: { executeCommand: () => Promise.resolve() },
    window: {
      createTreeView: () => ({
        ...view,
        onDidCollapseElement: none,
        onDidExpandElement: none,
        onDidChangeVisibility: none,
      }),
    },
    workspace: { getConfiguration: () => ({ get: () => undefined }) },
  } as unknown as typeof vscode;
}

describe('windows of one machine (R9.1, R9.6, R9.9)', () => {
  const temp = useTempFolder();
  let server: Server;
  let restUrl: string;
  let requests: string[];
  const open: Disposable[] = [];
  const home = process.env['RUNPOD_TRAINER_HOME'];

  beforeEach(async () => {
    process.env['RUNPOD_TRAINER_HOME'] = temp.path;
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      response.setHeader('content-type', 'application/json').end(JSON.stringify(listed));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    restUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  });
  afterEach(async () => {
    open.splice(0).forEach((one) => one.dispose());
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    if (home === undefined) {
      delete process.env['RUNPOD_TRAINER_HOME'];
    } else {
      process.env['RUNPOD_TRAINER_HOME'] = home;
    }
  });

  async function openWindow(trusted: boolean) {
    const memory = new FakeMemory();
    const credentials = new Credentials(new FakeSecrets());
    await credentials.setApiKey(restUrl, new Secret(key));
    const ownMemory = new MachineMemory(memory, temp.path);
    const account = new Account({
      ...{ credentials, memory, ownMemory },
      restUrl: () => restUrl,
      folder: () => 'file:///p/songs',
      trusted: () => trusted,
    });
    await account.approve(restUrl);
    const vs = fakeEditor();
    const registry = { register: () => ({ dispose: () => undefined }) } as unknown as CommandRegistry;
    const pods = createPodsModule(vs, registry, account, new Settings(vs));
    open.push(pods, account);
    await account.reload();
    return pods;
  }

  it('see the pods of their account by one request, of which no secret is written down', async () => {
    const windows = await Promise.all([true, true, true, true, true].map(openWindow));
    await until('all to see the pod', () => windows.every(({ pods }) => pods.state.items?.length === 1));
    assert.equal(requests.length, 1);
    assert.equal(windows.filter(({ askedHere }) => askedHere()).length, 1);
    assert.deepEqual(windows[4]?.pods.state.items?.[0]?.env, { RUNPOD_TRAINER_PROJECT: 'songs' });
    const [name = '', ...others] = await readdir(join(temp.path, 'looks'));
    assert.deepEqual(others, []);
    const file = join(temp.path, 'looks', name);
    assert.doesNotMatch(name + (await readFile(file, 'utf8')), /CANARY/);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    // Somebody who wants to see the present does.
    await windows[1]?.pods.refresh();
    assert.equal(requests.length, 2);
  });

  it('ask nothing and show nothing where the folder is not trusted, also of what another one was told', async () => {
    const trusted = await openWindow(true);
    await until('it to see the pod', () => trusted.pods.state.items?.length === 1);
    const untrusted = await openWindow(false);
    untrusted.pods.setBackground({ everyMs: () => 5 });
    await untrusted.pods.refresh();
    await untrusted.pods.ensure(0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(requests.length, 1);
    assert.equal(untrusted.pods.state.items, undefined);
  });

  it('stay far below 60 requests a minute together, with the settings as they are', () => {
    const { refreshMs, backgroundMs } = new Settings(fakeEditor());
    // Pods and volumes while they are looked at, pods while nobody looks; each once, however many windows there are.
    assert.ok((2 * 60_000) / refreshMs + 60_000 / backgroundMs <= 10);
    assert.ok(idleMs > backgroundMs);
  });
});

describe('keys that the editor cannot read (R9.6)', () => {
  it('are told once, with the reason, and not shown as being signed out without a word', async () => {
    const store = new FakeSecrets();
    store.get = () => Promise.reject(new Error('The keyring is locked'));
    const told: Error[] = [];
    const memory = new FakeMemory();
    const account = new Account({
      credentials: new Credentials(store),
      ...{ memory, ownMemory: memory },
      restUrl: () => 'https://api.runpod.io/v2',
      folder: () => 'file:///p/songs',
      trusted: () => true,
      unreadable: (failure) => told.push(failure),
    });
    await account.reload();
    await account.reload();
    assert.equal(told.length, 1);
    assert.match(told[0]?.message ?? '', /cannot be read.*The keyring is locked.*Unlock the keyring/);
    assert.equal(account.signedIn, false);
  });
});
