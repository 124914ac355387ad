import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startSandbox, type Sandbox } from '../../../sandbox/index.ts';
import { call, direct, podBody, until, Workbench, type Json } from './harness.ts';

const noInstances =
  'There are no longer any instances available with the requested specifications. Please refresh and try again.';

describe('sandbox catalog, volumes and placement (R1, R9.7)', () => {
  let bench: Workbench;
  let sandbox: Sandbox;

  beforeEach(async () => {
    bench = new Workbench();
    sandbox = await startSandbox({ root: path.join(bench.folder, 'root') });
  });
  afterEach(async () => {
    await sandbox.close();
    bench.remove();
  });

  const get = async (url: string): Promise<Json> => (await call(sandbox, 'GET', url)).body;
  const gpuBody = (gpu: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    podBody(bench, { cpu: undefined, gpu, ...more });
  const create = (body: Record<string, unknown>) => call(sandbox, 'POST', '/pods', body);
  async function refusal(body: Record<string, unknown>): Promise<string> {
    const answer = await create(body);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    return answer.body.detail;
  }
  const volume = async (dataCenter: string, more: Record<string, unknown> = {}) =>
    (await call(sandbox, 'POST', '/network-volumes', { name: 'v', size: 10, dataCenter, ...more })).body;
  const rtx = 'NVIDIA GeForce RTX 4090';

  it('lists data centers with tiers, and stock only when asked', async () => {
    const all = (await get('/catalog/datacenters')).dataCenters;
    assert.ok(all.length >= 30);
    assert.ok(all.every((center) => !('gpuAvailability' in center)));
    const romania = await get('/catalog/datacenters/EU-RO-1?include=GPU_AVAILABILITY,CPU_AVAILABILITY');
    assert.deepEqual(romania.networkVolumeTypes, ['STANDARD']);
    assert.ok(romania.gpuAvailability.some((gpu) => gpu.id === rtx));
    assert.ok(romania.cpuAvailability.some((cpu) => cpu.id === 'cpu5c'));
    const both = (
      await get('/catalog/datacenters?networkVolumeTypes=STANDARD,HIGH_PERFORMANCE&regions=EUROPE,NORTH_AMERICA')
    ).dataCenters;
    assert.deepEqual(
      both.map((center) => center.id),
      ['CA-MTL-4'],
    );
    assert.equal((await call(sandbox, 'GET', '/catalog/datacenters?regions=MOON')).status, 422);
    assert.equal((await call(sandbox, 'GET', '/catalog/datacenters/none')).status, 404);
  });

  it('wants include and product together, and filters only with them', async () => {
    for (const query of ['include=AVAILABILITY', 'product=POD', 'count=2', 'cloud=SECURE', 'minCudaVersion=12.8']) {
      assert.equal((await call(sandbox, 'GET', `/catalog/gpus?${query}`)).status, 400, query);
    }
    const asked = 'include=AVAILABILITY&product=POD';
    assert.equal(
      (await call(sandbox, 'GET', `/catalog/gpus?${asked}&minCudaVersion=12&cudaVersions=12.8`)).status,
      400,
    );
    assert.equal((await call(sandbox, 'GET', `/catalog/gpus?${asked}&cudaVersions=12`)).status, 422);
    const plain = await get(`/catalog/gpus/${encodeURIComponent(rtx)}`);
    assert.equal(plain.availability, undefined);
    const shown = await get(`/catalog/gpus/${encodeURIComponent(rtx)}?${asked}`);
    assert.equal(shown.availability, 'HIGH');
    assert.ok(shown.dataCenters.some((center) => center.id === 'EU-RO-1'));
    const many = await get(`/catalog/gpus/${encodeURIComponent(rtx)}?${asked}&count=9`);
    assert.equal(many.availability, 'NONE');
    assert.equal(many.dataCenters, undefined);
    const french = (await get(`/catalog/gpus?${asked}&countryCodes=FR`)).gpus;
    assert.ok(french.length > 0 && french.length < 4);
    const cpu = await get('/catalog/cpus/cpu5c?include=AVAILABILITY&product=POD&vcpuCount=64');
    assert.equal(cpu.availability, 'NONE');
  });

  it('grants what the stock has and lets tests change it (no capacity is 400)', async () => {
    const pod = await create(gpuBody({ id: rtx, count: 2 }, { dataCenterIds: ['US-IL-1'] }));
    assert.equal(pod.status, 201);
    assert.equal(pod.body.cost, 1.48);
    assert.equal(pod.body.dataCenterId, 'US-IL-1');
    assert.deepEqual(pod.body.gpu, { id: rtx, count: 2, vcpuCount: 32, memory: 192 });
    sandbox.stock.set({ gpu: rtx, dataCenter: 'US-IL-1' }, 'NONE');
    assert.equal(await refusal(gpuBody({ id: rtx, count: 1 }, { dataCenterIds: ['US-IL-1'] })), noInstances);
    const elsewhere = await create(gpuBody({ id: rtx, count: 1 }));
    assert.notEqual(elsewhere.body.dataCenterId, 'US-IL-1');
    sandbox.stock.set({ gpu: rtx }, 'NONE');
    assert.equal(await refusal(gpuBody({ id: rtx, count: 1 })), noInstances);
    assert.equal(
      (await get(`/catalog/gpus/${encodeURIComponent(rtx)}?include=AVAILABILITY&product=POD`)).availability,
      'NONE',
    );
  });

  it('may refuse although the catalog says HIGH', async () => {
    sandbox.stock.refuse({ gpu: rtx, dataCenter: 'EU-RO-1' }, 1);
    const body = gpuBody({ id: rtx, count: 1 }, { dataCenterIds: ['EU-RO-1'] });
    assert.equal(
      (await get(`/catalog/gpus/${encodeURIComponent(rtx)}?include=AVAILABILITY&product=POD`)).availability,
      'HIGH',
    );
    assert.equal(await refusal(body), noInstances);
    assert.equal((await create(body)).status, 201, 'only once');
  });

  it('refuses falsely as the platform does: omitted count, small disk, unknown CUDA, big disk on a CPU pod', async () => {
    assert.equal(await refusal(gpuBody({ id: rtx })), noInstances);
    assert.equal(await refusal(podBody(bench, { disk: 10 })), noInstances);
    assert.equal(await refusal(gpuBody({ id: rtx, count: 1 }, { disk: 19 })), noInstances);
    assert.equal(await refusal(gpuBody({ id: rtx, count: 1, minCudaVersion: '14.0' })), noInstances);
    assert.equal(await refusal(gpuBody({ id: rtx, count: 1, allowedCudaVersions: ['12.7'] })), noInstances);
    assert.equal(await refusal(podBody(bench, { disk: 31 })), noInstances);
    const newest = await create(gpuBody({ id: rtx, count: 1, minCudaVersion: '12.8' }));
    assert.equal(newest.body.cudaVersion, '13.0');
  });

  it('keeps a pod in the data center of its volume, on the secure cloud', async () => {
    const { id } = await volume('EU-RO-1');
    const mounts = { network: [{ volumeId: id, path: '/workspace' }] };
    assert.equal(
      await refusal(podBody(bench, { mounts, dataCenterIds: ['US-MD-1'] })),
      `Network volume "${id}" is in data center "EU-RO-1", which is not in the requested set [US-MD-1].`,
    );
    assert.match(await refusal(gpuBody({ id: rtx, count: 1 }, { mounts, cloud: 'COMMUNITY' })), /Secure Cloud/);
    assert.equal(
      await refusal(gpuBody({ id: 'NVIDIA H200', count: 1 }, { mounts })),
      noInstances,
      'no H200 in EU-RO-1',
    );
    const pod = await create(podBody(bench, { mounts }));
    assert.equal(pod.body.dataCenterId, 'EU-RO-1');
    const community = await create(gpuBody({ id: rtx, count: 1 }, { cloud: 'COMMUNITY' }));
    assert.equal(community.body.cost, 0.34);
  });

  it('creates volumes only where they can be, and lists those places', async () => {
    const refused = await call(sandbox, 'POST', '/network-volumes', { name: 'v', size: 10, dataCenter: 'US-KS-2' });
    assert.equal(refused.status, 400);
    assert.match(refused.body.detail, /US-KS-2.*Supported data centers: .*EU-RO-1.*US-MD-1/);
    assert.equal((await volume('US-CA-2')).type, 'HIGH_PERFORMANCE', 'the default tier of the data center');
    const tier = await call(sandbox, 'POST', '/network-volumes', {
      name: 'v',
      size: 10,
      dataCenter: 'EU-RO-1',
      type: 'HIGH_PERFORMANCE',
    });
    assert.equal(tier.status, 400);
    const field = await call(sandbox, 'POST', '/network-volumes', { name: 'v', size: 10, dataCenterId: 'EU-RO-1' });
    assert.equal(field.status, 422);
  });

  it('lets a volume grow, never shrink, and not be deleted while a pod has it', async () => {
    const { id } = await volume('EU-RO-1');
    const url = `/network-volumes/${id}`;
    assert.equal((await call(sandbox, 'PATCH', url, { size: 20, name: 'new' })).body.size, 20);
    assert.equal((await call(sandbox, 'PATCH', url, { size: 15 })).status, 400);
    assert.equal((await call(sandbox, 'PATCH', url, {})).status, 422);
    assert.deepEqual(await get(url), { id, name: 'new', size: 20, dataCenter: 'EU-RO-1', type: 'STANDARD' });
    const folder = sandbox.volumeDirectory(id);
    writeFileSync(path.join(folder, 'file'), 'x');
    const pod = await create(podBody(bench, { mounts: { network: [{ volumeId: id, path: '/workspace' }] } }));
    const podUrl = `/pods/${pod.body.id}`;
    assert.equal((await call(sandbox, 'DELETE', url)).status, 409);
    for (const network of [[], [{ volumeId: 'other', path: '/w' }]]) {
      assert.equal((await call(sandbox, 'PATCH', podUrl, { mounts: { network } })).status, 400);
    }
    await call(sandbox, 'DELETE', podUrl);
    await until('the volume to be free', async () => (await call(sandbox, 'DELETE', url)).status === 204);
    assert.equal(existsSync(folder), false);
    assert.equal((await call(sandbox, 'GET', url)).status, 404);
  });

  it('may have no free GPU when a stopped pod is started', async () => {
    const id = (await create(gpuBody({ id: rtx, count: 1 }))).body.id;
    await direct(sandbox, id);
    await call(sandbox, 'POST', `/pods/${id}/action`, { action: 'stop' });
    sandbox.stock.refuseStart(true);
    const refused = await call(sandbox, 'POST', `/pods/${id}/action`, { action: 'start' });
    assert.equal(refused.status, 400);
    assert.equal(refused.body.detail, 'There are not enough free GPUs on the host machine to start this pod');
    sandbox.stock.allow();
    assert.equal((await call(sandbox, 'POST', `/pods/${id}/action`, { action: 'start' })).status, 200);
  });
});
