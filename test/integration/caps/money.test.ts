import assert from 'node:assert/strict';
import { World, type Told } from '../jobs/harness.ts';
import { TestProject } from '../jobs/projects.ts';

interface Row {
  job: string;
  cost: number;
  costAtMost: number;
  podRunning: boolean;
  pods: { id: string }[];
  askedBy?: { by: string; machine: string; host: string };
}

/** A meter by this computer's clock and a bill by the platform's differ by so much: a few seconds of a pod. */
const near = (one: number, other: number, perHour: number): void =>
  assert.ok(Math.abs(one - other) <= (10 / 3600) * perHour, `${one} and ${other}`);

describe('money is one calculation, beside the bill (R4.2)', () => {
  let world: World;
  before(async () => {
    world = await World.open({ billRunningPods: true });
  });
  after(() => world.close());

  it('a pod that two jobs had, a sync over a gateway, and what will run again before each click', async function () {
    // Two runs, each with a wait for the volume, and the boot of two pods.
    this.timeout(240_000);
    const project = new TestProject(world.folder, {
      name: 'money',
      steps: [
        { name: 'prepare', shell: 'cp prepare.txt data.txt', inputs: ['prepare.txt'], outputs: ['data.txt'] },
        { name: 'train', script: 'train.py', inputs: ['data.txt'], outputs: ['model.txt'] },
      ],
      sync: { must: ['train.py', 'prepare.txt'] },
      onFinish: { pod: 'keep', fetch: [] },
      caps: { hours: 1 },
    });
    project.write('prepare.txt', 'one\n');
    project.write('train.py', "open('model.txt', 'w').write('one')\n");
    const told = async (type: string, args: string[]): Promise<Told | undefined> => {
      const asked = world.start([...args, '--json']);
      await asked.ended;
      return asked.told().find((line) => line.type === type);
    };
    const plan = async (): Promise<string> => (await world.run(['plan', project.file])).stdout;

    const before = await plan();
    assert.match(before, /prepare will run: it never ran, or its last run did not pass/);
    assert.match(before, /cost: free here, at most \$0\.\d+ on RunPod/);

    const first = await world.runJson(['run', project.file, '--yes']);
    assert.equal(first.code, 0, first.stderr);
    const same = await plan();
    assert.match(
      same,
      /prepare is skipped, if its outputs are still there as they were left: nothing changed since it passed/,
    );
    assert.match(
      same,
      /train is skipped, if its outputs are still there as they were left: nothing changed since it passed/,
    );
    project.write('train.py', "open('model.txt', 'w').write('two')\n");
    const changed = await plan();
    assert.match(changed, /prepare is skipped/);
    assert.match(changed, /train will run: code train\.py changed/);
    assert.match(changed, /cost: free here, about \$0\.\d+ \(/, 'an estimate of what will run');

    const second = await world.runJson(['run', project.file, '--yes']);
    assert.equal(second.code, 0, second.stderr);
    assert.equal(world.podsAsked(), 1, 'one pod for both');
    const { steps } = second.result;
    assert.deepEqual(
      steps.map(({ name, status }) => [name, status]),
      [
        ['prepare', 'skipped'],
        ['train', 'passed'],
      ],
      'as it was foreseen',
    );

    const sync = await world.run(['sync', project.file, '--route', 'gateway', '--yes']);
    assert.equal(sync.code, 0, sync.stderr);

    const list = await told('jobs', ['jobs']);
    const jobs = list?.['jobs'] as Row[];
    assert.deepEqual(
      jobs.map(({ podRunning, pods, askedBy }) => [podRunning, pods.length, askedBy?.by]),
      [
        [true, 1, 'terminal'],
        [true, 1, 'terminal'],
      ],
      'the pod is shown beside both',
    );
    const ledger = (await told('costs', ['costs', '--by', 'job']))?.['ledger'] as {
      jobs: { job: string; dollars: number; seconds: number; costPerHour: number; askedBy: { by: string } }[];
      helpers: { purpose: string; pods: number; dollars: number }[];
      today: { dollars: number; billed: number };
      total: number;
      bill: { otherPods: number };
    };
    const price = ledger.jobs[0]?.costPerHour ?? NaN;
    const summed = ledger.jobs.reduce((sum, job) => sum + job.dollars, 0);
    near(
      jobs.reduce((sum, { cost }) => sum + cost, 0),
      summed,
      price,
    );
    assert.deepEqual(
      ledger.helpers.map(({ purpose, pods }) => [purpose, pods]),
      [['sync', 1]],
    );
    assert.equal(ledger.bill.otherPods, 0, 'every pod of the bill is known here');
    assert.equal(ledger.total.toFixed(9), (summed + (ledger.helpers[0]?.dollars ?? NaN)).toFixed(9));
    assert.equal(ledger.today.dollars.toFixed(9), ledger.total.toFixed(9));
    near(ledger.today.dollars, ledger.today.billed, price);

    const text = (await world.run(['costs', '--by', 'job'])).stdout;
    assert.match(text, /asked by/);
    assert.match(text, /terminal on \S+/);
    assert.match(
      text,
      /Helper pods of this computer, beside its jobs: syncing free here, \$0\.\d+ on RunPod \(1 pod\)\./,
    );
  });
});
