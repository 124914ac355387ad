import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeImage } from '../../../faults/stage.ts';
import { until } from '../../../support/wait.ts';
import { World } from '../../jobs/harness.ts';
import { TestProject } from '../../jobs/projects.ts';

describe('a helper pod whose client is killed before it answers (R4.3)', function () {
  this.timeout(120_000);
  let world: World;
  let folder: string;
  let project: TestProject;
  let holds = false;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-killed-'));
    world = await World.open({
      imagePath: makeImage(folder),
      // Long enough for the lists to be asked before it answers.
      faults: { podStart: () => (holds ? sleep(8_000, undefined) : undefined) },
    });
    project = new TestProject(world.folder, {
      name: 'left',
      steps: [{ name: 'only', shell: 'echo kept > out.txt' }],
      onFinish: { fetch: ['out.txt'] },
    });
    const { code, stdout } = await world.run(['run', project.file, '--yes', '--detach']);
    assert.equal(code, 0, stdout);
    holds = true;
    await until('the pod of the job ends', async () => (await world.pods()).length === 0, 60_000);
  });
  after(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Each command that rents a pod beside those of jobs. */
  const renting: Record<string, [words: () => string[], by: RegExp]> = {
    fetch: [() => ['fetch', 'left'], /this computer: fetching results of left/],
    sync: [() => ['sync', project.file, '--route', 'gateway'], /this computer: syncing left/],
    backup: [
      () => ['backup', project.file, '--route', 'gateway', '--into', path.join(folder, 'backup')],
      /this computer: backing up left/,
    ],
    move: [() => ['move', 'tests', '--to', 'EU-RO-1', '--way', 'pod-to-pod'], /this computer: moving a volume/],
    'verify-platform': [() => ['verify-platform'], /this computer: checking the platform/],
  };
  let known = 0;
  /** What the lists say of pods. */
  const told = async (): Promise<string> =>
    (await world.run(['jobs'])).stdout.replaceAll(/\s+/g, ' ') +
    (await world.run(['radar'])).stdout.replaceAll(/\s+/g, ' ');
  for (const [name, [words, by]] of Object.entries(renting)) {
    it(`${name}: it is known as this computer's, as left when it is, and ends by itself`, async () => {
      const client = world.start([...words(), '--yes', '--json']);
      const rented = await until(
        'a pod is rented',
        async () => {
          const pods = await world.pods();
          return pods.length > 0 && pods;
        },
        30_000,
      );
      const { name: pod = '' } = rented[0] ?? {};
      assert.match(pod, /^rpt-/);
      // Noted as soon as it is granted.
      const folder = path.join(world.home, 'helpers');
      await until('it is noted', () => existsSync(folder) && readdirSync(folder).length > known);
      known = readdirSync(folder).length;
      const atWork = await told();
      assert.doesNotMatch(atWork, /not started from here|another computer|was ended/);
      assert.match(atWork, by);
      client.signal('SIGKILL');
      await client.ended;
      const left = await told();
      assert.doesNotMatch(left, /not started from here|another computer/);
      assert.match(left, by);
      assert.match(left, new RegExp(`! +${pod} [^!]*The program that worked with it was ended`));
      await until('no pod is left', async () => (await world.pods()).length === 0, 60_000);
    });
  }
});
