import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { useTempFolder } from '../../support/temp.ts';

const dist = process.env.RUNPOD_TRAINER_DIST ?? path.resolve(import.meta.dirname, '../../../dist');
const cli = path.join(dist, 'cli.js');
const lockModule = path.resolve(import.meta.dirname, '../../../src/core/files/lock.ts');
const isRoot = process.getuid?.() === 0;

describe('what the system refuses is said in words (R9.3)', () => {
  const folder = useTempFolder();

  function run(
    args: string[],
    env: Record<string, string> = {},
    uid?: number,
  ): { code: number | null; out: string; err: string } {
    const child = spawnSync(process.execPath, [cli, ...args], {
      cwd: folder.path,
      encoding: 'utf8',
      ...(uid !== undefined && { uid }),
      env: { ...process.env, RUNPOD_API_KEY: 'rpa_X', RUNPOD_REST_URL: 'http://127.0.0.1:1/v2', ...env },
    });
    return { code: child.status, out: child.stdout, err: child.stderr };
  }

  /** Says it in words, with the code behind them, and is no failure of this program. */
  function assertWords({ code, err }: { code: number | null; err: string }, words: RegExp): void {
    assert.match(err, words);
    assert.doesNotMatch(err, /Unexpected failure|^ {4}at |E[A-Z]+: /m);
    assert.equal(code, 2);
  }

  it('a home that is a file, or lies below one', () => {
    const file = path.join(folder.path, 'file');
    writeFileSync(file, '');
    for (const command of ['jobs', 'sandbox', 'costs']) {
      assertWords(
        run([command], { RUNPOD_TRAINER_HOME: file }),
        /cannot be written to\.\n.*something else has that name \(EEXIST\)|a file stands where a folder is needed/,
      );
      assertWords(
        run([command], { RUNPOD_TRAINER_HOME: path.join(file, 'home') }),
        /a file stands where a folder is needed \(ENOTDIR\)/,
      );
    }
  });

  if (isRoot) {
    it('a home on a disk that is read-only or full', () => {
      const disk = path.join(folder.path, 'disk');
      mkdirSync(disk);
      for (const [options, words] of [
        ['ro', /its disk is mounted read-only \(EROFS\)/],
        ['size=4k,nr_inodes=2', /its disk is full \(ENOSPC\)/],
      ] as const) {
        assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', disk]).status, 0);
        try {
          assertWords(run(['jobs'], { RUNPOD_TRAINER_HOME: path.join(disk, 'home') }), words);
        } finally {
          spawnSync('umount', ['-l', disk]);
        }
      }
    });
  }

  if (isRoot) {
    it('a home on a disk whose last byte is used: the file is named, and nothing half-written is left', () => {
      const disk = path.join(folder.path, 'disk');
      const home = path.join(disk, 'home');
      mkdirSync(disk);
      assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk]).status, 0);
      try {
        mkdirSync(home);
        const fill = (): void => void spawnSync('sh', ['-c', 'cat /dev/zero > "$0"', path.join(disk, 'fill')]);
        fill();
        assertWords(run(['jobs'], { RUNPOD_TRAINER_HOME: home }), /machine\.json\S*: its disk is full \(ENOSPC\)/);
        assert.deepEqual(
          readdirSync(home).filter((name) => name.includes('machine')),
          [],
        );
        writeFileSync(path.join(disk, 'fill'), '');
        mkdirSync(path.join(home, 'locks'));
        fill();
        const lock = path.join(home, 'locks', 'any');
        const program = `import { takeLock } from ${JSON.stringify(lockModule)};
          await takeLock(${JSON.stringify(lock)}).catch((error) => console.log(error.path));`;
        const taken = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
        assert.equal(taken.stdout, `${lock}\n`, taken.stderr);
        assert.deepEqual(readdirSync(path.join(home, 'locks')), []);
      } finally {
        spawnSync('umount', ['-l', disk]);
      }
    });
  }

  it('a home that this user has no right to', () => {
    const home = path.join(folder.path, 'closed');
    mkdirSync(home, { mode: 0o500 });
    chmodSync(folder.path, 0o755);
    const told = run(['jobs'], { RUNPOD_TRAINER_HOME: path.join(home, 'home') }, isRoot ? 65_534 : undefined);
    assertWords(told, /this user has no right to it \(EACCES\)/);
  });

  it('a project file that is a folder, or not there', () => {
    const home = { RUNPOD_TRAINER_HOME: path.join(folder.path, 'home') };
    assertWords(run(['check', '.'], home), /it is a folder, not a file \(EISDIR\)/);
    assertWords(run(['check', 'no.runpod.json'], home), /it is not there \(ENOENT\)/);
  });

  it('a reader that has gone says nothing at all', async () => {
    const child = spawn('bash', ['-c', `"${process.execPath}" "${cli}" --help | true; echo "$\{PIPESTATUS[0]}"`], {
      stdio: 'pipe',
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    await once(child, 'close');
    assert.equal(err, '');
    assert.match(out, /^(0|141)\n$/);
  });

  it('a port of the sandbox that another program has', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const home = { RUNPOD_TRAINER_HOME: path.join(folder.path, 'home') };
      const { code, err } = run(['sandbox', '--port', String(port)], home);
      assert.match(err, new RegExp(`Port ${port} is in use by another program`));
      assert.equal(code, 2);
    } finally {
      other.close();
    }
  });

  it('and the version is told', () => {
    assert.deepEqual(run(['--version']), { code: 0, out: `${packageJson.version}\n`, err: '' });
  });
});
