import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { repository, World } from './harness.ts';

describe('the sample with a color removed (R3.2)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('stops at the gate of the manifest, names Green, rents nothing', async () => {
    const project = path.join(world.folder, 'rainbow');
    const kept = ['app', 'training', 'training.runpod.json', 'requirements.txt'];
    for (const name of kept) {
      cpSync(path.join(repository, 'examples', 'rainbow', name), path.join(project, name), {
        recursive: true,
        // What earlier runs made must not be found.
        filter: (file) => !/__pycache__|\.parquet$|training\/output/.test(file),
      });
    }
    const file = path.join(project, 'training.runpod.json');
    const { code, result } = await world.runJson(['run', file, '--yes', '--profile', 'without-green']);
    assert.equal(code, 1, result.reason);
    assert.deepEqual(result.steps.map((s) => s.status).slice(0, 4), ['passed', 'failed', 'waiting', 'waiting']);
    const gate = result.steps[1]?.gates[0];
    assert.deepEqual(gate?.evidence.missing, ['Green']);
    assert.match(result.reason ?? '', /Green/);
    assert.equal(world.podsAsked(), 0);
  });
});
