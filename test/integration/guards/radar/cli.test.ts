import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { RunPodClient } from '../../../../src/core/runpod/client.ts';
import type { Radar } from '../../../../src/core/guards/radar/index.ts';
import { until } from '../../../support/wait.ts';
import { World } from '../../jobs/harness.ts';
import { TestProject } from '../../jobs/projects.ts';

describe('radar on the command line (R4.5)', function () {
  this.timeout(180_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  /** A second laptop: the same account, no records. */
  const elsewhere = () => ({
    RUNPOD_TRAINER_HOME: path.join(world.folder, 'second-home'),
    RUNPOD_TRAINER_S3_URL: world.sandbox.s3Url,
    RUNPOD_S3_ACCESS_KEY_ID: world.sandbox.s3Keys.accessKeyId,
    RUNPOD_S3_SECRET_ACCESS_KEY: world.sandbox.s3Keys.secretAccessKey,
  });
  const radar = async (env: NodeJS.ProcessEnv = {}): Promise<Radar> => {
    const { code, stdout, stderr } = await world.run(['radar', '--json'], env);
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse(stdout) as Radar;
  };
  const serve = async (name: string, min: number): Promise<string> => {
    const answer = await fetch(`${world.sandbox.restUrl}/serverless`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.sandbox.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        name,
        type: 'QUEUE',
        image: 'example/chat:1',
        gpu: { pools: ['ADA_24'] },
        workers: { min, max: 3 },
        scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
      }),
    });
    assert.equal(answer.status, 201);
    return ((await answer.json()) as { id: string }).id;
  };

  it('knows from a second laptop what a real job on the volume does, and that it has ended', async () => {
    const project = new TestProject(world.folder, {
      name: 'kept',
      steps: [{ name: 'one', shell: 'touch started; while [ ! -e finish ]; do sleep 0.1; done' }],
      onFinish: { pod: 'keep' },
    });
    const cli = world.start(['run', project.file, '--yes']);
    const client = new RunPodClient({ restUrl: world.sandbox.restUrl, apiKey: world.sandbox.key });
    const seconds = 60_000;
    const volume = await until('the volume', async () => (await client.volumes.list())[0], seconds);
    await until('the pod', async () => (await client.pods.list())[0], seconds);
    const state = async (): Promise<Radar['pods'][number]> => {
      const seen = await radar(elsewhere());
      assert.deepEqual([seen.pods.length, seen.notes], [1, []]);
      assert.ok(seen.pods[0]);
      return seen.pods[0];
    };
    const running = await until(
      'the job to run',
      async () => {
        const pod = await state();
        return pod.job?.state === 'running' && pod;
      },
      seconds,
    );
    assert.deepEqual([running.owner, running.needed, running.job?.project], ['other-machine', 'yes', 'kept']);
    writeFileSync(path.join(world.sandbox.volumeDirectory(volume.id), 'projects/kept/finish'), '');
    await cli.ended;
    const over = await state();
    assert.deepEqual([over.owner, over.job?.state], ['other-machine', 'succeeded']);
    assert.match(over.idle?.reason ?? '', /Its job has ended \(succeeded\) \S+ \S+ ago/);
    const { stdout } = await world.run(['radar'], elsewhere());
    assert.match(stdout, /another computer: job kept-\S+, succeeded/);
    assert.match((await radar()).pods[0]?.owner ?? '', /^job$/);
    await world.run(['radar', '--stop', over.pod.id, '--yes'], elsewhere());
    assert.deepEqual((await radar()).pods, []);
  });

  it('shows endpoints, and scales one to zero by its id after a yes', async () => {
    const id = await serve('chat', 1);
    await serve('asleep', 0);
    const { stdout } = await world.run(['radar']);
    assert.match(stdout, /endpoint +hardware +workers +price +age +owner/);
    assert.match(
      stdout,
      /chat +ADA_24 +1 to 3 +free here, \$1\.116\/h on RunPod .*not of this product\n +1 worker stands by \(free here, \$1\.116\/h/,
    );
    assert.match(
      stdout,
      /asleep +ADA_24 +0 to 3 +free here, \$0\.00\/h .*\n +It costs nothing while no request runs\./,
    );
    assert.match(stdout, /In all: free here, pods and endpoints \$1\.116\/h/);

    const unasked = await world.run(['radar', '--stop', id]);
    assert.notEqual(unasked.code, 0);
    assert.equal((await radar()).endpoints[0]?.endpoint.workers.min, 1);
    const stopped = await world.run(['radar', '--stop', id, '--yes']);
    assert.equal(stopped.stdout, 'chat is scaled to zero.\n');
    const chat = (await radar()).endpoints.find((e) => e.endpoint.id === id);
    assert.deepEqual([chat?.endpoint.workers, chat?.costPerHour, chat?.action.how], [{ min: 0, max: 0 }, 0, 'none']);
    const again = await world.run(['radar', '--stop', 'chat', '--yes']);
    assert.match(again.stderr, /The endpoint chat was not touched\.\s+It has no workers already\./);
  });
});
