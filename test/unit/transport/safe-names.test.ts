import assert from 'node:assert/strict';
import { UserError } from '../../../src/core/errors.ts';
import { Failures } from '../../../src/core/transport/failures.ts';
import { accept, type RemoteFile } from '../../../src/core/transport/safe-names.ts';

const file = (path: string): RemoteFile => ({ path, size: 1, sha256: 'a'.repeat(64), mtime: 0 });

describe('results whose names would become one file here (R2.3)', () => {
  function accepted(platform: NodeJS.Platform, ...paths: string[]): { paths: string[]; told: string } {
    const failures = new Failures();
    const files = accept(paths.map(file), ['out/**'], failures, platform);
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
});
