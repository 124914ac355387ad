import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { keeperOf, World } from './harness.ts';
import { TestProject } from './projects.ts';

describe('a kept pod with a cap (R2.4, R4.3)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('is used by all runs that follow, and one keeper ends it at the cap of the last one', async function () {
    // Three runs, of which each waits for the volume and its pod.
    this.timeout(180_000);
    const project = new TestProject(world.folder, {
      name: 'kept',
      steps: [{ name: 'who', shell: 'date > who.txt', inputs: ['code.txt'] }],
      onFinish: { pod: 'keep', fetch: ['who.txt'] },
      caps: { hours: 1 },
    });
    const pods = new Set<unknown>();
    const jobs: string[] = [];
    for (const turn of [1, 2, 3]) {
      project.write('code.txt', `turn ${turn}\n`);
      const { code, told, result, stderr } = await world.runJson(['run', project.file, '--yes']);
      assert.equal(code, 0, stderr);
      assert.ok(existsSync(`${result.results}/who.txt`));
      pods.add(told.findLast((t) => t.type === 'pod')?.podId);
      jobs.push(result.job);
    }
    assert.equal(pods.size, 1);
    assert.equal(world.podsAsked(), 1);
    assert.equal((await world.pods()).length, 1);
    // Before the next one, what it will do and cost is said with that pod.
    project.write('code.txt', 'turn 4\n');
    const planned = await world.run(['plan', project.file, '--json']);
    const { pod: foreseen, estimate } = JSON.parse(planned.stdout) as {
      pod?: { id: string; costPerHour: number };
      estimate: { likely: number; seconds: { low: number }; assumptions: string[] };
    };
    const [{ id, cost } = { id: '', cost: 0 }] = (await world.pods()) as unknown as { id: string; cost: number }[];
    assert.deepEqual([foreseen?.id, foreseen?.costPerHour], [id, cost], planned.stdout + planned.stderr);
    assert.ok(estimate.seconds.low < 60, `nothing has to start: ${estimate.seconds.low} s`);
    assert.match(estimate.assumptions.join('\n'), /is used again, so none has to start/);
    assert.match((await world.run(['plan', project.file])).stdout, /The idle pod rpt-kept\S* is used again: CPU pod/);
    assert.equal(world.podsAsked(), 1);
    const [pod] = pods;
    assert.ok(keeperOf(String(pod)), 'the pod is still capped');
    assert.equal(jobs.length, 3);
  });
});
