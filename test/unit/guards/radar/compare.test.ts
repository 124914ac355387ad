import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { purposes } from '../../../../src/core/journal/helper-use.ts';
import type { HelperPod } from '../../../../src/core/journal/helpers.ts';
import { thisProcess } from '../../../../src/core/processes.ts';
import type { JobRecord } from '../../../../src/core/journal/records.ts';
import type { JobState } from '../../../../src/core/journal/state.ts';
import { compareWithJobs, type RadarFacts } from '../../../../src/core/guards/radar/compare.ts';
import { endpointSchema, podSchema, volumeSchema, type Pod } from '../../../../src/core/runpod/schemas.ts';

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
const look = (facts: Partial<RadarFacts>) =>
  compareWithJobs({
    pods: [],
    endpoints: [],
    volumes: [volume],
    records: [],
    onVolumes: new Map(),
    prices: { gpus: [], cpus: [] },
    notes: [],
    at,
    free: false,
    ...facts,
  });
const one = (seen: Pod, records: JobRecord[] = []) => look({ pods: [seen], records }).pods[0];

const state = (more: Partial<JobState> = {}): JobState => ({
  schema: 1,
  job,
  project: 'songs',
  status: 'running',
  podId: 'p1',
  updated: '2026-11-22T11:59:55.000Z',
  finished: null,
  ...more,
});
const ended = (finished: string): Partial<JobState> => ({ status: 'succeeded', finished, updated: finished });

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
    assert.match(seen?.action.text ?? '', /disk of 50 GB stays: \$10\.00 a month/);
  });

  it('shows stopped pods, whose disk goes on costing', () => {
    const stopped = pod({
      name: 'old',
      status: 'EXITED',
      cost: 0,
      mounts: { network: [], persistent: { size: 50, path: '/w' } },
    });
    const seen = one(stopped);
    assert.match(seen?.idle?.reason ?? '', /It is stopped\. Its disk of 50 GB goes on: \$10\.00 a month/);
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
    const seen = look({ pods, volumes: [volume, fast], records: [record()] });
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

  describe('with the jobs on the volumes', () => {
    const at2 = (seen: Pod, states: JobState[]) => look({ pods: [seen], onVolumes: new Map([['v1', states]]) }).pods[0];

    it('knows that a job of another computer has ended, and when', () => {
      const seen = at2(pod(), [state(ended('2026-11-22T09:00:00.000Z'))]);
      assert.deepEqual(seen?.job, {
        id: job,
        project: 'songs',
        state: 'succeeded',
        recordTime: '2026-11-22T09:00:00.000Z',
      });
      assert.deepEqual(
        [seen.owner, seen.needed, seen.idle?.reason],
        ['other-machine', 'no', 'Its job has ended (succeeded) 3 h ago.'],
      );
      assert.doesNotMatch(seen.action.text, /another computer/);
    });

    it('leaves time for the results to be fetched', () => {
      const seen = at2(pod(), [state(ended('2026-11-22T11:55:00.000Z'))]);
      assert.equal(seen?.needed, 'unknown');
      assert.match(seen.idle?.reason ?? '', /has ended \(succeeded\) 5 min ago\. Its results may be on their way/);
    });

    it('knows that a job of another computer runs, also without load on the GPU', () => {
      const seen = at2(pod(), [state()]);
      assert.deepEqual([seen?.needed, seen?.idle, seen?.job?.state], ['yes', undefined, 'running']);
      assert.match(
        seen?.action.text ?? '',
        /The job songs-\S+ of another computer is at work on it and is ended with it/,
      );
    });

    it('takes no old sign of life for a new one', () => {
      const seen = at2(pod({ runtime: null }), [state({ updated: '2026-11-22T10:00:00.000Z' })]);
      assert.equal(seen?.needed, 'unknown');
      assert.equal(seen.idle?.reason, 'Its job ran when it was last heard of, 2 h ago.');
    });

    it('knows a pod that went on to a later job, a pod of results, and a job that is elsewhere', () => {
      const later = 'songs-20261122-113000-efgh';
      const reused = at2(pod(), [state({ job: later }), state(ended('2026-11-22T09:00:00.000Z'))]);
      assert.deepEqual([reused?.job?.id, reused?.needed], [later, 'yes']);
      const helper = at2(pod({ id: 'p2', name: `rpt-${job}-fetch` }), [state(ended('2026-11-22T09:00:00.000Z'))]);
      assert.equal(helper?.needed, 'unknown');
      const moved = at2(pod({ id: 'p2', runtime: null }), [state()]);
      assert.deepEqual([moved?.needed, moved?.idle?.reason], ['unknown', 'Its job ran on another pod.']);
    });

    it('knows what another computer carries files with: in use, and not to be ended for a day', () => {
      const env = { RUNPOD_TRAINER_PROJECT: 'songs', RUNPOD_TRAINER_HELPER: 'sync' };
      const carrying = { id: 'g', name: 'rpt-songs-sync', env };
      const seen = at2(pod(carrying), []);
      assert.deepEqual(
        [seen?.owner, seen?.helper, seen?.idle, seen?.action.how],
        ['other-machine', { purpose: 'sync', project: 'songs' }, undefined, 'none'],
        'its GPU does nothing, for it only carries files',
      );
      assert.match(seen?.action.text ?? '', /Another computer is at work with it \(syncing songs\)/);
      const old = at2(pod({ ...carrying, createdAt: '2026-11-20T09:00:00Z' }), []);
      assert.equal(old?.action.how, 'terminate', 'its program hangs');
    });

    it('believes the records of this computer first', () => {
      const seen = look({
        pods: [pod()],
        records: [record()],
        onVolumes: new Map([['v1', [state(ended('2026-11-22T09:00:00.000Z'))]]]),
      }).pods[0];
      assert.deepEqual([seen?.owner, seen?.needed], ['job', 'yes']);
    });
  });

  describe('endpoints', () => {
    const prices = {
      gpus: [
        { pool: 'ADA_24', price: { secure: 0.74, community: 0.34, serverless: 1.116 } },
        { pool: 'AMPERE_24', price: { secure: 0.49, community: 0, serverless: 0.684 } },
      ],
      cpus: [{ id: 'cpu5c', price: { securePerVcpu: 0.035, serverlessPerVcpu: 0.05 } }],
    };
    const endpoint = (more: Record<string, unknown> = {}) =>
      endpointSchema.parse({
        id: 'e1',
        name: 'chat',
        type: 'QUEUE',
        gpu: { pools: ['ADA_24'], count: 2 },
        workers: { min: 0, max: 3 },
        createdAt: '2026-11-20T12:00:00Z',
        ...more,
      });
    const at1 = (more: Record<string, unknown> = {}, facts: Partial<RadarFacts> = {}) => {
      const [seen] = look({ endpoints: [endpoint(more)], prices, ...facts }).endpoints;
      assert.ok(seen);
      return seen;
    };

    it('cost what their standing workers cost, and nothing without any', () => {
      const idle = at1();
      assert.deepEqual([idle.costPerHour, idle.cost], [0, 'It costs nothing while no request runs.']);
      assert.equal(at1({ workers: { min: 0, max: 0 } }).cost, 'It has no workers and costs nothing.');
      const two = at1({ workers: { min: 2, max: 3 } });
      assert.ok(Math.abs((two.costPerHour ?? 0) - 4.464) < 1e-9);
      assert.equal(two.cost, '2 workers stand by ($4.464/h), also while no request runs.');
      const either = at1({ gpu: { pools: ['AMPERE_24', 'ADA_24'] }, workers: { min: 1, max: 1 } });
      assert.equal(either.costPerHour, 1.116);
      assert.match(either.cost, /^1 worker stands by \(up to \$1\.116\/h\)/);
      const cpu = at1({ gpu: null, cpu: [{ id: 'cpu5c', vcpuCount: 4 }], workers: { min: 1, max: 1 } });
      assert.ok(Math.abs((cpu.costPerHour ?? 0) - 0.2) < 1e-9);
      const unknown = look({ endpoints: [endpoint({ gpu: { pools: ['NEW'] }, workers: { min: 1, max: 1 } })], prices });
      assert.deepEqual([unknown.endpoints[0]?.costPerHour, unknown.unpriced], [null, ['chat']]);
      const all = look({ pods: [pod()], endpoints: [endpoint({ workers: { min: 1, max: 1 } })], prices });
      assert.ok(Math.abs(all.totalPerHour - (0.49 + 2.232)) < 1e-9);
    });

    it('are scaled to zero when somebody else made them, with what that means', () => {
      const seen = at1({ workers: { min: 1, max: 3 } });
      assert.deepEqual([seen.owner, seen.needed, seen.action.how], ['unknown', 'unknown', 'scale']);
      assert.match(seen.action.text, /answers nothing until somebody raises its number of workers/);
      assert.equal(at1({ workers: { min: 0, max: 0 } }).action.how, 'none');
    });

    it('are deleted when this product made them and nothing owns them any more', () => {
      const env = { RUNPOD_TRAINER_JOB: job, RUNPOD_TRAINER_PROJECT: 'songs' };
      const own = (more: Partial<JobRecord>) => at1({ env }, { records: [record(more)] });
      assert.deepEqual([own({}).owner, own({}).needed, own({}).action.how], ['job', 'yes', 'none']);
      const done = own({ phase: 'done', outcome: 'failed' });
      assert.deepEqual([done.needed, done.action.how], ['no', 'delete']);
      assert.match(done.idle?.reason ?? '', /Its job has ended \(failed\)/);
      assert.match(done.action.text, /deleted for good/);
      const nobody = at1({ name: 'rpt-something' });
      assert.deepEqual([nobody.owner, nobody.action.how], ['other-machine', 'delete']);
    });

    it('of another computer are scaled unless their volume says that their job has ended', () => {
      const env = { RUNPOD_TRAINER_JOB: job };
      const seen = at1({ env });
      assert.deepEqual([seen.owner, seen.needed, seen.action.how], ['other-machine', 'unknown', 'scale']);
      assert.match(seen.action.text, /Another computer may be using it/);
      const onVolumes = new Map([['v1', [state(ended('2026-11-22T09:00:00.000Z'))]]]);
      const over = at1({ env, networkVolumes: ['v1'] }, { onVolumes });
      assert.deepEqual(
        [over.project, over.action.how, over.idle?.reason],
        ['songs', 'delete', 'Its job has ended (succeeded) 3 h ago.'],
      );
      assert.equal(at1({ name: `rpt-${job} -fb`, networkVolumes: ['v1'] }, { onVolumes }).job?.id, job);
    });

    it('of a project are that project\u2019s, and never deleted', () => {
      const env = { RUNPOD_TRAINER_PROJECT: 'songs' };
      const here = at1({ env }, { records: [record({ phase: 'done', outcome: 'succeeded' })] });
      assert.deepEqual([here.owner, here.project, here.needed, here.action.how], ['job', 'songs', 'unknown', 'scale']);
      assert.equal(at1({ env }).owner, 'other-machine');
    });
  });
});

