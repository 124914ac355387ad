import assert from 'node:assert/strict';
import { World, eventsOf } from './harness.ts';
import { smallProject } from './projects.ts';

describe('the main job on the sandbox (R3)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('first', async () => {
    const project = smallProject(world.folder, 'small');
    for (let i = 0; i < 2; i++) {
      const t = performance.now();
      const { code, told, result } = await world.runJson(['run', project.file, '--yes']);
      console.log(performance.now() - t, code, JSON.stringify(result, null, 1));
      console.log(told.filter((x) => x.type !== 'job').map((x) => JSON.stringify(x)).join('\n'));
      console.log(eventsOf(told).map((x) => `${x.time} ${x.type} ${x.step} ${x.text ?? x.reason ?? ''}`).join('\n'));
    }
    assert.ok(1);
  });
});
