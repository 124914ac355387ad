import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { installWorker } from '../../../src/core/pods/install-worker.ts';
import type { SshConnection } from '../../../src/core/ssh/index.ts';
import { streamThrough } from '../../../src/core/transport/ssh/remote-stream.ts';
import type { SshSetup } from '../../support/ssh-session.ts';
import { setUpSsh } from '../../support/ssh-session.ts';
import { useTempFolder } from '../../support/temp.ts';

const installer = path.resolve(import.meta.dirname, '../../../gpu-worker/bootstrap/install.py');

/** The program that sshd starts through the login shell, as RunPod's Ubuntu images have it. */
const sftpServer = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
].find((file) => existsSync(file));

/** What an image's start files print, in sessions without a terminal too. */
const noises: Record<string, string> = {
  'a line on standard output': 'echo Welcome to my image',
  'no end of line': 'printf Welcome',
  'both outputs': 'echo Welcome; echo "a note of conda" >&2',
  'a megabyte': 'head -c 1000000 /dev/zero | tr "\\0" x',
  'bytes that are no text': 'head -c 5000 /dev/urandom',
  'a trace of the shell': 'set -x',
  'what looks like an answer': 'echo \'{"jobs": []}\'; echo \'{"error": {"what": "no"}}\'',
  'a trap at the end': 'trap "echo Goodbye" EXIT',
  slowly: 'sleep 1; echo late',
};

describe('an image whose login shell prints (R3.4)', () => {
  const folder = useTempFolder();
  let ssh: SshSetup;

  afterEach(() => ssh.stop());

  /** A connection to a machine whose login shell, and every bash below it, reads this text when it starts. */
  async function machine(startFile: string): Promise<SshConnection> {
    assert.ok(sftpServer, 'OpenSSH has an sftp-server');
    const home = path.join(folder.path, 'home');
    await mkdir(home, { recursive: true });
    const file = path.join(home, '.bashrc');
    await writeFile(file, `${startFile}\n`);
    ssh = await setUpSsh(folder.path, {
      subsystem: sftpServer,
      config: [`SetEnv HOME=${home} BASH_ENV=${file}`],
    });
    return ssh.connect();
  }

  for (const [name, startFile] of Object.entries(noises)) {
    it(`works with ${name}`, async () => {
      const connection = await machine(startFile);
      const result = await connection.exec(['sh', '-c', 'echo out; echo err >&2; exit 3']);
      assert.deepEqual({ ...result, stdout: result.stdout.toString() }, { code: 3, stdout: 'out\n', stderr: 'err\n' });
      const data = randomBytes(300_000);
      assert.ok((await connection.exec(['cat'], { stdin: data })).stdout.equals(data));

      const sftp = await connection.sftp();
      const file = path.join(folder.path, 'file');
      await sftp.put(data, file);
      assert.ok((await readFile(file)).equals(data));
      await sftp.get(file, `${file}-back`);
      assert.ok((await readFile(`${file}-back`)).equals(data));

      const chunks: Buffer[] = [];
      const input = Readable.from([data]) as AsyncIterable<Buffer>;
      await streamThrough(sftp, ['cat'], { input, onOutput: (chunk) => void chunks.push(chunk) });
      assert.ok(Buffer.concat(chunks).equals(data));

      await copyFile(installer, path.join(folder.path, 'install.py'));
      const worker = path.join(folder.path, 'worker.pyz');
      await writeFile(worker, data);
      const place = await installWorker(connection, path.join(folder.path, 'mount'), worker);
      assert.ok((await readFile(place)).equals(data));
    });
  }

  it('names the cause when the shell ends by itself', async () => {
    const connection = await machine('echo not for you; exit 3');
    const cause = { code: 'ssh-shell', message: /exit code 3.*not for you.*case \$- in/s };
    await assert.rejects(connection.exec(['true']), cause);
    await assert.rejects(connection.exec(['cat'], { stdin: 'canary' }), cause);
    await assert.rejects(connection.sftp(), { code: 'ssh-shell', message: /not for you/ });
  });

  it('names the cause when another shell has its place, and gives that one no input', async () => {
    const connection = await machine('exec sh');
    const ran = path.join(folder.path, 'ran-as-a-command');
    const secret = `touch ${ran} canary\n`;
    await Promise.all([
      assert.rejects(connection.exec(['true']), { code: 'ssh-shell', message: /another one in its place/ }),
      assert.rejects(connection.exec(['cat'], { stdin: secret }), (error: Error) => !error.message.includes('canary')),
      assert.rejects(connection.sftp(), { code: 'ssh-shell' }),
    ]);
    assert.ok(!existsSync(ran));
  });
});
