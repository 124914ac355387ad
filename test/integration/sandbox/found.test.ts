import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { startSandbox } from '../../../sandbox/index.ts';
import { findSandbox, noteElsewhere, sandboxFolder } from '../../../src/core/home/sandbox.ts';
import { SandboxProcess } from '../../../src/features/sandbox/sandbox-process.ts';
import { Credentials } from '../../../src/features/account/credentials.ts';
import { Secret } from '../../../src/features/common/secret.ts';
import { FakeSecrets } from '../../support/memory.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('the sandbox is found by asking it (R9.7)', () => {
  const folder = useTempFolder();
  let stranger: Server | undefined;

  afterEach(async () => {
    if (stranger !== undefined) {
      stranger.closeAllConnections();
      await new Promise((resolve) => stranger?.close(resolve));
      stranger = undefined;
    }
  });

  const process_ = (home: string): SandboxProcess =>
    new SandboxProcess(() => ({ home, script: 'not-started', python: () => Promise.resolve('python3') }));

  /** A sandbox's file as a crash leaves it: its process id is somebody else's and its port another program's. */
  function leave(home: string, port: number, pid: number): void {
    mkdirSync(sandboxFolder(home), { recursive: true });
    const address = `http://127.0.0.1:${port}`;
    const told = { restUrl: `${address}/v2`, key: 'rpa_LEFT', s3Url: address, pid, root: sandboxFolder(home) };
    const s3Keys = { accessKeyId: 'user_x', secretAccessKey: 'rps_x' };
    writeFileSync(path.join(sandboxFolder(home), 'connection.json'), JSON.stringify({ ...told, s3Keys }));
  }

  it('and another program at its old port, with its old process id alive, is neither signed in to nor ended', async () => {
    const seen: string[] = [];
    stranger = createServer((request, response) => {
      seen.push(`${request.url ?? ''} ${JSON.stringify(request.headers)}`);
      response.end(JSON.stringify({ sandbox: 'runpod-trainer', pid: other.pid, proof: '00'.repeat(32) }));
    }).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const other = spawn('sleep', ['600']);
    leave(folder.path, (stranger.address() as AddressInfo).port, other.pid ?? 0);
    try {
      assert.equal(await findSandbox(folder.path), undefined);
      await process_(folder.path).stop();
      assert.equal(other.exitCode ?? other.signalCode, null, 'the stranger lives');
      assert.ok(seen.length > 0);
      assert.ok(!seen.join().includes('rpa_LEFT'), 'nor is it shown the key');
    } finally {
      other.kill();
    }
  });

  it('and nobody at its old port is nobody', async () => {
    leave(folder.path, 1, process.pid);
    assert.equal(await findSandbox(folder.path), undefined);
  });

  it('and an address that is not of this machine is not asked', async () => {
    leave(folder.path, 1, process.pid);
    const file = path.join(sandboxFolder(folder.path), 'connection.json');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('127.0.0.1', '192.0.2.1'));
    const begun = performance.now();
    assert.equal(await findSandbox(folder.path), undefined);
    assert.ok(performance.now() - begun < 1000);
  });

  it('that runs, in the home or where it was noted to be', async () => {
    const root = path.join(folder.path, 'far', 'away');
    const sandbox = await startSandbox({ root });
    const home = path.join(folder.path, 'home');
    try {
      assert.equal(await findSandbox(home), undefined);
      const forget = await noteElsewhere(home, root);
      assert.deepEqual((await findSandbox(home))?.key, sandbox.key);
      assert.equal((await findSandbox(home))?.pid, process.pid);
      const own = await startSandbox({ root: sandboxFolder(home) });
      assert.equal((await findSandbox(home))?.key, own.key, 'that of the home goes first');
      await own.close();
      await forget();
      assert.equal(await findSandbox(home), undefined);
    } finally {
      await sandbox.close();
    }
    await noteElsewhere(home, root);
    assert.equal(await findSandbox(home), undefined, 'a note of one that has ended');
  });
});

describe('the sandbox and the keys of the paid account (R9.6, R9.7)', () => {
  const paid = 'https://api.runpod.io/v2';
  const local = 'http://127.0.0.1:41000/v2';
  const lent = {
    restUrl: local,
    apiKey: new Secret('rpa_SANDBOX'),
    s3Keys: { accessKeyId: 'user_s', secretAccessKey: new Secret('rps_s') },
  };

  it('reads, writes and removes nothing in secret storage, whatever comes and goes', async () => {
    const secrets = new FakeSecrets();
    const credentials = new Credentials(secrets);
    await credentials.setApiKey(paid, new Secret('rpa_PAID'));
    await credentials.setApiKey(local, new Secret('rpa_OF_A_PROXY'));
    await credentials.setS3Keys(paid, { accessKeyId: 'user_p', secretAccessKey: new Secret('rps_p') });
    const before = new Map(secrets.values);
    credentials.lend(lent);
    assert.equal((await credentials.apiKey(local))?.reveal(), 'rpa_SANDBOX');
    assert.equal((await credentials.s3Keys(local))?.secretAccessKey.reveal(), 'rps_s');
    assert.equal((await credentials.apiKey(paid))?.reveal(), 'rpa_PAID');
    await credentials.forget(local);
    assert.deepEqual(secrets.values, before, 'signing out of it');
    credentials.lend(lent);
    credentials.lend(undefined);
    assert.deepEqual(secrets.values, before, 'stopping it');
    assert.equal((await credentials.apiKey(local))?.reveal(), 'rpa_OF_A_PROXY');
  });
});
