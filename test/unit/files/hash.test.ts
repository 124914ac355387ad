import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CancelledError } from '../../../src/core/errors.ts';
import type { LocalFile } from '../../../src/core/files/scan.ts';
import { hashFiles } from '../../../src/core/files/hash.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { writeTree } from '../../support/files.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('hashFiles', () => {
  const folder = useTempFolder();
  const root = (): string => path.join(folder.path, 'project');
  const cache = (): string => path.join(folder.path, 'state', 'hashes.json');
  const old = new Date('2026-01-01T00:00:00Z');

  const files = async (): Promise<LocalFile[]> =>
    (await scan(root(), { must: ['**'], data: [], optional: [], never: [] })).files;
  const write = async (name: string, text: string, time: Date): Promise<void> => {
    await writeTree(root(), { [name]: text });
    await utimes(path.join(root(), name), time, time);
  };
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const hashes = async (): Promise<string[]> => (await hashFiles(await files(), cache())).map((file) => file.sha256);

  it('hashes what is in the files', async () => {
    const large = 'x'.repeat(3_000_000);
    await writeTree(root(), { a: 'one', b: '', c: large });
    assert.deepEqual(await hashes(), [sha256('one'), sha256(''), sha256(large)]);
  });

  it('reads a file again only when its size, time or inode changed', async () => {
    await write('a', 'one', old);
    await hashes();
    // A cache that lies shows whether it is used.
    await writeFile(cache(), (await readFile(cache(), 'utf8')).replace(sha256('one'), sha256('cached')));
    assert.deepEqual(await hashes(), [sha256('cached')]);
    await write('a', 'two', new Date('2026-01-02T00:00:00Z'));
    assert.deepEqual(await hashes(), [sha256('two')]);
  });

  it('notices a change that leaves size and time as they were, when the file was just written', async () => {
    const now = new Date();
    await write('a', 'one', now);
    await hashes();
    await write('a', 'two', now);
    assert.deepEqual(await hashes(), [sha256('two')]);
  });

  it('takes a damaged cache for an empty one, and forgets files that are gone', async () => {
    await write('a', 'one', old);
    await write('b', 'two', old);
    await hashes();
    await rm(path.join(root(), 'b'));
    await hashes();
    assert(!(await readFile(cache(), 'utf8')).includes(sha256('two')));
    await writeFile(cache(), '{"schema":1,');
    assert.deepEqual(await hashes(), [sha256('one')]);
  });

  it('tells a file that is gone', async () => {
    await write('a', 'one', old);
    const found = await files();
    await rm(path.join(root(), 'a'));
    await assert.rejects(hashFiles(found, cache()), { code: 'file-unreadable' });
  });

  it('can be cancelled', async () => {
    await write('a', 'one', old);
    await assert.rejects(hashFiles(await files(), cache(), AbortSignal.abort()), CancelledError);
  });
});
