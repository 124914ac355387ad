import assert from 'node:assert/strict';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSandbox, type Sandbox } from '../../../sandbox/index.ts';
import {
  assertNothingLeft,
  call,
  connect,
  direct,
  getPod,
  isRoot,
  logLines,
  podBody,
  run,
  until,
  Workbench,
  type LogLine,
  type Login,
} from './harness.ts';

describe('sandbox faults (R9.7)', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  const ids: string[] = [];

  before(async () => {
    bench = new Workbench();
    sandbox = await startSandbox({
      root: path.join(bench.folder, 'root'),
      delays: { provisioning: 10, starting: 10, runtime: 10, ports: 10, stale: 200, stopping: 10, restart: 50 },
    });
  });
  after(async () => {
    await sandbox.close();
    await assertNothingLeft(sandbox.root, ids);
    bench.remove();
  });
  afterEach(async () => {
    sandbox.requests.restore();
    sandbox.starts.crashLoop = false;
    sandbox.starts.noPort = false;
    sandbox.skew(0);
    for (const id of ids) await call(sandbox, 'DELETE', `/pods/${id}`);
  });

  async function create(more: Record<string, unknown> = {}): Promise<string> {
    const { status, body } = await call(sandbox, 'POST', '/pods', podBody(bench, more));
    assert.equal(status, 201, body.detail);
    ids.push(body.id);
    return body.id;
  }

  async function ready(more: Record<string, unknown> = {}): Promise<{ id: string; login: Login }> {
    const id = await create(more);
    const login = await direct(sandbox, id);
    await run(bench, login, 'true');
    return { id, login };
  }

  const failed = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => assert.fail('it was answered'),
      (error: unknown) => {
        const { cause } = error as { cause?: NodeJS.ErrnoException };
        return String(cause?.code ?? cause);
      },
    );

  describe('requests', () => {
    it('are refused with any status, so often as asked, undone', async () => {
      for (const status of [400, 402, 409, 500, 502, 503]) {
        sandbox.requests.fail(status, { method: 'POST', path: /\/pods$/, times: 1, detail: 'said the test' });
        const { status: seen, body } = await call(sandbox, 'POST', '/pods', podBody(bench, { name: 'refused' }));
        assert.deepEqual([seen, body.detail], [status, 'said the test']);
      }
      const { body } = await call(sandbox, 'GET', '/pods');
      assert.ok(body.pods.every((pod) => pod.name !== 'refused'));
    });

    it('are refused with 429 and the seconds to wait', async () => {
      sandbox.requests.fail(429, { times: 1, retryAfter: 7 });
      const { status, headers } = await call(sandbox, 'GET', '/pods');
      assert.deepEqual([status, headers.get('retry-after')], [429, '7']);
      assert.equal((await call(sandbox, 'GET', '/pods')).status, 200);
    });

    it('are answered slowly', async () => {
      sandbox.requests.slow(300);
      const began = performance.now();
      await call(sandbox, 'GET', '/pods');
      assert.ok(performance.now() - began >= 295);
    });

    it('are answered as done, so often as asked, but are not', async () => {
      const id = await create();
      sandbox.requests.answerUndone({ path: /\/pods\//, times: 2 });
      for (const left of [1, 1, 0]) {
        assert.equal((await call(sandbox, 'DELETE', `/pods/${id}`)).status, 204);
        const seen = await call(sandbox, 'GET', `/pods/${id}`);
        assert.equal(left, seen.status === 200 && seen.body.status !== 'TERMINATED' ? 1 : 0);
      }
    });

    it('meet a page of something between in place of a problem document', async () => {
      const id = await create();
      sandbox.requests.answerNotFound({ path: /\/pods\//, times: 1 });
      const answer = await fetch(`${sandbox.restUrl}/pods/${id}`, {
        headers: { authorization: `Bearer ${sandbox.key}` },
      });
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [404, 'text/html']);
      assert.match(await answer.text(), /404 page not found/);
      assert.equal((await call(sandbox, 'GET', `/pods/${id}`)).status, 200);
    });

    it('are carried out, but the answer is lost', async () => {
      sandbox.requests.loseAnswers({ method: 'POST', path: /\/pods$/, times: 1 });
      await failed(call(sandbox, 'POST', '/pods', podBody(bench, { name: 'made' })));
      const { body } = await call(sandbox, 'GET', '/pods');
      const made = body.pods.filter((pod) => pod.name === 'made');
      assert.equal(made.length, 1);
      ids.push(made[0]?.id ?? '');
    });

    it('meet nobody, or a broken connection, until the API is back at the same address', async () => {
      await sandbox.apiDown('refused');
      assert.equal(await failed(call(sandbox, 'GET', '/pods')), 'ECONNREFUSED');
      await sandbox.apiUp();
      assert.equal((await call(sandbox, 'GET', '/pods')).status, 200);
      await sandbox.apiDown('reset');
      assert.match(await failed(call(sandbox, 'GET', '/pods')), /ECONNRESET|other side closed/);
      await sandbox.apiUp();
      assert.equal((await call(sandbox, 'GET', '/pods')).status, 200);
    });
  });

  describe('the link to a pod', () => {
    it('passes bytes on unchanged in both directions, however many', async () => {
      const { login } = await ready();
      const data = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz').toString();
      writeFileSync(path.join(bench.folder, 'data'), data);
      const client = await connect(bench, login);
      assert.ok(client);
      try {
        const back = await new Promise<string>((resolve, reject) => {
          client.exec('cat', (error, stream) => {
            if (error) return reject(error);
            let text = '';
            stream.on('data', (chunk: Buffer) => (text += chunk.toString())).on('close', () => resolve(text));
            createReadStream(path.join(bench.folder, 'data')).pipe(stream);
          });
        });
        assert.ok(back === data);
      } finally {
        client.end();
      }
    });

    it('is cut: the connection ends at once and new ones are reset, until it is restored', async () => {
      const { id, login } = await ready();
      const client = await connect(bench, login);
      assert.ok(client);
      const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
      sandbox.link(id).cut();
      await closed;
      assert.equal(await connect(bench, login), undefined);
      sandbox.link(id).restore();
      assert.equal((await run(bench, login, 'echo back')).out, 'back\n');
    });

    it('is frozen: nothing arrives and nothing ends; what was said meanwhile arrives afterwards', async () => {
      const { id, login } = await ready();
      const client = await connect(bench, login);
      assert.ok(client);
      let text = '';
      const over = new Promise((resolve, reject) => {
        client.exec('for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done', (error, stream) => {
          if (error) return reject(error);
          stream.on('data', (chunk: Buffer) => (text += chunk.toString())).on('close', resolve);
        });
      });
      await until('the first line', () => text !== '');
      sandbox.link(id).freeze();
      // One piece may be under way already.
      await sleep(100);
      const seen = text;
      const other = net.connect(login.port, login.host);
      await new Promise((resolve) => other.once('connect', resolve));
      await sleep(800);
      assert.equal(text, seen);
      assert.equal(other.bytesRead, 0);
      sandbox.link(id).restore();
      await over;
      assert.equal(text, '1\n2\n3\n4\n5\n6\n');
      await until('the greeting', () => other.bytesRead > 0);
      other.destroy();
      client.end();
    });

    it('is slow: every piece is late, and only so many bytes pass in a second', async () => {
      const { id, login } = await ready();
      const time = async (): Promise<number> => {
        const began = performance.now();
        assert.equal((await run(bench, login, 'head -c 100000 /dev/zero')).out.length, 100_000);
        return performance.now() - began;
      };
      sandbox.link(id).slow({ bytesPerSecond: 100_000 });
      assert.ok((await time()) > 900);
      sandbox.link(id).restore();
      sandbox.link(id).slow({ delayMs: 100 });
      assert.ok((await time()) > 500);
    });

    it('is told wrongly: the address is that of nobody, or of another pod', async () => {
      const [one, other] = [await ready(), await ready()];
      sandbox.tellWrongPort(one.id, other.login.port);
      assert.equal((await getPod(sandbox, one.id)).ssh.direct?.port, other.login.port);
      const hostKey = /SHA256:\S+/.exec(
        (await logLines(sandbox, one.id)).map((l) => l.line).find((l) => l.startsWith('256 SHA256:')) ?? '',
      )?.[0];
      await assert.rejects(connect(bench, other.login, hostKey), /[Hh]ost denied|verification failed/);
      sandbox.tellWrongPort(one.id, 1);
      assert.equal(await connect(bench, { ...one.login, port: 1 }), undefined);
      sandbox.tellWrongPort(one.id, undefined);
      assert.deepEqual((await getPod(sandbox, one.id)).ssh.direct, { ...(await direct(sandbox, one.id)) });
      assert.equal((await run(bench, one.login, 'echo mine', hostKey)).out, 'mine\n');
    });
  });

  describe('pods', () => {
    it('run for ever without a mapped port', async () => {
      sandbox.starts.noPort = true;
      const id = await create();
      await until('runtime', async () => (await getPod(sandbox, id)).runtime !== null);
      await sleep(200);
      const pod = await getPod(sandbox, id);
      assert.deepEqual([pod.status, pod.ssh.direct], ['RUNNING', null]);
      assert.ok(pod.cost > 0);
    });

    it('crash again and again: RUNNING, billed, and the system log tells of every start', async () => {
      sandbox.starts.crashLoop = true;
      const id = await create();
      // A container that restarts all the time is never silent.
      const fourStarts = (lines: LogLine[]): boolean =>
        lines.filter((l) => l.source === 'system' && l.line.startsWith('start container')).length >= 4;
      const log = await until('four starts', async () => {
        const lines = await logLines(sandbox, id, '?tail=5000', {}, fourStarts);
        return fourStarts(lines) && lines;
      });
      const pod = await getPod(sandbox, id);
      assert.equal(pod.status, 'RUNNING');
      assert.ok(pod.cost > 0);
      const lines = log.map((l) => l.line);
      assert.ok(lines.includes('container exited with code 1') && lines.includes('start.sh: cannot go on'));
      assert.equal(await connect(bench, await direct(sandbox, id)), undefined);
    });

    it('vanish with their host: processes, disk, address and bill end at once', async () => {
      const { id, login } = await ready();
      const client = await connect(bench, login);
      assert.ok(client);
      const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
      client.exec('sleep 100', () => undefined);
      await sandbox.loseHost(id);
      await closed;
      assert.equal((await call(sandbox, 'GET', `/pods/${id}`)).status, 404);
      assert.ok(!existsSync(path.join(sandbox.root, 'pods', id)));
      assert.equal(await connect(bench, login), undefined);
      const ledger = JSON.parse(readFileSync(path.join(sandbox.root, 'ledger.json'), 'utf8')) as {
        open: { resource: string }[];
      };
      assert.ok(ledger.open.every((meter) => meter.resource !== id));
    });

    it('are stopped and deleted from outside under a session', async () => {
      for (const how of ['stop', 'delete']) {
        const { id, login } = await ready();
        const client = await connect(bench, login);
        assert.ok(client);
        const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
        if (how === 'stop') await call(sandbox, 'POST', `/pods/${id}/action`, { action: 'stop' });
        else await call(sandbox, 'DELETE', `/pods/${id}`);
        await closed;
        assert.ok(['EXITED', 'TERMINATED', 404].includes((await getPod(sandbox, id)).status));
      }
    });

    it('tell times that are wrong by minutes; the meter goes on by the right ones', async () => {
      const balance = sandbox.balance();
      for (const minutes of [-30, 30]) {
        sandbox.skew(minutes);
        const { id } = await ready();
        const { body } = await call(sandbox, 'GET', `/pods/${id}`);
        const told = body as unknown as { createdAt: string; startedAt: string };
        for (const time of [told.createdAt, told.startedAt]) {
          assert.ok(Math.abs(Date.parse(time) - Date.now() - minutes * 60_000) < 60_000, time);
        }
        await call(sandbox, 'DELETE', `/pods/${id}`);
      }
      assert.ok(balance - sandbox.balance() < 0.01);
    });

    if (isRoot) {
      it('meet a volume that is really full: the kernel says so, and room that is made can be used', async () => {
        const made = await call(sandbox, 'POST', '/network-volumes', {
          name: 'small',
          size: 10,
          dataCenter: 'US-MD-1',
        });
        writeFileSync(path.join(sandbox.volumeDirectory(made.body.id), 'kept'), 'kept');
        sandbox.limitVolume(made.body.id, 1_000_000);
        const mounts = { network: [{ volumeId: made.body.id, path: '/workspace' }] };
        const { id, login } = await ready({ mounts, dataCenterIds: ['US-MD-1'] });
        const mount = (await getPod(sandbox, id)).mounts.network[0]?.path ?? '';
        const full = await run(bench, login, `head -c 2000000 /dev/zero > ${mount}/big; cat ${mount}/kept`);
        assert.match(full.err, /No space left on device/);
        assert.equal(full.out, 'kept');
        assert.equal((await run(bench, login, `rm ${mount}/big && head -c 500000 /dev/zero > ${mount}/half`)).code, 0);
      });

      it('meet a volume that hangs, and one that refuses, each for a while', async () => {
        const made = await call(sandbox, 'POST', '/network-volumes', { name: 'far', size: 10, dataCenter: 'US-MD-1' });
        const folder = sandbox.volumeDirectory(made.body.id);
        writeFileSync(path.join(folder, 'kept'), 'kept');
        const disk = await sandbox.serveVolume(made.body.id);
        const mounts = { network: [{ volumeId: made.body.id, path: '/workspace' }] };
        const { id, login } = await ready({ mounts, dataCenterIds: ['US-MD-1'] });
        const mount = (await getPod(sandbox, id)).mounts.network[0]?.path ?? '';
        assert.equal((await run(bench, login, `cat ${mount}/kept`)).out, 'kept');
        disk.hang(1.5);
        const began = performance.now();
        assert.equal((await run(bench, login, `echo late > ${mount}/late; cat ${mount}/late`)).out, 'late\n');
        assert.ok(performance.now() - began >= 1000);
        disk.fail({ write: 'EDQUOT', fsync: 'EIO' }, 3);
        await until('it refuses', async () => {
          const refused = await run(bench, login, `echo more > ${mount}/refused; sync ${mount}/kept`);
          return /quota exceeded/.test(refused.err) && /Input\/output error/.test(refused.err);
        });
        await until('it is good again', async () => (await run(bench, login, `echo x > ${mount}/x`)).code === 0);
        await call(sandbox, 'DELETE', `/pods/${id}`);
      });

      it('have a container disk that is really full, also for their temporary files, until they end', async () => {
        sandbox.starts.diskBytes = 4_000_000;
        const { id, login } = await ready();
        sandbox.starts.diskBytes = undefined;
        const full = await run(bench, login, 'head -c 9000000 /dev/zero > "${TMPDIR:-/tmp}/big"; ls "${TMPDIR:-/tmp}"');
        assert.match(full.err, /No space left on device/);
        assert.match(full.out, /big/);
        const disk = sandbox.podDisk(id);
        await call(sandbox, 'DELETE', `/pods/${id}`);
        await until('its disk is gone', () => !existsSync(disk));
      });
    }
  });
});
