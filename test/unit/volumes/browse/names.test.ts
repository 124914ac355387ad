import assert from 'node:assert/strict';
import { deletable } from '../../../../src/core/volumes/browse/names.ts';

describe('what may be deleted on a volume (R9.1)', () => {
  it('is everything but what jobs keep, and a job only as a whole', () => {
    for (const path of ['data', 'projects', 'projects/songs', 'projects/songs/out/model.pt', 'my.runpod-trainer']) {
      assert.deepEqual(deletable(path), { kind: 'free' }, path);
    }
    for (const path of [
      '.runpod-trainer',
      '.runpod-trainer/jobs',
      '.runpod-trainer/worker',
      '.runpod-trainer/jobs/songs-1/events.jsonl',
      'projects/songs/.runpod-trainer',
      'projects/songs/.runpod-trainer/files.json',
      'projects/.runpod-trainer/jobs/x',
    ]) {
      assert.deepEqual(deletable(path), { kind: 'protected' }, path);
    }
    assert.deepEqual(deletable('.runpod-trainer/jobs/songs-1'), { kind: 'job', job: 'songs-1' });
  });
});
