import assert from 'node:assert/strict';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { limits } from '../../../src/core/contract.ts';
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

  it('from two homes in one folder: the steps of this machine run once, and the other is told at once', async () => {
    const project = new TestProject(world.folder, {
      name: 'shared-folder',
      sync: { data: ['made.txt'] },
      steps: [
        {
          name: 'make',
          where: 'local',
          shell: 'echo ran >> log.txt; sleep 3; date +%N > made.txt',
          outputs: ['made.txt'],
        },
        { name: 'who', shell: 'cat made.txt > who.txt' },
      ],
      onFinish: { fetch: ['who.txt'] },
    });
    const asked = world.podsAsked();
    const runs = ['one', 'two'].map((home) =>
      world.start(['run', project.file, '--yes', '--json'], {
        RUNPOD_TRAINER_HOME: path.join(world.folder, `home-${home}`),
      }),
    );
    const [first, second] = await Promise.all(runs.map((run) => run.ended));
    const [won, lost] = first?.code === 0 ? [first, second] : [second, first];
    assert.equal(won?.code, 0, JSON.stringify([first, second]));
    assert.equal(lost?.code, 2, JSON.stringify(lost));
    const job = /"job":"([^"]+)"/.exec(won.stdout)?.[1] ?? assert.fail();
    const { what, remedies } = refusal(lost);
    assert.match(what, new RegExp(`^The job ${job} of this project is being prepared by another user or installation`));
    // The other home's job can be neither attached to nor cancelled from this one.
    assert.doesNotMatch(JSON.stringify(remedies ?? []), /attach|cancel/);
    assert.equal(project.read('log.txt'), 'ran\n');
    assert.equal(world.podsAsked(), asked + 1);
    assert.deepEqual(await world.pods(), []);
  });

  for (const round of rounds) {
    it(`from two computers: one runs, the other's pod ends and its cost is told (${round})`, async () => {
      const name = `laptops-${round}`;
      const runs = ['one', 'two'].map((laptop) => {
        const project = make(name, path.join(world.folder, laptop));
        return world.start(['run', project.file, '--yes', '--adopt', '--json'], {
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
      assert.match(next, /^The pod was terminated; what it cost: free here, about \$/);
      assert.deepEqual(await world.pods(), []);
      await nothingRuns(result.job);
    });
  }

  describe('whose other one dies or sleeps before it could hand its job over', () => {
    const laptop = (name: string, which: string): Cli =>
      world.start(['run', make(name, path.join(world.folder, which)).file, '--yes', '--adopt', '--json'], {
        RUNPOD_TRAINER_HOME: path.join(world.folder, which, 'home'),
      });
    const claimOf = async (name: string): Promise<string> =>
      path.join(await world.volume('tests'), 'projects', name, '.runpod-trainer', 'claim');
    const podOf = (run: Cli): string => run.told().findLast((t) => t.type === 'pod')?.podId as string;

    /** Starts a run and sends it the signal as soon as it has the project. */
    async function stopWithClaim(name: string, signal: NodeJS.Signals): Promise<Cli> {
      const run = laptop(name, 'one');
      await run.says('"phase":"transfer"', 60);
      const owner = path.join(await claimOf(name), '1', 'owner.json');
      await until('the project is claimed', () => existsSync(owner));
      run.signal(signal);
      return run;
    }

    /** As if the claim had been silent for longer than the patience, by the volume's clock. */
    async function growOld(name: string): Promise<void> {
      const then = new Date(Date.now() - (limits.claimPatienceSeconds + 10) * 1000);
      for (const file of ['1', '1/beat']) {
        const there = path.join(await claimOf(name), file);
        if (existsSync(there)) {
          utimesSync(there, then, then);
        }
      }
    }

    it('is refused while that one may be alive, and has the project as soon as its pod is gone', async () => {
      const dead = await stopWithClaim('dead', 'SIGKILL');
      await dead.ended;
      const refused = await laptop('dead', 'two').ended;
      assert.equal(refused.code, 2, refused.stdout + refused.stderr);
      assert.match(refusal(refused).what, new RegExp(`is on the pod ${podOf(dead)}`));
      assert.deepEqual(
        (await world.pods()).map((p) => p.id),
        [podOf(dead)],
      );
      await world.endPod(podOf(dead));
      const next = laptop('dead', 'two');
      await next.says('line 50', 60);
      checkWho(next, await finish(next, 'dead'));
    });

    it('has the project when that one gave no sign of life for the whole patience', async () => {
      const dead = await stopWithClaim('silent', 'SIGKILL');
      await dead.ended;
      await growOld('silent');
      const next = laptop('silent', 'two');
      await next.says('line 50', 60);
      checkWho(next, await finish(next, 'silent'));
      await world.endPod(podOf(dead));
    });

    it('keeps the project when that one wakes up, which is told and whose pod ends', async () => {
      const asleep = await stopWithClaim('asleep', 'SIGSTOP');
      await growOld('asleep');
      const next = laptop('asleep', 'two');
      await next.says('line 50', 60);
      asleep.signal('SIGCONT');
      const { code, stdout, stderr } = await asleep.ended;
      assert.equal(code, 2, stdout + stderr);
      const { what, next: then } = refusal({ stdout } as Ended);
      assert.match(what, new RegExp(`^The job .* has the project "asleep".*is on the pod ${podOf(next)}`));
      assert.match(then, /^The pod was terminated; what it cost: free here, about \$/);
      assert.deepEqual(
        (await world.pods()).map((p) => p.id),
        [podOf(next)],
      );
      checkWho(next, await finish(next, 'asleep'));
    });
  });
});
