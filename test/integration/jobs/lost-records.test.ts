import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { World, type Ended } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** Whatever has become of a job's record, what is offered can be done. */
describe('jobs whose record is lost or cannot be read (R3.6)', function () {
  this.timeout(240_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const folder = (job: string): string => path.join(world.home, 'jobs', job);

  /** The commands below a message, as they stand there. */
  function offered({ stdout, stderr }: Ended): string[][] {
    const lines = [...`${stdout}\n${stderr}`.matchAll(/^ {2}[^:\n]+: +runpod-trainer (.*)$/gm)];
    return lines.map(([, words = '']) => words.split(' '));
  }

  it('its folder goes while a client follows it: each remedy offered then can be carried out', async () => {
    const project = new TestProject(world.folder, { name: 'removed', steps: [{ name: 'wait', shell: untilGo }] });
    const run = world.start(['run', project.file, '--yes']);
    await run.says('wait (1/1)');
    const job = world.records().find((r) => r.project === 'removed')?.job ?? '';
    rmSync(folder(job), { recursive: true, maxRetries: 5 });
    run.signal('SIGINT');
    const ended = await run.ended;
    assert.equal(ended.code, 130, ended.stdout + ended.stderr);
    const [attach, cancel] = offered(ended);
    assert.deepEqual(
      [attach, cancel],
      [
        ['attach', job],
        ['cancel', job],
      ],
    );
    const again = world.start(attach ?? []);
    await again.says('wait (1/1)');
    again.signal('SIGINT');
    assert.equal((await again.ended).code, 130);
    const cancelled = await world.run(cancel ?? []);
    assert.equal(cancelled.code, 0, cancelled.stdout + cancelled.stderr);
    assert.deepEqual(await world.pods(), []);
  });

  it('one that cannot be read is told with its reason, and each remedy offered then can be carried out', async () => {
    const project = new TestProject(world.folder, { name: 'damaged', steps: [{ name: 'wait', shell: untilGo }] });
    assert.equal((await world.run(['run', project.file, '--yes', '--detach'])).code, 0);
    const { job, pod } = world.records().find((r) => r.project === 'damaged') ?? assert.fail();
    for (const name of ['record.json', 'record.copy.json']) {
      writeFileSync(path.join(folder(job), name), '{"schema": 1, "job"');
    }
    for (const command of ['attach', 'cancel', 'fetch']) {
      const refused = await world.run([command, job]);
      assert.equal(refused.code, 2, refused.stdout + refused.stderr);
      assert.match(refused.stderr.replace(/\s+/g, ' '), /record\.json is damaged\. Look whether its pod still runs/);
      assert.deepEqual(offered(refused), [['radar']]);
    }
    const jobs = await world.run(['jobs']);
    assert.equal(jobs.code, 0, jobs.stderr);
    assert.match(jobs.stdout, new RegExp(`The record of the job ${job} cannot be read`));
    const radar = await world.run(['radar']);
    assert.equal(radar.code, 0, radar.stderr);
    assert.match(radar.stdout, new RegExp(pod?.name ?? ''));
    const stopped = await world.run(['radar', '--stop', pod?.name ?? '', '--yes']);
    assert.equal(stopped.code, 0, stopped.stdout + stopped.stderr);
    assert.deepEqual(await world.pods(), []);
    const backup = await world.run(['backup', project.file, '--yes']);
    assert.equal(backup.code, 0, backup.stdout + backup.stderr);
  });
});
