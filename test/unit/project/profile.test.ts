import assert from 'node:assert/strict';
import { applyProfile } from '../../../src/core/project/profile.ts';
import { projectSchema } from '../../../src/core/project/schema.ts';

const project = projectSchema.parse({
  version: 1,
  name: 'sample',
  target: { volume: { name: 'v' }, gpus: ['NVIDIA L4'], image: 'i' },
  sync: { must: ['app/'], data: ['data/*.parquet'] },
  env: { A: '1', B: '1' },
  steps: [
    { name: 'one', shell: 'true', where: 'local' },
    { name: 'two', shell: 'true' },
  ],
  caps: { hours: 2, dollars: 3 },
  profiles: { far: { where: 'pod', sync: { data: [] }, env: { B: '2' }, caps: { dollars: 1 } } },
});

describe('profiles (R3.3)', () => {
  it('moves every step and replaces only what it names', () => {
    const far = applyProfile(project, 'far');
    assert.deepEqual(
      far.steps.map((s) => s.where),
      ['pod', 'pod'],
    );
    assert.deepEqual(far.sync, { must: ['app/'], data: [], optional: [], never: [] });
    assert.deepEqual(far.env, { A: '1', B: '2' });
    assert.deepEqual(far.caps, { hours: 2, dollars: 1 });
    assert.equal(project.steps[0]?.where, 'local', 'the project itself is unchanged');
  });

  it('names the profiles that exist when one is unknown', () => {
    assert.throws(() => applyProfile(project, 'near'), /no profile "near".*far/s);
  });
});
