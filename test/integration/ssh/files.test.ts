import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { copyFile, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CancelledError } from '../../../src/core/errors.ts';
import type { SshConnection } from '../../../src/core/ssh/index.ts';
import { installWorker } from '../../../src/core/pods/install-worker.ts';
import type { SshSetup } from '../../support/ssh-session.ts';
import { setUpSsh } from '../../support/ssh-session.ts';
import { useTempFolder } from '../../support/temp.ts';
import { until } from '../../support/wait.ts';

const installer = path.resolve(import.meta.dirname, '../../../gpu-worker/bootstrap/install.py');

describe('files and cuts over SSH', () => {
  const folder = useTempFolder();
  let ssh: SshSetup;
  let connection: SshConnection;
  const at = (name: string): string => path.join(folder.path, name);

  beforeEach(async () => {
    ssh = await setUpSsh(folder.path);
    connection = await ssh.connect();
  });
  afterEach(() => ssh.stop());

  for (const size of [0, 1, 255 * 1024, 255 * 1024 + 1, 30_000_000]) {
    it(`carries ${size} bytes both ways and hashes them`, async () => {
      const data = randomBytes(size);
      const sha256 = createHash('sha256').update(data).digest('hex');
      await writeFile(at('local'), data);
      const sftp = await connection.sftp();
      let seen = 0;
      const onBytes = (bytes: number): void => void (seen += bytes);
      assert.deepEqual(await sftp.put(at('local'), at('remote'), { onBytes }), { bytes: size, sha256 });
      assert((await readFile(at('remote'))).equals(data));
      assert.equal(seen, size);
      assert.deepEqual(await sftp.get(at('remote'), at('back'), { onBytes }), { bytes: size, sha256 });
      assert((await readFile(at('back'))).equals(data));
      assert.equal(seen, 2 * size);
    });
  }

  it('writes bytes from memory and replaces what is there', async () => {
    const sftp = await connection.sftp();
    await sftp.makeFolder(at('a/b/c'));
    await sftp.makeFolder(at('a/b/c'));
    await sftp.put(Buffer.from('a longer text'), at('a/b/c/x'));
    await sftp.put(Buffer.from('short'), at('a/b/c/x'));
    assert.equal(await readFile(at('a/b/c/x'), 'utf8'), 'short');
    await sftp.remove(at('a/b/c/x'));
    await assert.rejects(stat(at('a/b/c/x')), { code: 'ENOENT' });
  });

  it('does not write through a link or over a file at home', async () => {
    await writeFile(at('remote'), 'x');
    await symlink('elsewhere', at('link'));
    await writeFile(at('file'), 'mine');
    const sftp = await connection.sftp();
    await assert.rejects(sftp.get(at('remote'), at('link')), { code: 'EEXIST' });
    await assert.rejects(sftp.get(at('remote'), at('file')), { code: 'EEXIST' });
    assert.equal(await readFile(at('file'), 'utf8'), 'mine');
  });

  it('tells what the far end refuses, and goes on', async () => {
    const sftp = await connection.sftp();
    await assert.rejects(sftp.get(at('absent'), at('x')), { code: 'ssh-sftp', message: /No such file/ });
    await assert.rejects(sftp.put(Buffer.from('x'), at('no/folder')), { code: 'ssh-sftp' });
    await assert.rejects(sftp.put(at('absent'), at('x')), { code: 'ENOENT' });
    await sftp.put(Buffer.from('x'), at('y'));
  });

  it('can be cancelled in the middle of a file', async () => {
    await writeFile(at('local'), randomBytes(50_000_000));
    const sftp = await connection.sftp();
    for (const move of ['put', 'get'] as const) {
      const stop = new AbortController();
      const moving = sftp[move](at('local'), at(`copy-${move}`), { signal: stop.signal, onBytes: () => stop.abort() });
      await assert.rejects(moving, CancelledError);
      assert((await stat(at(`copy-${move}`))).size < 50_000_000);
    }
    await sftp.put(Buffer.from('still here'), at('after'));
  });

  it('tells a cut in the middle of a put and of a get', async () => {
    await writeFile(at('local'), randomBytes(100_000_000));
    for (const move of ['put', 'get'] as const) {
      connection = await ssh.connect();
      const sftp = await connection.sftp();
      let cut: Promise<void> | undefined;
      const onBytes = (): void => void (cut ??= ssh.sshd.cutSessions());
      await assert.rejects(sftp[move](at('local'), at(`copy-${move}`), { onBytes }), { code: 'ssh-lost' });
      await assert.rejects(sftp.remove(at(`copy-${move}`)), { code: 'ssh-lost' });
      await cut;
      await sftp.closed;
      await assert.rejects(sftp.roundTrip(), { code: 'ssh-lost' });
      assert((await connection.closed) instanceof Error);
    }
  });

  it('tells a cut in the middle of a stream, and what a later call meets', async () => {
    let seen = 0;
    const running = connection.stream(['sh', '-c', 'echo; exec sleep 1000'], {
      onStdout: (c) => void (seen += c.length),
    });
    running.catch(() => undefined);
    await until('output', () => seen > 0);
    await ssh.sshd.cutSessions();
    await assert.rejects(running, { code: 'ssh-lost', message: /goes on. Connect again/ });
    assert.equal((await connection.closed)?.name, 'SshError');
    await assert.rejects(connection.exec(['true']), { code: 'ssh-lost' });
    await assert.rejects(connection.sftp(), { code: 'ssh-lost' });
    const again = await ssh.connect();
    assert.equal((await again.exec(['echo', 'back'])).stdout.toString(), 'back\n');
  });

  it('notices a link that is dead without a word, and only such a one', async () => {
    const idle = await ssh.connect({ pingMs: 100 });
    const early = await Promise.race([idle.closed, setTimeout(1000, 'alive')]);
    assert.equal(early, 'alive');
    await ssh.sshd.freezeSessions();
    const reason = await idle.closed;
    assert.match(reason?.message ?? '', /was lost. Nothing was heard/);
  });

  it('opens the file service again when only that was lost', async () => {
    const first = await connection.sftp();
    first.close();
    await first.closed;
    const second = await connection.sftp();
    assert.notEqual(second, first);
    await second.put(Buffer.from('x'), at('x'));
  });

  it('reports no error after an orderly close', async () => {
    await connection.sftp();
    connection.close();
    assert.equal(await connection.closed, undefined);
    await assert.rejects(connection.exec(['true']), { code: 'ssh-lost' });
  });

  describe('installWorker', () => {
    beforeEach(() => copyFile(installer, at('install.py')));

    it('puts the worker under its sha256, sends it once, and replaces a damaged one', async () => {
      const data = randomBytes(300_000);
      const sha256 = createHash('sha256').update(data).digest('hex');
      await writeFile(at('worker.pyz'), data);
      const place = await installWorker(connection, at('mount'), at('worker.pyz'));
      assert.equal(place, at(`mount/.runpod-trainer/worker/${sha256}.pyz`));
      assert((await readFile(place)).equals(data));
      const { ino } = await stat(place);
      await installWorker(connection, at('mount'), at('worker.pyz'));
      assert.equal((await stat(place)).ino, ino, 'it was not sent again');
      await writeFile(place, data.subarray(1));
      await installWorker(connection, at('mount'), at('worker.pyz'));
      assert((await readFile(place)).equals(data));
    });

    it('says when the pod has no Python', async () => {
      await writeFile(at('worker.pyz'), 'x');
      const install = installWorker(connection, at('mount'), at('worker.pyz'), undefined, 'no-such-python');
      await assert.rejects(install, { code: 'no-python', message: /no-such-python.*target\.python/s });
    });
  });
});
