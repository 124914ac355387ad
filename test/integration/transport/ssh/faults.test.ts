import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Relay } from '../../../../sandbox/relay.ts';
import type { UserError } from '../../../../src/core/errors.ts';
import { CancelledError } from '../../../../src/core/errors.ts';
import type { SshConnection } from '../../../../src/core/ssh/index.ts';
import { accept } from '../../../../src/core/transport/safe-names.ts';
import { Failures } from '../../../../src/core/transport/failures.ts';
import type { HashedFile } from '../../../../src/core/files/hash.ts';
import type { PushResult } from '../../../../src/core/transport/progress.ts';
import { fetchFiles } from '../../../../src/core/transport/ssh/fetch.ts';
import { hashFiles } from '../../../../src/core/files/hash.ts';
import { mayLeave, type Leaving } from '../../../../src/core/files/leaving.ts';
import { installWorker } from '../../../../src/core/pods/install-worker.ts';
import { push } from '../../../../src/core/transport/ssh/push.ts';
import { scan } from '../../../../src/core/files/scan.ts';
import { PushConflicts } from '../../../../src/core/transport/ssh/push.ts';
import { lengthOf, merged, missing, readJournal } from '../../../../src/core/files/ranges.ts';
import { writeTree } from '../../../support/files.ts';
import type { SshSetup } from '../../../support/ssh-session.ts';
import { setUpSsh } from '../../../support/ssh-session.ts';
import { freePort } from '../../../support/sshd.ts';
import { useTempFolder } from '../../../support/temp.ts';

const builder = fileURLToPath(new URL('../../../../gpu-worker/build.py', import.meta.url));
const mib = 1024 * 1024;

