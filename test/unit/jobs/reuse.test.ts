import assert from 'node:assert/strict';
import { isFree } from '../../../src/core/jobs/reuse.ts';
import type { PodLook } from '../../../src/core/pods/worker.ts';

const now = Date.parse('2026-11-22T10:00:00Z');
const jobDir = '/workspace/.runpod-trainer/jobs/songs-20261122-090000-aaaa';
const known = new Set(['songs-20261122-090000-aaaa']);
const kept = { at: 'ended', jobDir, deadline: '2026-11-22T11:00:00Z', keeps: true } as const;

describe('a pod is used again (R2.4)', () => {
  const cases: [title: string, look: Omit<PodLook, 'jobs'>, free: boolean][] = [
    ['nothing ends it and nothing is at work', { watched: false, keeper: null }, true],
    ['a worker that tells of no keeper, and nothing is at work', { watched: false }, true],
    ['a worker that tells of no keeper, and something is at work', { watched: true }, false],
    ['nothing ends it, but results are being fetched', { watched: true, keeper: null }, false],
    ['it is kept until a deadline', { watched: true, keeper: kept }, true],
    ['it is kept without a deadline', { watched: true, keeper: { ...kept, deadline: null } }, true],
    [
      'it ends before a job could be there',
      { watched: true, keeper: { ...kept, deadline: '2026-11-22T10:01:59Z' } },
      false,
    ],
    ['its job has ended and it will end too', { watched: true, keeper: { ...kept, keeps: false } }, false],
    ['a job runs', { watched: true, keeper: { ...kept, at: 'running', keeps: false } }, false],
    ['it ends', { watched: true, keeper: { ...kept, at: 'ending' } }, false],
    [
      'it waits for a job of this home, whose client is not at work',
      { watched: false, keeper: { ...kept, at: 'waiting' } },
      true,
    ],
    [
      'it waits for a job of somebody else',
      { watched: false, keeper: { at: 'waiting', jobDir: `${jobDir}b`, keeps: false } },
      false,
    ],
  ];
  for (const [title, look, free] of cases) {
    it(`${free ? 'when' : 'but not when'} ${title}`, () => {
      assert.equal(isFree(look, known, now), free);
    });
  }
});
