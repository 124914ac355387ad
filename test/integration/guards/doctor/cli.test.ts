import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkIds } from '../../../../src/core/guards/doctor/check.ts';
import { World, type Told } from '../../jobs/harness.ts';
import { TestProject, untilGo } from '../../jobs/projects.ts';

describe('doctor on the command line (R9.8)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('follows the newest job, tells people and programs the same, and fails when something is wrong', async () => {
    const project = new TestProject(world.folder, { name: 'sick', steps: [{ name: 'one', shell: untilGo }] });
    const alone = await world.run(['doctor']);
    assert.equal(alone.code, 0, alone.stderr);
    assert.match(alone.stdout, /✓ API key +\d+ ms +accepted by 127\.0\.0\.1/);
    assert.match(alone.stdout, /· Pod +no pod was named/);

    const started = await world.run(['run', project.file, '--yes', '--detach']);
    assert.equal(started.code, 0, started.stderr);
    const [record] = world.records();
    assert.ok(record?.pod !== undefined);
    for (const name of [[], [record.job], [record.pod.id], [record.pod.name]]) {
      const { code, stdout, stderr } = await world.run(['doctor', ...name, '--json']);
      assert.equal(code, 0, stdout + stderr);
      const told = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Told);
      assert.deepEqual(
        told.filter((t) => t.type === 'check').map((t) => t.id),
        [...checkIds],
      );
      assert.deepEqual(told.at(-1)?.failed, []);
    }
    const { stdout } = await world.run(['doctor']);
    const lines = stdout.split('\n').filter((line) => /^[✓✗?·]/.test(line));
    assert.equal(lines.length, checkIds.length, stdout);
    const columns = new Set(lines.filter((l) => / \d+ ms {2}/.test(l)).map((l) => l.indexOf(' ms  ')));
    assert.equal(columns.size, 1, 'times are aligned');
    assert.match(stdout, /Nothing is wrong\./);

    writeFileSync(path.join(await world.volume('tests'), 'projects', 'sick', 'go'), '');
    assert.equal((await world.run(['attach'])).code, 0);
    const gone = await world.run(['doctor', record.job]);
    assert.equal(gone.code, 1, gone.stdout);
    assert.match(gone.stdout, /✗ Pod +\d+ ms +The pod of the job .* is gone/);
    assert.match(gone.stdout, /runpod-trainer fetch/);
    assert.match(gone.stdout, /One check failed/);
  });

  it('tells a wrong key and shows none', async () => {
    const { code, stdout } = await world.run(['doctor', 'pod1'], { RUNPOD_API_KEY: 'rpa_WRONGWRONG' });
    assert.equal(code, 1);
    assert.match(stdout, /✗ API key .*does not accept the API key/s);
    assert.match(stdout, /· SSH login +needs: Host key/);
    assert.ok(!stdout.includes('rpa_WRONG'));
  });
});
