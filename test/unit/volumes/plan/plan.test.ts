import assert from 'node:assert/strict';
import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { UserError } from '../../../../src/core/errors.ts';
import { projectSchema, type Project } from '../../../../src/core/project/schema.ts';
import {
  collect,
  lastKnownState,
  planTransfer,
  readLastKnown,
  rememberTransfer,
  type Collected,
  type FarState,
  type PlanOptions,
  type Surroundings,
  type TransferPlan,
} from '../../../../src/core/volumes/plan/index.ts';
import { asOrdinaryUser } from '../../../support/user.ts';
import { writeTree } from '../../../support/files.ts';
import { useTempFolder } from '../../../support/temp.ts';

const old = new Date('2026-02-03T04:05:06.789Z');
const nothing: FarState = { kind: 'nothing', at: null, files: {} };
const around: Surroundings = {
  asked: true,
  volume: { id: 'vol1', name: 'data', dataCenter: 'US-MD-1' },
  s3: { endpoint: 'yes', keys: true },
  pods: [],
  free: false,
};

function projectOf(sync: Partial<Project['sync']>): Project {
  return projectSchema.parse({
    version: 1,
    name: 'sample',
    target: { volume: { name: 'data' }, gpus: ['NVIDIA L4'], image: 'i' },
    sync,
    steps: [
      { name: 'make', shell: 'true', where: 'local', outputs: ['made/*.parquet'] },
      { name: 'train', shell: 'true' },
    ],
  });
}

/** The far end after everything that is here was sent, as its manifest tells it. */
function sent({ files }: Collected): FarState {
  const entries = files.map(({ path: name, size, sha256 }) => [
    name,
    { size, sha256, mtime: '2026-05-01T00:00:00.000Z' },
  ]);
  return { kind: 'volume', at: '2026-05-02T00:00:00.000Z', files: Object.fromEntries(entries) as FarState['files'] };
}

