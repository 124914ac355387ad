import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { UserError } from '../../../src/core/errors.ts';
import { CancelledError } from '../../../src/core/errors.ts';
import { buildArchives } from '../../../src/core/files/archive.ts';
import type { LocalFile } from '../../../src/core/files/scan.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { writeTree } from '../../support/files.ts';
import { seeded } from '../../support/random.ts';
import { useTempFolder } from '../../support/temp.ts';

const old = new Date('2026-03-04T05:06:07Z');

describe('archives of many small files (R2.3)', () => {
  const folder = useTempFolder();
  const root = (): string => path.join(folder.path, 'project');
  const cache = (): string => path.join(folder.path, 'cache');

  const members = async (): Promise<LocalFile[]> => {
    const archives = [{ from: 'audio/**', to: 'audio.tar' }];
    const found = await scan(root(), { must: [], data: [], optional: [], never: [], archives });
    return found.archives[0]!.files;
  };
  const build = async (files?: LocalFile[], signal?: AbortSignal) =>
    (await buildArchives([{ to: 'audio.tar', files: files ?? (await members()) }], cache(), signal))[0]!;
  const write = async (files: Record<string, string | Buffer>): Promise<void> => {
    await writeTree(root(), files);
    for (const name of Object.keys(files)) {
      await utimes(path.join(root(), name), old, old);
    }
  };

  it('unpacks with the system tar to what went in: content, names of every kind, times', async () => {
    const random = seeded(3);
    const names = [
      'plain.wav',
      'with blank.wav',
      'ä ö 日本語 🎵.wav',
      `${'long'.repeat(60)}.wav`,
      `${'deep/'.repeat(40)}${'n'.repeat(200)}.wav`,
      'quote\'".wav',
      'line\nbreak.wav',
      'back\\slash.wav',
      '-dash.wav',
      'empty.wav',
    ];
    const content = Object.fromEntries(
      names.map((name, i) => [
        `audio/${name}`,
        i === names.length - 1 ? Buffer.alloc(0) : random.bytes(1 + random.of(3000)),
      ]),
    );
    await write({ ...content, 'audio/big.wav': random.bytes(70_000) });
    const { file, rebuilt } = await build();
    assert(rebuilt);
    assert.equal(file.path, 'audio.tar');
    const bytes = await readFile(file.absolute);
    assert.equal(file.size, bytes.length);
    assert.equal(file.sha256, createHash('sha256').update(bytes).digest('hex'));
    const out = path.join(folder.path, 'out');
    await mkdir(out);
    execFileSync('tar', ['-xf', file.absolute, '-C', out]);
    for (const name of Object.keys(content)) {
      assert.deepEqual(await readFile(path.join(out, name)), content[name], name);
      assert.equal((await stat(path.join(out, name))).mtimeMs, old.getTime(), name);
    }
    const unpacked = execFileSync('find', [out, '-type', 'f', '-print0']).toString().split('\0').filter(Boolean);
    assert.equal(unpacked.length, names.length + 1);
  });

  it('gives the same bytes for the same files, whatever their order, owner and permissions', async () => {
    await write({ 'audio/b.wav': '2', 'audio/a.wav': '1', 'audio/c/d.wav': '3' });
    const first = (await build()).file.sha256;
    await rm(cache(), { recursive: true });
    execFileSync('chmod', ['-R', 'go-r', root()]);
    const second = await build((await members()).reverse());
    assert.equal(second.file.sha256, first);
    assert(second.rebuilt);
  });

  it('is built again only when a file changed, and replaced whole', async () => {
    await write({ 'audio/a.wav': '1', 'audio/b.wav': '2' });
    const first = await build();
    const again = await build();
    assert(first.rebuilt && !again.rebuilt);
    assert.deepEqual(again.file, first.file);
    await write({ 'audio/b.wav': '22' });
    const changed = await build();
    assert(changed.rebuilt);
    assert.notEqual(changed.file.sha256, first.file.sha256);
    await rm(path.join(root(), 'audio/a.wav'));
    assert((await build()).rebuilt);
    assert.deepEqual((await readdir(cache())).length, 2);
  });

  it('does not trust an archive that was tampered with or a note that is damaged', async () => {
    await write({ 'audio/a.wav': '1' });
    const { file } = await build();
    await truncate(file.absolute, 100);
    const repaired = await build();
    assert(repaired.rebuilt);
    assert.equal(repaired.file.sha256, file.sha256);
    const note = (await readdir(cache())).find((name) => name.endsWith('.json'))!;
    await writeFile(path.join(cache(), note), '{');
    assert((await build()).rebuilt);
  });

  it('refuses a file that changes while it is packed, and leaves no half archive', async () => {
    await write({ 'audio/a.wav': '1', 'audio/b.wav': '2' });
    const files = await members();
    await write({ 'audio/b.wav': 'longer' });
    await assert.rejects(build(files), (error: UserError) => error.code === 'file-changed');
    await rm(path.join(root(), 'audio/b.wav'));
    await assert.rejects(
      build(files),
      (error: UserError) => error.code === 'archive-failed' && /audio\.tar/.test(error.what),
    );
    assert.deepEqual(await readdir(cache()), []);
  });

  it('says so when there is no room for it', async () => {
    await write({ 'audio/a.wav': '1' });
    await writeFile(cache(), 'a file where the folder should be');
    await assert.rejects(build(), (error: unknown) => error instanceof Error && !(error instanceof CancelledError));
  });

  it('can be cancelled, and then leaves nothing', async () => {
    await write({ 'audio/a.wav': '1' });
    await assert.rejects(build(undefined, AbortSignal.abort()), CancelledError);
    assert.deepEqual(await readdir(cache()), []);
  });

  it('removes archives that no project entry makes any more, and nothing else', async () => {
    await write({ 'audio/a.wav': '1' });
    await build();
    await writeFile(path.join(cache(), 'mine.txt'), '');
    assert.deepEqual(await buildArchives([], cache()), []);
    assert.deepEqual(await readdir(cache()), ['mine.txt']);
  });

  it('packs a large sparse file with flat memory', async () => {
    await write({ 'audio/large.wav': '' });
    const size = 300 * 1024 * 1024;
    await truncate(path.join(root(), 'audio/large.wav'), size);
    await utimes(path.join(root(), 'audio/large.wav'), old, old);
    let most = 0;
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
    const before = process.memoryUsage().rss;
    const { file } = await build();
    clearInterval(timer);
    assert(file.size > size && file.size < size + 10_000);
    assert(most - before < 150 * 1024 * 1024, `${Math.round((most - before) / 1e6)} MB more`);
  });
});
