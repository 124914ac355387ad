import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { CancelledError } from '../../../src/core/errors.ts';
import { fingerprintOf, generateKeyPair, SshError } from '../../../src/core/ssh/index.ts';
import type { SshSetup } from '../../support/ssh-session.ts';
import { setUpSsh } from '../../support/ssh-session.ts';
import { freePort, startSshd } from '../../support/sshd.ts';
import { useTempFolder } from '../../support/temp.ts';

describe('connect', () => {
  const folder = useTempFolder();
  let ssh: SshSetup;

  beforeEach(async () => {
    ssh = await setUpSsh(folder.path);
  });
  afterEach(() => ssh.stop());

  /** Runs `work` with a TCP server that does `onConnect` with every connection. */
  async function withServer<T>(onConnect: (s: net.Socket) => void, work: (port: number) => Promise<T>): Promise<T> {
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      onConnect(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      return await work((server.address() as net.AddressInfo).port);
    } finally {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    }
  }

  const at = (port: number) => ({ target: { ...ssh.sshd.target, port } });

  it('pins the host key on first use, tells it once, and accepts it later', async () => {
    const told: string[][] = [];
    const onFirstUse = (...words: string[]): void => void told.push(words);
    const connection = await ssh.connect({ onFirstUse });
    assert.equal(connection.fingerprint, ssh.sshd.fingerprint);
    await ssh.connect({ onFirstUse });
    assert.deepEqual(told, [[ssh.sshd.fingerprint, 'first use']]);
    assert.equal(await ssh.hostKeys.expected('pod@1'), ssh.sshd.fingerprint);
  });

  it('offers the keys of before after its own, in one login', async () => {
    const { key } = ssh;
    const others = Array.from({ length: 4 }, () => generateKeyPair('other').privateKey);
    const fresh = generateKeyPair('fresh');
    await assert.rejects(ssh.connect({ key: { ...fresh, earlier: others } }), { code: 'ssh-auth' });
    await ssh.connect({ key: { ...fresh, earlier: [...others.slice(1), key.privateKey] } });
  });

  it('stops hard when the host key changes within one start, and accepts it for another start', async () => {
    await ssh.connect();
    await ssh.sshd.stop();
    const impostor = await startSshd({
      folder: path.join(folder.path, 'impostor'),
      authorized: [],
      port: ssh.sshd.target.port,
    });
    try {
      await assert.rejects(ssh.connect(), (error: SshError) => {
        assert.equal(error.code, 'ssh-host-key-changed');
        assert(error.what.includes(ssh.sshd.fingerprint) && error.what.includes(impostor.fingerprint));
        assert.match(error.message, /Do not continue/);
        return true;
      });
      assert(!impostor.log().includes('publickey'), 'no login was tried');
      // Another start has another key; here the login is refused, so nothing is pinned for it.
      await assert.rejects(ssh.connect({ pinId: 'pod@2' }), { code: 'ssh-auth' });
      assert.equal(await ssh.hostKeys.expected('pod@2'), undefined);
    } finally {
      await impostor.stop();
    }
  });

  it('compares with the fingerprints of the boot log', async () => {
    const other = fingerprintOf(Buffer.from('other'));
    await assert.rejects(ssh.connect({ bootLog: () => Promise.resolve([other]) }), { code: 'ssh-host-key-unexpected' });
    assert.equal(await ssh.hostKeys.expected('pod@1'), undefined);
    let checkedBy = '';
    await ssh.connect({
      bootLog: () => Promise.resolve([other, ssh.sshd.fingerprint]),
      onFirstUse: (_, how) => {
        checkedBy = how;
      },
    });
    assert.equal(checkedBy, 'boot log');
    await ssh.connect({ bootLog: () => assert.fail('a pinned key needs no log') });
  });

  it('says what to do when the pod does not accept the key', async () => {
    await assert.rejects(ssh.connect({ key: generateKeyPair('other') }), (error: SshError) => {
      assert(error instanceof SshError);
      assert.equal(error.code, 'ssh-auth');
      assert.match(error.message, /does not accept this installation's key.*PUBLIC_KEY.*authorized_keys/s);
      return true;
    });
  });

  it('tells a refused port', async () => {
    await assert.rejects(ssh.connect(at(await freePort())), { code: 'ssh-refused' });
  });

  it('tells a port that closes without a greeting, as a mapped port does before sshd is up', async () => {
    await withServer(
      (socket) => socket.end(),
      (port) => assert.rejects(ssh.connect(at(port)), { code: 'ssh-refused' }),
    );
  });

  it('tells a port where something else answers', async () => {
    await withServer(
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      (port) => assert.rejects(ssh.connect(at(port)), { code: 'ssh-refused' }),
    );
  });

  it('gives up in time when nothing answers', async () => {
    const begun = performance.now();
    await withServer(
      () => undefined,
      (port) => assert.rejects(ssh.connect({ ...at(port), timeoutMs: 300 }), { code: 'ssh-timeout' }),
    );
    assert(performance.now() - begun < 20_000);
  });

  it('tells a name that does not resolve', async () => {
    const target = { ...ssh.sshd.target, host: 'no-such-host.invalid' };
    await assert.rejects(ssh.connect({ target }), { code: 'ssh-unreachable' });
  });

  it('can be cancelled while it waits', async () => {
    const stop = new AbortController();
    await withServer(
      () => stop.abort(),
      (port) => assert.rejects(ssh.connect({ ...at(port), signal: stop.signal }), CancelledError),
    );
    await assert.rejects(ssh.connect({ signal: AbortSignal.abort() }), CancelledError);
  });
});