describe('pods that this computer rented beside those of jobs (R4.5)', () => {
  const noted = (more: Partial<HelperPod> = {}): HelperPod => ({
    ...{ schema: 1, id: 'h', name: 'rpt-songs-backup', purpose: 'backup', project: 'songs', restUrl: '' },
    ...{ hardware: 'CPU pod', costPerHour: 0.1, created: '2026-11-22T09:00:00Z', client: thisProcess() },
    ...more,
  });
  const seenWith = (helper: HelperPod) =>
    look({ pods: [pod({ id: helper.id, name: helper.name })], helpers: [helper] }).pods[0];

  it('each kind is known, never idle, and not to be ended in mid-transfer', () => {
    for (const purpose of purposes) {
      const seen = seenWith(noted({ purpose }));
      assert.deepEqual([seen?.owner, seen?.idle, seen?.action.how], ['helper', undefined, 'none'], purpose);
    }
    const fetching = look({
      pods: [pod({ id: 'h', name: `rpt-${job}-fetch` })],
      helpers: [noted({ purpose: 'fetch', job })],
      records: [record({ phase: 'done', outcome: 'succeeded' })],
    }).pods[0];
    assert.deepEqual([fetching?.owner, fetching?.idle, fetching?.action.how], ['job', undefined, 'none']);
  });

  it('one whose program is gone may be ended', () => {
    const seen = seenWith(noted({ client: { ...thisProcess(), pid: 2 ** 22 + 1 } }));
    assert.equal(seen?.action.how, 'terminate');
    assert.match(seen.idle?.reason ?? '', /was ended, so nobody does any more/);
  });
});
