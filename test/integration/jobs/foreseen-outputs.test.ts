import assert from 'node:assert/strict';
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { World } from './harness.ts';
import { TestProject } from './projects.ts';

/** What became of outputs on the volume is told before the click where S3 can tell it (R3.8, R4.2). */
describe('outputs of steps that will be skipped', function () {
  this.timeout(180_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('are looked at over S3: what is gone, empty or changed is named; without keys it is said that nobody looked', async () => {
    const project = new TestProject(world.folder, {
      name: 'outputs',
      steps: [
        {
          name: 'make',
          shell: 'mkdir -p out; echo one > out/a.pt; echo two > out/b.pt; ln -sfn a.pt out/last.pt',
          inputs: ['in.txt'],
          outputs: ['out/*'],
        },
        { name: 'read', shell: 'cat out/a.pt > read.txt', inputs: ['out/*'], outputs: ['read.txt'] },
      ],
      sync: { must: ['in.txt'] },
      onFinish: { fetch: [] },
    });
    project.write('in.txt', '1\n');
    const keys = {
      RUNPOD_TRAINER_S3_URL: world.sandbox.s3Url,
      RUNPOD_S3_ACCESS_KEY_ID: world.sandbox.s3Keys.accessKeyId,
      RUNPOD_S3_SECRET_ACCESS_KEY: world.sandbox.s3Keys.secretAccessKey,
    };
    const planned = async (env: NodeJS.ProcessEnv = keys): Promise<string> => {
      const { code, stdout, stderr } = await world.run(['plan', project.file], env);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const ran = await world.runJson(['run', project.file, '--yes']);
    assert.equal(ran.code, 0, ran.stderr);
    const left = /make is skipped: nothing changed since it passed, and its outputs are as it left them/;
    assert.match(await planned(), left);
    assert.match(await planned({}), /make is skipped, if its outputs are still there as they were left/);

    const folder = path.join(await world.volume('tests'), 'projects', 'outputs');
    const place = path.join(folder, 'out', 'b.pt');
    const before = readFileSync(place);
    rmSync(place);
    const gone = await planned();
    assert.match(gone, /make will run: output out\/b\.pt is gone/);
    assert.match(gone, /read will run: make will run before it and may change its input out\/\*/);
    writeFileSync(place, '');
    assert.match(await planned(), /make will run: output out\/b\.pt is empty/);
    writeFileSync(place, before);
    utimesSync(place, new Date('2026-01-01'), new Date('2026-01-01'));
    assert.match(await planned(), /make will run: output out\/b\.pt changed since/);
    rmSync(path.join(folder, '.runpod-trainer', 'steps', 'read.json'));
    assert.match(await planned(), /read will run: it never ran, or its last run did not pass/);
  });
});
