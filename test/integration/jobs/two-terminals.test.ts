import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../support/wait.ts';
import { nothingRuns, World } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** What somebody does in a second terminal while the first one is at work, or after it is gone. */
describe('a job from two terminals (R3.4, R3.6)', function () {
  this.timeout(180_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('cancel without a name means the job that runs, not the run that was refused because of it', async () => {
    const project = new TestProject(world.folder, { name: 'refused', steps: [{ name: 'wait', shell: untilGo }] });
    assert.equal((await world.run(['run', project.file, '--yes', '--detach'])).code, 0);
    const running = world.records().find((r) => r.project === 'refused')?.job;
    const second = await world.run(['run', project.file, '--yes']);
    assert.equal(second.code, 2, second.stdout);
    const cancelled = await world.run(['cancel']);
    assert.equal(cancelled.code, 0, cancelled.stdout + cancelled.stderr);
    assert.match(cancelled.stdout, new RegExp(`Job ${running} was cancelled`));
    assert.deepEqual(await world.pods(), []);
  });

  it('a job whose kept pod another one uses is told as it ended, not as one that never started', async () => {
    const project = new TestProject(world.folder, {
      name: 'handed-on',
      steps: [{ name: 'only', shell: 'true' }],
      onFinish: { pod: 'keep', fetch: ['code.txt'] },
      caps: { hours: 1 },
    });
    assert.equal((await world.run(['run', project.file, '--yes', '--detach'])).code, 0);
    const first = world.records().find((r) => r.project === 'handed-on')?.job ?? '';
    const state = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', first, 'state.json');
    await until('it has ended', () => existsSync(state) && readFileSync(state, 'utf8').includes('"succeeded"'));
    const second = await world.run(['run', project.file, '--yes', '--from', 'only']);
    assert.equal(second.code, 0);
    assert.match(second.stdout, new RegExp(`The results of the job ${first} were\\s+not\\s+fetched`));
    const record = world.records().find((r) => r.job === first) ?? assert.fail();
    assert.equal(record.outcome, 'succeeded');
    const { stdout } = await world.run(['jobs']);
    assert.match(stdout, new RegExp(`${first} +succeeded`));
    await world.endPod(record.pod?.id ?? '');
  });

  it('cancelled from the other one while it starts: it says so, with the exit code of that', async () => {
    const project = new TestProject(world.folder, { name: 'starting', steps: [{ name: 'wait', shell: untilGo }] });
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"phase":"transfer"');
    const job = world.records().find((r) => r.project === 'starting')?.job ?? '';
    assert.equal((await world.run(['cancel', job])).code, 0);
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 4, stdout + stderr);
    assert.match(stdout, /cancelled from another terminal or window/);
    assert.doesNotMatch(stdout, /ended from outside/);
    assert.deepEqual(await world.pods(), []);
  });

  it('cancelled from the other one while a step of this machine runs: the step ends with it', async () => {
    const project = new TestProject(world.folder, {
      name: 'at-home',
      steps: [
        { name: 'here', where: 'local', shell: 'touch began; sleep 60; touch through' },
        { name: 'there', shell: 'true' },
      ],
    });
    const asked = world.podsAsked();
    const run = world.start(['run', project.file, '--yes', '--json']);
    await until('the step has begun', () => existsSync(path.join(project.root, 'began')), 60_000);
    const job = world.records().find((r) => r.project === 'at-home')?.job ?? '';
    assert.equal((await world.run(['cancel', job])).code, 0);
    const cancelled = Date.now();
    const { code, stdout, stderr } = await run.ended;
    assert.ok(Date.now() - cancelled < 30_000, `${Date.now() - cancelled} ms`);
    assert.equal(code, 4, stdout + stderr);
    assert.match(stdout, /cancelled from another terminal or window/);
    await nothingRuns(job);
    assert.ok(!existsSync(path.join(project.root, 'through')));
    assert.equal(world.podsAsked(), asked);
  });

  it('cancelled while its results come home: they come home', async () => {
    const project = new TestProject(world.folder, {
      name: 'homeward',
      steps: [{ name: 'write', shell: 'for i in $(seq 400); do echo $i > out-$i.txt; done' }],
      onFinish: { fetch: ['out-*.txt'] },
    });
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"phase":"fetch"');
    const job = world.records().find((r) => r.project === 'homeward')?.job ?? '';
    const cancel = await world.run(['cancel', job]);
    assert.equal(cancel.code, 0, cancel.stdout + cancel.stderr);
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stdout + stderr);
    const results = path.join(project.root, 'runpod-results', job);
    assert.ok(existsSync(path.join(results, 'out-400.txt')));
    assert.doesNotMatch(stdout, /not fetched/);
    assert.deepEqual(await world.pods(), []);
    const asked = world.podsAsked();
    const again = await world.run(['fetch', job, '--yes']);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stdout, /results are here already/);
    assert.equal(world.podsAsked(), asked, 'nothing is rented for what is here');
    rmSync(results, { recursive: true });
    assert.equal((await world.run(['fetch', job, '--yes'])).code, 0);
    assert.ok(existsSync(path.join(results, 'out-400.txt')));
    assert.equal(world.podsAsked(), asked + 1);
  });
});
