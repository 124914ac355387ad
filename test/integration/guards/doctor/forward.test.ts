import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { SshError } from '../../../../src/core/ssh/index.ts';
import { CancelledError } from '../../../../src/core/errors.ts';
import { setUpSsh } from '../../../support/ssh-session.ts';
import { freePort } from '../../../support/sshd.ts';
import { useTempFolder } from '../../../support/temp.ts';

describe('a tunnel to a port of the pod', () => {
  const folder = useTempFolder();

  it('carries bytes both ways, and says when nothing listens or when it is cancelled', async () => {
    const ssh = await setUpSsh(folder.path);
    try {
      const connection = await ssh.connect();
      const channel = await connection.tunnel(ssh.sshd.target.port);
      const [chunk] = (await once(channel, 'data')) as [Buffer];
      assert.match(chunk.toString(), /^SSH-2\.0-/);
      channel.destroy();
      const port = await freePort();
      await assert.rejects(connection.tunnel(port), (error: SshError) => {
        assert.equal(error.code, 'ssh-forward');
        assert.match(error.what, new RegExp(`its own port ${port}`));
        return true;
      });
      await assert.rejects(connection.tunnel(ssh.sshd.target.port, AbortSignal.abort()), CancelledError);
      connection.close();
      await assert.rejects(connection.tunnel(ssh.sshd.target.port), (e: SshError) => e.code === 'ssh-lost');
    } finally {
      await ssh.stop();
    }
  });

  it('is refused by an sshd that allows none', async () => {
    const ssh = await setUpSsh(folder.path, { config: ['AllowTcpForwarding no'] });
    try {
      const connection = await ssh.connect();
      await assert.rejects(connection.tunnel(22), (error: SshError) => {
        assert.equal(error.code, 'ssh-forward');
        assert.match(error.next ?? '', /AllowTcpForwarding/);
        return true;
      });
    } finally {
      await ssh.stop();
    }
  });
});
