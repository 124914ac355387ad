import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadProject, type LoadedProject } from '../../../src/core/project/load.ts';
import type { Volume } from '../../../src/core/runpod/schemas.ts';
import { planSync, runSync, type SyncOptions, type SyncResult } from '../../../src/core/volumes/sync.ts';
import type { RouteKind, TransferPlan } from '../../../src/core/volumes/plan/index.ts';
import { Account } from '../../support/account.ts';
import { until } from '../../support/wait.ts';

describe('a project is synced (R2.1, R2.4, R2.5)', () => {
  let account: Account;
  let volume: Volume;
  let podId = '';

  before(async () => {
    account = await Account.open();
    volume = await account.volume('data');
  });
  after(() => account.close());

  /** A project with a few files in a folder of its own. */
  async function makeProject(name: string): Promise<LoadedProject> {
    const root = path.join(account.folder, name);
    mkdirSync(path.join(root, 'src'), { recursive: true });
    mkdirSync(path.join(root, 'data'));
    for (let i = 0; i < 30; i += 1) writeFileSync(path.join(root, 'src', `m${i}.py`), `print(${i})\n`);
    writeFileSync(path.join(root, 'data', 'large.bin'), Buffer.alloc(9_000_000, name));
    const file = path.join(root, 'training.runpod.json');
    const target = { volume: { name: 'data' }, cpu: {}, image: 'runpod/base:1.0.2-ubuntu2404' };
    const sync = { must: ['src/'], data: ['data/'] };
    writeFileSync(file, JSON.stringify({ version: 1, name, target, sync, steps: [{ name: 'a', shell: 'true' }] }));
    return loadProject(file);
  }

  const there = (name: string, file: string): string =>
    path.join(account.sandbox.volumeDirectory(volume.id), 'projects', name, file);

  async function sync(
    loaded: LoadedProject,
    how: { route?: RouteKind; deletes?: boolean; replace?: SyncOptions['replace'] } = {},
  ): Promise<{ plan: TransferPlan; result: SyncResult }> {
    const prepared = await planSync(account.installation, loaded, { route: how.route, deletes: how.deletes });
    const result = await runSync(account.installation, loaded, prepared, {
      replace: how.replace,
      confirm: () => Promise.resolve(true),
      onEvent: () => undefined,
    });
    assert.ok(result);
    return { plan: prepared.plan, result };
  }

  for (const route of ['s3', 'gateway', 'ssh'] as const) {
    it(`over ${route}: everything arrives, and the second time nothing is sent`, async () => {
      if (route === 'ssh') podId = await account.rentPod(volume);
      const loaded = await makeProject(`over-${route}`);
      const first = await sync(loaded, { route });
      assert.equal(first.plan.route.kind, route);
      assert.deepEqual([first.result.sent, first.plan.totals.files], [31, 31]);
      assert.equal(readFileSync(there(`over-${route}`, 'src/m7.py'), 'utf8'), 'print(7)\n');
      assert.equal(readFileSync(there(`over-${route}`, 'data/large.bin')).length, 9_000_000);
      const second = await sync(loaded, { route });
      assert.deepEqual([second.result.sent, second.result.bytes], [0, 0]);
      assert.equal(second.plan.unchanged.files, 31);
      const own = route === 'ssh' ? [podId] : [];
      assert.deepEqual(
        (await account.pods()).map((pod) => pod.id),
        own,
      );
    });

    it(`over ${route}: what changed is sent, what is gone is deleted when asked, a stranger's file stays`, async () => {
      const name = `over-${route}`;
      const loaded = await loadProject(path.join(account.folder, name, 'training.runpod.json'));
      writeFileSync(path.join(loaded.root, 'src', 'm1.py'), 'print("new")\n');
      rmSync(path.join(loaded.root, 'src', 'm2.py'));
      writeFileSync(there(name, 'src/output.txt'), 'of a step');
      const kept = await sync(loaded, { route });
      assert.deepEqual([kept.result.sent, kept.result.deleted], [1, 0]);
      assert.ok(existsSync(there(name, 'src/m2.py')));
      const gone = await sync(loaded, { route, deletes: true });
      assert.deepEqual([gone.plan.deletes, gone.result.deleted], [['src/m2.py'], 1]);
      assert.ok(!existsSync(there(name, 'src/m2.py')));
      assert.equal(readFileSync(there(name, 'src/output.txt'), 'utf8'), 'of a step');
    });

    it(`over ${route}: a file that changed on both sides is left, unless it shall be replaced`, async () => {
      const name = `over-${route}`;
      const loaded = await loadProject(path.join(account.folder, name, 'training.runpod.json'));
      writeFileSync(path.join(loaded.root, 'src', 'm3.py'), 'print("here")\n');
      writeFileSync(there(name, 'src/m3.py'), 'print("changed there")\n');
      const { plan, result } = await sync(loaded, { route });
      assert.deepEqual([plan.conflicts.map((c) => c.path), result.left], [['src/m3.py'], ['src/m3.py']]);
      assert.equal(readFileSync(there(name, 'src/m3.py'), 'utf8'), 'print("changed there")\n');
      await sync(loaded, { route, replace: 'all' });
      assert.equal(readFileSync(there(name, 'src/m3.py'), 'utf8'), 'print("here")\n');
    });
  }

  it('over s3: a file that changes there after the plan is left and told', async () => {
    const loaded = await makeProject('late');
    await sync(loaded, { route: 's3' });
    writeFileSync(path.join(loaded.root, 'src', 'm3.py'), 'print("here")\n');
    const prepared = await planSync(account.installation, loaded, { route: 's3' });
    assert.deepEqual([prepared.plan.totals.files, prepared.plan.conflicts], [1, []]);
    writeFileSync(there('late', 'src/m3.py'), 'print("changed there")\n');
    const options = { confirm: () => Promise.resolve(true), onEvent: () => undefined };
    const result = await runSync(account.installation, loaded, prepared, options);
    assert.deepEqual([result?.sent, result?.left], [0, ['src/m3.py']]);
    assert.equal(readFileSync(there('late', 'src/m3.py'), 'utf8'), 'print("changed there")\n');
  });

  it('over a gateway without S3: what nobody could see before is told before anything is sent', async () => {
    const loaded = await makeProject('blind');
    const installation = { ...account.installation, s3: undefined };
    await account.installation.client.pods.terminate(podId);
    await until('the pod is gone', async () => (await account.pods()).length === 0);
    const options = { confirm: () => Promise.resolve(true), onEvent: () => undefined };
    const first = await planSync(installation, loaded);
    assert.deepEqual([first.plan.route.kind, first.plan.comparedWith.kind], ['gateway', 'nothing']);
    await runSync(installation, loaded, first, options);
    writeFileSync(path.join(loaded.root, 'src', 'm3.py'), 'print("here")\n');
    writeFileSync(there('blind', 'src/m3.py'), 'print("changed there")\n');
    const second = await planSync(installation, loaded);
    assert.deepEqual([second.plan.comparedWith.kind, second.plan.totals.files], ['last-known', 1]);
    await assert.rejects(runSync(installation, loaded, second, options), { code: 'push-conflicts' });
    assert.equal(readFileSync(there('blind', 'src/m3.py'), 'utf8'), 'print("changed there")\n');
    assert.deepEqual(await account.pods(), []);
  });

  it('over a gateway that the user does not want: nothing is rented and nothing sent', async () => {
    const loaded = await makeProject('unwanted');
    const prepared = await planSync(account.installation, loaded, { route: 'gateway' });
    const before = account.posts();
    const options = { confirm: () => Promise.resolve(false), onEvent: () => undefined };
    assert.equal(await runSync(account.installation, loaded, prepared, options), undefined);
    assert.equal(account.posts(), before);
  });

  it('not at all while a file that must be there is missing', async () => {
    const loaded = await makeProject('incomplete');
    rmSync(path.join(loaded.root, 'data'), { recursive: true });
    await assert.rejects(sync(loaded, { route: 's3' }), { code: 'files-missing', message: /data\// });
    assert.ok(!existsSync(there('incomplete', 'src')));
  });
});
