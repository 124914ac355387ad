import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CancelledError } from '../../../src/core/errors.ts';
import type { SshConnection } from '../../../src/core/ssh/index.ts';
import type { SshSetup } from '../../support/ssh-session.ts';
import { setUpSsh } from '../../support/ssh-session.ts';
import { useTempFolder } from '../../support/temp.ts';
import { until } from '../../support/wait.ts';

describe('SshConnection.exec and stream', () => {
  const folder = useTempFolder();
  let ssh: SshSetup;
  let connection: SshConnection;

  beforeEach(async () => {
    ssh = await setUpSsh(folder.path);
    connection = await ssh.connect();
  });
  afterEach(() => ssh.stop());

  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it('gives exit code, output and errors apart', async () => {
    const result = await connection.exec(['sh', '-c', 'echo out; echo err >&2; exit 3']);
    assert.deepEqual({ ...result, stdout: result.stdout.toString() }, { code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('passes every argument through unchanged', async () => {
    const hard = ['two words', "it's", '"', 'a\nb', '$HOME `id`', '日本語', '', '\\', '*'];
    const result = await connection.exec(['printf', '%s\\0', ...hard]);
    assert.deepEqual(result.stdout.toString().split('\0').slice(0, -1), hard);
  });

  it('tells the signal that ended a command', async () => {
    assert.equal((await connection.exec(['sh', '-c', 'kill -9 $$'])).code, 137);
    assert.equal((await connection.exec(['sh', '-c', 'kill -9 $$'], { stdin: 'x' })).code, 137);
  });

  it('carries large input and output at the same time', async () => {
    const data = randomBytes(20 * 1024 * 1024);
    const result = await connection.exec(['cat'], { stdin: data });
    assert.equal(result.code, 0);
    assert(result.stdout.equals(data));
  });

  it('gives an empty standard input when none is given', async () => {
    assert.equal((await connection.exec(['cat'])).stdout.length, 0);
  });

  it('answers when a command ends without reading its input', async () => {
    const result = await connection.exec(['sh', '-c', 'echo no; exit 4'], { stdin: randomBytes(8 * 1024 * 1024) });
    assert.equal(result.code, 4);
    assert.equal(result.stdout.toString(), 'no\n');
  });

  it('refuses output without end', async () => {
    await assert.rejects(connection.exec(['cat', '/dev/zero'], { maxStdout: 1_000_000 }), /more than 1000000 bytes/);
    assert.equal((await connection.exec(['echo', 'still here'])).stdout.toString(), 'still here\n');
  });

  it('runs commands side by side', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, (_, i) => connection.exec(['echo', `${i}`])));
    assert.deepEqual(
      results.map((result) => result.stdout.toString()),
      Array.from({ length: 8 }, (_, i) => `${i}\n`),
    );
  });

  it('ends at once when the command left a detached child behind (R3.4)', async () => {
    const pidFile = path.join(folder.path, 'pid');
    const script = 'setsid sh -c \'echo $$ > "$1"; exec sleep 1000\' sh "$1" </dev/null >/dev/null 2>&1 & echo started';
    const begun = performance.now();
    const result = await connection.exec(['sh', '-c', script, 'sh', pidFile]);
    assert.equal(result.stdout.toString(), 'started\n');
    assert(performance.now() - begun < 60_000);
    const pid = await until('the child wrote its pid', async () => {
      const text = await readFile(pidFile, 'utf8').catch(() => '');
      return text.endsWith('\n') && Number(text);
    });
    connection.close();
    await connection.closed;
    assert(isAlive(pid), 'the detached child outlives the connection');
    process.kill(pid, 'SIGKILL');
  });

  it('streams output as it comes', async () => {
    const seen: string[] = [];
    const stop = new AbortController();
    const running = connection.stream(['sh', '-c', 'echo one; exec sleep 1000'], {
      onStdout: (chunk) => void seen.push(chunk.toString()),
      signal: stop.signal,
    });
    running.catch(() => undefined);
    await until('the first line', () => seen.join('') === 'one\n');
    stop.abort();
    await assert.rejects(running, CancelledError);
  });

  it('slows a command down when its reader is slow', async () => {
    let read = 0;
    const written = path.join(folder.path, 'written');
    const script = 'for i in $(seq 40); do head -c 1048576 /dev/zero; echo $i > "$1"; done';
    await connection.stream(['sh', '-c', script, 'sh', written], {
      onStdout: async (chunk) => {
        if (read === 0) {
          await setTimeout(1000);
          // The window of the channel is 2 MiB; pipes and sockets on the way hold some more.
          assert(Number(await readFile(written, 'utf8').catch(() => '0')) < 20);
        }
        read += chunk.length;
      },
    });
    assert.equal(read, 40 * 1048576);
  });

  it('ends the command at the far end when cancelled', async () => {
    const stop = new AbortController();
    let pid = 0;
    const running = connection.stream(['sh', '-c', 'echo $$; exec sleep 1000'], {
      onStdout: (chunk) => {
        pid = Number(chunk.toString());
      },
      signal: stop.signal,
    });
    running.catch(() => undefined);
    await until('the command runs', () => pid > 0);
    stop.abort();
    await assert.rejects(running, CancelledError);
    await until('the command ended', () => !isAlive(pid));
    assert.equal((await connection.exec(['echo', 'still here'])).code, 0);
  });

  it('does not start when cancelled before', async () => {
    await assert.rejects(connection.exec(['true'], { signal: AbortSignal.abort() }), CancelledError);
  });
});
