import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { World } from '../jobs/harness.ts';
import { TestProject } from '../jobs/projects.ts';

describe('rule 2: commands of a project file run on this machine only with consent', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('rule 2: consent is for what was shown: once per content, and again when it changes', async () => {
    const project = new TestProject(world.folder, {
      name: 'consent',
      steps: [{ name: 'here', where: 'local', shell: 'touch ran.txt' }],
    });
    const ran = path.join(project.root, 'ran.txt');
    const refused = await world.run(['run', project.file]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /These steps of the project file run on this machine:\s+here: touch ran\.txt/);
    assert.ok(!existsSync(ran));
    assert.equal((await world.run(['run', project.file, '--yes'])).code, 0);
    rmSync(ran);
    // The same again needs no second consent; the step runs because its file is gone.
    assert.equal((await world.run(['run', project.file, '--from', 'here'])).code, 0);
    assert.ok(existsSync(ran));
    rmSync(ran);
    project.changeStep('here', { shell: 'touch ran.txt; true' });
    assert.equal((await world.run(['run', project.file])).code, 2);
    assert.ok(!existsSync(ran));
  });
});
