import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import axios from 'axios';
import { startSandbox, type Sandbox } from '../../sandbox/index.ts';
import { RunPodClient } from '../../src/core/runpod/client.ts';
import type { Pod, Volume } from '../../src/core/runpod/schemas.ts';
import { until } from '../support/wait.ts';
import { assertKind, collect } from '../unit/runpod/api-server.ts';
import { assertInContract, startRelay, type Exchange, type Relay } from './relay.ts';
import { ContractValidator } from './validator.ts';

const contract = new ContractValidator();
const gpu = { id: 'NVIDIA L4' };
const dataCenter = 'EU-RO-1';

describe('answers of the sandbox against the contract (R9.7)', () => {
  let root: string;
  let sandbox: Sandbox;
  let relay: Relay;
  let client: RunPodClient;
  /** How many exchanges earlier tests have checked. */
  let checked = 0;
  let names = 0;

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'runpod-trainer-contract-'));
    sandbox = await startSandbox({ root });
    sandbox.stock.set({ gpu: gpu.id, dataCenter }, 'HIGH');
    sandbox.stock.set({ cpu: 'cpu5c', dataCenter }, 'HIGH');
    relay = await startRelay(sandbox.restUrl);
    client = connect(sandbox.key);
  });
  after(async () => {
    await relay.close();
    await sandbox.close();
    await rm(root, { recursive: true, force: true });
  });

  /** A client that repeats nothing, so that every answer is seen for what it is. */
  const connect = (apiKey: string) =>
    new RunPodClient({ restUrl: relay.restUrl, apiKey }, { retries: { attempts: 1 } });

  /** Whatever a test was about, everything that was answered in it must be in the contract. */
  afterEach(() => {
    assertInContract(contract, relay.exchanges.slice(checked));
    checked = relay.exchanges.length;
  });

  /** A raw request; returns the answer as the relay saw it. */
  async function raw(method: string, route: string, body?: object | string, key = sandbox.key): Promise<Exchange> {
    const seen = relay.exchanges.length;
    await axios.request({
      method,
      url: `${relay.restUrl}${route}`,
      headers: { Authorization: `Bearer ${key}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      data: typeof body === 'object' ? JSON.stringify(body) : body,
      transformRequest: [(data: unknown) => data],
      proxy: false,
      validateStatus: () => true,
    });
    const target = `/v2${decodeURIComponent(route.split('?')[0] ?? '')}`;
    return until(`the answer of ${method} ${route}`, () =>
      relay.exchanges.slice(seen).find((e) => e.method === method && e.path === target),
    );
  }

  const freshName = () => `contract-${(names += 1)}`;

  async function createVolume(): Promise<Volume> {
    return client.volumes.create({ name: freshName(), size: 10, dataCenter });
  }

  async function createPod(volume: Volume): Promise<Pod> {
    return client.pods.create({
      name: freshName(),
      image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
      disk: 20,
      env: {
        GREETING: 'hello',
        PUBLIC_KEY: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEhUQ0hhdmVub3RoaW5ndG9oaWRlaW5oZXJlMDAw test',
      },
      ports: ['22/tcp', '8888/http'],
      cloud: 'SECURE',
      dataCenterIds: [dataCenter],
      mounts: { network: [{ volumeId: volume.id, path: '/workspace' }] },
      gpu,
    });
  }

  const podWhere = (id: string, what: string, holds: (pod: Pod) => boolean) =>
    until(
      what,
      async () => {
        const pod = await client.pods.get(id);
        return holds(pod) && pod;
      },
      30_000,
    );

  it('catalog: data centers, GPU types and CPU flavors, lists and single entries', async () => {
    const dataCenters = await client.catalog.dataCenters({ include: ['GPU_AVAILABILITY', 'CPU_AVAILABILITY'] });
    const known = dataCenters.find((d) => d.id === dataCenter);
    assert.ok(known);
    assert.ok(known.networkVolumeTypes.includes('STANDARD'));
    assert.ok(known.gpuAvailability.length > 0);
    const l4 = (await client.catalog.gpus({ count: 1, cloud: 'SECURE', minCudaVersion: '12.8' })).find(
      (type) => type.id === gpu.id,
    );
    assert.ok((l4?.price?.secure ?? 0) > 0);
    assert.equal(l4?.dataCenters.find((d) => d.id === dataCenter)?.availability, 'HIGH');
    assert.ok((await client.catalog.cpus({ vcpuCount: 2 })).some((type) => type.id === 'cpu5c'));
    for (const route of ['datacenters', 'gpus', 'cpus']) {
      assert.equal((await raw('GET', `/catalog/${route}`)).status, 200);
      assert.equal((await raw('GET', `/catalog/${route}/nonsense`)).status, 404);
    }
    assert.equal((await raw('GET', `/catalog/datacenters/${dataCenter}?include=GPU_AVAILABILITY`)).status, 200);
    assert.equal((await raw('GET', `/catalog/gpus/${encodeURIComponent(gpu.id)}`)).status, 200);
    assert.equal((await raw('GET', '/catalog/cpus/cpu5c?include=AVAILABILITY&product=POD')).status, 200);
    assert.equal((await raw('GET', '/catalog/gpus?include=AVAILABILITY')).status, 400, 'include without product');
  });

  it('volumes: create, list, get, grow, rename, delete', async () => {
    const volume = await createVolume();
    assert.deepEqual([volume.size, volume.dataCenter, volume.type], [10, dataCenter, 'STANDARD']);
    assert.ok((await client.volumes.list()).some((v) => v.id === volume.id));
    const grown = await client.volumes.update(volume.id, { size: 20, name: 'renamed' });
    assert.deepEqual([grown.size, grown.name], [20, 'renamed']);
    assert.deepEqual(await client.volumes.get(volume.id), grown);
    await assertKind(client.volumes.update(volume.id, { size: 10 }), 'invalid', 400);
    await client.volumes.delete(volume.id);
    await client.volumes.delete(volume.id);
    await assertKind(client.volumes.get(volume.id), 'not-found', 404);
    assert.equal((await raw('DELETE', `/network-volumes/${volume.id}`)).status, 404);
    await assertKind(client.volumes.create({ name: 'x', size: 10, dataCenter: 'XX-1' }), 'invalid', 400);
    for (const body of [
      { name: 'x', size: 9, dataCenter },
      { name: 'x', size: 10, dataCenterId: dataCenter },
      { name: 'x', size: 10, dataCenter, encrypted: true },
    ]) {
      assert.equal((await raw('POST', '/network-volumes', body)).status, 422, JSON.stringify(body));
    }
  });

  it('pods: from creation to the end', async function () {
    this.timeout(120_000);
    const volume = await createVolume();
    const pod = await createPod(volume);
    assert.equal(pod.status, 'PROVISIONING');
    assert.deepEqual(pod.mounts.network, [{ volumeId: volume.id, path: pod.mounts.network[0]?.path }]);
    assert.deepEqual([pod.gpu?.id, pod.gpu?.count, pod.dataCenterId], [gpu.id, 1, dataCenter]);
    assert.ok((pod.cost ?? 0) > 0);

    const early = await podWhere(pod.id, 'RUNNING', (p) => p.status === 'RUNNING');
    assert.equal(early.ssh.direct, null, 'RUNNING is not readiness');
    await assertKind(client.pods.action(pod.id, 'start'), 'conflict', 409);
    const ready = await podWhere(pod.id, 'an SSH address', (p) => p.ssh.direct !== null);
    assert.ok(ready.runtime?.ports.some((port) => port.private === 22 && port.public === ready.ssh.direct?.port));

    const stop = new AbortController();
    for await (const entry of client.pods.logs(pod.id, { tail: 100 }, stop.signal)) {
      assert.ok(entry.id !== '' && entry.ts !== null);
      assert.ok(entry.source === 'container' || entry.source === 'system');
      break;
    }
    assert.ok((await client.pods.list()).some((p) => p.id === pod.id));
    assert.equal((await raw('GET', '/pods?limit=1')).status, 200);
    assert.equal((await client.pods.patch(pod.id, { name: 'renamed' })).name, 'renamed');

    await client.pods.action(pod.id, 'restart');
    await podWhere(pod.id, 'RUNNING after the restart', (p) => p.status === 'RUNNING' && p.ssh.direct !== null);
    await client.pods.action(pod.id, 'stop');
    const stopped = await podWhere(pod.id, 'EXITED', (p) => p.status === 'EXITED');
    assert.deepEqual([stopped.cost, stopped.actions.includes('start')], [0, true]);
    await assertKind(client.pods.action(pod.id, 'stop'), 'conflict', 409);
    sandbox.stock.refuseStart(true);
    await assertKind(client.pods.action(pod.id, 'start'), 'no-capacity', 400);
    sandbox.stock.refuseStart(false);
    await client.pods.action(pod.id, 'start');
    await podWhere(pod.id, 'RUNNING again', (p) => p.status === 'RUNNING');

    await client.pods.terminate(pod.id);
    await client.pods.terminate(pod.id);
    await until('the pod is gone', async () => {
      const answer = await raw('GET', `/pods/${pod.id}`);
      return answer.status === 404;
    });
    assert.equal((await raw('DELETE', `/pods/${pod.id}`)).status, 404);
    await assertKind(collect(client.pods.logs(pod.id)), 'not-found', 404);
    await client.volumes.delete(volume.id);
  });

  it('pods: terminate by action, and a CPU pod', async () => {
    const pod = await client.pods.create({
      name: freshName(),
      image: 'runpod/base:1.0.2-ubuntu2404',
      disk: 20,
      cpu: { id: 'cpu5c', vcpuCount: 2 },
    });
    assert.deepEqual([pod.gpu, pod.cpu?.id, pod.cpu?.vcpuCount], [null, 'cpu5c', 2]);
    assert.equal(await client.pods.action(pod.id, 'terminate'), null);
  });

  it('pods: pages of a list', async () => {
    const volume = await createVolume();
    const pods = [await createPod(volume), await createPod(volume)];
    const first = await raw('GET', '/pods?limit=1');
    const { pagination } = first.body as { pagination: { nextCursor: string; hasNextPage: boolean } };
    assert.equal(pagination.hasNextPage, true);
    const next = await raw('GET', `/pods?limit=1&cursor=${encodeURIComponent(pagination.nextCursor)}`);
    assert.notDeepEqual((next.body as { pods: unknown }).pods, (first.body as { pods: unknown }).pods);
    assert.equal((await raw('GET', '/pods?cursor=nonsense')).status, 422);
    for (const pod of pods) {
      await client.pods.terminate(pod.id);
    }
  });

  it('endpoints: create, list, get, scale to zero, delete', async () => {
    const volume = await createVolume();
    const body = {
      name: freshName(),
      type: 'QUEUE',
      image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
      cmd: ['python', '-u', 'handler.py'],
      env: { MODEL: 'songs' },
      gpu: { pools: ['AMPERE_24', 'ADA_24'], excludedTypes: ['NVIDIA L4'], count: 2, minCudaVersion: '12.8' },
      workers: { min: 1, max: 3, idleTimeout: 30 },
      scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
      networkVolumes: [volume.id],
      flashboot: 'FLASHBOOT',
    };
    const { id } = (await raw('POST', '/serverless', body)).body as { id: string };
    const spare = { name: freshName(), image: 'busybox', disk: 5, ports: ['8000/http'], dataCenterIds: [dataCenter] };
    const balanced = {
      ...spare,
      type: 'LOAD_BALANCER',
      cpu: [{ id: 'cpu5c', vcpuCount: 2 }],
      scaling: { type: 'REQUEST_COUNT', requestCount: 4 },
    };
    const cpuOnly = (await raw('POST', '/serverless', balanced)).body as { id: string };
    const counted = { ...balanced, name: freshName(), type: 'QUEUE' };
    const withoutTimeout = (await raw('POST', '/serverless', counted)).body as { workers: object };
    assert.deepEqual(withoutTimeout.workers, { min: 0, max: 3 });
    const seen = await client.serverless.get(id);
    assert.deepEqual(
      [seen.type, seen.gpu, seen.workers, seen.env, seen.networkVolumes],
      ['QUEUE', { pools: ['AMPERE_24', 'ADA_24'], count: 2 }, { min: 1, max: 3 }, { MODEL: 'songs' }, [volume.id]],
    );
    assert.deepEqual(
      (await client.serverless.list()).slice(1).map((e) => e.id),
      [cpuOnly.id, id],
    );
    const page = (await raw('GET', '/serverless?limit=2')).body as { pagination: { nextCursor: string } };
    assert.equal((await raw('GET', `/serverless?cursor=${page.pagination.nextCursor}`)).status, 200);
    assert.equal((await raw('GET', `/pods?cursor=${page.pagination.nextCursor}`)).status, 422);
    assert.deepEqual((await client.serverless.patch(id, { workers: { min: 0, max: 0 } })).workers, { min: 0, max: 0 });
    assert.equal((await raw('PATCH', `/serverless/${id}`, { gpu: { pools: ['ADA_24'] }, timeout: 1000 })).status, 200);
    for (const wrong of [
      { gpu: { excludedTypes: ['NVIDIA L4'] } },
      { workers: { min: -1 } },
      { workers: { idleTimeout: 0 } },
      { type: 'LOAD_BALANCER' },
      { gpu: { pools: [] } },
      { scaling: { type: 'QUEUE_DELAY', queueDelay: 0.1 } },
    ]) {
      assert.equal((await raw('PATCH', `/serverless/${id}`, wrong)).status, 422, JSON.stringify(wrong));
      assert.ok(contract.validateRequest('PATCH', '/v2/serverless/x', new URLSearchParams(), wrong).length > 0);
    }
    for (const wrong of [
      { workers: { min: 4 } },
      { cpu: [{ id: 'cpu5c', vcpuCount: 2 }] },
      { gpu: { pools: ['ADA_24'], excludedTypes: ['NVIDIA L4'] } },
      { gpu: { allowedCudaVersions: ['12.8'] } },
      { networkVolumes: ['nonsense'] },
    ]) {
      assert.equal((await raw('PATCH', `/serverless/${id}`, wrong)).status, 400, JSON.stringify(wrong));
    }
    const { type, ...untyped } = body;
    for (const wrong of [
      untyped,
      { ...body, image: undefined },
      { ...body, mounts: {} },
      { ...body, cpu: [] },
      { ...body, gpu: { id: gpu.id } },
      { ...balanced, type: 'LOAD_BALANCER', scaling: body.scaling },
    ]) {
      assert.equal((await raw('POST', '/serverless', wrong)).status, 422, `${type} ${JSON.stringify(wrong)}`);
      const problems = contract.validateRequest('POST', '/v2/serverless', new URLSearchParams(), { ...wrong });
      assert.ok(problems.length > 0, JSON.stringify(wrong));
    }
    for (const wrong of [
      { ...body, cpu: balanced.cpu },
      { ...body, gpu: undefined },
      { ...counted, workers: { idleTimeout: 5 } },
      { ...body, gpu: { pools: ['NO_SUCH_POOL'] } },
    ]) {
      assert.equal((await raw('POST', '/serverless', wrong)).status, 400, JSON.stringify(wrong));
    }
    for (const endpoint of await client.serverless.list()) {
      await client.serverless.delete(endpoint.id);
    }
    await client.serverless.delete(id);
    await assertKind(client.serverless.get(id), 'not-found', 404);
    assert.equal((await raw('DELETE', `/serverless/${id}`)).status, 404);
    await client.volumes.delete(volume.id);
  });

  it('refusals: 400, 401, 402, 404, 405, 413, 422, 429', async () => {
    const pod = { name: freshName(), image: 'busybox', disk: 20, gpu };
    const both = { ...pod, gpu: { ...gpu, count: 1 }, cpu: { id: 'cpu5c', vcpuCount: 2 } };
    assert.equal((await raw('POST', '/pods', both)).status, 400);
    assert.equal((await raw('POST', '/pods', { name: 'x', image: 'y' })).status, 400);
    assert.equal((await raw('POST', '/pods', '{broken')).status, 400);
    sandbox.stock.refuse({ gpu: gpu.id });
    await assertKind(client.pods.create(pod), 'no-capacity', 400);
    sandbox.stock.allow();

    await assertKind(connect('rpa_WRONG').account.checkKey(), 'auth', 401);
    await client.account.checkKey();

    const balance = sandbox.balance();
    sandbox.setBalance(0);
    await assertKind(client.pods.create(pod), 'funds', 402);
    sandbox.setBalance(balance);

    await assertKind(client.pods.get('nonsense'), 'not-found', 404);
    await assertKind(client.pods.action('nonsense', 'stop'), 'not-found', 404);
    assert.equal((await raw('PUT', '/pods')).status, 405);
    assert.equal((await raw('GET', '/nothing')).status, 404);

    const large = { ...pod, gpu: { ...gpu, count: 1 }, env: { A: 'x'.repeat(102_400) } };
    assert.equal((await raw('POST', '/pods', large)).status, 413);
    assert.equal((await raw('POST', '/pods', large, 'rpa_WRONG')).status, 413, 'size comes before the key');

    const volume = await createVolume();
    const live = await createPod(volume);
    for (const [method, route, body] of [
      ['POST', '/pods', { ...pod, gpu: { ...gpu, count: 1 }, dataCenterId: dataCenter }],
      ['POST', '/pods', { ...pod, gpu: { ...gpu, count: 0 } }],
      ['POST', '/pods', { image: 'busybox', gpu: { ...gpu, count: 1 } }],
      ['PATCH', `/pods/${live.id}`, { status: 'EXITED' }],
      ['POST', `/pods/${live.id}/action`, { action: 'explode' }],
      ['PATCH', `/network-volumes/${volume.id}`, { dataCenter: 'US-CA-2' }],
    ] as const) {
      const answer = await raw(method, route, body);
      assert.equal(answer.status, 422, `${method} ${route} ${JSON.stringify(answer.body)}`);
      assert.ok(contract.validateRequest(method, `/v2${route}`, new URLSearchParams(), body).length > 0);
    }
    await client.pods.terminate(live.id);

    sandbox.setLimits({ minute: 1 });
    await raw('GET', '/pods');
    // A client of its own, because one that has seen the limit rightly holds its reads back.
    await assertKind(connect(sandbox.key).pods.list(), 'rate-limit', 429);
    sandbox.setLimits({ minute: 3000 });
  });

  it('billing: everything, pods, volumes', async () => {
    sandbox.advance(3600);
    for (const filter of [{}, { lastN: 2, bucketSize: 'hour' }, { bucketSize: 'month' }] as const) {
      for (const bill of [
        client.billing.summary(filter),
        client.billing.pods(filter),
        client.billing.volumes(filter),
      ]) {
        assert.ok((await bill).totalAmount >= 0);
      }
    }
    assert.ok((await client.billing.summary({ bucketSize: 'hour' })).totalAmount > 0, 'an hour of volumes was charged');
    assert.equal((await client.billing.pods({ podId: 'nonsense' })).totalAmount, 0);
    const range = { startTime: '2026-01-01T00:00:00Z', endTime: '2026-01-02T00:00:00Z' };
    assert.equal((await client.billing.volumes(range)).totalAmount, 0);
  });

  it('account: SSH keys, secrets and the balance', async () => {
    assert.deepEqual(await client.account.sshKeys(), []);
    const secret = await raw('POST', '/account/secrets', { name: 'HF_TOKEN', value: 'hf_x' });
    assert.equal(secret.status, 201);
    assert.equal((await raw('POST', '/account/secrets', { name: 'HF_TOKEN', value: 'hf_x' })).status, 409);
    const { id } = secret.body as { id: string };
    assert.equal((await raw('GET', '/account/secrets?name=hf_token')).status, 200);
    assert.equal((await raw('PATCH', `/account/secrets/${id}`, { value: 'hf_y' })).status, 200);
    assert.equal((await raw('GET', `/account/secrets/${id}`)).status, 200);
    assert.equal((await raw('DELETE', `/account/secrets/${id}`)).status, 204);
    assert.equal((await client.balance())?.balance, sandbox.balance());
  });
});
