import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PlatformFile } from '../../../../src/core/guards/verify/index.ts';
import { until } from '../../../support/wait.ts';
import { World } from '../../jobs/harness.ts';
import { TestProject } from '../../jobs/projects.ts';

describe('verify-platform on the command line', () => {
  let world: World;
  const platformFile = (): string => path.join(world.home, 'platform.json');
  beforeEach(async () => {
    world = await World.open({ podKeyRights: 'none' });
  });
  afterEach(() => world.close());

  it('says what it will do and costs, and does nothing without consent', async () => {
    const { code, stdout, stderr } = await world.run(['verify-platform', '--volume']);
    assert.equal(code, 2);
    assert.match(
      stdout,
      /questions that cost nothing.*one CPU pod \(cpu\w+, 2 vCPU, free here, \$0\.0\d\/h on RunPod\) with a new volume of 10 GB/s,
    );
    assert.match(stdout, /Ctrl-C/);
    assert.match(stderr, /Start \(free here, at most \$0\.0\d+ on RunPod\)\?/);
    assert.deepEqual(
      world.requests.filter((r) => r.method !== 'GET'),
      [],
    );
  });

  it('keeps what it found, and the next run reads it: the disk is raised, who holds the cap is said', async () => {
    const { code, stdout, stderr } = await world.run(['verify-platform', '--yes']);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /✓ What may a pod's own key do\?\n {2}GET 403, start 403 \(409 means allowed\), PATCH 403/);
    assert.match(stdout, /· .*S3.*\n {2}it needs a new volume, which was not asked for, and S3 keys/);
    assert.match(stdout, /Kept in .*platform\.json; 1 question is still open\. Nothing of this check is left running/);
    const text = readFileSync(platformFile(), 'utf8');
    assert.match(text, /"podKeyRights": \{\s*"value": "none"/);
    assert.ok(!text.includes('rpa_'));
    assert.deepEqual(await world.pods(), []);

    // The platform may come to want more than the project asks for.
    await new PlatformFile(world.home).save(world.sandbox.restUrl, {
      minDiskGb: { value: 25, time: new Date().toISOString(), evidence: '20 GB was refused' },
    });
    const project = new TestProject(world.folder, { name: 'after', steps: [{ name: 'one', shell: 'df -k /' }] });
    const run = await world.run(['run', project.file, '--yes']);
    assert.equal(run.code, 0, run.stdout + run.stderr);
    assert.match(run.stdout, /Note +RunPod lets no pod of this account end itself: the cap holds only while/);
    assert.match(run.stdout, /no pod with less than 25 GB of container disk/);
    assert.deepEqual(await world.pods(), []);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends what it created on ${signal}`, async () => {
      const cli = world.start(['verify-platform', '--yes', '--volume']);
      await until('it has a pod', async () => (await world.pods()).length > 0);
      cli.signal(signal);
      const { code, stderr } = await cli.ended;
      assert.equal(code, 4, stderr);
      assert.deepEqual(await world.pods(), []);
      const answer = await fetch(`${world.sandbox.restUrl}/network-volumes`, {
        headers: { authorization: `Bearer ${world.sandbox.key}` },
      });
      assert.deepEqual(await answer.json(), { networkVolumes: [] });
      const kept = readFileSync(platformFile(), 'utf8');
      assert.ok(kept.includes('"dataCenters"') && !kept.includes('"terminateSeconds"'), 'what was found until then');
    });
  }

  it('leaves a pod that "jobs" shows when it is killed', async () => {
    const cli = world.start(['verify-platform', '--yes']);
    await until('it has a pod', async () => (await world.pods()).length > 0);
    cli.signal('SIGKILL');
    await cli.ended;
    assert.match((await world.run(['jobs'])).stdout, /! rpt-verify-\w+ \(/);
  });
});
