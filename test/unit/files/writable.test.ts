import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../../src/core/files/writable.ts';
import { importing } from '../../support/in-parallel.ts';
import { withSmallDisk } from '../../support/small-disk.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('a folder to write into (R3.2)', () => {
  const folder = useTempFolder();

  it('is made with those above it, and may be there', () => {
    const deep = join(folder.path, 'a', 'b');
    makeFolder(deep);
    makeFolder(deep);
    writeFileSync(join(deep, 'x'), '');
  });

  it('a file, or a link to nothing, in its place or above it is named', () => {
    writeFileSync(join(folder.path, 'file'), '');
    symlinkSync('nothing', join(folder.path, 'link'));
    for (const name of ['file', 'link']) {
      const message = new RegExp(`folder ${join(folder.path, name)} cannot be made.*Move it away`);
      assert.throws(() => makeFolder(join(folder.path, name)), { code: 'place-taken', message });
      assert.throws(() => makeFolder(join(folder.path, name, 'job')), { code: 'place-taken', message });
    }
  });

  /** How making `path` on a disk with those options fails, and writing a megabyte there. */
  function onDisk(options: string, path: string): string {
    const disk = join(folder.path, 'disk');
    mkdirSync(disk);
    const script = `${importing('makeFolder, cannotWrite', 'core/files/writable.ts')}
      import { writeFileSync } from 'node:fs';
      const into = ${JSON.stringify(join(disk, path))};
      try {
        makeFolder(into);
        try { writeFileSync(into + '/x', Buffer.alloc(9 << 20)); } catch (error) { throw cannotWrite(into, error); }
      } catch (error) { console.log(error.code, error.message); }`;
    const argv = [process.execPath, '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync('env', [...withSmallDisk(disk, 'true', options), ...argv], {
      encoding: 'utf8',
    });
    return stdout || stderr;
  }

  it('a disk that is mounted read-only is told as that, not as a folder that is missing', () => {
    assert.match(onDisk('ro', 'results/job'), /^place-closed Nothing can be written to .*read-only/);
  });

  it('a full disk is told as that', () => {
    assert.match(onDisk('size=2m', 'results'), /^disk-full The disk of this machine is full.*fetch again/);
  });
});