describe('transfer plan (R2.4, R2.5)', () => {
  const folder = useTempFolder();
  const root = (): string => path.join(folder.path, 'project');
  beforeEach(() => mkdir(root()));

  const write = async (files: Record<string, string | Buffer>): Promise<void> => {
    await writeTree(root(), files);
    for (const name of Object.keys(files)) {
      await utimes(path.join(root(), name), old, old);
    }
  };
  const loaded = (sync: Partial<Project['sync']> = { must: ['**'] }) => ({ root: root(), project: projectOf(sync) });
  const plan = async (options: Partial<PlanOptions> = {}, sync?: Partial<Project['sync']>): Promise<TransferPlan> =>
    (await planTransfer(loaded(sync), { far: nothing, around, ...options })).plan;

  it('sends new and changed files, and counts what is there', async () => {
    await write({ 'same.txt': 'same', 'changed.txt': 'old' });
    const far = sent(await collect(loaded()));
    await write({ 'changed.txt': 'newer', 'new.txt': 'new' });
    const { send, unchanged, totals, comparedWith, conflicts, deletes } = await plan({ far });
    assert.deepEqual(send, [
      { path: 'changed.txt', size: 5, list: 'must', why: 'changed' },
      { path: 'new.txt', size: 3, list: 'must', why: 'new' },
    ]);
    assert.deepEqual(unchanged, { files: 1, bytes: 4 });
    assert.deepEqual(totals, { files: 2, bytes: 8 });
    assert.deepEqual(comparedWith, { kind: 'volume', at: '2026-05-02T00:00:00.000Z' });
    assert.deepEqual([conflicts, deletes], [[], []]);
  });

  it('says "unknown" when nobody knows what is there', async () => {
    await write({ 'a.txt': 'a' });
    assert.equal((await plan()).send[0]!.why, 'unknown');
    assert.equal((await plan({ far: { ...nothing, kind: 'volume' } })).send[0]!.why, 'new');
  });

  it('survives JSON, and is the same whatever the order on the disk and however often it is made', async () => {
    await write(Object.fromEntries(['z', 'a/1', 'm', 'a/b/2', 'B', 'a.x'].map((name) => [name, name])));
    const first = await plan();
    assert.deepEqual(JSON.parse(JSON.stringify(first)), first);
    assert.deepEqual(await plan(), first);
    assert.deepEqual(
      first.send.map((file) => file.path),
      ['B', 'a.x', 'a/1', 'a/b/2', 'm', 'z'],
    );
  });

  it('keeps hostile names as they are', async () => {
    const names = [
      "it's $(x).txt",
      'a b',
      'line\nbreak',
      'ta\tb',
      '"q"',
      'back\\slash',
      '-rf',
      '…é🎵',
      '#hash',
      'constructor',
      '__proto__',
      'n'.repeat(255),
      '%2e%2e',
      'CON',
      '*?[x]',
    ];
    await write(Object.fromEntries(names.map((name) => [name, name])));
    const far = sent(await collect(loaded()));
    assert.deepEqual(
      (await plan({ far: nothing })).send.map((file) => file.path),
      [...names].sort(),
    );
    assert.deepEqual((await plan({ far })).unchanged.files, names.length);
  });

  it('stops with the name of a file that cannot be read', async () => {
    await write({ 'ok.txt': '', 'closed.txt': 'x' });
    await chmod(path.join(root(), 'closed.txt'), 0);
    await chmod(root(), 0o777);
    await asOrdinaryUser(folder.path, async () => {
      await assert.rejects(plan(), (error: UserError) => error.code === 'file-unreadable' && /closed/.test(error.what));
    });
  });

  describe('what changed at the far end', () => {
    let far: FarState;
    beforeEach(async () => {
      await write({ 'a.txt': 'here' });
      far = sent(await collect(loaded()));
    });
    const changed = { size: 9, mtime: '2026-05-01T12:00:00.000Z' };

    it('is a conflict when the file changed here too, and is not sent', async () => {
      await write({ 'a.txt': 'newer' });
      const result = await plan({ far: { ...far, actual: { 'a.txt': changed } } });
      assert.deepEqual(result.send, []);
      assert.deepEqual(result.conflicts, [
        {
          path: 'a.txt',
          here: { size: 5, mtime: old.toISOString() },
          there: changed,
          why: 'It was changed here and on the volume since the last transfer.',
        },
      ]);
    });

    it('is a conflict when something else put a file there', async () => {
      const result = await plan({ far: { ...far, files: {}, actual: { 'a.txt': changed } } });
      assert.match(result.conflicts[0]!.why, /Something else put/);
      const same = { ...changed, sha256: far.files['a.txt']!.sha256 };
      const known = await plan({ far: { ...far, files: {}, actual: { 'a.txt': same } } });
      assert.equal(known.unchanged.files, 1);
    });

    it('stays when the file did not change here, and is told', async () => {
      const result = await plan({ far: { ...far, actual: { 'a.txt': changed } } });
      assert.deepEqual([result.send, result.conflicts], [[], []]);
      assert.match(result.notes[0]!, /a\.txt was changed on the volume and not here/);
    });

    it('is sent again when it is gone there, and trusted when only the seconds were told', async () => {
      assert.equal((await plan({ far: { ...far, actual: { 'a.txt': null } } })).send[0]!.why, 'new');
      const close = { size: 4, mtime: '2026-05-01T00:00:00.999Z' };
      assert.equal((await plan({ far: { ...far, actual: { 'a.txt': close } } })).unchanged.files, 1);
    });
  });

  it('deletes only when asked, only what the engine put there, only what is unchanged since (R2.5)', async () => {
    await write({ 'kept.txt': '1' });
    const far = sent(await collect(loaded()));
    const put = { size: 1, sha256: 'x', mtime: '2026-05-01T00:00:00.000Z' };
    far.files = { ...far.files, 'old.txt': put, 'edited.txt': put, 'vanished.txt': put };
    far.actual = {
      'old.txt': { size: 1, mtime: put.mtime },
      'edited.txt': { size: 7, mtime: put.mtime },
      'vanished.txt': null,
      'stranger.txt': { size: 1, mtime: put.mtime },
    };
    assert.deepEqual((await plan({ far })).deletes, []);
    const asked = await plan({ far, deletes: true });
    assert.deepEqual(asked.deletes, ['old.txt']);
    assert.match(asked.notes[0]!, /edited\.txt .* it is not deleted/);
    assert.deepEqual((await plan({ far: nothing, deletes: true })).deletes, []);
  });

  it('packs archives, sends them as files, and shows the waste that they avoid as an estimate (R2.3)', async () => {
    await write(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`audio/${i}.wav`, Buffer.alloc(1000, i)])));
    await write({ 'main.py': '' });
    const sync = { must: ['**'], archives: [{ from: 'audio/**', to: 'audio.tar' }] };
    const result = await plan({}, sync);
    assert.deepEqual(
      result.send.map((file) => [file.path, file.list]),
      [
        ['audio.tar', 'data'],
        ['main.py', 'must'],
      ],
    );
    const [archive] = result.archives;
    assert.deepEqual(archive, { to: 'audio.tar', files: 100, bytes: result.send[0]!.size });
    assert.equal(result.wasteAvoided.estimate, true);
    assert.equal(result.wasteAvoided.bytes, 100 * (65_536 - 1000));
    assert.match(result.wasteAvoided.basis, /about 64 KB/);
    const far = sent(await collect(loaded(sync)));
    assert.equal((await plan({ far }, sync)).totals.files, 0);
    await write({ 'audio/7.wav': 'changed' });
    assert.deepEqual(
      (await plan({ far }, sync)).send.map((file) => [file.path, file.why]),
      [['audio.tar', 'changed']],
    );
  });

  it('says what small files waste when nothing is packed', async () => {
    await write(Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`${i}.txt`, `${i}`])));
    assert.match((await plan()).notes[0]!, /about 26 MB on the volume .*estimate.*sync\.archives/);
  });

  it('warns about secrets in what would leave, also inside archives, and in nothing else', async () => {
    const key = `rpa_${'Ab3dE5fG7h'.repeat(4)}`;
    await write({ 'a.py': `k = "${key}"`, 'b/x.txt': key, 'ignored/y.txt': key, 'allowed.txt': key, 'there.txt': key });
    const sync = {
      must: ['**'],
      never: ['ignored/'],
      allowSecrets: ['allowed.txt'],
      archives: [{ from: 'b/', to: 'b.tar' }],
    };
    const far = sent(await collect(loaded(sync)));
    const others = ['a.py', 'b.tar', 'allowed.txt'];
    far.files = Object.fromEntries(Object.entries(far.files).filter(([name]) => !others.includes(name)));
    const result = await plan({ far }, sync);
    assert.deepEqual(result.secrets, [
      { path: 'a.py', line: 1, kind: 'RunPod API key' },
      { path: 'b/x.txt', line: 1, kind: 'RunPod API key' },
    ]);
    assert(!JSON.stringify(result).includes(key));
  });

  it('tells missing files, with the local step that makes them (R2.2)', async () => {
    await write({ 'a.txt': '' });
    const { missing } = await plan({}, { must: ['a.txt', 'lib/'], data: ['made/*.parquet'] });
    assert.deepEqual(missing, [
      { list: 'must', pattern: 'lib/', madeBy: null },
      { list: 'data', pattern: 'made/*.parquet', madeBy: 'make' },
    ]);
  });

  it('never plans to send results or its own state', async () => {
    await write({ 'runpod-results/job/x': '', '.runpod-trainer/y': '', 'sub/runpod-results/kept': '', 'a.txt': '' });
    assert.deepEqual(
      (await plan()).send.map((file) => file.path),
      ['a.txt', 'sub/runpod-results/kept'],
    );
  });

  it('remembers the last transfer of a volume and forgets it for another', async () => {
    await write({ 'a.txt': 'a' });
    const { files } = sent(await collect(loaded()));
    const volume = { id: 'vol1', name: 'data', dataCenter: 'US-MD-1' };
    await rememberTransfer(root(), volume, { route: 's3', bytes: 10_000_000, seconds: 2, files });
    await rememberTransfer(root(), volume, { route: 'ssh', bytes: 10, seconds: 2, files });
    const known = await readLastKnown(root());
    assert.deepEqual(Object.keys(known?.rates ?? {}), ['s3'], 'too few bytes tell nothing');
    assert.equal(known?.rates.s3?.bytesPerSecond, 5e6);
    const far = lastKnownState(known, 'vol1');
    assert.equal(far.kind, 'last-known');
    const result = await plan({ far, rates: known.rates });
    assert.equal(result.unchanged.files, 1);
    assert.deepEqual(result.comparedWith, { kind: 'last-known', at: known.at });
    assert.equal(lastKnownState(known, 'other').kind, 'nothing');
    assert.equal(lastKnownState(known, null).kind, 'nothing');
    await writeFile(path.join(root(), '.runpod-trainer', 'volume.json'), '{"schema":1}');
    assert.equal(await readLastKnown(root()), undefined);
  });

  it('notes a volume that does not exist yet', async () => {
    await write({ 'a.txt': '' });
    const fresh = { ...around, volume: { ...around.volume, id: null } };
    assert.match((await plan({ around: fresh })).notes[0]!, /does not exist yet/);
    assert.deepEqual((await plan({ around: { ...fresh, asked: false } })).notes, []);
  });
});
