import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadProject, type LoadedProject } from '../../../src/core/project/load.ts';
import type { Volume } from '../../../src/core/runpod/schemas.ts';
import { backup, type BackupOptions, type BackupReport } from '../../../src/core/volumes/backup.ts';
import type { RouteKind } from '../../../src/core/volumes/plan/index.ts';
import { Account } from '../../support/account.ts';
import { until } from '../../support/wait.ts';

describe('a project is backed up (R2.6)', function () {
  this.timeout(60_000);
  let account: Account;
  let volume: Volume;
  let loaded: LoadedProject;
  const job = 'rainbow-20261122-093012-k3f9';

  before(async () => {
    account = await Account.open();
    volume = await account.volume('data');
    const root = path.join(account.folder, 'project');
    mkdirSync(root);
    const target = { volume: { name: 'data' }, cpu: {}, image: 'runpod/base:1.0.2-ubuntu2404' };
    const file = path.join(root, 'training.runpod.json');
    writeFileSync(file, JSON.stringify({ version: 1, name: 'rainbow', target, steps: [{ name: 'a', shell: 'true' }] }));
    loaded = await loadProject(file);
    put('projects/rainbow/data/base.parquet', randomBytes(9_000_000));
    put('projects/rainbow/output/checkpoint-10/model.safetensors', 'weights');
    put('projects/rainbow/adapters/adapter.bin', 'adapter');
    put('projects/rainbow/notebooks/phase_1.ipynb', '{}');
    put('projects/rainbow/.runpod-trainer/steps/one.json', '{}');
    put('projects/rainbow/src/__pycache__/m.pyc', 'compiled');
    put(`.runpod-trainer/jobs/${job}/events.jsonl`, '{"type":"job.started"}\n');
    put(`.runpod-trainer/jobs/${job}/steps/01-a/stdout.log`, 'a line\n');
    put('.runpod-trainer/jobs/rainbow-two-20261122-093012-k3f9/events.jsonl', 'of another project');
    put('projects/rainbow-two/x', 'of another project');
  });
  after(() => account.close());

  const there = (name: string): string => path.join(account.sandbox.volumeDirectory(volume.id), name);
  function put(name: string, content: string | Buffer): void {
    mkdirSync(path.dirname(there(name)), { recursive: true });
    writeFileSync(there(name), content);
  }
  async function run(
    route: RouteKind | undefined,
    into: string,
    more: Partial<BackupOptions> = {},
  ): Promise<BackupReport> {
    const report = await backup(account.installation, {
      loaded,
      into,
      route,
      confirm: () => Promise.resolve(true),
      onEvent: () => undefined,
      ...more,
    });
    assert.ok(report);
    return report;
  }

  for (const route of ['s3', 'gateway', 'ssh'] as const) {
    it(`over ${route}: everything of the project comes home, and the second time only what changed`, async () => {
      const pod = route === 'ssh' ? await account.rentPod(volume) : undefined;
      const into = path.join(account.folder, `over ${route}`);
      const first = await run(route, into);
      assert.deepEqual([first.route, first.notRead], [route, []]);
      for (const name of ['data/base.parquet', 'output/checkpoint-10/model.safetensors', 'adapters/adapter.bin']) {
        assert.ok(
          readFileSync(path.join(into, 'files', name)).equals(readFileSync(there(`projects/rainbow/${name}`))),
          name,
        );
      }
      assert.equal(readFileSync(path.join(into, 'jobs', job, 'steps/01-a/stdout.log'), 'utf8'), 'a line\n');
      assert.ok(!existsSync(path.join(into, 'jobs', 'rainbow-two-20261122-093012-k3f9')));
      assert.ok(!existsSync(path.join(into, 'files', '.runpod-trainer', 'steps')));
      assert.ok(!existsSync(path.join(into, 'files', 'src')));
      const files = 4 + 2;
      assert.deepEqual([first.files, first.fetched.files, first.unchanged], [files, files, 0]);
      assert.deepEqual(JSON.parse(readFileSync(path.join(into, 'BACKUP.json'), 'utf8')), first);
      put('projects/rainbow/notebooks/phase_1.ipynb', `{"by": "${route}"}`);
      const second = await run(route, into);
      assert.deepEqual([second.fetched.files, second.unchanged, second.files], [1, files - 1, files]);
      if (pod !== undefined) await account.installation.client.pods.terminate(pod);
      await until('no pod is left', async () => (await account.pods()).length === 0);
    });
  }

  it('takes S3 where it is there, else a pod that runs, else a gateway whose price is asked', async () => {
    const into = path.join(account.folder, 'chosen');
    assert.equal((await run(undefined, into)).route, 's3');
    const { installation } = account;
    const blind = { ...installation, s3: undefined };
    const pod = await account.rentPod(volume);
    const options = { loaded, into, confirm: () => Promise.resolve(false), onEvent: () => undefined };
    assert.equal((await backup(blind, options))?.route, 'ssh');
    await installation.client.pods.terminate(pod);
    await until('no pod is left', async () => (await account.pods()).length === 0);
    assert.equal(await backup(blind, options), undefined);
  });

  it('takes only what the patterns name, and says what could not be read', async () => {
    const into = path.join(account.folder, 'some');
    // A folder of this name cannot be a file here.
    mkdirSync(path.join(into, 'files', 'adapters', 'adapter.bin'), { recursive: true });
    const report = await run('s3', into, { patterns: ['adapters/', 'notebooks/'] });
    assert.equal(report.notRead.length, 1);
    assert.match(report.notRead.join(''), /adapter\.bin/);
    assert.ok(statSync(path.join(into, 'files', 'notebooks', 'phase_1.ipynb')).isFile());
    assert.ok(!existsSync(path.join(into, 'files', 'data')));
    assert.deepEqual(JSON.parse(readFileSync(path.join(into, 'BACKUP.json'), 'utf8')), report);
  });

  it('goes on where it stood when it was cut', async () => {
    const into = path.join(account.folder, 'cut');
    const pod = await account.rentPod(volume);
    put('projects/rainbow/data/large.bin', randomBytes(60_000_000));
    let cuts = 0;
    const report = await run('ssh', into, {
      onEvent: (event) => {
        if (event.type === 'transfer' && event.bytes > 30_000_000 && cuts === 0) {
          cuts += 1;
          const link = account.sandbox.link(pod);
          link.cut();
          link.restore();
        }
      },
    });
    assert.deepEqual([cuts, report.notRead], [1, []]);
    const large = 'data/large.bin';
    assert.ok(readFileSync(path.join(into, 'files', large)).equals(readFileSync(there(`projects/rainbow/${large}`))));
    rmSync(there('projects/rainbow/data/large.bin'));
    await account.installation.client.pods.terminate(pod);
  });
});
