import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../support/wait.ts';
import { World, type Cli } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

describe('a job that its client cannot follow goes on (R3.4, R3.6)', function () {
  this.timeout(120_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const recordOf = (name: string) => world.records().find((r) => r.project === name) ?? assert.fail('no record');

  function run(name: string, shell: string, flags: string[] = []): Cli {
    const project = new TestProject(world.folder, { name, steps: [{ name: 'only', shell }] });
    return world.start(['run', project.file, '--yes', ...flags]);
  }

  /** It says why, that the job goes on, and what helps; it refuses nothing and ends no pod. */
  async function assertLeft(client: Cli, name: string, cause: RegExp, mend = (): void => undefined): Promise<void> {
    const { code, stdout, stderr } = await client.ended;
    const { job, pod, outcome } = recordOf(name);
    assert.equal(code, 3, stdout + stderr);
    assert.match(stdout, /the job goes on/);
    assert.match(stdout.replaceAll(/\s+/g, ' '), cause);
    assert.match(stdout, new RegExp(`runpod-trainer attach ${job}`));
    assert.match(stdout, new RegExp(`runpod-trainer cancel ${job}`));
    assert.doesNotMatch(stdout + stderr, /Python 3\.9|is not full/);
    assert.equal(outcome, undefined);
    assert.ok((await world.pods()).some((p) => p.id === pod?.id));
    mend();
    assert.equal((await world.run(['cancel', job])).code, 0);
    assert.ok((await world.pods()).every((p) => p.id !== pod?.id));
  }

  it('a step removes everything on the volume: the worker’s file is missed, and nothing else is blamed', async () => {
    const wipe = 'cd ../..; rm -rf ./* ./.[a-z]*; sleep 300';
    await assertLeft(run('wiped', wipe), 'wiped', /file on the volume is gone.* removed it/);
  });

  /** A job that was left to itself, once its step has begun. */
  async function begun(name: string, shell: string): Promise<string> {
    const { stdout } = await run(name, `${shell}; echo begun > begun; ${untilGo}`, ['--detach']).ended;
    const job = /runpod-trainer attach ([\w-]+)/.exec(stdout)?.[1] ?? assert.fail(stdout);
    const file = path.join(await world.volume('tests'), 'projects', name, 'begun');
    await until('its step has begun', () => existsSync(file));
    return job;
  }

  for (const [name, line, cause] of [
    ['leaves', 'exit 0', /login shell .* ended before it began a command/],
    ['empties', 'export PATH=/nonexistent', /login shell .* sh: not found/],
    ['silences', 'exec 1>/dev/null', /login shell .* sends what commands print elsewhere/],
  ] as const) {
    it(`a step breaks the login shell (${line}): who attaches is told so`, async () => {
      const job = await begun(name, `echo '${line}' > ~/.bashrc`);
      const { code, result } = await world.runJson(['attach', job]);
      assert.deepEqual([code, result.outcome, result.unfollowed], [3, 'detached', true]);
      assert.match(result.reason ?? '', cause);
      assert.deepEqual(result.remedies, [
        { do: 'attach', job },
        { do: 'cancel', job },
      ]);
      await assertLeft(world.start(['attach', job]), name, cause);
    });
  }

  it('a step that removes its own job’s folder: what is told at the end is what the record says', async () => {
    const shell = 'sleep 1; rm -rf "$(realpath "$RUNPOD_TRAINER_STEP_DIR/../..")"; sleep 3; echo r > r.txt';
    const project = new TestProject(world.folder, {
      name: 'unhoused',
      steps: [{ name: 'only', shell }],
      onFinish: { fetch: ['r.txt'] },
    });
    const { code, result } = await world.runJson(['run', project.file, '--yes']);
    const { outcome } = recordOf('unhoused');
    assert.equal(result.outcome, outcome);
    assert.equal(code, outcome === 'succeeded' ? 0 : 3);
    const { jobs } = JSON.parse((await world.run(['jobs', '--json'])).stdout) as {
      jobs: { job: string; state: string }[];
    };
    assert.equal(jobs.find((j) => j.job === result.job)?.state.split(' ')[0], outcome);
  });

  it('this computer cannot keep the copy of the journal', async () => {
    const job = await begun('unkept', 'true');
    const copy = path.join(world.home, 'jobs', job, 'events.jsonl');
    // A folder in its place: root may write to any file.
    mkdirSync(copy);
    await assertLeft(world.start(['attach', job]), 'unkept', /events\.jsonl/, () => rmdirSync(copy));
  });
});
