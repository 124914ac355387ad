import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { World } from './harness.ts';
import { TestProject } from './projects.ts';

describe('a smoke run (R4.1)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('tries the steps of the pod in a folder of its own, without gates that need a whole training', async () => {
    const project = new TestProject(world.folder, {
      name: 'songs',
      steps: [
        { name: 'extract', shell: 'echo local > local.txt', where: 'local' },
        {
          name: 'train',
          shell: 'echo "smoke is $RUNPOD_TRAINER_SMOKE" > seen.txt',
          gates: [
            { type: 'file', path: 'seen.txt' },
            { type: 'metric', name: 'accuracy', min: 0.9 },
          ],
        },
      ],
    });
    const { code, result, stderr } = await world.runJson(['run', project.file, '--smoke', '--yes']);
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      result.steps.map((step) => [step.name, step.status]),
      [['train', 'passed']],
    );
    const projects = path.join(await world.volume('tests'), 'projects');
    assert.equal(readFileSync(path.join(projects, 'songs-smoke', 'seen.txt'), 'utf8'), 'smoke is 1\n');
    assert.ok(!existsSync(path.join(projects, 'songs')), 'the real folder is not touched');
    assert.ok(!existsSync(path.join(path.dirname(project.file), 'local.txt')), 'nothing ran on this machine');
    assert.deepEqual(await world.pods(), []);
  });

  it('takes the cheapest GPU that will do, not the one of the project', async () => {
    const project = new TestProject(world.folder, {
      name: 'large',
      target: { gpus: ['NVIDIA A100-SXM4-80GB'] },
      steps: [{ name: 'train', shell: 'true' }],
    });
    const { code, told, stderr } = await world.runJson(['run', project.file, '--smoke', '--yes', '--no-check']);
    assert.equal(code, 0, stderr);
    const rented = told.find((event) => event.type === 'pod');
    assert.match(JSON.stringify(rented), /A100 80GB PCIe/);
  });

  it('says so when no step runs on a pod', async () => {
    const project = new TestProject(world.folder, {
      name: 'only-here',
      steps: [{ name: 'extract', shell: 'true', where: 'local' }],
    });
    const { code, stderr } = await world.run(['run', project.file, '--smoke', '--yes']);
    assert.equal(code, 2);
    assert.match(stderr, /nothing to try there/);
  });
});
