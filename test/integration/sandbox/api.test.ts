import assert from 'node:assert/strict';
import { request } from 'node:http';
import path from 'node:path';
import { Problem, startSandbox, type Faults, type Sandbox } from '../../../sandbox/index.ts';
import { call, podBody, Workbench, type Answered } from './harness.ts';

describe('sandbox API (R9.7)', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  const faults: Faults = {};
  const pods: string[] = [];

  before(async () => {
    bench = new Workbench();
    sandbox = await startSandbox({ root: path.join(bench.folder, 'root'), faults });
  });
  after(async () => {
    await sandbox.close();
    bench.remove();
  });

  const isProblem = (answer: Answered, status: number, detail: RegExp): void => {
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.equal(answer.body.status, status);
    assert.match(answer.body.detail, detail);
    assert.equal(typeof answer.body.title, 'string');
  };
  const create = (more: Record<string, unknown>) => call(sandbox, 'POST', '/pods', podBody(bench, more));

  /** Sends what fetch would not let through. */
  function raw(headers: Record<string, string>, method = 'GET', body = ''): Promise<{ status: number; text: string }> {
    const { port } = new URL(sandbox.restUrl);
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path: '/v2/pods', headers }, (response) => {
        let text = '';
        response.on('data', (data: Buffer) => (text += data.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  it('is for this machine alone: other host names and any Origin are refused, before the key is looked at', async () => {
    const { port } = new URL(sandbox.restUrl);
    const authorization = `Bearer ${sandbox.key}`;
    assert.equal((await raw({ authorization, host: `127.0.0.1:${port}` })).status, 200);
    assert.equal((await raw({ authorization, host: `localhost:${port}` })).status, 200);
    assert.equal((await raw({ authorization, host: `rebound.example:${port}` })).status, 403);
    assert.equal((await raw({ authorization, host: '127.0.0.1:1' })).status, 403);
    assert.equal((await raw({ authorization, host: `127.0.0.1:${port}`, origin: 'null' })).status, 403);
    assert.equal(
      (await raw({ authorization, host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}` })).status,
      403,
    );
  });

  it('has a new key at every start and answers 401 without it', async () => {
    const second = await startSandbox({ root: path.join(bench.folder, 'other') });
    assert.notEqual(second.key, sandbox.key);
    isProblem(await call({ ...second, key: sandbox.key }, 'GET', '/pods'), 401, /invalid bearer token/);
    await second.close();
    isProblem(await call({ ...sandbox, key: '' }, 'GET', '/pods'), 401, /missing bearer token/);
    isProblem(await call({ ...sandbox, key: 'x' }, 'GET', '/nowhere'), 401, /invalid/);
  });

  it('tells 404 for unknown paths and 405 with Allow for known ones', async () => {
    isProblem(await call(sandbox, 'GET', '/nowhere'), 404, /not found/);
    isProblem(await call(sandbox, 'GET', '/pods/none'), 404, /not found/);
    isProblem(await call(sandbox, 'DELETE', '/pods/none'), 404, /not found/);
    const wrong = await call(sandbox, 'PUT', '/pods');
    isProblem(wrong, 405, /not allowed/);
    assert.equal(wrong.headers.get('allow'), 'GET, POST');
  });

  it('refuses a body over 102400 bytes with 413, before the key is looked at', async () => {
    const body = { ...podBody(bench), env: { X: 'x'.repeat(102_400) } };
    isProblem(await call({ ...sandbox, key: 'wrong' }, 'POST', '/pods', body), 413, /102400/);
  });

  it('takes JSON only', async () => {
    isProblem(await call(sandbox, 'POST', '/pods', 'name=x', { 'content-type': 'text/plain' }), 415, /json/);
    isProblem(await call(sandbox, 'POST', '/pods', '{"name"'), 400, /not valid JSON/);
  });

  it('names violations of the schema as the platform does: 422 with errors', async () => {
    const errorsOf = (answer: Answered): string[] => {
      isProblem(answer, 422, /validation failed/);
      return answer.body.errors;
    };
    assert.deepEqual(errorsOf(await create({ dataCenterId: 'EU-RO-1' })), [
      "$: additional properties 'dataCenterId' not allowed",
    ]);
    const nameless = podBody(bench, { name: undefined });
    const noise = errorsOf(await call(sandbox, 'POST', '/pods', nameless));
    assert.equal(noise[0], "$: missing property 'name'");
    assert.match(noise[1] ?? '', /additional properties 'image', .* not allowed/, 'one missing field makes noise');
    const imageless = podBody(bench, { image: undefined });
    assert.equal(errorsOf(await call(sandbox, 'POST', '/pods', imageless))[0], "$: missing property 'image'");
    assert.deepEqual(errorsOf(await create({ disk: '20' })), ['$.disk: got string, want integer']);
    assert.deepEqual(errorsOf(await create({ env: { A: 1 } })), ['$.env.A: got number, want string']);
    assert.match(
      errorsOf(await create({ cloud: 'ALL' }))[0] ?? '',
      /^\$\.cloud: value must be one of 'SECURE', 'COMMUNITY'$/,
    );
    const network = [{ volumeId: 'a', path: '/a' }];
    errorsOf(await create({ mounts: { network: [...network, ...network] } }));
    assert.deepEqual(
      errorsOf(await create({ mounts: { network: [{ volumeId: 'a' }] } }))[0],
      "$.mounts.network.0: missing property 'path'",
    );
    errorsOf(await create({ mounts: { persistent: { size: 9, path: '/a' } } }));
    errorsOf(await create({ cpu: { id: 'cpu5c', vcpuCount: 1 } }));
    errorsOf(await create({ cpu: undefined, gpu: { id: 'x', minCudaVersion: '12' } }));
    errorsOf(await call(sandbox, 'POST', '/network-volumes', { name: 'x', size: 5, dataCenter: 'EU-RO-1' }));
    errorsOf(await call(sandbox, 'PUT', '/account/ssh-keys', { keys: ['not a key'] }));
  });

  it('answers broken rules between fields with 400', async () => {
    const gpu = { id: 'NVIDIA L4', count: 1 };
    isProblem(await create({ gpu }), 400, /exactly one of gpu or cpu/);
    isProblem(await create({ cpu: undefined }), 400, /exactly one of gpu or cpu/);
    isProblem(
      await create({ cpu: undefined, gpu: { ...gpu, minCudaVersion: '12.8', allowedCudaVersions: ['12.8'] } }),
      400,
      /mutually exclusive/,
    );
    isProblem(await create({ cpu: { id: 'cpu5c', vcpuCount: 3 } }), 400, /power of two/);
    isProblem(await create({ mounts: { persistent: { size: 10, path: '/w' } } }), 400, /CPU pods/);
    isProblem(await create({ ports: ['53/udp'] }), 400, /port/);
    isProblem(await create({ mounts: { network: [{ volumeId: 'none', path: '/workspace' }] } }), 400, /not found/);
    for (const bad of ['workspace', '/', '/a/../b', '/etc']) {
      isProblem(await create({ mounts: { network: [{ volumeId: 'none', path: bad }] } }), 400, /mount path/);
    }
    isProblem(await create({ args: 'sleep 1', cmd: ['sleep', '2'] }), 400, /different command/);
    isProblem(
      await create({ env: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`K${i}`, ''])) }),
      400,
      /50/,
    );
    isProblem(await create({ templateId: 'none' }), 404, /template/);
  });

  it('describes the start command as args, cmd and entrypoint', async () => {
    const shell = await create({ args: `bash -c 'sleep "60"'` });
    assert.deepEqual(shell.body.cmd, ['bash', '-c', 'sleep "60"']);
    const both = await create({ entrypoint: ['sleep'], cmd: ['60'] });
    assert.equal(both.body.args, '{"entrypoint":["sleep"],"cmd":["60"]}');
    for (const pod of [shell, both]) await call(sandbox, 'DELETE', `/pods/${pod.body.id}`);
  });

  it('pages pods with an opaque cursor, newest first', async () => {
    for (let index = 0; index < 5; index += 1) {
      pods.push((await create({ name: `page ${index}`, ports: [], env: {} })).body.id);
    }
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await call(sandbox, 'GET', `/pods?limit=2${cursor}`);
      const list = body.pods;
      assert.ok(list.length <= 2);
      seen.push(...list.map((pod) => pod.id));
      assert.equal(body.pagination.hasNextPage, body.pagination.nextCursor !== null);
      if (!body.pagination.hasNextPage) break;
      cursor = `&cursor=${String(body.pagination.nextCursor)}`;
    }
    assert.deepEqual(seen.slice(0, 5), [...pods].reverse());
    isProblem(await call(sandbox, 'GET', '/pods?cursor=abc'), 422, /validation/);
    isProblem(await call(sandbox, 'GET', '/pods?limit=0'), 422, /validation/);
    for (const id of pods) assert.equal((await call(sandbox, 'DELETE', `/pods/${id}`)).status, 204);
  });

  it('limits requests per window and says so in headers', async () => {
    const before = await call(sandbox, 'GET', '/pods?unknown=query');
    assert.match(
      before.headers.get('ratelimit-policy') ?? '',
      /^"minute";q=3000;w=60, "hour";q=\d+;w=3600, "day";q=\d+;w=86400$/,
    );
    assert.match(
      before.headers.get('ratelimit') ?? '',
      /^"minute";r=\d+;t=\d+, "hour";r=\d+;t=\d+, "day";r=\d+;t=\d+$/,
    );
    sandbox.setLimits({ minute: 2 });
    assert.equal((await call(sandbox, 'GET', '/pods')).status, 200);
    assert.match((await call(sandbox, 'GET', '/pods')).headers.get('ratelimit') ?? '', /^"minute";r=0;/);
    const refused = await call(sandbox, 'GET', '/pods');
    isProblem(refused, 429, /minute window/);
    const wait = Number(refused.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 60);
    sandbox.advance(wait);
    assert.equal((await call(sandbox, 'GET', '/pods')).status, 200);
    sandbox.setLimits({ minute: 3000 });
  });

  it('lets a test put a fault in front of every route', async () => {
    faults.request = ({ method, path: url }) =>
      method === 'GET' && url === '/v2/pods' ? new Problem(503, 'upstream') : undefined;
    isProblem(await call(sandbox, 'GET', '/pods'), 503, /upstream/);
    delete faults.request;
    assert.equal((await call(sandbox, 'GET', '/pods')).status, 200);
  });

  it('keeps SSH keys as one set and secrets without telling their values', async () => {
    assert.deepEqual((await call(sandbox, 'GET', '/account/ssh-keys')).body, { keys: [] });
    await call(sandbox, 'PUT', '/account/ssh-keys', { keys: [bench.publicKey, 'ssh-rsa AAAA other'] });
    await call(sandbox, 'PUT', '/account/ssh-keys', { keys: [bench.publicKey] });
    assert.deepEqual((await call(sandbox, 'GET', '/account/ssh-keys')).body, { keys: [bench.publicKey] });

    const made = await call(sandbox, 'POST', '/account/secrets', {
      name: 'HF_TOKEN',
      value: 'hidden-value',
      description: 'd',
    });
    assert.equal(made.status, 201);
    isProblem(await call(sandbox, 'POST', '/account/secrets', { name: 'HF_TOKEN', value: 'x' }), 409, /already exists/);
    for (const name of ['runpod_x', '1x', 'a b']) {
      isProblem(await call(sandbox, 'POST', '/account/secrets', { name, value: 'x' }), 422, /validation/);
    }
    const listed = await call(sandbox, 'GET', '/account/secrets?name=hf_');
    assert.equal(listed.body.secrets.length, 1);
    const one = `/account/secrets/${made.body.id}`;
    const changed = await call(sandbox, 'PATCH', one, { value: 'hidden-too' });
    assert.doesNotMatch(
      JSON.stringify([made.body, listed.body, changed.body, (await call(sandbox, 'GET', one)).body]),
      /hidden/,
    );
    isProblem(await call(sandbox, 'PATCH', one, {}), 422, /validation/);
    assert.equal((await call(sandbox, 'DELETE', one)).status, 204);
    isProblem(await call(sandbox, 'GET', one), 404, /not found/);
  });
});
