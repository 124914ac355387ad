import assert from 'node:assert/strict';
import path from 'node:path';
import { splitWords } from '../../../sandbox/pods/command.ts';
import { containerStart } from '../../../src/core/pods/container-start.ts';

const worker = path.resolve(import.meta.dirname, '../../../gpu-worker/bootstrap/worker.pyz');
const start = { mount: "/work space's", seconds: 2519.2, restUrl: 'https://api.runpod.io/v2' };

describe('the start command of a pod (R4.3)', () => {
  it("is given to RunPod's own images only", async () => {
    for (const image of [
      'runpod/pytorch:1.0.2-cu1281',
      'runpod/base:1.0.2-ubuntu2404',
      'runpod/nvidia-pytorch:1.0.3',
    ]) {
      assert.ok(await containerStart(worker, { ...start, image }), image);
    }
    for (const image of ['me/runpod/base:1', 'pytorch/pytorch:2.8', 'runpod/stable-diffusion:1', 'runpod/baseline:1']) {
      assert.equal(await containerStart(worker, { ...start, image }), undefined, image);
    }
  });

  it('is one short string of words that any shell reads alike, and ends in the image start script', async () => {
    const args = await containerStart(worker, { ...start, image: 'runpod/base:1' });
    assert.ok(args !== undefined && args.length < 4000, String(args?.length));
    const words = splitWords(args);
    assert.deepEqual(words.slice(0, 2), ['bash', '-c']);
    assert.match(words[2] ?? '', /& exec \/start\.sh$/);
    assert.deepEqual(words.slice(4), [start.mount, '2520', start.restUrl]);
    assert.ok(!(words[3] ?? '').includes("'") && !/^#/m.test(words[3] ?? ''));
  });
});
