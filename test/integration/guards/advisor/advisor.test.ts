import assert from 'node:assert/strict';
import path from 'node:path';
import { advise, adviceRequest, usable, waitForStock } from '../../../../src/core/guards/advisor/index.ts';
import type { Installation } from '../../../../src/core/home/installation.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { Account } from '../../../support/account.ts';
import { writeTree } from '../../../support/files.ts';

const rtx = 'NVIDIA GeForce RTX 4090';
const a40 = 'NVIDIA A40';

describe('the region advisor against an account (R1.1)', () => {
  let account: Account;
  beforeEach(async () => {
    account = await Account.open();
  });
  afterEach(() => account.close());

  const project = async (volume: Record<string, unknown>, gpus = [rtx]) => {
    const root = path.join(account.folder, 'project');
    const image = 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404';
    const content = {
      version: 1,
      name: 'songs',
      target: { volume: { name: 'songs', ...volume }, gpus, image },
      sync: { must: ['code/'], data: ['data/*.bin'] },
      steps: [{ name: 'train', script: 'code/train.py' }],
    };
    await writeTree(root, {
      'training.runpod.json': JSON.stringify(content),
      'code/train.py': 'print(1)\n',
      'data/a.bin': Buffer.alloc(3_000_000),
      'runpod-results/x/y.bin': Buffer.alloc(1000),
    });
    return loadProject(path.join(root, 'training.runpod.json'));
  };

  it('ranks every data center of the catalog for a project, and changes nothing', async () => {
    const request = await adviceRequest(account.installation, await project({ dataCenter: 'US-MD-1', size: 10 }));
    assert.equal(request.dataBytes, 3_000_000 + 'print(1)\n'.length);
    assert.equal(request.volume, undefined);
    const advice = await advise(account.installation, request);
    const all = await account.installation.client.catalog.dataCenters();
    assert.equal(advice.rows.length, all.length);
    const [best, ...rest] = advice.rows;
    assert.ok(best);
    assert.equal(best.dataCenter, advice.recommended);
    assert.ok(best.canCreateVolume && best.s3.answer === 'yes' && usable(best)[0]?.id === rtx);
    assert.equal(advice.sizeGb, 10);
    const closed = rest.find((row) => row.dataCenter === 'US-KS-2');
    assert.match(closed?.reason ?? '', /no volume can be created here today/i);
    assert.ok(account.requests.every((r) => r.method === 'GET'));
  });

  it('asks S3 itself where there is a volume; refused keys say nothing about a data center (R1.2)', async () => {
    await account.volume('songs', 'US-MD-1');
    const s3Of = async (s3: Partial<Installation['s3']>): Promise<unknown> => {
      const source = { endpoints: {}, keys: () => Promise.resolve(account.sandbox.s3Keys), ...s3 };
      const { rows } = await advise({ ...account.installation, s3: source }, { dataBytes: 0 });
      return rows
        .filter((r) => ['US-MD-1', 'US-TX-3'].includes(r.dataCenter))
        .map((r) => Object.values(r.s3).join(' '));
    };
    const endpoints = { own: { 'US-MD-1': account.sandbox.s3Url } };
    assert.deepEqual(await s3Of({ endpoints }), ['yes probe', 'no table']);
    const keys = () => Promise.resolve({ ...account.sandbox.s3Keys, secretAccessKey: 'wrong' });
    assert.deepEqual(await s3Of({ endpoints, keys }), ['yes setting', 'no table']);
    assert.deepEqual(await s3Of({ endpoints, keys: () => Promise.resolve(undefined) }), ['yes setting', 'no table']);
    account.sandbox.s3.faults.fail(503, { operation: 'HeadBucket' });
    assert.deepEqual(await s3Of({ endpoints }), ['unknown probe', 'no table']);
  });

  it("keeps to the project's volume, and says what to do when nothing wanted is free there (R1.3)", async () => {
    const volume = await account.volume('songs', 'US-TX-3');
    account.sandbox.stock.set({ gpu: rtx, dataCenter: 'US-TX-3' }, 'NONE');
    account.sandbox.stock.set({ gpu: a40, dataCenter: 'US-TX-3' }, 'LOW');
    const request = await adviceRequest(account.installation, await project({}));
    assert.equal(request.volume?.id, volume.id);
    const advice = await advise(account.installation, request);
    assert.equal(advice.recommended, 'US-TX-3');
    assert.equal(advice.noStock?.nextAcceptable?.id, a40);
    assert.ok(advice.noStock.moveVolume !== null);
    assert.match(advice.noStock.tellWhenFree.text, /RTX 4090 is free in US-TX-3/);
  });

  it('waits until one is free, over a refusal that passes, and obeys the time that RunPod asks for', async () => {
    const { client } = account.installation;
    account.sandbox.stock.set({ gpu: rtx, dataCenter: 'US-MD-1' }, 'NONE');
    const wish = { dataCenter: 'US-MD-1', gpus: [rtx, a40], gpuCount: 2, minCuda: null, cpu: null };
    const looks: (string | undefined)[] = [];
    account.sandbox.requests.fail(429, { path: /catalog/, times: 1, retryAfter: 100 });
    const began = performance.now();
    const waited = new AbortController();
    const early = waitForStock(client, wish, {
      everyMs: 20,
      signal: waited.signal,
      onLook: ({ failure }) => {
        looks.push(failure);
        waited.abort();
      },
    });
    await assert.rejects(early, { name: 'CancelledError' });
    assert.match(looks[0] ?? '', /Wait 100 seconds/);
    assert.ok(performance.now() - began < 50_000);

    const free = await waitForStock(client, wish, {
      everyMs: 20,
      onLook: ({ looks: count }) => {
        if (count === 3) account.sandbox.stock.set({ gpu: a40, dataCenter: 'US-MD-1' }, 'LOW');
      },
    });
    assert.deepEqual([free.id, free.label, free.stock], [a40, '2 × A40', 'LOW']);
    assert.ok((free.pricePerHour ?? 0) > 0);
  });

  it('ends the wait when the key is refused', async () => {
    account.sandbox.requests.fail(401, { path: /catalog/ });
    const wish = { dataCenter: 'US-MD-1', gpus: [rtx], gpuCount: 1, minCuda: null, cpu: null };
    await assert.rejects(waitForStock(account.installation.client, wish, { everyMs: 20 }), { code: 'runpod-auth' });
  });

  it('waits for a CPU pod too', async () => {
    const wish = { dataCenter: 'EU-RO-1', gpus: [], gpuCount: 1, minCuda: null, cpu: { id: 'cpu5c', vcpuCount: 2 } };
    account.sandbox.stock.set({ cpu: 'cpu5c', dataCenter: 'EU-RO-1' }, 'HIGH');
    const free = await waitForStock(account.installation.client, wish, { everyMs: 20 });
    assert.deepEqual([free.kind, free.label], ['cpu', 'CPU pod, 2 vCPU']);
  });
});
