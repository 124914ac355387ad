import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CancelledError } from '../../../../src/core/errors.ts';
import {
  listFolder,
  measurePlace,
  mostEntries,
  readWhole,
  removePlace,
  type PodWithVolume,
} from '../../../../src/core/volumes/browse/pod-tree.ts';
import { isPlainName, visibleName } from '../../../../src/core/volumes/browse/names.ts';
import { downloadFile, readToSend, uploadFile } from '../../../../src/core/volumes/browse/one-file.ts';
import { workerFile } from '../../../support/installation.ts';
import type { SshSetup } from '../../../support/ssh-session.ts';
import { setUpSsh } from '../../../support/ssh-session.ts';

const hostile = 'in\u202Evoice\n.txt';

describe('files of a volume through a pod (R9.1)', () => {
  let folder: string;
  let ssh: SshSetup;
  let pod: PodWithVolume;
  let mount: string;
  const place = (below: string): { mount: string; path: string } => ({ mount, path: below });

  before(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), 'runpod-trainer-volume-')));
    ssh = await setUpSsh(folder, { config: [`SetEnv TMPDIR=${folder}`] });
    pod = { connection: await ssh.connect(), workerFile };
    mount = path.join(folder, 'volume');
    await mkdir(path.join(mount, 'data'), { recursive: true });
    await writeFile(path.join(mount, 'notes.txt'), 'hello');
    await writeFile(path.join(mount, hostile), 'bad');
    await writeFile(Buffer.concat([Buffer.from(`${mount}/latin-`), Buffer.from([0xe9])]), 'é');
    await symlink('/etc', path.join(mount, 'way-out'));
    await writeFile(path.join(folder, 'outside.txt'), 'secret');
  });
  after(async () => {
    await ssh.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('lists folders first, and tells of links without following them', async () => {
    const { entries, more } = await listFolder(pod, place(''));
    assert.equal(more, 0);
    assert.deepEqual(
      entries.map((e) => [visibleName(e.name), e.kind, e.target ?? null]),
      [
        ['data', 'folder', null],
        ['in\\u{202e}voice\\u{a}.txt', 'file', null],
        ['latin-\\u{dce9}', 'file', null],
        ['notes.txt', 'file', null],
        ['way-out', 'link', '/etc'],
      ],
    );
    assert.deepEqual(
      entries.filter((e) => !isPlainName(e.name)).map((e) => e.size),
      [3, 2],
    );
  });

  it('reads a file whatever its name is, up to the cap', async () => {
    assert.equal((await readWhole(pod, place('notes.txt'), 5)).toString(), 'hello');
    assert.equal((await readWhole(pod, place(hostile), 100)).toString(), 'bad');
    assert.equal((await readWhole(pod, place('latin-\udce9'), 100)).toString(), 'é');
    await assert.rejects(readWhole(pod, place('notes.txt'), 4), { code: 'file-too-large' });
  });

  for (const way of ['way-out', 'way-out/passwd', '../outside.txt', 'gone', 'data']) {
    it(`refuses to read ${way}`, async () => {
      const code = way === 'gone' ? 'volume-missing' : 'volume-read';
      await assert.rejects(readWhole(pod, place(way), 1000), { code });
    });
  }
  for (const way of ['way-out', '..', 'gone', 'notes.txt']) {
    it(`refuses to list ${way}`, async () => {
      const code = way === 'gone' ? 'volume-missing' : 'volume-read';
      await assert.rejects(listFolder(pod, place(way)), { code });
    });
  }

  it('shows a very full folder in part and says so', async () => {
    const full = path.join(mount, 'full');
    await mkdir(full);
    await Promise.all(Array.from({ length: mostEntries + 7 }, (_, i) => writeFile(path.join(full, `${i}`), '')));
    const { entries, more } = await listFolder(pod, place('full'));
    assert.equal(entries.length, mostEntries);
    assert.equal(more, 7);
  });

  it('downloads a file as a whole, and leaves nothing when that is cancelled', async () => {
    const home = path.join(folder, 'downloads');
    await mkdir(home);
    const seen: number[] = [];
    const { signal } = new AbortController();
    const options = { signal, onProgress: (bytes: number) => seen.push(bytes) };
    await downloadFile(pod, place('notes.txt'), path.join(home, 'notes.txt'), options);
    assert.equal(await readFile(path.join(home, 'notes.txt'), 'utf8'), 'hello');
    assert.equal(seen.at(-1), 5);

    await writeFile(path.join(mount, 'big'), '');
    await truncate(path.join(mount, 'big'), 64_000_000);
    const abort = new AbortController();
    const cancelled = downloadFile(pod, place('big'), path.join(home, 'big'), {
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await assert.rejects(cancelled, CancelledError);
    assert.deepEqual(await readdir(home), ['notes.txt']);
    await assert.rejects(downloadFile(pod, place(hostile), path.join(home, 'x'), options), {
      code: 'unsafe-name',
    });
  });

  it('says how much a folder has and deletes it, without following links', async () => {
    const old = path.join(mount, 'old');
    await mkdir(path.join(old, 'deep'), { recursive: true });
    await writeFile(path.join(old, 'deep', 'a'), '12345');
    await writeFile(path.join(old, 'b'), '1');
    await symlink(path.join(folder, 'outside.txt'), path.join(old, 'link'));
    await symlink('/etc', path.join(old, 'etc'));
    const { bytes } = await measurePlace(pod, place('old'));
    assert.equal(bytes, 6);
    assert.equal((await measurePlace(pod, place('old/deep/a'))).files, 1);
    await removePlace(pod, place('old'));
    assert.ok(!(await readdir(mount)).includes('old'));
    assert.equal(await readFile(path.join(folder, 'outside.txt'), 'utf8'), 'secret');
    await writeFile(path.join(mount, 'single'), 'x');
    assert.deepEqual(await removePlace(pod, place('single')), { files: 1, bytes: 1 });
  });
  for (const way of ['', '..', 'way-out', 'way-out/passwd', 'gone', '../outside.txt']) {
    it(`refuses to delete ${JSON.stringify(way)}`, async () => {
      await assert.rejects(removePlace(pod, place(way)), { code: way === 'gone' ? 'volume-missing' : 'volume-read' });
      assert.ok((await readdir(mount)).includes('notes.txt'));
    });
  }

  it('uploads a file as a whole, in place of another, and only when it arrived as it was', async () => {
    const source = path.join(folder, 'new name ü.txt');
    await writeFile(source, 'fresh');
    const { signal } = new AbortController();
    let moved = 0;
    const options = { signal, onBytes: (bytes: number) => (moved += bytes) };
    await writeFile(path.join(mount, 'data', 'new name ü.txt'), 'old');
    const [file] = await readToSend([source], { signal, onFile: () => undefined });
    assert(file !== undefined);
    await uploadFile(pod, place('data'), file, options);
    assert.equal(await readFile(path.join(mount, 'data', 'new name ü.txt'), 'utf8'), 'fresh');
    assert.equal(moved, 5);
    await uploadFile(pod, place(''), file, options);
    assert.equal(await readFile(path.join(mount, 'new name ü.txt'), 'utf8'), 'fresh');
    const wrong = { ...file, sha256: '0'.repeat(64) };
    await assert.rejects(uploadFile(pod, place('data'), wrong, options), { code: 'volume-read' });
    assert.deepEqual(await readdir(path.join(mount, 'data')), ['new name ü.txt']);
  });
});
