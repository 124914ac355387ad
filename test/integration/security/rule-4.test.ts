import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { family } from '../../support/family.ts';
import { call, direct, podBody, spawnSandbox, Workbench, type Spawned } from '../sandbox/harness.ts';

/** Local addresses, in the kernel's hexadecimal, at which these processes listen. */
function listening(pids: number[]): string[] {
  const own = new Set(
    pids.flatMap((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
          try {
            return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
          } catch {
            return [];
          }
        });
      } catch {
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((f) => own.has(f[9] ?? '') && (table.startsWith('udp') || f[3] === '0A'))
      .map((f) => `${table} ${f[1]?.split(':')[0] ?? ''}`),
  );
}

function request(target: Spawned, options: http.RequestOptions): Promise<number> {
  const { hostname, port } = new URL(target.restUrl);
  return new Promise((resolve, reject) => {
    const sent = http.request({ hostname, port, ...options }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.once('error', reject);
    sent.end();
  });
}

describe('rule 4: the sandbox is for this user of this machine', () => {
  let bench: Workbench;
  let sandbox: Spawned;
  let root = '';
  before(async () => {
    bench = new Workbench();
    root = path.join(bench.folder, 'root');
    sandbox = await spawnSandbox(['--root', root]);
  });
  after(async () => {
    sandbox.child.stdin?.end();
    await sandbox.ended;
    bench.remove();
  });

  it('rule 4: listens on 127.0.0.1 alone, its pods too', async () => {
    const { body } = await call(sandbox, 'POST', '/pods', podBody(bench));
    await direct(sandbox, body.id);
    const found = listening(family(sandbox.pid));
    assert.ok(found.length >= 2, `the API and an sshd: ${found.join(', ')}`);
    // 127.0.0.1 in the byte order of the machine.
    assert.deepEqual([...new Set(found)], ['tcp 0100007F']);
    await call(sandbox, 'DELETE', `/pods/${body.id}`);
  });

  it('rule 4: refuses other hosts, any origin, and callers without the key of this start, whatever the route', async () => {
    const { host } = new URL(sandbox.restUrl);
    const key = { authorization: `Bearer ${sandbox.key}` };
    const hostile: [status: number, headers: http.OutgoingHttpHeaders][] = [
      [403, { ...key, host: 'sandbox.example' }],
      [403, { ...key, host: host.replace('127.0.0.1', '127.0.0.1.example') }],
      [403, { ...key, host: '127.0.0.1' }],
      [403, { ...key, origin: `http://${host}` }],
      [403, { ...key, origin: 'null' }],
      [401, {}],
      [401, { authorization: `Bearer ${sandbox.key.slice(0, -1)}` }],
      [401, { authorization: `Basic ${sandbox.key}` }],
    ];
    for (const [status, headers] of hostile) {
      for (const [method, route] of [
        ['GET', '/v2/pods'],
        ['GET', '/v2/pods/any/logs'],
        ['DELETE', '/v2/network-volumes/any'],
        ['OPTIONS', '/v2/pods'],
        ['POST', '/graphql'],
      ]) {
        const seen = await request(sandbox, { method, path: route, headers });
        assert.equal(seen, status, `${method} ${route} with ${JSON.stringify(headers).replace(sandbox.key, 'key')}`);
      }
    }
  });

  it('rule 4: keeps its key in a file that only this user reads, and has another after a restart', async () => {
    const file = path.join(root, 'connection.json');
    assert.equal(statSync(file).mode & 0o077, 0);
    const before = sandbox.key;
    sandbox.child.stdin?.end();
    await sandbox.ended;
    sandbox = await spawnSandbox(['--root', root]);
    assert.notEqual(sandbox.key, before);
    const old = await call({ restUrl: sandbox.restUrl, key: before }, 'GET', '/pods');
    assert.equal(old.status, 401);
  });

  it('rule 4: keeps volumes in one folder: hostile mounts are refused, links on a volume lead nowhere', async () => {
    const created = await call(sandbox, 'POST', '/network-volumes', { name: 'v', dataCenter: 'US-MD-1', size: 10 });
    const volumeId = created.body.id;
    for (const mount of ['/', '/etc', '/workspace/../etc', '/proc', 'workspace', '/root']) {
      const mounts = { network: [{ volumeId, path: mount }] };
      const refused = await call(sandbox, 'POST', '/pods', podBody(bench, { mounts }));
      assert.ok([400, 422].includes(refused.status), `${mount}: ${refused.status}`);
    }
    for (const id of ['..%2F..%2Foutside', '..', '%2e%2e']) {
      assert.ok([404, 405].includes((await call(sandbox, 'DELETE', `/network-volumes/${id}`)).status), id);
    }
    const outside = path.join(bench.folder, 'outside');
    mkdirSync(outside);
    writeFileSync(path.join(outside, 'mine.txt'), 'mine');
    symlinkSync(outside, path.join(root, 'volumes', volumeId, 'link'));
    assert.equal((await call(sandbox, 'DELETE', `/network-volumes/${volumeId}`)).status, 204);
    assert.ok(!existsSync(path.join(root, 'volumes', volumeId)));
    assert.equal(readFileSync(path.join(outside, 'mine.txt'), 'utf8'), 'mine');
  });
});
