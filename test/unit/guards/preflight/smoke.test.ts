import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { smokeProject } from '../../../../src/core/guards/preflight/index.ts';
import { cheapestGpus } from '../../../../src/core/guards/preflight/smoke-gpus.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import type { GpuType } from '../../../../src/core/runpod/schemas.ts';
import { writeTree } from '../../../support/files.ts';
import { useTempFolder } from '../../../support/temp.ts';
import { startApiServer, testClient, volumeJson } from '../../runpod/api-server.ts';

/** Of which everything but the named fields is unremarkable. */
function gpu(id: string, secure: number, memory: number, more: { stock?: string; max?: number } = {}) {
  const { stock = 'HIGH', max = 8 } = more;
  const known = { community: null, serverless: null };
  return {
    id,
    name: null,
    pool: null,
    manufacturer: null,
    memory,
    secure: true,
    community: null,
    price: { secure, ...known },
    maxCount: { secure: max, community: null },
    availability: null,
    dataCenters: [{ id: 'US-MD-1', name: null, availability: stock }],
    cudaVersions: [],
  } as GpuType;
}

const catalog = [
  gpu('NVIDIA H100 80GB HBM3', 3.29, 80),
  gpu('NVIDIA GeForce RTX 4090', 0.74, 24),
  gpu('NVIDIA RTX A4000', 0.25, 16),
  gpu('NVIDIA RTX A5000', 0.27, 24, { max: 2 }),
  gpu('NVIDIA L4', 0.2, 24, { stock: 'NONE' }),
  gpu('NVIDIA A40', 0.49, 48),
  gpu('NVIDIA GeForce RTX 5090', 0.3, 32),
  gpu('Tesla V100-PCIE-32GB', 0.19, 32),
  gpu('AMD Instinct MI300X OAM', 0.1, 192),
  gpu('NVIDIA L40', 0, 48),
];
const old = 'runpod/pytorch:2.4.0-py3.11-cuda12.4.1-devel-ubuntu22.04';

describe('smoke variant of a project (R4.1)', () => {
  const folder = useTempFolder();

  it('is short, small, apart from the real results, and does not change the project', async () => {
    const file = path.join(folder.path, 'a.runpod.json');
    const gates = [
      { type: 'metric', name: 'accuracy', min: 0.9 },
      { type: 'checkpoint', path: 'out/model.pt' },
    ];
    await writeFile(
      file,
      JSON.stringify({
        version: 1,
        name: 'songs',
        target: { volume: { name: 'v' }, gpus: ['NVIDIA L4'], image: 'i:1' },
        sync: { must: ['a.py'], data: ['data/*.parquet', 'data/large.parquet'] },
        steps: [
          { name: 'extract', shell: 'true', where: 'local' },
          { name: 'train', script: 'a.py', timeoutMinutes: 600, gates },
        ],
        onFinish: { pod: 'keep', fetch: ['out/**'] },
      }),
    );
    await writeTree(folder.path, { 'a.py': '', 'data/small.parquet': 'x', 'data/large.parquet': '' });
    await truncate(path.join(folder.path, 'data/large.parquet'), 60e6);
    const loaded = await loadProject(file);
    const api = await startApiServer(({ path: asked }) => ({
      json: asked.endsWith('/catalog/gpus')
        ? { gpus: catalog }
        : { networkVolumes: [{ ...volumeJson, name: 'v', dataCenter: 'US-MD-1' }] },
    }));
    const { loaded: smoke, left } = await smokeProject(testClient(api.restUrl).client, loaded).finally(() =>
      api.close(),
    );
    assert.deepEqual(smoke.project.target.gpus, ['NVIDIA RTX A5000'], 'the cheapest that is free');
    assert.deepEqual(left, ['data/large.parquet']);
    assert.equal(smoke.project.name, 'songs-smoke');
    assert.deepEqual(smoke.project.sync.data, ['data/*.parquet']);
    assert.deepEqual(smoke.project.sync.never, ['/data/large.parquet']);
    assert.deepEqual(smoke.project.env, { RUNPOD_TRAINER_SMOKE: '1' });
    assert.deepEqual(
      smoke.project.steps.map((step) => step.name),
      ['train'],
      'a step of this machine would write over its results',
    );
    assert.equal(smoke.project.steps[0]?.timeoutMinutes, 1);
    assert.deepEqual(
      smoke.project.steps[0].gates.map((g) => g.type),
      ['checkpoint'],
    );
    assert.deepEqual([smoke.project.onFinish.pod, smoke.project.onFinish.fetch], ['terminate', []]);
    assert.equal(smoke.project.caps.hours, 0.1);
    assert.equal(loaded.project.name, 'songs');
    assert.deepEqual(loaded.project.env, {});
  });
});

describe('GPU types of a smoke run (R4.1)', () => {
  const cheapest = (gpus: string[], more: { gpuCount?: number; image?: string } = {}): string[] =>
    cheapestGpus(catalog, { gpus, gpuCount: 1, image: old, ...more }, 'US-MD-1');

  it('are the cheapest that are free there and have the memory of the smallest that is wanted', () => {
    assert.deepEqual(cheapest(['NVIDIA H100 80GB HBM3', 'NVIDIA GeForce RTX 4090']), ['NVIDIA RTX A5000']);
    assert.deepEqual(cheapest(['NVIDIA A40']), ['NVIDIA A40'], 'and none that costs much more');
    assert.equal(cheapest(['NVIDIA RTX A4000'])[0], 'NVIDIA RTX A4000');
    assert.deepEqual(cheapest(['NVIDIA H100 80GB HBM3']), ['NVIDIA H100 80GB HBM3']);
  });

  it('can run the image: nothing newer than its CUDA, nothing of another maker or older than Ampere', () => {
    const new128 = { image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404' };
    const wanted = ['NVIDIA GeForce RTX 4090'];
    assert.deepEqual(cheapest(wanted, new128), ['NVIDIA RTX A5000', 'NVIDIA GeForce RTX 5090']);
    assert.ok(!cheapest(wanted).includes('NVIDIA GeForce RTX 5090'));
    assert.ok(!cheapest(wanted, { image: 'mine:1' }).includes('NVIDIA GeForce RTX 5090'), 'an image that says nothing');
    assert.ok(!cheapest(wanted).some((id) => /V100|AMD/.test(id)));
    assert.deepEqual(cheapest(['AMD Instinct MI300X OAM'], { image: 'rocm:1' }), ['AMD Instinct MI300X OAM']);
  });

  it('come as many in a machine as the project asks for', () => {
    assert.equal(cheapest(['NVIDIA GeForce RTX 4090'], { gpuCount: 4 })[0], 'NVIDIA A40');
  });

  it('are the own ones when nothing is free, or nobody knows how much memory they have', () => {
    assert.deepEqual(cheapestGpus(catalog, { gpus: ['NVIDIA L4'], gpuCount: 1, image: old }, 'EU-RO-1'), ['NVIDIA L4']);
    assert.deepEqual(cheapest(['NVIDIA X1']), ['NVIDIA X1']);
  });
});
