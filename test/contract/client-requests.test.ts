import assert from 'node:assert/strict';
import type { RunPodClient } from '../../src/core/runpod/client.ts';
import {
  billJson,
  canaryKey,
  collect,
  podJson,
  startApiServer,
  testClient,
  volumeJson,
  type ApiServer,
  type RecordedRequest,
  type Reply,
} from '../unit/runpod/api-server.ts';
import { ContractValidator } from './validator.ts';

const contract = new ContractValidator();

/** Answers every route the client knows with something valid. */
function answer(request: RecordedRequest): Reply {
  const route = request.path.replace('/v2', '');
  if (request.method === 'DELETE') {
    return { status: 204 };
  }
  if (route.endsWith('/logs')) {
    return (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\ndata: {"line":"hello"}\n\n');
    };
  }
  if (route.endsWith('/action')) {
    return (request.body as { action: string }).action === 'terminate' ? { status: 204 } : { json: podJson() };
  }
  if (route === '/pods' && request.method === 'GET') {
    const more = request.query.get('cursor') === null && !request.query.has('limit');
    return { json: { pods: [], pagination: { nextCursor: more ? 'c/2' : null, hasNextPage: more } } };
  }
  if (route.startsWith('/pods')) {
    return { status: request.method === 'POST' ? 201 : 200, json: podJson() };
  }
  if (route === '/network-volumes' && request.method === 'GET') {
    return { json: { networkVolumes: [volumeJson] } };
  }
  if (route.startsWith('/network-volumes')) {
    return { status: request.method === 'POST' ? 201 : 200, json: volumeJson };
  }
  if (route === '/serverless') {
    const more = request.query.get('cursor') === null;
    return { json: { endpoints: [], pagination: { nextCursor: more ? 'c/2' : null, hasNextPage: more } } };
  }
  if (route.startsWith('/serverless')) {
    return { json: { id: 'ep1', workers: { min: 0, max: 0 } } };
  }
  if (route.startsWith('/billing')) {
    return { json: billJson };
  }
  return { json: { dataCenters: [], gpus: [], cpus: [], keys: [], secrets: [] } };
}

const range = { startTime: '2026-09-01T00:00:00Z', endTime: '2026-09-02T00:00:00+02:00' };

/** Every call of the client, with every field it can send. */
const calls: Record<string, (client: RunPodClient) => Promise<unknown>> = {
  'pods.list with a second page': (c) => c.pods.list(),
  'pods.get with an odd id': (c) => c.pods.get('pod 1'),
  'pods.create with a GPU and every field': (c) =>
    c.pods.create({
      name: 'trainer-a',
      image: 'runpod/base:1.0.2-ubuntu2404',
      cmd: ['/start.sh'],
      entrypoint: [],
      disk: 20,
      env: { PUBLIC_KEY: 'ssh-ed25519 AAAA' },
      ports: ['22/tcp'],
      registry: null,
      cloud: 'SECURE',
      dataCenterIds: ['EU-RO-1'],
      mounts: { network: [{ volumeId: 'vol1', path: '/workspace' }] },
      startSsh: true,
      startJupyter: false,
      globalNetworking: false,
      gpu: { id: 'NVIDIA L4', minCudaVersion: '12.8', minRamPerGpu: 24, minVcpuCountPerGpu: 4 },
    }),
  'pods.create with exact CUDA versions and host storage': (c) =>
    c.pods.create({
      name: 'trainer-b',
      image: 'busybox',
      args: 'sleep infinity',
      mounts: { persistent: { size: 10, path: '/data' } },
      gpu: { id: 'NVIDIA L4', count: 2, allowedCudaVersions: ['12.8', '13.0'] },
    }),
  'pods.create with CPUs': (c) =>
    c.pods.create({ name: 'gateway', image: 'runpod/base', disk: 20, cpu: { id: 'cpu5c', vcpuCount: 2 } }),
  'pods.patch': (c) =>
    c.pods.patch('pod1', {
      name: 'renamed',
      locked: true,
      globalNetworking: false,
      image: 'busybox',
      env: { A: 'b' },
      disk: 30,
      ports: ['22/tcp'],
      mounts: { network: [{ volumeId: 'vol1', path: '/data' }] },
    }),
  'pods.action start': (c) => c.pods.action('pod1', 'start'),
  'pods.action stop': (c) => c.pods.action('pod1', 'stop'),
  'pods.action restart': (c) => c.pods.action('pod1', 'restart'),
  'pods.action terminate': (c) => c.pods.action('pod1', 'terminate'),
  'pods.terminate': (c) => c.pods.terminate('pod1'),
  'pods.logs': (c) =>
    collect(
      c.pods.logs('pod1', { source: 'container', tail: 0, since: '2026-09-01T00:00:00+00:00', lastEventId: 't/1' }),
    ),
  'volumes.list': (c) => c.volumes.list(),
  'volumes.get': (c) => c.volumes.get('vol1'),
  'volumes.create': (c) =>
    c.volumes.create({ name: 'songs', size: 10, dataCenter: 'EU-RO-1', type: 'HIGH_PERFORMANCE' }),
  'volumes.update': (c) => c.volumes.update('vol1', { name: 'songs', size: 4096 }),
  'volumes.delete': (c) => c.volumes.delete('vol1'),
  'serverless.list with a second page': (c) => c.serverless.list(),
  'serverless.get': (c) => c.serverless.get('ep 1'),
  'serverless.patch': (c) => c.serverless.patch('ep1', { name: 'renamed', workers: { min: 0, max: 0 } }),
  'serverless.delete': (c) => c.serverless.delete('ep1'),
  'catalog.dataCenters': (c) => c.catalog.dataCenters({ include: ['GPU_AVAILABILITY', 'CPU_AVAILABILITY'] }),
  'catalog.gpus': (c) => c.catalog.gpus({ count: 2, cloud: 'SECURE', minCudaVersion: '12.8' }),
  'catalog.cpus': (c) => c.catalog.cpus({ vcpuCount: 4 }),
  'billing.summary': (c) => c.billing.summary({ lastN: 3, bucketSize: 'hour' }),
  'billing.pods': (c) => c.billing.pods({ ...range, podId: 'pod1' }),
  'billing.volumes': (c) => c.billing.volumes({ ...range, networkVolumeId: 'vol1' }),
  'account.checkKey': (c) => c.account.checkKey(),
  'account.sshKeys': (c) => c.account.sshKeys(),
  'account.secretNames': (c) => c.account.secretNames('end key'),
};

