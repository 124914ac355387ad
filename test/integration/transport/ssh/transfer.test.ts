import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CancelledError } from '../../../../src/core/errors.ts';
import type { SshConnection } from '../../../../src/core/ssh/index.ts';
import type { HashedFile } from '../../../../src/core/files/hash.ts';
import type { PushResult } from '../../../../src/core/transport/progress.ts';
import type { TransferProgress } from '../../../../src/core/transport/progress.ts';
import { fetchFiles } from '../../../../src/core/transport/ssh/fetch.ts';
import { hashFiles } from '../../../../src/core/files/hash.ts';
import { mayLeave, type Leaving } from '../../../../src/core/files/leaving.ts';
import { installWorker } from '../../../../src/core/pods/install-worker.ts';
import { push } from '../../../../src/core/transport/ssh/push.ts';
import { scan } from '../../../../src/core/files/scan.ts';
import { writeTree } from '../../../support/files.ts';
import type { SshSetup } from '../../../support/ssh-session.ts';
import { setUpSsh } from '../../../support/ssh-session.ts';
import { useTempFolder } from '../../../support/temp.ts';

const builder = fileURLToPath(new URL('../../../../gpu-worker/build.py', import.meta.url));

describe('push and fetchFiles with the worker (R2.5, R2.6)', () => {
  const folder = useTempFolder();
  const at = (name: string): string => path.join(folder.path, name);
  let ssh: SshSetup;
  let connection: SshConnection;
  let worker: string[];

  beforeEach(async () => {
    ssh = await setUpSsh(folder.path);
    connection = await ssh.connect();
    execFileSync('python3', [builder, at('worker.pyz')]);
    worker = ['python3', await installWorker(connection, at('volume'), at('worker.pyz'))];
    await mkdir(at('home'));
  });
  afterEach(() => ssh.stop());

  const remote = () => ({ connection, worker, root: at('volume/projects/p') });
  const hashed = async (patterns = ['**']): Promise<Leaving<HashedFile>[]> => {
    const { files } = await scan(at('home'), { must: patterns, data: [], optional: [], never: [] });
    return mayLeave(await hashFiles(files, at('hashes.json')));
  };
  const pushAll = async (more = {}): Promise<PushResult> => push({ ...remote(), files: await hashed(), ...more });
  const incoming = (): Promise<string[]> => readdir(at('volume/projects/p/.runpod-trainer/incoming'));

  /** A program that answers like a worker, but what the test says; only the sending is real. */
  const lying = async (lines: unknown[]): Promise<string[]> => {
    await writeFile(at('answers'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const script = `if [ "$3" = send ]; then exec python3 "$@"; fi; cat >/dev/null; cat "$0"`;
    return ['sh', '-c', script, at('answers'), worker[1]!];
  };

  it('carries files with every kind of name to the pod and back, byte for byte', async () => {
    const names = [
      'plain.txt',
      'with blank.txt',
      ' leading and trailing ',
      '"double" and \'single\'',
      'line\nbreak',
      '日本語 🚂.txt',
      'é'.normalize('NFD'),
      'back\\slash',
      '$HOME `id` $(id);&|',
      '-rf',
      '*?[x]{y}',
      'x'.repeat(255),
      `${'ü'.repeat(127)}x`,
      'deep/er/and deeper/file',
      'empty',
    ];
    const tree = Object.fromEntries(names.map((name, i) => [name, name === 'empty' ? '' : randomBytes(1000 * i + 1)]));
    tree['large.bin'] = randomBytes(3_000_000);
    tree['twin of large.bin'] = tree['large.bin'];
    await writeTree(at('home'), tree);
    await chmod(at('home/plain.txt'), 0o755);
    const seen: TransferProgress[] = [];
    const result = await pushAll({ onProgress: (progress: TransferProgress) => seen.push(progress) });
    assert.equal(result.sent, names.length + 2);
    assert.equal(result.unchanged, 0);
    for (const [name, content] of Object.entries(tree)) {
      assert((await readFile(path.join(remote().root, name))).equals(Buffer.from(content)), name);
    }
    assert.equal((await stat(path.join(remote().root, 'plain.txt'))).mode & 0o777, 0o755);
    assert.deepEqual(await incoming(), []);
    const last = seen.at(-1)!;
    assert.deepEqual([last.files, last.bytes], [last.filesTotal, last.bytesTotal]);
    assert.equal(last.bytes, result.bytes);

    const home = { ...remote(), patterns: ['**'], into: at('results') };
    const all = { left: [], unmatched: [] };
    assert.deepEqual(await fetchFiles(home), {
      files: names.length + 2,
      bytes: Object.values(tree).reduce((sum, content) => sum + Buffer.from(content).length, 0),
      unchanged: 0,
      ...all,
    });
    for (const [name, content] of Object.entries(tree)) {
      assert((await readFile(path.join(at('results'), name))).equals(Buffer.from(content)), name);
    }
    assert(!(await readdir(at('results'))).includes('.runpod-trainer'));
    assert.deepEqual(await fetchFiles(home), { files: 0, bytes: 0, unchanged: names.length + 2, ...all });
  });

  it('sends only what changed', async () => {
    await writeTree(at('home'), { a: 'one', b: 'two', 'c/d': 'three' });
    assert.deepEqual(await pushAll(), { sent: 3, bytes: 11, unchanged: 0 });
    assert.deepEqual(await pushAll(), { sent: 0, bytes: 0, unchanged: 3 });
    await writeTree(at('home'), { b: 'changed' });
    assert.deepEqual(await pushAll(), { sent: 1, bytes: 7, unchanged: 2 });
    await rm(path.join(remote().root, 'a'));
    assert.deepEqual(await pushAll(), { sent: 1, bytes: 3, unchanged: 2 });
  });

  it('never puts a damaged upload in place', async () => {
    await writeTree(at('home'), { bad: 'content', good: 'other' });
    await pushAll();
    await writeTree(at('home'), { bad: 'new content' });
    const script = `
if [ "$2" = commit ]; then
  for f in "$4"/.runpod-trainer/incoming/*; do printf X | dd of="$f" conv=notrunc 2>/dev/null; done
fi
exec python3 "$0" "$@"`;
    const damaging = ['sh', '-c', script, worker[1]!];
    await assert.rejects(pushAll({ worker: damaging }), {
      code: 'push-failed',
      message: /The file could not be uploaded\..*"bad".*sha256/s,
    });
    assert.equal(await readFile(path.join(remote().root, 'bad'), 'utf8'), 'content');
    assert.equal((await pushAll()).sent, 1);
    assert.equal(await readFile(path.join(remote().root, 'bad'), 'utf8'), 'new content');
  });

  it('reports a file that changed while it was read, and puts the others in place', async () => {
    await writeTree(at('home'), { growing: 'one', other: 'two', gone: 'three' });
    const files = await hashed();
    await appendFile(at('home/growing'), ' and more');
    await rm(at('home/gone'));
    await assert.rejects(push({ ...remote(), files }), (error: Error) => {
      assert.match(error.message, /2 of 3 files could not be uploaded/);
      assert.match(error.message, /"growing": growing changed while it was read/);
      assert.match(error.message, /"gone": .*ENOENT/);
      return true;
    });
    assert.deepEqual(await readdir(remote().root), ['.runpod-trainer', 'other']);
    assert.deepEqual(await incoming(), []);
  });

  it('tells a connection that is cut in the middle, and goes on after it', async () => {
    await writeTree(at('home'), { small: 'x', large: randomBytes(100_000_000) });
    let cut: Promise<void> | undefined;
    const onProgress = (p: TransferProgress): void => {
      if (p.bytes > 10_000_000) {
        cut ??= ssh.sshd.cutSessions();
      }
    };
    await assert.rejects(pushAll({ onProgress }), { code: 'ssh-lost' });
    await cut;
    assert(!(await readdir(remote().root)).includes('large'));
    connection = await ssh.connect();
    await pushAll();
    assert.equal((await stat(path.join(remote().root, 'large'))).size, 100_000_000);

    cut = undefined;
    await assert.rejects(fetchFiles({ ...remote(), patterns: ['large'], into: at('results'), onProgress }), {
      code: 'ssh-lost',
    });
    assert.deepEqual(await readdir(at('results')), ['.runpod-trainer']);
  });

  it('can be cancelled at any moment and leaves no half file', async () => {
    await writeTree(at('home'), { large: randomBytes(50_000_000) });
    const stop = new AbortController();
    const cancelled = pushAll({ signal: stop.signal, onProgress: () => stop.abort() });
    await assert.rejects(cancelled, CancelledError);
    assert.deepEqual(await readdir(remote().root), ['.runpod-trainer']);
    await pushAll();
    const stopFetch = new AbortController();
    const into = at('results');
    const fetching = fetchFiles({
      ...remote(),
      patterns: ['large'],
      into,
      signal: stopFetch.signal,
      onProgress: () => stopFetch.abort(),
    });
    await assert.rejects(fetching, CancelledError);
    assert.deepEqual(await readdir(into), ['.runpod-trainer']);
  });

  it('fetches what the patterns name and leaves unrelated files alone', async () => {
    await writeTree(at('home'), { 'out/a.bin': 'a', 'out/deep/b.bin': 'b', 'out/c.txt': 'c', d: 'd' });
    await pushAll();
    await writeTree(at('results'), { 'out/a.bin': 'mine, older', 'out/own.txt': 'mine' });
    const result = await fetchFiles({ ...remote(), patterns: ['out/**/*.bin', 'nothing/'], into: at('results') });
    assert.deepEqual(result, { files: 2, bytes: 2, unchanged: 0, left: [], unmatched: ['nothing/'] });
    assert.equal(await readFile(at('results/out/a.bin'), 'utf8'), 'a');
    assert.deepEqual((await readdir(at('results/out'))).sort(), ['a.bin', 'deep', 'own.txt']);
  });

  it('refuses hostile names from a pod and fetches the rest', async () => {
    await writeTree(at('home'), { 'out/good': 'good', evil: 'evil' });
    await pushAll();
    const [good, evil] = (await hashed()).reverse() as [Leaving<HashedFile>, Leaving<HashedFile>];
    const line = (name: string) => ({ path: name, size: 4, sha256: evil.sha256, mtime: '2026-11-22T09:30:12.123Z' });
    const bad = [
      '../evil',
      '/tmp/evil',
      'out/../../evil',
      'out\0/evil',
      '.git/hooks/x',
      '.vscode/tasks.json',
      'evil',
      'out/good',
    ];
    const liar = await lying([
      { path: 'out/good', size: 4, sha256: good.sha256, mtime: '2026-11-22T09:30:12.123Z' },
      ...bad.map(line),
    ]);
    const options = { ...remote(), worker: liar, into: at('results'), patterns: ['out/', '.*/', '../**'] };
    const { left } = await fetchFiles(options);
    assert.deepEqual(left.map(({ path: name }) => name).sort(), bad.toSorted());
    assert.deepEqual(await readdir(at('results')), ['out']);
    assert.equal(await readFile(at('results/out/good'), 'utf8'), 'good');
    assert(!(await readdir(folder.path)).includes('evil'));
  });

  it('never writes through a link at home', async () => {
    await writeTree(at('home'), { 'out/a': 'from the pod' });
    await pushAll();
    await writeTree(at('elsewhere'), { a: 'from the pod', own: '' });
    await mkdir(at('results'));
    await symlink(at('elsewhere'), at('results/out'));
    const options = { ...remote(), into: at('results'), patterns: ['out/'] };
    assert.match((await fetchFiles(options)).left[0]?.reason ?? '', /never goes through links/);
    assert.deepEqual((await readdir(at('elsewhere'))).sort(), ['a', 'own']);
    // A link under the file's own name is replaced, not followed.
    await rm(at('results/out'));
    await mkdir(at('results/out'));
    await symlink(at('elsewhere/own'), at('results/out/a'));
    await fetchFiles(options);
    assert.equal(await readFile(at('elsewhere/own'), 'utf8'), '');
    assert.equal(await readFile(at('results/out/a'), 'utf8'), 'from the pod');
  });

  it('does not keep a download whose content is not what the worker promised', async () => {
    await writeTree(at('home'), { a: 'real' });
    await pushAll();
    const liar = await lying([{ path: 'a', size: 4, sha256: '0'.repeat(64), mtime: '2026-11-22T09:30:12.123Z' }]);
    const options = { ...remote(), worker: liar, into: at('results'), patterns: ['a'] };
    assert.match((await fetchFiles(options)).left[0]?.reason ?? '', /arrived damaged/);
    assert.deepEqual(await readdir(at('results')), []);
  });

  it('passes the words of the worker on, and tells answers that make no sense', async () => {
    await writeTree(at('home'), { a: 'a' });
    const refusing = await lying([{ error: { what: 'The root is gone.', why: 'It was removed.', next: 'Make it.' } }]);
    await assert.rejects(pushAll({ worker: refusing }), {
      code: 'worker-refused',
      message: 'The root is gone. It was removed. Make it.',
    });
    await assert.rejects(pushAll({ worker: ['sh', '-c', 'echo hello'] }), { code: 'worker-broken' });
    await assert.rejects(pushAll({ worker: ['sh', '-c', 'echo oops >&2; exit 9'] }), {
      code: 'worker-broken',
      message: /exit code 9: oops/,
    });
    await assert.rejects(pushAll({ worker: await lying([{ path: 'other' }]) }), { code: 'worker-broken' });
  });
});
