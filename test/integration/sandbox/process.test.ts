import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { startSandbox } from '../../../sandbox/index.ts';
import {
  assertNothingLeft,
  call,
  direct,
  isolations,
  podBody,
  processesOf,
  repository,
  run,
  spawnSandbox,
  until,
  Workbench,
  type Spawned,
} from './harness.ts';

for (const isolation of isolations) {
  describe(`sandbox command and processes, ${isolation} (R9.7)`, () => {
    let bench: Workbench;
    let root: string;
    const running: Spawned[] = [];

    beforeEach(() => {
      bench = new Workbench();
      // Characters that separate options elsewhere.
      root = path.join(bench.folder, 'root, 1:2 %d');
    });
    afterEach(async () => {
      for (const one of running.splice(0)) {
        one.child.stdin?.end();
        await one.ended;
      }
      bench.remove();
    });

    async function start(): Promise<Spawned> {
      const sandbox = await spawnSandbox(['--root', root, '--isolation', isolation]);
      running.push(sandbox);
      return sandbox;
    }

    /** A pod with a daemon that has left its session. */
    async function busyPod(sandbox: Spawned): Promise<string> {
      const id = (await call(sandbox, 'POST', '/pods', podBody(bench))).body.id;
      await run(bench, await direct(sandbox, id), `exec setsid sleep 1800 >/dev/null 2>&1 </dev/null &`);
      await until('the daemon', () => sleepers().length === 1);
      return id;
    }
    const sleepers = () => processesOf('sleep\u00001800').filter((line) => line.includes('cmdline sleep 1800'));

    it('prints one line, writes connection.json for its user only, and removes it at the end', async () => {
      const sandbox = await start();
      assert.match(sandbox.restUrl, /^http:\/\/127\.0\.0\.1:\d+\/v2$/);
      const file = path.join(root, 'connection.json');
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const told = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      const { restUrl, key, s3Url, s3Keys, pid } = sandbox;
      assert.match(s3Url, /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.deepEqual(told, { restUrl, key, s3Url, s3Keys, pid, root });
      const commandLine = readFileSync(`/proc/${sandbox.pid}/cmdline`, 'latin1');
      assert.ok(!commandLine.includes(key) && !commandLine.includes(s3Keys.secretAccessKey));
      await assert.rejects(startSandbox({ root }), /in use by another sandbox/);
      process.kill(sandbox.pid, 'SIGTERM');
      assert.equal(await sandbox.ended, 0);
      assert.equal(existsSync(file), false);
    });

    it('ends all pods when it is asked to end, or when its standard input closes', async () => {
      for (const end of [(s: Spawned) => process.kill(s.pid, 'SIGINT'), (s: Spawned) => s.child.stdin?.end()]) {
        const sandbox = await start();
        const id = await busyPod(sandbox);
        end(sandbox);
        assert.equal(await sandbox.ended, 0);
        await assertNothingLeft(root, [id]);
        assert.deepEqual(sleepers(), []);
      }
    });

    it('leaves no pod behind when it is killed, and cleans up at the next start', async () => {
      const sandbox = await start();
      const id = await busyPod(sandbox);
      process.kill(sandbox.pid, 'SIGKILL');
      await sandbox.ended;
      await until('the pod to end by itself', () => sleepers().length === 0, 10);
      await assertNothingLeft(root, [id]);
      assert.ok(existsSync(path.join(root, 'pods', id)), 'its folder is still there');
      const next = await start();
      assert.equal(existsSync(path.join(root, 'pods', id)), false);
      assert.equal((await call(next, 'GET', `/pods/${id}`)).status, 404);
      const bill = await call(next, 'GET', '/billing/pods');
      assert.ok(bill.body.metadata.totals.totalAmount > 0, 'the bill of the lost pod is closed');
      assert.notEqual(next.key, sandbox.key);
    });

    it('starts a crashed pod again with the same disk', async () => {
      const sandbox = await startSandbox({ root, isolation, delays: { restart: 100 } });
      const id = (await call(sandbox, 'POST', '/pods', podBody(bench))).body.id;
      const login = await direct(sandbox, id);
      await run(bench, login, `echo kept > "$HOME/kept"; exec setsid sleep 1800 >/dev/null 2>&1 </dev/null &`);
      await until('the daemon', () => sleepers().length === 1);
      await sandbox.crashPod(id);
      assert.deepEqual(sleepers(), [], 'everything in it is gone');
      const again = await until('SSH', () => run(bench, login, 'cat "$HOME/kept"').catch(() => undefined));
      assert.equal(again.out, 'kept\n');
      await sandbox.close();
      await assertNothingLeft(root, [id]);
    });

    it('asks for another port when its own was taken meanwhile', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const init = path.join(repository, 'sandbox', 'pod', 'init.py');
      const child = spawn('python3', ['-B', '-S', init], {
        stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
        env: { PATH: process.env.PATH, PUBLIC_KEY: bench.publicKey },
      });
      const settings = { isolation: 'plain', pod_dir: root, mounts: [], image: [], ssh_port: port, sshd: 'none' };
      child.stdin?.write(
        `${JSON.stringify({ ...settings, ssh_keygen: 'none', session_path: '', user: '', command: [] })}\n`,
      );
      const [told] = (await once(child.stdio[3]!, 'data')) as [Buffer];
      assert.deepEqual(JSON.parse(told.toString()), { event: 'port-taken' });
      await Promise.all([once(child, 'close'), once(taken.close(), 'close')]);
    });

    it('says what is wrong with its arguments', async () => {
      for (const [args, text] of [
        [[], /Usage/],
        [['--root', root, '--isolation', 'docker'], /--isolation must be/],
        [['--root', root, '--image-path', path.join(root, 'none')], /does not exist/],
        [['--root', root, '--unknown'], /unknown/i],
      ] as const) {
        const child = spawn(process.execPath, [path.join(repository, 'sandbox', 'main.ts'), ...args], {
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        let err = '';
        child.stderr.on('data', (data: Buffer) => (err += data.toString()));
        const [code] = (await once(child, 'close')) as [number];
        assert.equal(code, 2);
        assert.match(err, text);
      }
    });
  });
}
