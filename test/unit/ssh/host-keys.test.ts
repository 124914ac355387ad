import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FileHostKeys } from '../../../src/core/ssh/index.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('FileHostKeys', () => {
  const folder = useTempFolder();
  const file = (): string => path.join(folder.path, 'state', 'host-keys.json');

  it('keeps pins for the next program, readable by the owner only', async () => {
    assert.equal(await new FileHostKeys(file()).expected('pod@1'), undefined);
    await new FileHostKeys(file()).pin('pod@1', 'SHA256:aaa');
    assert.equal(await new FileHostKeys(file()).expected('pod@1'), 'SHA256:aaa');
    assert.equal(await new FileHostKeys(file()).expected('pod@2'), undefined);
    assert.equal((await stat(file())).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(path.dirname(file())), ['host-keys.json']);
  });

  it('keeps all of many pins made at once', async () => {
    const keys = new FileHostKeys(file());
    await Promise.all(Array.from({ length: 20 }, (_, i) => keys.pin(`pod@${i}`, `SHA256:${i}`)));
    for (let i = 0; i < 20; i += 1) {
      assert.equal(await keys.expected(`pod@${i}`), `SHA256:${i}`);
    }
  });

  it('keeps the pins of several programs that pin at once', async () => {
    const ids = Array.from({ length: 5 }, (_, i) => `pod@${i}`);
    await Promise.all(ids.map((id) => new FileHostKeys(file()).pin(id, `SHA256:${id}`)));
    for (const id of ids) {
      assert.equal(await new FileHostKeys(file()).expected(id), `SHA256:${id}`);
    }
  });

  it('never replaces a pin', async () => {
    const keys = new FileHostKeys(file());
    await keys.pin('pod@1', 'SHA256:aaa');
    await keys.pin('pod@1', 'SHA256:aaa');
    await assert.rejects(keys.pin('pod@1', 'SHA256:bbb'), { code: 'host-key-pinned' });
    assert.equal(await keys.expected('pod@1'), 'SHA256:aaa');
  });

  it('does not take a damaged file for an empty one', async () => {
    const keys = new FileHostKeys(file());
    await keys.pin('pod@1', 'SHA256:aaa');
    await writeFile(file(), (await readFile(file(), 'utf8')).slice(0, -10));
    await assert.rejects(keys.expected('pod@1'), { code: 'host-keys-unreadable' });
    await assert.rejects(keys.pin('pod@2', 'SHA256:bbb'), { code: 'host-keys-unreadable' });
  });
});
