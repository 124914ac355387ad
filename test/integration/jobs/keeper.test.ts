import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Isolation } from '../../../sandbox/index.ts';
import { limits } from '../../../src/core/contract.ts';
import { containerStart } from '../../../src/core/pods/container-start.ts';
import { until } from '../../support/wait.ts';
import { isRoot } from '../sandbox/harness.ts';
import { dist, keeperOf, processesOf, workerOf, World, type PodTold } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** Milliseconds. */
const gone = 90_000;

/** A job that runs, and whose client was killed. */
async function leave(world: World, name: string, shell: string): Promise<{ job: string; pod: string }> {
  const project = new TestProject(world.folder, { name, steps: [{ name: 'only', shell }], caps: { hours: 1 } });
  const run = world.start(['run', project.file, '--yes', '--json']);
  await run.says('line 50');
  run.signal('SIGKILL');
  await run.ended;
  const record = world.records().find((r) => r.project === name);
  assert.ok(record?.pod);
  return { job: record.job, pod: record.pod.id };
}

const ended = (world: World, pod: string): Promise<unknown> =>
  until('the pod ends', async () => (await world.pods()).every((p) => p.id !== pod), gone);

/** The last event of a job. */
async function lastEvent(world: World, job: string): Promise<{ type: string; status: string }> {
  const folder = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', job);
  const lines = readFileSync(path.join(folder, 'events.jsonl'), 'utf8').trimEnd().split('\n');
  return JSON.parse(lines.at(-1) ?? '') as { type: string; status: string };
}

describe('the keeper of a pod whose client is dead (R4.3, R3.4)', function () {
  this.timeout(150_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('killed together with the worker: the container starts another one, which ends the pod', async () => {
    const { job, pod } = await leave(world, 'both', untilGo);
    for (const { pid } of [workerOf(job), keeperOf(pod)].filter((p) => p !== undefined)) process.kill(pid, 'SIGKILL');
    await ended(world, pod);
    assert.deepEqual(await lastEvent(world, job).then(({ type, status }) => [type, status]), ['job.finished', 'lost']);
  });

  it('its container is restarted: the pod ends', async () => {
    const { job, pod } = await leave(world, 'restarted', untilGo);
    await world.sandbox.crashPod(pod);
    await ended(world, pod);
    assert.deepEqual(await lastEvent(world, job).then(({ type, status }) => [type, status]), ['job.finished', 'lost']);
  });

  if (isRoot) {
    it('that was stopped after its job and is started by hand: it waits for another job', async () => {
      const steps = [{ name: 'only', shell: 'true' }];
      const project = new TestProject(world.folder, { name: 'stops', steps, onFinish: { pod: 'stop' } });
      const run = world.start(['run', project.file, '--yes', '--json']);
      assert.equal((await run.ended).code, 0);
      const id = world.records().find((r) => r.project === 'stops')?.pod?.id ?? '';
      const status = async (): Promise<string | undefined> => (await world.pods()).find((p) => p.id === id)?.status;
      const file = path.join(await world.volume('tests'), '.runpod-trainer', 'pods', id, 'keeper.json');
      const kept = (): { state: { at: string }; clocks: { wall: number } } =>
        JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof kept>;
      await until('it is stopped', async () => (await status()) === 'EXITED', gone);
      // A container that comes back sooner has crashed.
      const crashMs = 1000 * (limits.endAfterSeconds + 1);
      await until('nobody starts a pod so soon', () => Date.now() - 1000 * kept().clocks.wall > crashMs, gone);
      await fetch(`${world.sandbox.restUrl}/pods/${id}/action`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.sandbox.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ action: 'start' }),
      });
      await until('it has a keeper again', () => keeperOf(id) !== undefined, gone);
      await until('its keeper waits', () => kept().state.at === 'waiting', gone);
      assert.equal(await status(), 'RUNNING');
      await world.endPod(id);
    });

    it('a step kills every process of the pod: the container is restarted, and the pod ends', async () => {
      const { job, pod } = await leave(world, 'all', `for i in $(seq 60); do echo line $i; done; sleep 3; kill -9 -1`);
      await ended(world, pod);
      assert.deepEqual(await lastEvent(world, job).then(({ type, status }) => [type, status]), [
        'job.finished',
        'lost',
      ]);
    });
  }
});

const isolations: Isolation[] = isRoot ? ['namespace', 'plain'] : ['plain'];
for (const isolation of isolations) {
  describe(`a pod to which no client came, ${isolation} (R4.3)`, function () {
    this.timeout(120_000);
    let world: World;
    before(async () => {
      world = await World.open({ isolation });
    });
    after(() => world.close());

    it('starts as its image does, and ends when the time is over, counted over restarts', async () => {
      const { restUrl, key } = world.sandbox;
      const call = (url: string, body: unknown): Promise<Response> =>
        fetch(`${restUrl}${url}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      const image = 'runpod/base:1.0.2-ubuntu2404';
      const mount = path.join(world.folder, 'mount');
      const args = await containerStart(path.join(dist, 'worker.pyz'), { image, mount, seconds: 12, restUrl });
      const made = await call('/pods', {
        name: 'rpt-nobody',
        image,
        args,
        cloud: 'SECURE',
        cpu: { id: 'cpu3c', vcpuCount: 2 },
        disk: 20,
        ports: ['22/tcp'],
        env: { PUBLIC_KEY: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA test' },
      });
      const pod = (await made.json()) as PodTold;
      assert.equal(made.status, 201, JSON.stringify(pod));
      const began = Date.now();
      await until(
        'it answers',
        async () => (await world.pods()).find((p) => p.id === pod.id)?.ssh.direct != null,
        30_000,
      );
      await until('its keeper could be started', () =>
        processesOf(pod.id).some((p) => p.args.startsWith('python3 -c')),
      );
      assert.ok(!processesOf(pod.id).some((p) => p.args.includes(key)));
      await world.sandbox.crashPod(pod.id);
      await ended(world, pod.id);
      assert.ok(Date.now() - began >= 12_000, 'it was given its time');
    });
  });
}
