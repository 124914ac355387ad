import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import {
  onRadar,
  radar,
  stopEndpoint,
  stopPod,
  type Radar,
  type RadarPod,
} from '../../../../src/core/guards/radar/index.ts';
import { limits } from '../../../../src/core/guards/radar/volume-jobs.ts';
import type { Installation } from '../../../../src/core/home/installation.ts';
import { JobRecords, type JobRecord } from '../../../../src/core/journal/records.ts';
import type { Pod, Volume } from '../../../../src/core/runpod/schemas.ts';
import path from 'node:path';
import { Account } from '../../../support/account.ts';

const job = 'songs-20261122-090000-abcd';

function podOnRadar(seen: Radar, name: string): RadarPod {
  const found = onRadar(seen, name);
  assert.ok('pod' in found);
  return found;
}

describe('the radar against an account (R4.5)', () => {
  let account: Account;
  let volume: Volume;
  beforeEach(async () => {
    account = await Account.open();
    volume = await account.volume('songs', 'EU-RO-1');
  });
  afterEach(() => account.close());

  const rent = (name: string, env: Record<string, string> = {}, attached = true): Promise<Pod> =>
    account.installation.client.pods.create({
      name,
      image: 'runpod/base:1.0.2-ubuntu2404',
      cpu: { id: 'cpu3c', vcpuCount: 2 },
      disk: 20,
      dataCenterIds: ['EU-RO-1'],
      ports: ['22/tcp'],
      env,
      ...(attached && { mounts: { network: [{ volumeId: volume.id, path: '/workspace' }] } }),
    });

  const remember = (pod: Pod, more: Partial<JobRecord> = {}): Promise<JobRecord> =>
    account.installation.records.create({
      schema: 1,
      job,
      project: 'songs',
      file: '/p/training.runpod.json',
      root: '/p',
      restUrl: account.installation.restUrl,
      volume: { id: volume.id, name: volume.name, dataCenter: volume.dataCenter },
      pod: {
        id: pod.id,
        name: pod.name,
        created: new Date().toISOString(),
        hardware: 'CPU',
        costPerHour: pod.cost ?? 0,
      },
      onFinish: 'terminate',
      fetch: [],
      into: 'runpod-results',
      phase: 'run',
      created: new Date().toISOString(),
      updated: new Date().toISOString(),
      ...more,
    });

  it('tells own, others and strangers apart, reads only, and adds up', async () => {
    const own = await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job });
    await remember(own);
    const other = 'words-20261122-080000-efgh';
    await rent(`rpt-${other}`, { RUNPOD_TRAINER_JOB: other, RUNPOD_TRAINER_PROJECT: 'words' });
    await rent('my experiment', {}, false);
    const before = account.requests.filter((r) => r.method !== 'GET').length;
    const seen = await radar(account.installation);
    assert.equal(account.requests.filter((r) => r.method !== 'GET').length, before);
    const owners = Object.fromEntries(seen.pods.map((p) => [p.pod.name, p.owner]));
    assert.deepEqual(owners, { [`rpt-${job}`]: 'job', [`rpt-${other}`]: 'other-machine', 'my experiment': 'unknown' });
    assert.equal(seen.pods.find((p) => p.owner === 'other-machine')?.job?.project, 'words');
    assert.ok(Math.abs(seen.totalPerHour - 3 * (own.cost ?? NaN)) < 1e-9);
    assert.ok(Math.abs(seen.perMonthStorage - 0.7) < 1e-9);
    const [store] = seen.volumes;
    assert.deepEqual([store?.usedByProjects, store?.attachedTo.length], [['songs'], 2]);
  });

  const second = (): Installation => {
    const home = path.join(account.folder, 'second');
    return { ...account.installation, records: new JobRecords(home), home };
  };
  const jobFolder = (name = job): string =>
    path.join(account.sandbox.volumeDirectory(volume.id), '.runpod-trainer', 'jobs', name);
  const writeState = (more: object = {}, name = job): void => {
    const now = new Date().toISOString();
    const state = { schema: 1, job: name, project: 'songs', status: 'running', updated: now, finished: null };
    mkdirSync(jobFolder(name), { recursive: true });
    writeFileSync(path.join(jobFolder(name), 'state.json'), JSON.stringify({ ...state, ...more }));
  };
  const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

  it('works from a second laptop with no records', async () => {
    const pod = await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job });
    await remember(pod);
    const [seen] = (await radar(second())).pods;
    assert.deepEqual([seen?.owner, seen?.job?.id, seen?.job?.state], ['other-machine', job, null]);
    // Records of another address, such as the sandbox's, say nothing about this account.
    const elsewhere = { ...account.installation, restUrl: 'https://api.runpod.io/v2' };
    assert.equal((await radar(elsewhere)).pods[0]?.owner, 'other-machine');
  });

  it('ends a pod only after a yes, and refuses the pod of a job at work', async () => {
    const pod = await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job });
    await remember(pod);
    const atWork = podOnRadar(await radar(account.installation), pod.id);
    await assert.rejects(
      stopPod(account.installation, atWork, () => assert.fail('asked')),
      { code: 'pod-at-work', remedies: [{ do: 'cancel', job }] },
    );

    await account.installation.records.change(job, { phase: 'done', outcome: 'failed' });
    const left = podOnRadar(await radar(account.installation), pod.name);
    assert.match(left.idle?.reason ?? '', /has ended \(failed\)/);
    await assert.rejects(
      stopPod(account.installation, left, () => Promise.resolve(false)),
      { name: 'CancelledError' },
    );
    assert.equal((await account.pods()).length, 1);
    await stopPod(account.installation, left, () => Promise.resolve(true));
    assert.deepEqual(await account.pods(), []);
    assert.ok((await account.installation.records.get(job))?.podEnded !== undefined);
  });

  it('stops what it did not make, and still shows it', async () => {
    const pod = await rent('my experiment', {}, false);
    const seen = podOnRadar(await radar(account.installation), pod.id);
    assert.equal(seen.action.how, 'stop');
    await stopPod(account.installation, seen, () => Promise.resolve(true));
    const after = podOnRadar(await radar(account.installation), pod.id);
    assert.deepEqual([after.pod.status, after.costPerHour, after.action.how], ['EXITED', 0, 'terminate']);
    assert.match(after.idle?.reason ?? '', /It is stopped\. It costs nothing as it is\./);
  });

  it('names what it does not find', async () => {
    const seen = await radar(account.installation);
    assert.throws(() => onRadar(seen, 'nope'), { code: 'radar-unknown' });
  });

  it('reads on the volume, from a second laptop, that a job runs or has ended', async () => {
    const pod = await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job });
    writeState({ podId: pod.id });
    const running = (await radar(second())).pods[0];
    assert.deepEqual(
      [running?.owner, running?.needed, running?.idle, running?.job?.state, running?.job?.project],
      ['other-machine', 'yes', undefined, 'running', 'songs'],
    );

    const finished = hoursAgo(3.01);
    writeState({ podId: pod.id, status: 'succeeded', finished });
    const seen = await radar(second());
    const over = podOnRadar(seen, pod.id);
    assert.deepEqual([over.job?.state, over.job?.recordTime], ['succeeded', finished]);
    assert.match(over.idle?.reason ?? '', /^Its job has ended \(succeeded\) 3 h( \d min)? ago\.$/);
    assert.deepEqual(seen.notes, []);
    await stopPod(second(), over, () => Promise.resolve(true));
    assert.deepEqual(await account.pods(), []);
  });

  it('reads no volume for pods that records of this computer name, nor for strangers', async () => {
    await remember(await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job }));
    await rent('my experiment');
    writeState();
    account.sandbox.s3.faults.fail(400);
    assert.deepEqual((await radar(account.installation)).notes, [], 'nothing was asked for');
  });

  it('is not led astray by what lies on a volume, and reads only so much of it', async () => {
    const pod = await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job });
    const later = 'songs-20261122-100000-efgh';
    writeState({ podId: pod.id, status: 'failed', finished: hoursAgo(2.01) });
    for (const [name, text] of [
      ['broken-20261122-110000-aaaa', '{"schema":1'],
      ['large-20261122-110000-aaaa', `"${'x'.repeat(limits.bytes)}"`],
      ['lies-20261122-110000-aaaa', JSON.stringify({ schema: 1, job, podId: pod.id, status: 'running' })],
    ] as const) {
      mkdirSync(jobFolder(name), { recursive: true });
      writeFileSync(path.join(jobFolder(name), 'state.json'), text);
    }
    mkdirSync(jobFolder('link-20261122-110000-aaaa'), { recursive: true });
    symlinkSync('/etc/passwd', path.join(jobFolder('link-20261122-110000-aaaa'), 'state.json'));
    mkdirSync(jobFolder('no id of a job\u001b[31m'), { recursive: true });
    writeState({ podId: pod.id, status: 'cancelled', finished: hoursAgo(1.01) }, later);
    for (let number = 0; number < limits.jobs + 10; number += 1) {
      const minute = String(number % 60).padStart(2, '0');
      writeState(
        { podId: 'other' },
        `old-20260101-${String(Math.floor(number / 60)).padStart(2, '0')}${minute}00-aaaa`,
      );
    }
    const { faults } = account.sandbox.s3;
    faults.fail(400, { operation: 'GetObject', every: limits.jobs + 1 });
    faults.fail(400, { operation: 'GetObject', key: /no id/ });
    const seen = await radar(second());
    assert.match(seen.pods[0]?.idle?.reason ?? '', /^Its job has ended \(cancelled\) 1 h( \d min)? ago\.$/);
    assert.deepEqual(seen.notes, [], 'no more was read');
  });

  it('says in a sentence where a volume cannot be looked at, and shows the pods all the same', async () => {
    const pod = await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job });
    const { s3 } = account.installation;
    assert.ok(s3);
    const without = async (changed: Installation['s3']): Promise<string> => {
      const seen = await radar({ ...second(), s3: changed });
      assert.deepEqual(
        seen.pods.map((p) => [p.pod.id, p.owner, p.job?.state]),
        [[pod.id, 'other-machine', null]],
      );
      assert.equal(seen.notes.length, 1);
      return seen.notes[0] ?? '';
    };
    const start = 'How the jobs on the volume songs stand could not be looked up: ';
    assert.equal(
      await without({ ...s3, keys: () => Promise.resolve(undefined) }),
      `${start}this computer has no S3 keys.`,
    );
    assert.equal(await without({ ...s3, endpoints: { own: { 'EU-RO-1': '' } } }), `${start}EU-RO-1 has no S3.`);
    const wrong = { accessKeyId: 'user_wrong', secretAccessKey: 'rps_wrong' };
    assert.match(await without({ ...s3, keys: () => Promise.resolve(wrong) }), /answered 403/);
    assert.match(await without({ ...s3, endpoints: { template: 'http://127.0.0.1:9' } }), /did not answer/);
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(radar(second(), stop.signal), { name: 'CancelledError' });
  });

  const serve = async (more: object = {}): Promise<string> => {
    const answer = await fetch(`${account.sandbox.restUrl}/serverless`, {
      method: 'POST',
      headers: { authorization: `Bearer ${account.sandbox.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'chat',
        type: 'QUEUE',
        image: 'example/chat:1',
        gpu: { pools: ['ADA_24'] },
        scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
        ...more,
      }),
    });
    assert.equal(answer.status, 201);
    return ((await answer.json()) as { id: string }).id;
  };

  it('shows endpoints with what their workers cost, and scales them to zero after a yes', async () => {
    const id = await serve({ workers: { min: 2, max: 3 } });
    const asleep = await serve({ name: 'asleep' });
    const seen = await radar(account.installation);
    assert.deepEqual(
      seen.endpoints.map((e) => [e.endpoint.id, e.costPerHour, e.owner, e.action.how]),
      [
        [id, 2.232, 'unknown', 'scale'],
        [asleep, 0, 'unknown', 'scale'],
      ],
    );
    assert.ok(Math.abs(seen.totalPerHour - 2.232) < 1e-9);
    assert.equal(seen.endpoints[1]?.cost, 'It costs nothing while no request runs.');
    const balance = account.sandbox.balance();
    account.sandbox.advance(3600);
    assert.ok(Math.abs(balance - account.sandbox.balance() - 2.232) < 0.01, 'what it shows is what is charged');

    const target = onRadar(seen, id);
    assert.ok('endpoint' in target);
    await assert.rejects(
      stopEndpoint(account.installation, target, () => Promise.resolve(false)),
      { name: 'CancelledError' },
    );
    const workers = async () => (await account.installation.client.serverless.get(id)).workers;
    assert.deepEqual(await workers(), { min: 2, max: 3 });
    await stopEndpoint(account.installation, target, () => Promise.resolve(true));
    assert.deepEqual(await workers(), { min: 0, max: 0 });
    const after = onRadar(await radar(account.installation), id);
    assert.ok('endpoint' in after);
    assert.deepEqual([after.costPerHour, after.action.how], [0, 'none']);
    await assert.rejects(
      stopEndpoint(account.installation, after, () => assert.fail('asked')),
      { code: 'endpoint-kept' },
    );
  });

  it('deletes an endpoint of an ended job, also from a second laptop', async () => {
    const env = { RUNPOD_TRAINER_JOB: job, RUNPOD_TRAINER_PROJECT: 'songs' };
    const id = await serve({ name: `rpt-${job}`, env, workers: { min: 1 }, networkVolumes: [volume.id] });
    writeState({ podId: null });
    const running = onRadar(await radar(second()), id);
    assert.deepEqual([running.owner, running.needed, running.action.how], ['other-machine', 'yes', 'none']);
    writeState({ podId: null, status: 'succeeded', finished: hoursAgo(3.01) });
    const over = onRadar(await radar(second()), id);
    assert.ok('endpoint' in over);
    assert.match(over.idle?.reason ?? '', /^Its job has ended \(succeeded\) 3 h( \d min)? ago\.$/);
    assert.equal(over.action.how, 'delete');
    await stopEndpoint(second(), over, () => Promise.resolve(true));
    assert.deepEqual((await radar(second())).endpoints, []);
  });

  it('shows the rest where the key may not read endpoints', async () => {
    await rent('my experiment', {}, false);
    account.sandbox.requests.fail(403, { path: /^\/v2\/serverless/ });
    const seen = await radar(account.installation);
    assert.deepEqual([seen.pods.length, seen.endpoints.length], [1, 0]);
    assert.match(seen.notes[0] ?? '', /may not read Serverless endpoints/);
  });
});
