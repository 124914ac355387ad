import assert from 'node:assert/strict';
import path from 'node:path';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/index.ts';
import { call, getPod, podBody, until, Workbench, type Json } from './harness.ts';

describe('sandbox meter and balance (R4.2, R9.7)', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  const start = async (more: Partial<SandboxOptions> = {}) => {
    sandbox = await startSandbox({ root: path.join(bench.folder, 'root'), balance: 10, ...more });
  };

  beforeEach(async () => {
    bench = new Workbench();
    await start();
  });
  afterEach(async () => {
    await sandbox.close();
    bench.remove();
  });

  const gpu = { cpu: undefined, gpu: { id: 'NVIDIA L4', count: 1 } };
  const create = async (more: Record<string, unknown> = {}) =>
    (await call(sandbox, 'POST', '/pods', podBody(bench, { env: {}, ports: [], ...more }))).body.id;
  const bill = async (url: string) => (await call(sandbox, 'GET', url)).body;
  const close = (actual: unknown, expected: number, slack = 0.02) =>
    assert.ok(Math.abs(Number(actual) - expected) < slack, `${String(actual)} is about ${expected}`);

  async function graphql(query: string, key = sandbox.key): Promise<Json> {
    const response = await fetch(sandbox.graphqlUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    assert.equal(response.status, 200);
    return (await response.json()) as Json;
  }

  it('charges a pod per second from create until stop at its cost', async () => {
    const id = await create(gpu);
    sandbox.advance(3600);
    close(sandbox.balance(), 10 - 0.49, 0.005);
    assert.equal((await bill('/billing/pods')).metadata.recordCount, 0, 'the bill lags behind a running pod');
    await call(sandbox, 'POST', `/pods/${id}/action`, { action: 'stop' });
    const stopped = sandbox.balance();
    sandbox.advance(3600);
    assert.equal(sandbox.balance(), stopped, 'a stopped pod costs nothing');
    const { records, metadata } = await bill(`/billing/pods?podId=${id}&bucketSize=hour`);
    close(metadata.totals.totalAmount, 0.49, 0.005);
    assert.equal(metadata.totals.cpuAmount, 0);
    assert.equal(metadata.uniquePodCount, 1);
    assert.ok(records.every((record) => (record.podId as unknown) === id));
    assert.equal((await bill('/billing/pods?podId=other')).metadata.recordCount, 0);
  });

  it('charges standing workers of an endpoint until they are scaled to zero, and not on credit', async () => {
    const endpoint = {
      name: 'chat',
      type: 'QUEUE',
      image: 'example/chat:1',
      gpu: { pools: ['ADA_24'], count: 2 },
      workers: { min: 1, max: 3 },
      scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
    };
    const asleep = { ...endpoint, name: 'asleep', workers: { min: 0, max: 3 } };
    assert.equal((await call(sandbox, 'POST', '/serverless', asleep)).status, 201);
    sandbox.advance(3600);
    assert.equal(sandbox.balance(), 10, 'without a standing worker it costs nothing');
    const { id } = (await call(sandbox, 'POST', '/serverless', endpoint)).body;
    sandbox.advance(3600);
    close(sandbox.balance(), 10 - 2.232, 0.005);
    await call(sandbox, 'PATCH', `/serverless/${id}`, { workers: { min: 0, max: 0 } });
    const left = sandbox.balance();
    sandbox.advance(3600);
    assert.equal(sandbox.balance(), left);
    const { records, metadata } = await bill('/billing?bucketSize=hour');
    const amount = (records as unknown as { serverlessGpuAmount: number }[]).reduce(
      (sum, r) => sum + r.serverlessGpuAmount,
      0,
    );
    close(amount, 2.232, 0.005);
    close(metadata.totals.totalAmount, 2.232, 0.005);

    await call(sandbox, 'PATCH', `/serverless/${id}`, { workers: { min: 1, max: 1 } });
    sandbox.setBalance(0);
    sandbox.advance(1);
    const broke = sandbox.balance();
    sandbox.advance(3600);
    assert.equal(sandbox.balance(), broke);
    sandbox.setBalance(10);
    sandbox.advance(1);
    sandbox.advance(3600);
    close(sandbox.balance(), 10 - 2.232, 0.005);
  });

  it('charges a volume by the started hour on its allocated size', async () => {
    await call(sandbox, 'POST', '/network-volumes', { name: 'v', size: 1000, dataCenter: 'EU-RO-1' });
    const hourly = (1000 * 0.07) / 730;
    close(sandbox.balance(), 10 - hourly, 0.0001);
    sandbox.advance(3 * 3600 + 5);
    close(sandbox.balance(), 10 - 4 * hourly, 0.0001);
    const all = await bill('/billing?lastN=2&bucketSize=day');
    close(all.metadata.totals.storageStandardAmount, 4 * hourly, 0.0001);
    close(all.metadata.totals.totalAmount, 4 * hourly, 0.0001);
    close((await bill('/billing/network-volumes')).metadata.totals.standardAmount, 4 * hourly, 0.0001);
    assert.equal((await call(sandbox, 'GET', '/billing?lastN=2&startTime=2026-01-01T00:00:00Z')).status, 400);
    assert.equal((await call(sandbox, 'GET', '/billing?bucketSize=minute')).status, 422);
    assert.equal((await call(sandbox, 'GET', '/billing?startTime=yesterday')).status, 422);
  });

  it('wants an hour of credit at create and start (402)', async () => {
    sandbox.setBalance(0.4);
    const refused = await call(sandbox, 'POST', '/pods', podBody(bench, gpu));
    assert.equal(refused.status, 402);
    const id = await create();
    await call(sandbox, 'POST', `/pods/${id}/action`, { action: 'stop' });
    sandbox.setBalance(0.01);
    assert.equal((await call(sandbox, 'POST', `/pods/${id}/action`, { action: 'start' })).status, 402);
  });

  it('stops pods with a volume and terminates the others when the balance is used up', async () => {
    const volume = (await call(sandbox, 'POST', '/network-volumes', { name: 'v', size: 10, dataCenter: 'EU-RO-1' }))
      .body.id;
    const held = await create({ mounts: { network: [{ volumeId: volume, path: '/workspace' }] } });
    const loose = await create();
    sandbox.advance(200 * 3600);
    assert.equal((await getPod(sandbox, held)).status, 'EXITED');
    await until('404', async () => (await call(sandbox, 'GET', `/pods/${loose}`)).status === 404);
  });

  it('answers the balance over GraphQL, and errors with status 200', async () => {
    await create(gpu);
    const { data } = await graphql('query { myself { clientBalance currentSpendPerHr } }');
    close(data.myself.clientBalance, 10);
    assert.deepEqual(Object.keys(data.myself), ['clientBalance', 'currentSpendPerHr']);
    close(data.myself.currentSpendPerHr, 0.49, 0.0001);
    assert.ok((await graphql('query { podFindAndDeploy }')).errors);
    assert.ok((await graphql('query { myself { nothing } }')).errors);
  });

  it('keeps volumes, their files, bill, balance, keys and secrets over a restart, and no pods', async () => {
    const volume = (await call(sandbox, 'POST', '/network-volumes', { name: 'v', size: 10, dataCenter: 'EU-RO-1' }))
      .body;
    await call(sandbox, 'POST', '/account/secrets', { name: 'kept', value: 'x' });
    const id = await create(gpu);
    sandbox.advance(3600);
    const before = sandbox.balance();
    await sandbox.close();
    await start({ balance: 5000 });
    close(sandbox.balance(), before, 0.01);
    assert.equal((await call(sandbox, 'GET', `/pods/${id}`)).status, 404);
    assert.deepEqual((await bill('/network-volumes')).networkVolumes, [volume]);
    assert.equal((await bill('/account/secrets')).secrets.length, 1);
    const later = new Date(Date.now() + 7_200_000).toISOString();
    close((await bill(`/billing/pods?endTime=${later}`)).metadata.totals.gpuAmount, 0.49, 0.005);
  });

  it('follows the rights that a pod key was given', async () => {
    await sandbox.close();
    const keys: string[] = [];
    await start({ podKeyRights: 'none', imageEnv: { SHOW: 'key' } });
    const id = await create({ args: `sh -c 'echo $SHOW $RUNPOD_API_KEY; sleep 100'` });
    const abort = new AbortController();
    const response = await fetch(`${sandbox.restUrl}/pods/${id}/logs?source=container`, {
      headers: { authorization: `Bearer ${sandbox.key}` },
      signal: abort.signal,
    });
    for await (const part of response.body!) {
      const found = /key (rpa_\w+)/.exec(Buffer.from(part).toString())?.[1];
      if (found !== undefined) keys.push(found);
      if (keys.length > 0) break;
    }
    abort.abort();
    const own = { restUrl: sandbox.restUrl, key: keys[0] ?? '' };
    assert.equal((await call(own, 'POST', `/pods/${id}/action`, { action: 'start' })).status, 403);
    assert.ok((await graphql('query { myself { clientBalance } }', own.key)).errors, 'the account is not for pods');
    sandbox.setPodKeyRights('invalid');
    assert.equal((await call(own, 'POST', `/pods/${id}/action`, { action: 'start' })).status, 401);
  });
});
