import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runLocalSteps } from '../../../src/core/jobs/local.ts';
import { collect } from '../../../src/core/files/to-upload.ts';
import { loadProject } from '../../../src/core/project/load.ts';
import { workerFile } from '../../support/installation.ts';

const localPython = process.env.RUNPOD_TRAINER_PYTHON ?? path.resolve(import.meta.dirname, '../../../.venv/bin/python');

describe('steps of this machine (R3.5)', function () {
  this.timeout(30_000);
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-local-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  };

  async function statuses(job: string): Promise<unknown[]> {
    const loaded = await loadProject(path.join(root, 'p.runpod.json'));
    const installation = { localPython, workerFile, restUrl: 'http://127.0.0.1:1' };
    const { view } = await runLocalSteps(installation, loaded, job, { secrets: {}, onEvent: () => undefined });
    return view.steps.map(({ status, why }) => [status, why]);
  }

  it('are skipped when nothing changed but results that came home, and not when a file did that nothing imports', async () => {
    const project = {
      version: 1,
      name: 'p',
      target: { volume: { name: 'v' }, cpu: {}, image: 'runpod/base:1.0.2-ubuntu2404' },
      sync: { must: ['**'] },
      steps: [{ name: 'only', where: 'local', script: 'a.py', inputs: ['in.csv'] }],
    };
    write('p.runpod.json', JSON.stringify(project));
    write('a.py', 'print(1)\n');
    write('conf.yaml', 'a: 1\n');
    write('in.csv', '1\n');
    await statuses('p-1');
    write('runpod-results/p-1/job/state.json', '{}');
    write('runpod-results/p-1/out.txt', 'x');
    assert.deepEqual(await statuses('p-2'), [['skipped', ['Nothing changed since it passed.']]]);
    write('conf.yaml', 'a: 2\n');
    assert.deepEqual(await statuses('p-3'), [['passed', ['code conf.yaml changed']]]);
  });

  it('remember hashes beside those of this program: neither takes away what the other has read', async () => {
    const project = {
      version: 1,
      name: 'p',
      target: { volume: { name: 'v' }, cpu: {}, image: 'runpod/base:1.0.2-ubuntu2404' },
      sync: { must: ['**'] },
      steps: [{ name: 'only', where: 'local', shell: 'true', inputs: ['in.csv'] }],
    };
    write('p.runpod.json', JSON.stringify(project));
    write('in.csv', '1\n');
    const long = new Date('2026-01-01T00:00:00Z');
    for (const name of ['in.csv', 'p.runpod.json']) utimesSync(path.join(root, name), long, long);
    const remembered = (): string[] =>
      readdirSync(path.join(root, '.runpod-trainer'))
        .filter((name) => name.endsWith('hashes.json'))
        .map((name) => `${name} ${readFileSync(path.join(root, '.runpod-trainer', name), 'utf8')}`);
    const loaded = await loadProject(path.join(root, 'p.runpod.json'));
    await collect(loaded);
    const ours = remembered();
    assert.equal(ours.length, 1);
    await statuses('p-1');
    const both = remembered();
    assert.equal(both.length, 2);
    assert.ok(both.includes(ours[0] ?? ''), 'the worker leaves ours as it was');
    await collect(loaded);
    await statuses('p-2');
    assert.deepEqual(remembered(), both, 'and nothing is read or written again');
  });
});
