import assert from 'node:assert/strict';
import { podOnRadar, radar, stopPod } from '../../../src/core/radar/index.ts';
import { recordsIn } from '../../../src/core/installation.ts';
import type { JobRecord } from '../../../src/core/jobs/records.ts';
import type { Pod, Volume } from '../../../src/core/runpod/schemas.ts';
import path from 'node:path';
import { Account } from '../../support/account.ts';

const job = 'songs-20261122-090000-abcd';

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
    account.installation.records.save({
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

  it('works from a second laptop with no records', async () => {
    const pod = await rent(`rpt-${job}`, { RUNPOD_TRAINER_JOB: job });
    await remember(pod);
    const second = { ...account.installation, records: recordsIn(path.join(account.folder, 'second')) };
    const [seen] = (await radar(second)).pods;
    assert.deepEqual([seen?.owner, seen?.job?.id], ['other-machine', job]);
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
      { code: 'pod-at-work', message: new RegExp(`cancel ${job}`) },
    );

    await remember(pod, { phase: 'done', outcome: 'failed' });
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
    assert.throws(() => podOnRadar(seen, 'nope'), { code: 'pod-unknown' });
  });
});
