import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CancelledError } from '../../../../src/core/errors.ts';
import { openStore } from '../../../../src/core/volumes/ask-volume.ts';
import type { VolumeStore } from '../../../../src/core/s3/index.ts';
import { measureTree, removeTree } from '../../../../src/core/volumes/browse/store-tree.ts';
import { Account } from '../../../support/account.ts';

describe('deleting on a volume over S3 (R9.1)', () => {
  let account: Account;
  let store: VolumeStore;
  let root: string;

  before(async () => {
    account = await Account.open();
    const volume = await account.volume();
    store = await openStore(account.installation, volume);
    root = account.sandbox.volumeDirectory(volume.id);
  });
  after(async () => {
    await store.close();
    await account.close();
  });

  const fill = (): void => {
    mkdirSync(path.join(root, 'data', 'deep', 'empty'), { recursive: true });
    for (let i = 0; i < 30; i += 1) writeFileSync(path.join(root, 'data', 'deep', `f${i}.txt`), 'four');
    writeFileSync(path.join(root, 'data', 'one file.txt'), '1');
    writeFileSync(path.join(root, 'data.csv'), 'stays');
  };

  it('says how much there is, and deletes that and nothing beside it', async () => {
    fill();
    assert.deepEqual(await measureTree(store, 'data'), { files: 31, bytes: 121 });
    assert.deepEqual(await measureTree(store, 'data/one file.txt'), { files: 1, bytes: 1 });
    const told: number[] = [];
    const gone = await removeTree(store, 'data', { onFile: (done) => told.push(done) });
    assert.deepEqual(gone, { files: 31, bytes: 121 });
    assert.equal(told.at(-1), 31);
    assert.ok(!existsSync(path.join(root, 'data')), 'with its folders');
    assert.ok(existsSync(path.join(root, 'data.csv')));
    assert.deepEqual(await removeTree(store, 'data.csv'), { files: 1, bytes: 5 });
  });

  it('stops where it is when it is cancelled', async () => {
    fill();
    const abort = new AbortController();
    const cancelled = removeTree(store, 'data', { signal: abort.signal, onFile: () => abort.abort() });
    await assert.rejects(cancelled, CancelledError);
    assert.ok(readdirSync(path.join(root, 'data', 'deep')).length > 10);
  });
});
