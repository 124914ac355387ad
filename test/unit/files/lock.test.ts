import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { CancelledError } from '../../../src/core/errors.ts';
import { takeLock } from '../../../src/core/files/lock.ts';
import { useTempFolder } from '../../support/temp.ts';

/** No system has a process of this number. */
const nobody = 2 ** 30;

describe('a lock that is a file', () => {
  const folder = useTempFolder();
  const file = (): string => path.join(folder.path, 'the.lock');

  it('is held by one at a time, and leaves nothing behind', async () => {
    let inside = 0;
    let most = 0;
    let waited = 0;
    const one = async (): Promise<void> => {
      const release = await takeLock(file(), { onWait: () => (waited += 1) });
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 10));
      inside -= 1;
      await release();
    };
    await Promise.all([one(), one(), one()]);
    assert.equal(most, 1);
    assert.ok(waited >= 1 && waited <= 2, `told once each: ${waited}`);
    assert.deepEqual(await readdir(folder.path), []);
  });

  it('is taken over from a process that is gone, by one of those that wait', async () => {
    await writeFile(file(), JSON.stringify({ host: hostname(), pid: nobody }));
    let inside = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const release = await takeLock(file());
        inside += 1;
        assert.equal(inside, 1);
        await new Promise(setImmediate);
        inside -= 1;
        await release();
      }),
    );
    assert.deepEqual(await readdir(folder.path), []);
  });

  it('can be waited for only as long as somebody wants it', async () => {
    const release = await takeLock(file());
    const abort = new AbortController();
    await assert.rejects(takeLock(file(), { signal: abort.signal, onWait: () => abort.abort() }), CancelledError);
    await release();
  });
});
