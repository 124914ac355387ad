import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../src/core/errors.ts';
import { Failures } from '../../../src/core/transport/failures.ts';
import { useTempFolder } from '../../support/temp.ts';
import { accept, namesOf } from '../../../src/core/transport/safe-names.ts';

const file = (path: string) => ({ path });

describe('results whose names would become one file here (R2.3)', () => {
  const folder = useTempFolder();

  function accepted(platform: NodeJS.Platform, ...paths: string[]): { paths: string[]; told: string } {
    const failures = new Failures();
    const files = accept(paths.map(file), ['out/**'], failures, { platform, folds: platform !== 'linux' });
    let told = '';
    try {
      failures.throwIfAny('fetch-failed', paths.length, 'fetched', { rest: '', next: '' });
    } catch (error) {
      assert.ok(error instanceof UserError);
      told = error.why ?? '';
    }
    return { paths: files.map((f) => f.path), told };
  }

  it('names that are not UTF-8 are refused, each by its own name, and the others come', () => {
    const { paths, told } = accepted('linux', 'out/\udce9.txt', 'out/\udce8.txt', 'out/é.txt');
    assert.deepEqual(paths, ['out/é.txt']);
    assert.match(told, /"out\/\\udce9\.txt": .*not UTF-8/);
    assert.match(told, /"out\/\\udce8\.txt": .*not UTF-8/);
  });

  it('names that differ in case or form only are two files on Linux, and the second is refused elsewhere', () => {
    const names = ['out/A.txt', 'out/a.txt', 'out/é', 'out/e\u0301'];
    assert.deepEqual(accepted('linux', ...names).paths, names);
    assert.deepEqual(accepted('darwin', ...names).paths, ['out/A.txt', 'out/é']);
  });

  it('names that Windows cannot have are refused there, each with its reason', () => {
    const { paths, told } = accepted('win32', 'out/a:b', 'out/con.txt', 'out/dot.', 'out/good.txt');
    assert.deepEqual(paths, ['out/good.txt']);
    for (const name of ['a:b', 'con.txt', 'dot.']) {
      assert.match(told, new RegExp(`"out/${name}": The name was refused`));
    }
  });

  it('the disk itself is asked whether it tells such names apart, and nothing is left of the question', () => {
    const { platform, folds } = namesOf(folder.path);
    assert.equal(platform, process.platform);
    writeFileSync(join(folder.path, 'a'), '');
    assert.equal(folds, existsSync(join(folder.path, 'A')));
    assert.deepEqual(readdirSync(folder.path), ['a']);
  });
});
