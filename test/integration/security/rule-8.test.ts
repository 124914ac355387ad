import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { World } from '../jobs/harness.ts';
import { TestProject } from '../jobs/projects.ts';

describe('rule 8: secrets go to the steps that list them', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  it('rule 8: each step has its own secrets and no key of RunPod, neither here nor on the pod', async () => {
    const show = (name: string, fields: object): Record<string, unknown> => ({
      name,
      shell: `mkdir -p out; env > out/${name}.txt`,
      ...fields,
    });
    const project = new TestProject(world.folder, {
      name: 'each',
      steps: [
        show('here', { where: 'local', secrets: ['SECRET_B'], outputs: ['out/here.txt'] }),
        show('first', { secrets: ['SECRET_A'] }),
        show('second', { secrets: ['SECRET_B'] }),
        show('third', {}),
      ],
      onFinish: { fetch: ['out/**'] },
    });
    const secrets = { SECRET_A: 'value-of-a-4711', SECRET_B: 'value-of-b-4712', SECRET_C: 'value-of-c-4713' };
    const { code, result } = await world.runJson(['run', project.file, '--yes'], {
      ...secrets,
      RUNPOD_S3_SECRET_KEY: 'rps_value-of-s3-4714',
    });
    assert.equal(code, 0);
    const expected = { here: ['b'], first: ['a'], second: ['b'], third: [] };
    for (const [step, own] of Object.entries(expected)) {
      const folder = step === 'here' ? project.root : (result.results ?? '');
      const environment = readFileSync(path.join(folder, 'out', `${step}.txt`), 'utf8');
      const found = [...environment.matchAll(/value-of-(\w+)-/g)].map((m) => m[1]);
      assert.deepEqual(found, own, step);
      assert.doesNotMatch(environment, /RUNPOD_API_KEY|rpa_|rps_/, step);
    }
  });

  for (const name of ['RUNPOD_API_KEY', 'RUNPOD_S3_SECRET_KEY', 'runpod_api_key']) {
    it(`rule 8: a project file that asks for ${name} is refused, and nothing is sent anywhere`, async () => {
      const project = new TestProject(world.folder, {
        name: `greedy-${name.toLowerCase().replaceAll('_', '-')}`,
        steps: [{ name: 'one', shell: 'true', secrets: [name] }],
      });
      const asked = world.podsAsked();
      const { code, stderr } = await world.run(['run', project.file, '--yes'], { [name]: world.sandbox.key });
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`Steps ask for ${name}, which no step may have`));
      assert.match(stderr, /Remove the name from "secrets"/);
      assert.ok(!stderr.includes(world.sandbox.key));
      assert.equal(world.podsAsked(), asked);
    });
  }
});
