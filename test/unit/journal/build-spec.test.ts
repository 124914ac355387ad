import assert from 'node:assert/strict';
import { limits } from '../../../src/core/contract.ts';
import { buildSpec, codeFiles, stepsOn, type LocalResult, type SpecInput } from '../../../src/core/journal/spec.ts';
import { parseProject } from '../../../src/core/project/parse.ts';
import type { Project } from '../../../src/core/project/schema.ts';

const gate = { type: 'file', path: 'out.txt', minBytes: 5 } as const;

function projectWith(change: object = {}): Project {
  const { project, problems } = parseProject(
    JSON.stringify({
      version: 1,
      name: 'songs',
      target: { volume: { name: 'v' }, gpus: ['NVIDIA L4'], image: 'runpod/base:1.0.2', requirements: 'req.txt' },
      sync: { must: ['a.py'] },
      env: { MODE: 'full' },
      steps: [
        { name: 'prep', where: 'local', module: 'songs.prep', args: ['--n', '1'], env: { A: '1' }, inputs: ['raw/*'] },
        {
          name: 'train',
          script: 'a.py',
          secrets: ['HF_TOKEN'],
          timeoutMinutes: 30,
          outputs: ['out.txt'],
          checkpoints: { pattern: 'out/step-*' },
          gates: [gate],
        },
        { name: 'look', notebook: 'n.ipynb', parameters: { epochs: 2, name: 'x' } },
        { name: 'end', shell: 'echo done' },
      ],
      ...change,
    }),
  );
  assert.ok(project, JSON.stringify(problems));
  return project;
}

function specOf(change: Partial<SpecInput> = {}): Record<string, unknown> {
  return buildSpec({
    job: 'songs-1',
    project: projectWith(),
    side: 'pod',
    paths: { project: '/workspace/projects/songs', mount: '/workspace' },
    python: 'python3.12',
    code: ['a.py'],
    restUrl: 'https://api.example/v2',
    capSeconds: 3600,
    created: new Date('2026-11-22T09:30:12.000Z'),
    ...change,
  });
}

describe('spec.json, as the worker reads it (docs/job-directory.md)', () => {
  it('has every field of the contract, and no other', () => {
    const { steps, ...rest } = specOf();
    assert.deepEqual(rest, {
      schema: limits.specSchemaNumber,
      job: 'songs-1',
      project: 'songs',
      created: '2026-11-22T09:30:12.000Z',
      api: { restUrl: 'https://api.example/v2' },
      paths: { project: '/workspace/projects/songs', mount: '/workspace' },
      image: 'runpod/base:1.0.2',
      python: 'python3.12',
      code: ['a.py'],
      fetch: [],
      sameGpu: false,
      requirements: 'req.txt',
      env: { MODE: 'full' },
      capSeconds: 3600,
      stallSeconds: 3600,
      onFinish: 'terminate',
      holdSeconds: limits.holdSeconds,
      from: null,
      localResults: [],
    });
    assert.equal((steps as unknown[]).length, 4);
  });

  it('says of each step what runs, with what, and what is asked of it', () => {
    const files = { inputs: [], outputs: [], code: [], gates: [], allowStale: false, checkpoints: null };
    const nothing = { env: {}, secrets: [], timeoutSeconds: null, ...files };
    assert.deepEqual(specOf()['steps'], [
      {
        ...nothing,
        name: 'prep',
        where: 'local',
        run: { kind: 'module', module: 'songs.prep', args: ['--n', '1'] },
        env: { A: '1' },
        inputs: ['raw/*'],
      },
      {
        ...nothing,
        name: 'train',
        where: 'pod',
        run: { kind: 'script', path: 'a.py', args: [] },
        secrets: ['HF_TOKEN'],
        timeoutSeconds: 1800,
        outputs: ['out.txt'],
        checkpoints: { pattern: 'out/step-*', afterChanges: false },
        gates: [gate],
      },
      {
        ...nothing,
        name: 'look',
        where: 'pod',
        run: { kind: 'notebook', path: 'n.ipynb', parameters: { epochs: 2, name: 'x' } },
      },
      { ...nothing, name: 'end', where: 'pod', run: { kind: 'shell', command: 'echo done' } },
    ]);
  });

  it('names secrets and holds none', () => {
    const text = JSON.stringify(specOf());
    assert.ok(text.includes('HF_TOKEN'));
    assert.doesNotMatch(text, /hf_|rpa_|rps_/);
  });

  it('watches for a stall and installs requirements on the pod alone', () => {
    const spec = specOf({ side: 'local', capSeconds: null });
    assert.deepEqual([spec['requirements'], spec['stallSeconds'], spec['capSeconds']], [null, null, null]);
    const without = projectWith({ target: { volume: { name: 'v' }, gpus: ['NVIDIA L4'], image: 'i' } });
    assert.equal(specOf({ project: without })['requirements'], null);
  });

  it('takes the minutes of a stall from the project; 0 means never', () => {
    for (const [stallMinutes, seconds] of [
      [10, 600],
      [0, null],
    ] as const) {
      const project = projectWith({ caps: { hours: 1, stallMinutes } });
      assert.equal(specOf({ project })['stallSeconds'], seconds);
    }
  });

  it('passes on what the end shall be, where to begin, and what ran before', () => {
    const project = projectWith({ onFinish: { pod: 'keep' } });
    const localResults: LocalResult[] = [{ step: 'prep', status: 'passed', seconds: 2, gates: [] }];
    const spec = specOf({ project, from: 'train', localResults });
    assert.deepEqual([spec['onFinish'], spec['from'], spec['localResults']], ['keep', 'train', localResults]);
  });

  it('tells the steps of one side', () => {
    const names = (side: 'local' | 'pod'): string[] => stepsOn(projectWith(), side).map((step) => step.name);
    assert.deepEqual(names('local'), ['prep']);
    assert.deepEqual(names('pod'), ['train', 'look', 'end']);
  });
});

describe('what counts as code of a step (R3.5)', () => {
  it('is what the transfer brings, small or compiled, and not called data', () => {
    const mb = 1024 * 1024;
    const files = [
      { path: 'train.py', size: 10, list: 'must' as const },
      { path: 'conf/a.yaml', size: mb, list: 'optional' as const },
      { path: 'weights.bin', size: mb + 1, list: 'must' as const },
      { path: 'fast.cpython-312-x86_64-linux-gnu.so', size: 9 * mb, list: 'must' as const },
      { path: 'rows.csv', size: 1, list: 'data' as const },
    ];
    assert.deepEqual(codeFiles(files), ['train.py', 'conf/a.yaml', 'fast.cpython-312-x86_64-linux-gnu.so']);
  });
});
