import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { smokeProject } from '../../../src/core/preflight/index.ts';
import { loadProject } from '../../../src/core/project/load.ts';
import { writeTree } from '../../support/files.ts';
import { useTempFolder } from '../../support/temp.ts';

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
    const { loaded: smoke, left } = await smokeProject(loaded);
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
    assert.equal(smoke.project.caps.hours, 0.25);
    assert.equal(loaded.project.name, 'songs');
    assert.deepEqual(loaded.project.env, {});
  });
});
