import assert from 'node:assert/strict';
import { compareVersions, readImage } from '../../../../src/core/guards/preflight/image.ts';
import { mayMeet } from '../../../../src/core/guards/preflight/overlap.ts';
import { provided, provides } from '../../../../src/core/guards/preflight/packages.ts';
import { placeIn } from '../../../../src/core/guards/preflight/facts.ts';
import { privateAddress } from '../../../../src/core/guards/preflight/private-address.ts';
import { parseProject } from '../../../../src/core/project/parse.ts';

describe('what preflight reads (R4.1)', () => {
  it('reads CUDA and PyTorch from the tags that are in use', () => {
    const cases: [string, string | undefined, string | undefined][] = [
      ['runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404', '12.8', '2.8'],
      ['runpod/pytorch:1.0.3-cu1300-torch291-ubuntu2404', '13.0', '2.9'],
      ['runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04', '12.8', '2.8'],
      ['runpod/base:1.0.2-cuda1290-ubuntu2404', '12.9', undefined],
      ['runpod/base:1.0.2-ubuntu2404', undefined, undefined],
      ['pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime', '12.4', '2.6'],
      ['ghcr.io/me/train:cu121', '12.1', undefined],
      ['registry.example:5000/a/b', undefined, undefined],
    ];
    for (const [reference, cuda, torch] of cases) {
      const image = readImage(reference);
      assert.deepEqual([image?.cuda, image?.torch], [cuda, torch], reference);
    }
    assert.equal(readImage('Has Spaces'), undefined);
    assert.ok(compareVersions('12.10', '12.8') > 0 && compareVersions('13.0', '12.8') > 0);
  });

  it('knows addresses that a pod cannot reach from those that it can', () => {
    for (const text of [
      'http://localhost:5000',
      'https://127.0.0.1/v1',
      'redis://:pw@10.1.2.3:6379/0',
      'http://172.20.0.1',
      'http://nas.local/share',
      'http://host.docker.internal:11434',
      'http://[::1]:8080',
      '192.168.1.7:5432',
      'localhost:9000',
    ]) {
      assert.ok(privateAddress(text), text);
    }
    for (const text of [
      'https://api.example.org/localhost',
      'http://localhost.example.org',
      'http://172.32.0.1',
      'http://100.64.0.1',
      'tcp://127.0.0.1:29500',
      'nothing special',
      '10',
    ]) {
      assert.equal(privateAddress(text), undefined, text);
    }
    assert.equal(privateAddress('127.0.0.1', 'MASTER_ADDR'), undefined);
  });

  it('finds the package behind an import, also one that another brings along', () => {
    const packages = provided(['Transformers', 'scikit_learn', 'opencv-python-headless'], 'pytorch');
    for (const name of ['torch', 'tokenizers', 'yaml', 'sklearn', 'scipy', 'cv2', 'PIL', 'psutil']) {
      assert.ok(provides(packages, name), name);
    }
    assert.ok(!provides(packages, 'lightgbm'));
    assert.ok(!provides(provided([], undefined), 'torch'));
  });

  it('knows packages by the names that makers give them', () => {
    const cases: [string, string][] = [
      ['faiss', 'faiss-gpu-cu12'],
      ['llama_cpp', 'llama-cpp-python'],
      ['Levenshtein', 'python-Levenshtein'],
      ['whisper', 'openai-whisper'],
      ['tensorflow', 'tensorflow-cpu'],
      ['google', 'google-cloud-storage'],
      ['cupy', 'cupy-cuda12x'],
    ];
    for (const [name, requirement] of cases) {
      assert.ok(provides(provided([requirement], undefined), name), name);
    }
    assert.ok(!provides(provided(['torch-geometric', 'torchvision-extra'], undefined), 'torch'));
    assert.ok(provides(provided(['some-name'], undefined), 'other', ['Some_Name']));
  });

  it('tells whether two patterns can name the same file', () => {
    assert.ok(mayMeet('training/output/**', 'training/output/phase_1/**'));
    assert.ok(mayMeet('data/*.parquet', 'data/a.parquet'));
    assert.ok(mayMeet('data/a.parquet', 'data/'));
    assert.ok(!mayMeet('training/output/phase_1/**', 'training/output/phase_2/**'));
    assert.ok(!mayMeet('data/*.parquet', 'data/a.csv'));
    assert.ok(!mayMeet('training/output/phase_1/**', 'training/output/phase_10/**'));
    assert.ok(mayMeet('out/*.bin', 'out') && mayMeet('out/*.bin', 'out/') && mayMeet('out/**', '**/*.pt'));
    assert.ok(!mayMeet('out/*.bin', 'out/*.pt') && !mayMeet('out/a*b', 'out/*c') && mayMeet('out/a*', 'out/*b'));
    assert.ok(mayMeet('a/**/c', 'a/c') && mayMeet('a/**/c', '**/b/c') && !mayMeet('a/**/c', 'b/**'));
    assert.ok(!mayMeet('*a'.repeat(40), `${'*a'.repeat(40)}b`), 'takes no time for any pattern');
  });

  it('names the place in the profile when that is what sets a value', () => {
    const text = JSON.stringify({
      version: 1,
      name: 'a',
      target: { volume: { name: 'v' }, gpus: ['NVIDIA L4'], image: 'i' },
      steps: [{ name: 'one', shell: 'true' }],
      profiles: { p: { env: { A: '1' }, target: { image: 'j' } } },
    });
    const { project } = parseProject(text);
    assert.ok(project);
    assert.deepEqual(placeIn(project, 'p', ['env', 'A']), ['profiles', 'p', 'env', 'A']);
    assert.deepEqual(placeIn(project, 'p', ['env', 'B']), ['env', 'B']);
    assert.deepEqual(placeIn(project, 'p', ['target', 'image']), ['profiles', 'p', 'target', 'image']);
    assert.deepEqual(placeIn(project, 'p', ['target', 'gpus', 0]), ['target', 'gpus', 0]);
    assert.deepEqual(placeIn(project, undefined, ['env', 'A']), ['env', 'A']);
  });
});
