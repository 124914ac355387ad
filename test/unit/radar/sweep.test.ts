import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import type { JobRecord } from '../../../src/core/jobs/records.ts';
import { sweep } from '../../../src/core/radar/sweep.ts';
import { podSchema, volumeSchema, type Pod } from '../../../src/core/runpod/schemas.ts';

const at = new Date('2026-11-22T12:00:00Z');
const job = 'songs-20261122-090000-abcd';

const pod = (more: Record<string, unknown> = {}): Pod =>
  podSchema.parse({
    id: 'p1',
    name: `rpt-${job}`,
    status: 'RUNNING',
    gpu: { id: 'NVIDIA L4', count: 1 },
    cost: 0.49,
    createdAt: '2026-11-22T09:00:00Z',
    startedAt: '2026-11-22T09:01:00Z',
    runtime: { gpus: [{ util: 0 }] },
    mounts: { network: [{ volumeId: 'v1', path: '/workspace' }] },
    ...more,
  });

const record = (more: Partial<JobRecord> = {}): JobRecord => ({
  schema: 1,
  job,
  project: 'songs',
  file: '/p/training.runpod.json',
  root: '/p',
  restUrl: 'http://127.0.0.1/v2',
  volume: { id: 'v1', name: 'songs', dataCenter: 'US-MD-1' },
  pod: { id: 'p1', name: `rpt-${job}`, created: '2026-11-22T09:00:00Z', hardware: 'L4', costPerHour: 0.49 },
  onFinish: 'terminate',
  fetch: [],
  into: 'runpod-results',
  phase: 'run',
  created: '2026-11-22T08:59:00Z',
  updated: '2026-11-22T09:05:00Z',
  ...more,
});

const volume = volumeSchema.parse({ id: 'v1', name: 'songs', size: 100, dataCenter: 'US-MD-1', type: 'STANDARD' });
const one = (seen: Pod, records: JobRecord[] = []) => sweep({ pods: [seen], volumes: [volume], records, at }).pods[0];

describe('the radar (R4.5)', () => {
  it('knows the pod of a running job, whose end is the end of the job', () => {
    const seen = one(pod(), [record()]);
    assert.deepEqual(
      [seen?.owner, seen?.job?.state, seen?.idle, seen?.action.how],
      ['job', 'running', undefined, 'cancel'],
    );
    assert.equal(seen?.job?.recordTime, '2026-11-22T09:05:00Z');
  });

  it('finds pods whose job has ended, never ran, or was left by a killed program', () => {
    const reason = (more: Partial<JobRecord>) => one(pod(), [record(more)])?.idle?.reason ?? '';
    assert.match(reason({ outcome: 'failed', phase: 'done' }), /Its job has ended \(failed\)/);
    assert.match(reason({ outcome: 'succeeded', phase: 'done', onFinish: 'keep' }), /asks to keep its pod/);
    assert.match(reason({ phase: 'done' }), /never ran on it/);
    assert.match(
      reason({ phase: 'transfer', client: { host: hostname(), pid: 2 ** 22 + 1 } }),
      /was ended before the job ran/,
    );
    assert.equal(reason({ phase: 'wait', client: { host: hostname(), pid: process.pid } }), '');
  });

  it('works from a second laptop: its own pods are known by name and environment', () => {
    const env = { RUNPOD_TRAINER_JOB: job, RUNPOD_TRAINER_PROJECT: 'songs' };
    const seen = one(pod({ env }));
    assert.equal(seen?.owner, 'other-machine');
    assert.deepEqual(seen.job, { id: job, project: 'songs', state: null, recordTime: null });
    assert.match(seen.idle?.reason ?? '', /GPU does nothing at the moment, 2 h 59 min after its start/);
    assert.match(seen.action.text, /The volume songs keeps its files\. A job of another computer may be running/);
    assert.equal(one(pod({ env, runtime: { gpus: [{ util: 98 }] } }))?.idle, undefined);
    assert.equal(one(pod({ env, startedAt: '2026-11-22T11:50:00Z' }))?.idle, undefined);
    assert.equal(one(pod({ name: `rpt-${job}-fetch` }))?.job?.id, job);
    assert.deepEqual(
      [one(pod({ name: 'rpt-gateway' }))?.owner, one(pod({ name: 'rpt-gateway' }))?.job],
      ['other-machine', undefined],
    );
    assert.equal(one(pod({ name: 'moved', env }))?.owner, 'other-machine');
  });

  it('lists what this product did not make, and would rather stop than delete it', () => {
    const mine = pod({ name: 'my notebook', mounts: { network: [], persistent: { size: 50, path: '/workspace' } } });
    const seen = one(mine);
    assert.deepEqual([seen?.owner, seen?.action.how, seen?.diskPerMonth], ['unknown', 'stop', 5]);
    assert.match(seen?.action.text ?? '', /disk of 50 GB stays and costs \$10\.00 a month/);
  });

  it('shows stopped pods, whose disk goes on costing', () => {
    const stopped = pod({
      name: 'old',
      status: 'EXITED',
      cost: 0,
      mounts: { network: [], persistent: { size: 50, path: '/w' } },
    });
    const seen = one(stopped);
    assert.match(seen?.idle?.reason ?? '', /It is stopped\. Its disk of 50 GB costs \$10\.00 a month/);
    assert.deepEqual([seen?.costPerHour, seen?.diskPerMonth, seen?.action.how], [0, 10, 'terminate']);
    assert.match(seen?.action.text ?? '', /deleted for good/);
    assert.equal(one(pod({ status: 'EXITED' }), [record()])?.action.how, 'terminate');
    assert.equal(one(pod({ status: 'TERMINATED' })), undefined);
  });

  it('adds up, with what looks unused first, and says which prices it does not know', () => {
    const fast = volumeSchema.parse({
      id: 'v2',
      name: 'fast',
      size: 10,
      dataCenter: 'US-CA-2',
      type: 'HIGH_PERFORMANCE',
    });
    const pods = [
      pod(),
      pod({ id: 'p2', name: 'cheap', cost: 0.1, runtime: null }),
      pod({ id: 'p3', name: 'dear', cost: 3, runtime: null }),
      pod({ id: 'p4', name: 'free?', cost: null, status: 'ERROR' }),
      pod({ id: 'p5', name: 'blank', cost: null, runtime: null }),
    ];
    const seen = sweep({ pods, volumes: [volume, fast], records: [record()], at });
    assert.deepEqual(
      seen.pods.map((p) => p.pod.id),
      ['p4', 'p3', 'p2', 'p5', 'p1'],
    );
    assert.equal(Math.round(seen.totalPerHour * 100) / 100, 3.59);
    assert.equal(Math.round(seen.perMonthStorage * 100) / 100, 7);
    assert.deepEqual(seen.unpriced, ['blank', 'fast']);
    assert.deepEqual(
      seen.volumes.map((v) => [v.usedByProjects, v.lastUsed, v.attachedTo.length]),
      [
        [['songs'], '2026-11-22T08:59:00Z', 5],
        [[], null, 0],
      ],
    );
    JSON.stringify(seen);
  });
});
