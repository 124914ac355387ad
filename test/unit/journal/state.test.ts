import assert from 'node:assert/strict';
import { parseJobState } from '../../../src/core/journal/state.ts';

const job = 'songs-20261122-090000-abcd';
const good = {
  schema: 1,
  job,
  project: 'songs',
  epoch: 1,
  seq: 42,
  status: 'succeeded',
  step: null,
  reason: null,
  started: '2026-11-22T09:00:00.000Z',
  updated: '2026-11-22T09:30:00.000Z',
  finished: '2026-11-22T09:30:00.000Z',
  podId: 'p1',
  watchdog: { armed: true, detail: 'It is.', deadline: null },
  steps: [],
};

describe('the snapshot of a job that lies on a volume (R4.5)', () => {
  it('is read as the worker writes it', () => {
    const state = parseJobState(job, JSON.stringify(good));
    assert.deepEqual([state?.status, state?.podId, state?.finished], ['succeeded', 'p1', good.finished]);
  });

  it('is refused when it is anything else', () => {
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      JSON.stringify({ ...good, job: 'words-20261122-090000-abcd' }),
      JSON.stringify({ ...good, status: 'run rm -rf' }),
      JSON.stringify({ ...good, schema: 2 }),
      JSON.stringify({ ...good, updated: 'yesterday' }),
      JSON.stringify({ ...good, finished: 3 }),
      JSON.stringify({ ...good, project: 'x'.repeat(100_000) }),
      JSON.stringify({ ...good, podId: { $ne: null } }),
    ]) {
      assert.equal(parseJobState(job, text), undefined, text.slice(0, 80));
    }
  });
});
