import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { until } from '../../support/wait.ts';
import { nothingRuns, World, type Cli, type Ended, type Result } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

const rounds = [1, 2, 3, 4, 5];

describe('two runs of one project at one moment (R3.4, R4.3)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const make = (name: string, folder = world.folder): TestProject =>
    new TestProject(folder, {
      name,
      steps: [
        {
          name: 'who',
          shell: `${untilGo}; echo "$RUNPOD_POD_ID" > who.txt`,
          gates: [{ type: 'file', path: 'who.txt' }],
        },
      ],
      onFinish: { fetch: ['who.txt'] },
    });

  /** Waits until one has ended: the other one has the project. */
  async function decided(runs: Cli[]): Promise<{ winner: Cli; loser: Ended }> {
    const first = await Promise.race(runs.map(async (run) => ({ run, loser: await run.ended })));
    const winner = runs.find((run) => run !== first.run) ?? assert.fail();
    await winner.says('line 50', 60);
    return { winner, loser: first.loser };
  }

  async function finish(winner: Cli, project: string): Promise<Result> {
    writeFileSync(path.join(await world.volume('tests'), 'projects', project, 'go'), '');
    const { code, stdout, stderr } = await winner.ended;
    assert.equal(code, 0, stdout + stderr);
    return winner.told().findLast((t) => t.type === 'result') as Result;
  }

  /** The pod that the job ran on delivered its results. */
  function checkWho(winner: Cli, result: Result): void {
    const pod = winner.told().findLast((t) => t.type === 'pod')?.podId;
    assert.equal(readFileSync(path.join(result.results ?? assert.fail(), 'who.txt'), 'utf8'), `${String(pod)}\n`);
  }

  for (const round of rounds) {
    it(`from one home: one pod is rented and one runs, the other is told at once which job has it (${round})`, async () => {
      const project = make(`home-${round}`);
      const asked = world.podsAsked();
      const run = (): Cli => world.start(['run', project.file, '--yes', '--json']);
      const { winner, loser } = await decided([run(), run()]);
      assert.equal(loser.code, 2, loser.stdout + loser.stderr);
      const { job } = await finishAndCheck(winner, project);
      const { what, remedies } = refusal(loser);
      assert.match(what, new RegExp(`^The job ${job} of this project is being prepared`));
      assert.match(JSON.stringify(remedies), new RegExp(`"attach","job":"${job}".*"cancel","job":"${job}"`));
      assert.equal(world.podsAsked(), asked + 1);
      assert.deepEqual(await world.pods(), []);
    });
  }

  async function finishAndCheck(winner: Cli, { root }: TestProject): Promise<Result> {
    const result = await finish(winner, path.basename(root));
    checkWho(winner, result);
    await nothingRuns(result.job);
    return result;
  }

  function refusal({ stdout }: Ended): { what: string; next: string; remedies?: unknown } {
    const told = stdout.split('\n').filter((line) => line.includes('"type":"error"'));
    assert.equal(told.length, 1, stdout);
    return JSON.parse(told[0] ?? '') as { what: string; next: string };
  }

  for (const round of rounds) {
    it(`from two computers: one runs, the other's pod ends and its cost is told (${round})`, async () => {
      const name = `laptops-${round}`;
      const runs = ['one', 'two'].map((laptop) => {
        const project = make(name, path.join(world.folder, laptop));
        return world.start(['run', project.file, '--yes', '--json'], {
          RUNPOD_TRAINER_HOME: path.join(world.folder, laptop, 'home'),
        });
      });
      const { winner, loser } = await decided(runs);
      assert.equal(loser.code, 2, loser.stdout + loser.stderr);
      const { what, next } = refusal(loser);
      const pod = winner.told().findLast((t) => t.type === 'pod')?.podId;
      await until('the pod of the one that was refused ends', async () => (await world.pods()).length === 1);
      assert.equal((await world.pods())[0]?.id, pod);
      const result = await finish(winner, name);
      checkWho(winner, result);
      assert.match(
        what,
        new RegExp(`^The job ${result.job} has the project "${name}" on this volume: it was started `),
      );
      assert.match(what, new RegExp(` on ${hostname()}, and is on the pod ${String(pod)}\\.$`));
      assert.match(next, /^The pod was terminated; it cost about \$/);
      assert.deepEqual(await world.pods(), []);
      await nothingRuns(result.job);
    });
  }
});
