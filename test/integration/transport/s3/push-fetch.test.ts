import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fetchOverS3 } from '../../../../src/core/transport/s3/fetch.ts';
import { mayLeave } from '../../../../src/core/files/leaving.ts';
import { pushOverS3, type S3PushOptions } from '../../../../src/core/transport/s3/push.ts';
import type { TransferProgress } from '../../../../src/core/transport/progress.ts';
import { writeTree } from '../../../support/files.ts';
import { VolumeBench } from '../../s3/volume-bench.ts';

const small = { upload: { singleBytes: 200_000, partBytes: 100_000 }, download: { rangeBytes: 100_000 } };

describe('a project over S3 with no pod (R2.1, R2.5, R2.6)', () => {
  let bench: VolumeBench;
  let root: string;
  beforeEach(async () => {
    bench = await VolumeBench.start();
    root = path.join(bench.folder, 'project');
  });
  afterEach(() => bench.close());

  const push = async (more: Partial<S3PushOptions> = {}) =>
    pushOverS3({
      store: bench.store(small),
      project: 'rainbow',
      files: await mayLeave(await bench.hashed(root)),
      journals: bench.journals,
      ...more,
    });
  const far = (name: string): string => path.join(bench.far, 'projects/rainbow', name);
  const manifest = async (): Promise<Record<string, { size: number; sha256: string; mtime: string }>> => {
    const text = await readFile(far('.runpod-trainer/files.json'), 'utf8');
    return (JSON.parse(text) as { files: Record<string, { size: number; sha256: string; mtime: string }> }).files;
  };

  it('sends what is missing, records it, and sends nothing twice', async () => {
    const tree: Record<string, Buffer> = { 'big/model.bin': randomBytes(450_000), empty: Buffer.alloc(0) };
    for (let i = 0; i < 40; i += 1) tree[`src/m${i % 3}/f ${i}#.py`] = randomBytes(i * 50);
    await writeTree(root, tree);
    let last: TransferProgress | undefined;
    const first = await push({ onProgress: (progress) => (last = progress) });
    const total = Object.values(tree).reduce((sum, content) => sum + content.length, 0);
    assert.deepEqual(first, { sent: 42, bytes: total, unchanged: 0, deleted: 0, conflicts: [] });
    assert.deepEqual([last?.files, last?.bytes, last?.bytesTotal], [42, total, total]);
    const record = await manifest();
    for (const [name, content] of Object.entries(tree)) {
      assert.deepEqual(await readFile(far(name)), content);
      assert.equal(record[name]?.size, content.length);
      assert.ok(Math.abs(Date.parse(record[name].mtime) - (await stat(far(name))).mtimeMs) < 1000);
    }
    assert.deepEqual(await push(), { sent: 0, bytes: 0, unchanged: 42, deleted: 0, conflicts: [] });
    await writeFile(path.join(root, 'empty'), 'no more');
    await rm(far('big/model.bin'));
    const third = await push();
    assert.deepEqual([third.sent, third.bytes, third.unchanged], [2, 450_007, 40]);
    assert.deepEqual(await readdir(bench.journals), []);
  });

  it('leaves what changed at the far end, and deletes only what it put there', async () => {
    await writeTree(root, { both: 'one', far: 'one', mine: 'one', gone: 'one', moved: 'one' });
    await push();
    await writeTree(root, { both: 'two!', mine: 'two!', stranger: 'mine' });
    await writeTree(far(''), { both: 'there', far: 'there', stranger: 'theirs', moved: 'there', other: 'theirs' });
    const again = await push({ deletes: ['gone', 'moved', 'other', '../../secret'] }).catch((error: unknown) => error);
    assert.ok(again instanceof Error && 'code' in again && again.code === 'push-failed', String(again));
    assert.match(again.message, /"other".*did not put it there/);
    assert.equal(existsSync(far('gone')), false);
    for (const name of ['both', 'far', 'moved']) assert.equal(await readFile(far(name), 'utf8'), 'there');
    for (const name of ['other', 'stranger']) assert.equal(await readFile(far(name), 'utf8'), 'theirs');
    assert.equal(await readFile(far('mine'), 'utf8'), 'two!');

    await rm(path.join(root, 'gone'));
    await rm(path.join(root, 'moved'));
    const asked = await push({ deletes: ['moved'] });
    assert.deepEqual(asked.conflicts.map(({ path: name, kind }) => `${name}: ${kind}`).sort(), [
      'both: both',
      'far: far',
      'moved: delete',
      'stranger: unknown',
    ]);
    const told = await push({ deletes: ['moved'], overwrite: new Set(['both', 'moved']) });
    assert.deepEqual([told.sent, told.deleted, told.conflicts.length], [1, 1, 2]);
    assert.equal(await readFile(far('both'), 'utf8'), 'two!');
    const forced = await push({ overwrite: 'all' });
    assert.deepEqual([forced.sent, forced.conflicts.length], [2, 0]);
    assert.deepEqual(Object.keys(await manifest()).sort(), ['both', 'far', 'mine', 'stranger']);
  });

  it('takes its own files for its own after a push that was broken off', async () => {
    const tree: Record<string, Buffer> = {};
    for (let i = 0; i < 60; i += 1) tree[`f${i}`] = randomBytes(100);
    await writeTree(root, tree);
    bench.sandbox.s3.faults.fail(403, { operation: 'PutObject', key: /files\.json$/ });
    bench.sandbox.s3.faults.fail(403, { operation: 'PutObject', every: 30 });
    await assert.rejects(push(), { code: 's3-denied' });
    assert.equal(existsSync(far('.runpod-trainer/files.json')), false);
    bench.sandbox.s3.faults.restore();
    const { sent, unchanged, conflicts } = await push();
    assert.deepEqual(conflicts, []);
    assert.equal(sent + unchanged, 60);
    assert.ok(unchanged > 10, `${unchanged} unchanged`);
    assert.equal(Object.keys(await manifest()).length, 60);
    assert.deepEqual(await readdir(bench.journals), []);
  });

  it('adds to what the worker has recorded meanwhile, and writes the record now and then', async () => {
    await writeTree(root, { a: 'a', b: 'b' });
    await push({ manifestEveryMs: 0 });
    const record = await manifest();
    const theirs = { size: 1, sha256: 'f'.repeat(64), mtime: '2026-01-01T00:00:00.000Z' };
    await writeFile(far('.runpod-trainer/files.json'), JSON.stringify({ schema: 1, files: { ...record, theirs } }));
    await writeTree(root, { c: 'c' });
    await push();
    assert.deepEqual(Object.keys(await manifest()).sort(), ['a', 'b', 'c', 'theirs']);
  });

  it('lets the others go on when one file changes, and ends all on a full volume', async () => {
    await writeTree(root, { a: 'a', b: 'b', c: 'c' });
    const files = await mayLeave(await bench.hashed(root));
    await writeFile(path.join(root, 'b'), 'changed');
    await assert.rejects(push({ files }), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'push-failed');
      assert.match(error.message, /^1 of 3 files .*"b": b changed/);
      return true;
    });
    assert.deepEqual((await readdir(far(''))).sort(), ['.runpod-trainer', 'a', 'c']);
    bench.sandbox.s3.faults.fail(507, { operation: 'PutObject' });
    await assert.rejects(push(), { code: 'volume-full' });
  });

  it('brings files home whole, unchanged ones not again, and hostile names not at all', async () => {
    const out = { 'out/a.bin': randomBytes(350_000), 'out/deep/b c.txt': 'b', 'out/empty': '', 'other/x': 'x' };
    await writeTree(far(''), out);
    const into = path.join(bench.folder, 'home');
    const fetch = (patterns: string[]) =>
      fetchOverS3({ store: bench.store(small), project: 'rainbow', patterns, into });
    const all = { left: [], unmatched: [] };
    assert.deepEqual(await fetch(['out/**']), { files: 3, bytes: 350_001, unchanged: 0, ...all });
    assert.deepEqual(await readFile(path.join(into, 'out/a.bin')), out['out/a.bin']);
    assert.deepEqual(await readdir(into), ['out']);
    assert.deepEqual(await fetch(['out/**']), { files: 0, bytes: 0, unchanged: 3, ...all });
    await writeFile(far('out/deep/b c.txt'), 'longer');
    assert.deepEqual(await fetch(['out/**']), { files: 1, bytes: 6, unchanged: 2, ...all });

    const outside = path.join(bench.folder, 'outside');
    await mkdir(outside);
    await symlink(outside, path.join(into, 'link'));
    await writeTree(far(''), { 'link/x': 'evil', '.vscode/tasks.json': '{}', 'link2/y': 'good' });
    const { left } = await fetch(['link/**', 'link2/**', '.vscode/**']);
    assert.deepEqual(left.map(({ path: name }) => name).sort(), ['.vscode/tasks.json', 'link/x']);
    assert.deepEqual(await readdir(outside), []);
    assert.equal(existsSync(path.join(into, '.vscode')), false);
    assert.equal(await readFile(path.join(into, 'link2/y'), 'utf8'), 'good');
  });

  it('verifies what it knows the hash of, and goes on with a broken download', async () => {
    await writeTree(root, { 'm.bin': randomBytes(900_000) });
    await push();
    const into = path.join(bench.folder, 'home');
    const options = { store: bench.store(small), project: 'rainbow', patterns: ['m.bin'], into };
    const controller = new AbortController();
    const stopping = fetchOverS3({
      ...options,
      signal: controller.signal,
      onProgress: ({ bytes }) => {
        if (bytes > 0) controller.abort();
      },
    });
    await assert.rejects(stopping, { name: 'CancelledError' });
    assert.deepEqual(await readdir(into), ['.runpod-trainer']);
    await fetchOverS3(options);
    assert.deepEqual(await readFile(path.join(into, 'm.bin')), await readFile(path.join(root, 'm.bin')));
    assert.deepEqual(await readdir(into), ['m.bin']);
  });
});