describe('requests of the RunPod client against the contract', () => {
  let server: ApiServer;
  before(async () => {
    server = await startApiServer(answer);
  });
  beforeEach(() => {
    server.requests.length = 0;
  });
  after(() => server.close());

  for (const [name, call] of Object.entries(calls)) {
    it(`${name} sends only what the contract allows`, async () => {
      await call(testClient(server.restUrl).client);
      assert.ok(server.requests.length > 0);
      for (const request of server.requests) {
        const problems = contract.validateRequest(request.method, request.path, request.query, request.body);
        assert.deepEqual(problems, [], `${request.method} ${request.path} ${JSON.stringify(request.body)}`);
        assert.equal(request.headers.authorization, `Bearer ${canaryKey}`);
        assert.match(request.headers['user-agent'] ?? '', /^runpod-trainer\/\d+\.\d+\.\d+$/);
      }
    });
  }

  it('names no call twice and leaves none out', () => {
    const client = testClient(server.restUrl).client;
    const methods = (['pods', 'volumes', 'serverless', 'catalog', 'billing', 'account'] as const).flatMap((group) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(client[group]))
        .filter((method) => method !== 'constructor')
        .map((method) => `${group}.${method}`),
    );
    const called = new Set(Object.keys(calls).map((name) => name.split(' ')[0]));
    // The balance is GraphQL, which the document does not describe.
    assert.deepEqual(
      methods.filter((method) => !called.has(method)),
      ['account.balance'],
    );
  });

  it('always sends gpu.count, and the pod answer in its own shape', async () => {
    const { client } = testClient(server.restUrl);
    await client.pods.create({ name: 'trainer-c', image: 'busybox', gpu: { id: 'NVIDIA L4' } });
    assert.deepEqual(server.requests[0]?.body, {
      name: 'trainer-c',
      image: 'busybox',
      gpu: { id: 'NVIDIA L4', count: 1 },
    });
  });

  it('joins lists in queries by commas that are not encoded', async () => {
    const { client } = testClient(server.restUrl);
    await client.catalog.dataCenters({ include: ['GPU_AVAILABILITY', 'CPU_AVAILABILITY'] });
    assert.equal(server.requests[0]?.search, '?include=GPU_AVAILABILITY,CPU_AVAILABILITY');
  });

  it('sends no field that is not in the contract, even when a caller smuggles one in', async () => {
    const { client } = testClient(server.restUrl);
    const smuggled = { name: 'x', image: 'y', gpu: { id: 'NVIDIA L4', spot: true }, dataCenterId: 'EU-RO-1' };
    await client.pods.create(smuggled);
    assert.deepEqual(server.requests[0]?.body, { name: 'x', image: 'y', gpu: { id: 'NVIDIA L4', count: 1 } });
  });
});
