import assert from 'node:assert/strict';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { placeBelow, unsafeName } from '../../../src/core/files/confine.ts';
import { writeTree } from '../../support/files.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('names from a pod', () => {
  const folder = useTempFolder();

  for (const name of [
    '..',
    '../x',
    'a/../../x',
    'a/..',
    '/etc/passwd',
    '//x',
    '',
    '.',
    './x',
    'a//b',
    'a/',
    'a\0b',
    'out/\udce9.txt',
    'x'.repeat(256),
  ]) {
    it(`refuses ${JSON.stringify(name.slice(0, 20))} everywhere`, () => {
      for (const platform of ['linux', 'darwin', 'win32'] as const) {
        assert.notEqual(unsafeName(name, platform), undefined, platform);
      }
    });
  }

  for (const name of [
    'a\\b',
    '..\\x',
    'C:\\x',
    'C:x',
    'a/con',
    'NUL.txt',
    'x/com1.log',
    'lpt¹',
    'a.',
    'a /b',
    'x:stream',
    'q?',
    'tab\t',
  ]) {
    it(`refuses ${JSON.stringify(name)} on Windows only`, () => {
      assert.notEqual(unsafeName(name, 'win32'), undefined);
      assert.equal(unsafeName(name, 'linux'), undefined);
    });
  }

  for (const name of ['a', 'a/b c/d.txt', '...', '..a', 'ä/日本', 'x'.repeat(255), 'console.log', 'auxiliary']) {
    it(`accepts ${JSON.stringify(name.slice(0, 20))}`, () => {
      for (const platform of ['linux', 'darwin'] as const) {
        assert.equal(unsafeName(name, platform), undefined);
      }
    });
  }

  it('makes the folders on the way', async () => {
    assert.equal(await placeBelow(folder.path, 'a/b/c.txt'), path.join(folder.path, 'a/b/c.txt'));
    assert.deepEqual(await readdir(path.join(folder.path, 'a')), ['b']);
  });

  it('never passes a link, a file or a folder in the way', async () => {
    await mkdir(path.join(folder.path, 'into/folder'), { recursive: true });
    await mkdir(path.join(folder.path, 'outside'));
    await writeTree(folder.path, { 'into/file': '' });
    await symlink('../outside', path.join(folder.path, 'into/link'));
    const into = path.join(folder.path, 'into');
    for (const name of ['link/x', 'link/deep/x', 'file/x', 'folder']) {
      await assert.rejects(placeBelow(into, name), { code: 'unsafe-name' }, name);
    }
    assert.deepEqual(await readdir(path.join(folder.path, 'outside')), []);
  });
});
