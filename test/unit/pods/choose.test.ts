import assert from 'node:assert/strict';
import path from 'node:path';
import { startSandbox, type Sandbox } from '../../../sandbox/index.ts';
import { splitWords } from '../../../sandbox/pods/command.ts';
import { candidates } from '../../../src/core/pods/hardware.ts';
import { rentPod } from '../../../src/core/pods/rent.ts';
import { ensureVolume, planVolume, volumeCostPerMonth } from '../../../src/core/pods/volume.ts';
import { RunPodClient } from '../../../src/core/runpod/client.ts';
import { generateKeyPair } from '../../../src/core/ssh/index.ts';
import { useTempFolder } from '../../support/temp.ts';

const rtx = 'NVIDIA GeForce RTX 4090';
const [l4, a40] = ['NVIDIA L4', 'NVIDIA A40'];

describe('choosing a volume and a machine', () => {
  const folder = useTempFolder();
  let sandbox: Sandbox;
  let client: RunPodClient;
  beforeEach(async () => {
    sandbox = await startSandbox({ root: path.join(folder.path, 'sandbox') });
    client = new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key });
  });
  afterEach(() => sandbox.close());

  const target = (gpus: string[]) => ({
    volume: { name: 'v' },
    mount: '/workspace',
    image: 'runpod/base:1.0.2-ubuntu2404',
    disk: 20,
    gpus,
    gpuCount: 1,
    python: 'python3',
    sameGpu: false,
    readyMinutes: 1,
  });

  it("keeps the project's order, with what has no stock last (R4.3)", async () => {
    sandbox.stock.set({ gpu: rtx, dataCenter: 'US-MD-1' }, 'NONE');
    sandbox.stock.set({ gpu: l4, dataCenter: 'US-MD-1' }, 'LOW');
    sandbox.stock.set({ gpu: a40, dataCenter: 'US-MD-1' }, 'HIGH');
    const found = await candidates(client, target([rtx, l4, a40]), 'US-MD-1');
    assert.deepEqual(
      found.map((c) => [c.label, c.stock]),
      [
        ['L4', 'LOW'],
        ['A40', 'HIGH'],
        ['RTX 4090', 'NONE'],
      ],
    );
    assert.ok(found.every((c) => (c.costPerHour ?? 0) > 0));
  });

  it('counts GPUs in label and price', async () => {
    const one = await candidates(client, target([rtx]), 'US-MD-1');
    const two = await candidates(client, { ...target([rtx]), gpuCount: 2 }, 'US-MD-1');
    assert.deepEqual(
      two.map((c) => [c.label, c.costPerHour]),
      one.map((c) => [`2 × ${c.label}`, 2 * (c.costPerHour ?? NaN)]),
    );
  });

  it('names ids that exist for one that does not', async () => {
    await assert.rejects(candidates(client, target(['RTX 4090']), 'US-MD-1'), {
      code: 'hardware-unknown',
      message: /RunPod has no GPU type "RTX 4090".*NVIDIA GeForce RTX 4090/,
    });
  });

  it('rents exactly one machine: the first that is granted', async () => {
    sandbox.stock.set({ gpu: a40, dataCenter: 'US-MD-1' }, 'HIGH');
    sandbox.stock.refuse({ gpu: rtx }, 1);
    const volume = await client.volumes.create({ name: 'v', dataCenter: 'US-MD-1', size: 10 });
    const refused: string[] = [];
    const renter = {
      client,
      restUrl: sandbox.restUrl,
      key: generateKeyPair('test'),
      workerFile: path.resolve(import.meta.dirname, '../../../gpu-worker/bootstrap/worker.pyz'),
    };
    const { pod, candidate } = await rentPod(renter, {
      name: 'rpt-x',
      aloneMinutes: 7,
      target: target([rtx, a40]),
      volume,
      candidates: await candidates(client, target([rtx, a40]), 'US-MD-1'),
      onRefused: (c) => void refused.push(c.label),
    });
    assert.deepEqual([refused, candidate.label], [['RTX 4090'], 'A40']);
    assert.deepEqual(
      (await client.pods.list()).map((p) => p.id),
      [pod.id],
    );
    const answer = await fetch(`${sandbox.restUrl}/pods/${pod.id}`, {
      headers: { authorization: `Bearer ${sandbox.key}` },
    });
    const { args } = (await answer.json()) as { args: string };
    assert.deepEqual(
      splitWords(args).slice(4),
      ['/workspace', '420', sandbox.restUrl],
      'what ends it without a client',
    );
  });

  it('finds a volume by name or id, and is not content with an ambiguous or distant one', async () => {
    const create = (dataCenter: string) => client.volumes.create({ name: 'v', dataCenter, size: 10 });
    const here = await create('US-MD-1');
    for (const name of ['v', here.id]) {
      const plan = await planVolume(client, { name });
      assert.equal(plan.exists && plan.volume.id, here.id);
    }
    await assert.rejects(planVolume(client, { name: 'v', dataCenter: 'EU-RO-1', size: 10 }), {
      code: 'volume-elsewhere',
    });
    await create('EU-RO-1');
    await assert.rejects(planVolume(client, { name: 'v' }), { code: 'volume-ambiguous', message: /US-MD-1.*|EU-RO-1/ });
    const plan = await planVolume(client, { name: 'v', dataCenter: 'US-MD-1' });
    assert.equal((await ensureVolume(client, plan)).id, here.id);
  });

  it('knows what a volume costs', () => {
    assert.deepEqual(
      [10, 1000, 1500].map(volumeCostPerMonth).map((x) => Math.round(x * 100) / 100),
      [0.7, 70, 95],
    );
  });
});