describe('transfers over SSH with bad input (R2.5, R2.6)', () => {
  const folder = useTempFolder();
  const at = (name: string): string => path.join(folder.path, name);
  const root = (): string => at('volume/projects/p');
  let ssh: SshSetup;
  let connection: SshConnection;
  let worker: string[];

  const setUp = async (wrapper?: string[]): Promise<void> => {
    ssh = await setUpSsh(folder.path, wrapper === undefined ? {} : { wrapper });
    connection = await ssh.connect();
    execFileSync('python3', [builder, at('worker.pyz')]);
    worker = [
      'python3',
      wrapper === undefined ? await installWorker(connection, at('volume'), at('worker.pyz')) : at('worker.pyz'),
    ];
    await mkdir(at('home'), { recursive: true });
  };
  afterEach(() => ssh.stop());

  const hashed = async (): Promise<Leaving<HashedFile>[]> => {
    const { files } = await scan(at('home'), { must: ['**'], data: [], optional: [], never: [] });
    return mayLeave(await hashFiles(files, at('hashes.json')));
  };
  const pushAll = async (more = {}): Promise<PushResult> =>
    push({ connection, worker, root: root(), files: await hashed(), ...more });
  const fetchAll = (more = {}) =>
    fetchFiles({ connection, worker, root: root(), patterns: ['**'], into: at('results'), ...more });

  it('asks before it replaces what somebody changed at the far end', async () => {
    await setUp();
    await writeTree(at('home'), { both: 'base', there: 'base', here: 'base' });
    await pushAll();
    await writeTree(root(), { both: 'theirs', there: 'theirs', stranger: 'of a step' });
    await writeTree(at('home'), { both: 'mine', here: 'mine', stranger: 'mine', fresh: 'mine' });
    await assert.rejects(pushAll({ overwrite: new Set() }), (error: unknown) => {
      assert(error instanceof PushConflicts && error.code === 'push-conflicts');
      assert.deepEqual([...error.paths].sort(), ['both', 'stranger', 'there']);
      return true;
    });
    assert.equal(await readFile(path.join(root(), 'both'), 'utf8'), 'theirs');
    assert.equal(await readFile(path.join(root(), 'here'), 'utf8'), 'base');
    await assert.rejects(pushAll({ overwrite: new Set(['both', 'there']) }), { paths: ['stranger'] });
    assert.equal(await readFile(path.join(root(), 'there'), 'utf8'), 'theirs');
    assert.equal(await readFile(path.join(root(), 'both'), 'utf8'), 'theirs');
    const result = await pushAll({ overwrite: new Set(['both', 'stranger', 'there']) });
    assert.deepEqual(result.overwritten?.sort(), ['both', 'stranger', 'there']);
    assert.equal(await readFile(path.join(root(), 'both'), 'utf8'), 'mine');
    assert.equal((await pushAll({ overwrite: new Set() })).sent, 0);
  });

  it('goes on in the middle of a large file that a client left, up and home', async () => {
    await setUp();
    writeFileSync(at('home/large'), randomBytes(20 * mib));
    for (const work of [pushAll, fetchAll]) {
      let moved = 0;
      const stop = new AbortController();
      const onProgress = (p: { bytes: number }): void => {
        moved = p.bytes;
        if (p.bytes > 8 * mib) {
          stop.abort();
        }
      };
      await assert.rejects(work({ rangeBytes: mib, onProgress, signal: stop.signal }), CancelledError);
      const again = await work({ rangeBytes: mib });
      assert(again.bytes < 20 * mib - moved + 3 * mib, `${again.bytes} after ${moved}`);
      assert(again.bytes >= 20 * mib - moved - 16 * mib && again.bytes <= 14 * mib);
    }
    assert(readFileSync(at('results/large')).equals(readFileSync(at('home/large'))));
    assert(readFileSync(path.join(root(), 'large')).equals(readFileSync(at('home/large'))));
  });

  it('moves much over a long way on several connections at a time', async () => {
    await setUp();
    const relay = await Relay.open(await freePort(), ssh.sshd.target.port);
    try {
      relay.slow({ delayMs: 6 });
      connection = await ssh.connect({ target: { ...ssh.sshd.target, port: relay.port } });
      await writeTree(at('home'), { one: randomBytes(40 * mib), 'deep/two': randomBytes(30 * mib), small: 'text' });
      const opened = (): number => ssh.sshd.log().split('Accepted publickey').length;
      const before = opened();
      const result = await pushAll();
      assert.deepEqual([result.sent, opened() - before], [3, 3]);
      await fetchAll();
      for (const name of ['one', 'deep/two', 'small']) {
        assert(readFileSync(at(`results/${name}`)).equals(readFileSync(at(`home/${name}`))), name);
      }
    } finally {
      await relay.close();
    }
  });

  it('tells a volume that cannot be written to', async () => {
    await mkdir(at('volume'));
    const { uid, gid } = userInfo();
    const mount = (then: string): string => `mount -t tmpfs -o ro tmpfs "$0" && ${then} "$@"`;
    await setUp(
      uid === 0
        ? ['unshare', '-m', '--propagation', 'private', 'sh', '-c', mount('exec'), at('volume')]
        : [
            'unshare',
            '-Ur',
            '-m',
            '--propagation',
            'private',
            'sh',
            '-c',
            mount(`exec unshare -U --map-user=${uid} --map-group=${gid}`),
            at('volume'),
          ],
    );
    await writeTree(at('home'), { a: 'a' });
    await assert.rejects(pushAll(), { code: 'worker-refused', message: /Read-only file system/ });
  });

  it('tells a folder at home that cannot be written to', async () => {
    await setUp();
    await writeTree(at('home'), { a: 'a' });
    await pushAll();
    await writeFile(at('results'), 'a file');
    await assert.rejects(fetchAll(), { code: 'place-taken' });
  });

  it('notices a file that shrinks, grows or goes while its ranges are sent', async () => {
    await setUp();
    for (const change of [
      () => truncateSync(at('home/large'), 5 * mib),
      () => writeFileSync(at('home/large'), 'x', { flag: 'a' }),
      () => writeFileSync(at('home/large'), randomBytes(12 * mib)),
    ]) {
      await writeTree(at('home'), { large: randomBytes(12 * mib), other: 'other' });
      let changed = false;
      const onProgress = (p: { file: string }): void => {
        if (!changed && p.file === 'large') {
          changed = true;
          change();
        }
      };
      await assert.rejects(pushAll({ rangeBytes: mib, onProgress }), { code: 'push-failed', message: /changed while/ });
      assert.deepEqual(readdirSync(path.join(root(), '.runpod-trainer/incoming')), []);
      assert.deepEqual(readdirSync(root()).sort(), ['.runpod-trainer', 'other']);
    }
    await pushAll();
  });

  it('notices a file of the pod that changes or goes while it is fetched', async () => {
    await setUp();
    await writeTree(at('home'), { large: randomBytes(12 * mib), small: 'small', gone: 'gone' });
    await pushAll();
    let changed = false;
    const onProgress = (): void => {
      if (!changed) {
        changed = true;
        writeFileSync(path.join(root(), 'large'), randomBytes(12 * mib));
      }
    };
    const real = worker[1]!;
    const script = `if [ "$2" = send ]; then rm -f "$4/gone"; fi; exec python3 "$0" "$@"`;
    const { left } = await fetchAll({ rangeBytes: mib, onProgress, worker: ['sh', '-c', script, real] });
    const told = left
      .toSorted((a, b) => a.path.localeCompare(b.path))
      .map(({ path: name, reason }) => `${name}: ${reason}`);
    assert.equal(told.length, 2);
    assert.match(told[0] ?? '', /^gone: .*not there any more/);
    assert.match(told[1] ?? '', /^large: .*changed on the pod/);
    assert.ok(left.every(({ again }) => again));
    assert.deepEqual(readdirSync(at('results')), ['small']);
    await fetchAll();
    assert(readFileSync(at('results/large')).equals(readFileSync(path.join(root(), 'large'))));
  });

  it('carries sparse and empty files, links inside, and leaves links out and loops', async () => {
    await setUp();
    await writeTree(at('home'), { 'real/file': 'inside', empty: '' });
    await writeTree(at('outside'), { secret: 'secret' });
    writeFileSync(at('home/sparse'), '');
    truncateSync(at('home/sparse'), 30 * mib);
    await symlink('real/file', at('home/link'));
    await symlink('real', at('home/folder-link'));
    await symlink(at('outside'), at('home/out'));
    await symlink('.', at('home/loop'));
    await pushAll();
    const names = readdirSync(root()).sort();
    assert.deepEqual(names, ['.runpod-trainer', 'empty', 'folder-link', 'link', 'real', 'sparse']);
    assert.equal(await readFile(path.join(root(), 'folder-link/file'), 'utf8'), 'inside');
    assert.equal((await stat(path.join(root(), 'sparse'))).size, 30 * mib);
    assert.equal(statSync(path.join(root(), 'empty')).size, 0);
    await fetchAll();
    assert(readFileSync(at('results/sparse')).equals(Buffer.alloc(30 * mib)));
    assert.equal(statSync(at('results/empty')).size, 0);
  });

  it('is not misled by a clock that is wrong', async () => {
    await setUp();
    await writeTree(at('home'), { a: 'one', b: 'two' });
    await pushAll();
    const future = new Date(Date.now() + 400 * 24 * 3600_000);
    const past = new Date(1000);
    await utimes(path.join(root(), 'a'), future, future);
    await utimes(path.join(root(), 'b'), past, past);
    assert.deepEqual(await pushAll({ overwrite: new Set() }), { sent: 0, bytes: 0, unchanged: 2 });
    await writeTree(at('home'), { a: 'new', b: 'NEW' });
    assert.equal((await pushAll({ overwrite: new Set() })).sent, 2);
    await fetchAll();
    assert.equal(await readFile(at('results/a'), 'utf8'), 'new');
  });

  it('removes what a transfer put there, and nothing else, through the worker', async () => {
    await setUp();
    await writeTree(at('home'), { 'a/b': 'x' });
    await pushAll();
    rmSync(at('home/a'), { recursive: true });
    const out = await connection.exec([...worker, 'files', 'remove', '--root', root()], { stdin: '{"path":"a/b"}\n' });
    assert.equal(out.stdout.toString(), '{"path": "a/b", "ok": true}\n');
    assert.deepEqual(readdirSync(root()), ['.runpod-trainer']);
  });
});

