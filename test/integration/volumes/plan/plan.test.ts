import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { TransferPlan } from '../../../../src/core/volumes/plan/index.ts';
import { World } from '../../jobs/harness.ts';
import { TestProject, untilGo } from '../../jobs/projects.ts';

const secret = `rpa_${'Ab3dE5fG7h'.repeat(4)}`;

describe('plan and dry run on the command line (R2.4)', () => {
  let world: World;
  let project: TestProject;

  before(async () => {
    world = await World.open();
    project = new TestProject(
      world.folder,
      {
        name: 'planned',
        steps: [{ name: 'one', shell: untilGo }],
        sync: { must: ['**'], never: ['raw/'], archives: [{ from: 'audio/', to: 'audio.tar' }] },
        onFinish: { pod: 'keep' },
      },
      {
        '.runpodignore': '*.tmp\n',
        'x.tmp': '',
        'raw/take.wav': '',
        'audio/1.wav': '1',
        'audio/2.wav': '2',
        'keys.py': `# one\nkey = "${secret}"\n`,
      },
    );
  });
  after(() => world.close());

  const s3Keys = (): NodeJS.ProcessEnv => ({
    RUNPOD_TRAINER_S3_URL: world.sandbox.s3Url,
    RUNPOD_S3_ACCESS_KEY_ID: world.sandbox.s3Keys.accessKeyId,
    RUNPOD_S3_SECRET_ACCESS_KEY: world.sandbox.s3Keys.secretAccessKey,
  });

  const planned = async (args: string[], env: NodeJS.ProcessEnv = {}): Promise<TransferPlan> => {
    const { code, stdout, stderr } = await world.run([...args, '--json'], env);
    assert.equal(code, 0, stdout + stderr);
    const told = JSON.parse(stdout) as { type: string; plan: TransferPlan };
    assert.equal(told.type, 'plan');
    return told.plan;
  };

  it('shows people the table: what goes, what stays, secrets, route and time, and spends nothing', async () => {
    const { code, stdout, stderr } = await world.run(['plan', project.file]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Project {4}planned$/m);
    assert.match(stdout, /^Volume {5}tests \(US-MD-1\)$/m);
    assert.match(stdout, /sends +\d+ B +code\.txt +must/);
    assert.match(stdout, /audio\.tar {2}2 files in/);
    assert.match(stdout, /\*\.tmp {2}1 file {2}\.runpodignore:1; x\.tmp/);
    assert.match(stdout, /raw\/ {2}1 folder {2}sync\.never; raw\//);
    assert.match(stdout, /keys\.py:2 {2}RunPod API key/);
    assert.match(stdout, /The volume tests does not exist yet/);
    assert.match(stdout, /^Route {6}Gateway pod\. There are no S3 keys.*CPU pod/ms);
    assert.match(stdout, /free here, \$\d+\.\d\d\/h on RunPod while\s+the\s+pod\s+runs/);
    assert.match(stdout, /^Time .*Assumes a line/m);
    assert.match(stdout, /^Saves .*an estimate/m);
    assert.ok(!stdout.includes(secret) && !stdout.includes('\u001b'));
    assert.equal(world.podsAsked(), 0);
    assert.ok(world.requests.every((request) => request.method === 'GET'));
  });

  it('is the same value for plan and sync --dry-run', async () => {
    const first = await planned(['plan', project.file]);
    assert.deepEqual(await planned(['sync', project.file, '--dry-run']), first);
    assert.deepEqual(
      first.send.map((file) => file.path),
      ['.runpodignore', 'audio.tar', 'code.txt', 'keys.py', 'training.runpod.json'],
    );
    assert.equal(first.comparedWith.kind, 'nothing');
  });

  it('takes S3 where there are keys, and refuses ways that are not there or not known', async () => {
    const plan = await planned(['plan', project.file], s3Keys());
    assert.equal(plan.route.kind, 's3');
    for (const [route, text] of [
      ['ssh', /No pod runs with the volume tests/],
      ['pigeon', /There is no route "pigeon"/],
    ] as const) {
      const { code, stderr } = await world.run(['plan', project.file, '--route', route], s3Keys());
      assert.equal(code, 2);
      assert.match(stderr, text);
    }
    assert.equal((await planned(['plan', project.file, '--route', 'gateway'], s3Keys())).route.kind, 'gateway');
  });

  it('works without a key from what this machine remembers', async () => {
    const { code, stdout, stderr } = await world.run(['plan', project.file], { RUNPOD_API_KEY: '' });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /There is no RunPod API key, so RunPod was not asked/);
    assert.match(stdout, /code\.txt/);
  });

  it('takes the pod that runs with the volume', async () => {
    // A run refuses to send it.
    rmSync(path.join(path.dirname(project.file), 'keys.py'));
    const started = await world.run(['run', project.file, '--yes', '--detach']);
    assert.equal(started.code, 0, started.stderr);
    const [record] = world.records();
    assert.ok(record?.pod !== undefined);
    const plan = await planned(['plan', project.file]);
    assert.deepEqual([plan.route.kind, plan.route.podId], ['ssh', record.pod.id]);
    assert.match(plan.volume.id ?? '', /./);
    assert.match(plan.route.reason, new RegExp(`${record.pod.name} runs with this volume`));
    const cancelled = await world.run(['cancel', record.job]);
    assert.equal(cancelled.code, 0, cancelled.stderr);
  });

  it('writes nothing into the project but its own folder, and no secret there', () => {
    const own = path.join(project.root, '.runpod-trainer');
    for (const entry of readdirSync(own, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) {
        assert.ok(!readFileSync(path.join(entry.parentPath, entry.name), 'utf8').includes(secret), entry.name);
      }
    }
  });
});
