import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeImage } from '../../../faults/stage.ts';
import { until } from '../../../support/wait.ts';
import { World } from '../../jobs/harness.ts';
import { TestProject } from '../../jobs/projects.ts';

describe('a helper pod whose client is killed before it answers (R4.3)', function () {
  this.timeout(120_000);
  let world: World;
  let folder: string;
  let project: TestProject;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-killed-'));
    world = await World.open({ imagePath: makeImage(folder) });
    project = new TestProject(world.folder, {
      name: 'left',
      steps: [{ name: 'only', shell: 'echo kept > out.txt' }],
      onFinish: { fetch: ['out.txt'] },
    });
    const { code, stdout } = await world.run(['run', project.file, '--yes', '--detach']);
    assert.equal(code, 0, stdout);
    await until('the pod of the job ends', async () => (await world.pods()).length === 0, 60_000);
  });
  after(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Each command that rents a pod beside those of jobs. */
  const renting: Record<string, () => string[]> = {
    fetch: () => ['fetch', 'left'],
    sync: () => ['sync', project.file, '--route', 'gateway'],
    backup: () => ['backup', project.file, '--route', 'gateway', '--into', path.join(folder, 'backup')],
    move: () => ['move', 'tests', '--to', 'EU-RO-1', '--way', 'pod-to-pod'],
    'verify-platform': () => ['verify-platform'],
  };
  for (const [name, words] of Object.entries(renting)) {
    it(`${name}: the pod ends by itself`, async () => {
      const client = world.start([...words(), '--yes', '--json']);
      const rented = await until(
        'a pod is rented',
        async () => {
          const pods = await world.pods();
          return pods.length > 0 && pods;
        },
        30_000,
      );
      client.signal('SIGKILL');
      await client.ended;
      assert.match(rented[0]?.name ?? '', /^rpt-/);
      await until('no pod is left', async () => (await world.pods()).length === 0, 60_000);
    });
  }
});