describe('names that are one on macOS and Windows', () => {
  for (const [one, two] of [
    ['Model.pt', 'model.PT'],
    ['é'.normalize('NFC'), 'é'.normalize('NFD')],
  ] as const) {
    it(`refuses the second of ${one} and ${two}, except on Linux`, () => {
      const file = (name: string) => ({ path: name, size: 1, sha256: '0'.repeat(64), mtime: 0 });
      for (const platform of ['darwin', 'win32', 'linux'] as const) {
        const failures = new Failures();
        const taken = accept([file(one), file(two)], ['**'], failures, { platform, folds: platform !== 'linux' });
        assert.equal(taken.length, platform === 'linux' ? 2 : 1);
        if (platform !== 'linux') {
          assert.throws(
            () => failures.throwIfAny('x', 2, 'fetched', { rest: '', next: '' }),
            (error: UserError) => /another file of the same name/.test(error.why ?? ''),
          );
        }
      }
    });
  }
});

describe('ranges', () => {
  it('joins, cuts and splits', () => {
    assert.deepEqual(merged([[5, 9], [0, 5], [20, 30], [8, 10], [7, 7]], 25), [[0, 10], [20, 25]]); // prettier-ignore
    assert.deepEqual(missing(10, [], 4), [[0, 4], [4, 8], [8, 10]]); // prettier-ignore
    assert.deepEqual(missing(10, [[2, 5], [9, 10]], 3), [[0, 2], [5, 8], [8, 9]]); // prettier-ignore
    assert.deepEqual(missing(0, [], 4), []);
    assert.equal(lengthOf([[0, 4], [8, 10]]), 6); // prettier-ignore
    assert.deepEqual(readJournal('0 5\nx\n7 9\n12 1'), [[0, 5], [7, 9]]); // prettier-ignore
  });
});
