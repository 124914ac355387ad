import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { CancelledError } from '../../../src/core/errors.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { writeTree } from '../../support/files.ts';
import { useTempFolder } from '../../support/temp.ts';

const empty = { must: [], data: [], optional: [], never: [] };

describe('scan (R2.2)', () => {
  const folder = useTempFolder();
  const root = (): string => path.join(folder.path, 'project');
  beforeEach(() => mkdir(root()));

  const namesOf = async (sync: Partial<typeof empty> | Record<string, string[]>): Promise<string[]> =>
    (await scan(root(), { ...empty, ...sync })).files.map((file) => file.path);

  it('takes folders, plain files and globs, each file once under its first list', async () => {
    await writeTree(root(), {
      'app/main.py': '1',
      'app/deep/er/x.py': '22',
      'application.py': '',
      'training/data/a.parquet': '333',
      'training/data/sub/b.parquet': '',
      'training/data/readme.md': '',
      '.env.example': '',
    });
    const result = await scan(root(), {
      must: ['app/', '.env.example'],
      data: ['training/data/*.parquet'],
      optional: ['app/main.py', 'nothing/here', '**/*.md'],
      never: [],
    });
    assert.deepEqual(
      result.files.map((file) => [file.list, file.path, file.size]),
      [
        ['must', '.env.example', 0],
        ['must', 'app/deep/er/x.py', 2],
        ['must', 'app/main.py', 1],
        ['data', 'training/data/a.parquet', 3],
        ['optional', 'training/data/readme.md', 0],
      ],
    );
    assert.deepEqual(result.missing, []);
    assert.deepEqual(result.notes, []);
  });

  it('takes the path of a folder without "/" as all below it', async () => {
    await writeTree(root(), { 'app/a.py': '', 'app2/b.py': '' });
    assert.deepEqual(await namesOf({ must: ['app'] }), ['app/a.py']);
  });

  it('tells entries of must and data that match nothing, and not those of optional', async () => {
    await writeTree(root(), { 'app/a.py': '', 'empty/.git/x': '' });
    const { missing } = await scan(root(), {
      must: ['app/', 'lib/', 'empty/'],
      data: ['*.parquet'],
      optional: ['x'],
      never: [],
    });
    assert.deepEqual(missing, [
      { list: 'must', pattern: 'lib/' },
      { list: 'must', pattern: 'empty/' },
      { list: 'data', pattern: '*.parquet' },
    ]);
  });

  it('lets never win, and the fixed exclusions even over a project that takes them back', async () => {
    await writeTree(root(), {
      '.git/config': '',
      'app/.git/config': '',
      'app/__pycache__/a.pyc': '',
      'app/.ipynb_checkpoints/n.ipynb': '',
      '.runpod-trainer/hashes.json': '',
      'node_modules/x/index.js': '',
      'app/raw/take.wav': '',
      'app/secret.env': '',
      'app/ok.py': '',
    });
    const sync = { must: ['**'], never: ['*.env', 'app/raw/', '!.git/', '!**/__pycache__/'] };
    assert.deepEqual(await namesOf(sync), ['app/ok.py']);
    const more = await scan(root(), { ...empty, must: ['**'] }, { never: ['app/raw/', '*.env'] });
    assert.deepEqual(
      more.files.map((file) => file.path),
      ['app/ok.py'],
    );
  });

  it('keeps names as they are: case, Unicode form, blanks, quotes, newlines, glob characters', async () => {
    const names = [
      'Ä.txt'.normalize('NFD'),
      'a b.txt',
      "it's.txt",
      'line\nbreak.txt',
      'x[1].txt',
      'UPPER.TXT',
      '{a,b}.txt',
      '!bang.txt',
      'back\\slash.txt',
    ];
    await writeTree(root(), Object.fromEntries(names.map((name) => [`d/${name}`, ''])));
    assert.deepEqual(await namesOf({ must: ['d/'] }), names.map((name) => `d/${name}`).sort());
    assert.deepEqual(await namesOf({ must: ['d/Ä.txt'.normalize('NFC')] }), [`d/${names[0]!}`]);
    assert.deepEqual(await namesOf({ must: ['d/x[1].txt', 'd/{a,b}.txt'] }), ['d/x[1].txt', 'd/{a,b}.txt']);
    assert.deepEqual(await namesOf({ must: ['d/upper.txt'] }), []);
  });

  it('follows links inside the project, and leaves those out of it with a note', async () => {
    await writeTree(root(), { 'shared/a.txt': 'a', '.git/config': '' });
    await writeTree(folder.path, { 'outside/secret.txt': 's' });
    await mkdir(path.join(root(), 'app'));
    await symlink('../shared', path.join(root(), 'app/linked'));
    await symlink('../shared/a.txt', path.join(root(), 'app/file.txt'));
    await symlink('../../outside', path.join(root(), 'app/out'));
    await symlink('../../outside/secret.txt', path.join(root(), 'app/secret.txt'));
    await symlink('../.git/config', path.join(root(), 'app/config'));
    await symlink('nowhere', path.join(root(), 'app/dangling'));
    const result = await scan(root(), { ...empty, must: ['app/'] });
    assert.deepEqual(
      result.files.map((file) => file.path),
      ['app/file.txt', 'app/linked/a.txt'],
    );
    assert.equal(result.files[0]!.size, 1);
    assert.deepEqual(result.notes, [
      {
        code: 'link-to-excluded',
        path: 'app/config',
        to: '.git/config',
        rule: 'the rule ".git/" of what is never uploaded',
      },
      { code: 'link-to-nothing', path: 'app/dangling' },
      { code: 'link-outside', path: 'app/out' },
      { code: 'link-outside', path: 'app/secret.txt' },
    ]);
  });

  it('ends on loops of links', async () => {
    await writeTree(root(), { 'a/b/file.txt': '' });
    await symlink('../..', path.join(root(), 'a/b/up'));
    await symlink('.', path.join(root(), 'a/self'));
    await symlink('y', path.join(root(), 'x'));
    await symlink('x', path.join(root(), 'y'));
    const result = await scan(root(), { ...empty, must: ['**'] });
    assert.deepEqual(
      result.files.map((file) => file.path),
      ['a/b/file.txt'],
    );
    assert.equal(result.notes.length, 4);
  });

  it('leaves out what is not a regular file', async () => {
    await writeTree(root(), { 'app/a.py': '' });
    execFileSync('mkfifo', [path.join(root(), 'app/pipe')]);
    const result = await scan(root(), { ...empty, must: ['app/'] });
    assert.deepEqual(
      result.files.map((file) => file.path),
      ['app/a.py'],
    );
    assert.deepEqual(result.notes, [{ code: 'not-regular', path: 'app/pipe' }]);
  });

  it('keeps the permission bits', async () => {
    await writeTree(root(), { 'run.sh': '' });
    chmodSync(path.join(root(), 'run.sh'), 0o755);
    assert.equal((await scan(root(), { ...empty, must: ['run.sh'] })).files[0]!.mode, 0o755);
  });

  it('reads only folders that patterns can reach', async () => {
    // A loop of notes would appear if these folders were read.
    await writeTree(root(), { 'app/a.py': '', 'raw/x.wav': '', 'app/.venv/x': '' });
    await symlink('nowhere', path.join(root(), 'raw/dangling'));
    await symlink('nowhere', path.join(root(), 'app/.venv/dangling'));
    const result = await scan(root(), { ...empty, must: ['app/', 'data/**/*.parquet'] });
    assert.deepEqual(result.notes, []);
    assert.deepEqual(
      result.files.map((file) => file.path),
      ['app/a.py'],
    );
  });

  it('scans 20,000 files without holding the thread', async () => {
    for (let d = 0; d < 200; d += 1) {
      const dir = path.join(root(), 'app', `d${d % 10}`, `e${d}`);
      mkdirSync(dir, { recursive: true });
      for (let f = 0; f < 100; f += 1) {
        writeFileSync(path.join(dir, `f${f}.txt`), '');
      }
    }
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const result = await scan(root(), { ...empty, must: ['app/'], optional: ['**/*.md'], never: ['*.wav'] });
    clearInterval(timer);
    assert.equal(result.files.length, 20_000);
    assert.equal(new Set(result.files.map((file) => file.path)).size, 20_000);
    assert(turns > 0, 'other work got its turn');
  });

  it('can be cancelled', async () => {
    await assert.rejects(scan(root(), empty, { signal: AbortSignal.abort() }), CancelledError);
  });
});
