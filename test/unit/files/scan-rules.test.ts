import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { UserError } from '../../../src/core/errors.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { asOrdinaryUser } from '../../support/user.ts';
import { writeTree } from '../../support/files.ts';
import { useTempFolder } from '../../support/temp.ts';

const all = { must: ['**'], data: [], optional: [], never: [] };

describe('what a scan leaves out, and how it says so (R2.2, R2.4)', () => {
  const folder = useTempFolder();
  const root = (): string => path.join(folder.path, 'project');
  beforeEach(() => mkdir(root()));
  const names = async (sync = all): Promise<string[]> => (await scan(root(), sync)).files.map((file) => file.path);

  it('groups what is left out by the line that does it', async () => {
    await writeTree(root(), {
      '.runpodignore': '# raw\n*.wav\nbuild/\n',
      'app/.runpodignore': '!keep.wav',
      'app/a.wav': '',
      'app/keep.wav': '',
      'b.wav': '',
      'build/x/y': '',
      'c.tmp': '',
      'app/__pycache__/a.pyc': '',
    });
    const result = await scan(root(), { ...all, never: ['*.tmp'] });
    assert.deepEqual(
      result.files.map((file) => file.path),
      ['.runpodignore', 'app/.runpodignore', 'app/keep.wav'],
    );
    assert.deepEqual(result.ignored, [
      { rule: '*.wav', from: '.runpodignore', line: 2, files: 2, folders: 0, examples: ['app/a.wav', 'b.wav'] },
      { rule: 'build/', from: '.runpodignore', line: 3, files: 0, folders: 1, examples: ['build/'] },
      { rule: '**/__pycache__/', from: 'always', files: 0, folders: 1, examples: ['app/__pycache__/'] },
      { rule: '*.tmp', from: 'project', files: 1, folders: 0, examples: ['c.tmp'] },
    ]);
  });

  it('lets no ignore file take back what the project or the product excludes', async () => {
    await writeTree(root(), { '.runpodignore': '!*.tmp\n!.git/\n', 'a.tmp': '', '.git/config': '', 'b.txt': '' });
    assert.deepEqual(await names({ ...all, never: ['*.tmp', '.runpodignore'] } as typeof all), ['b.txt']);
  });

  it('does not take a link for an ignore file, and nothing excluded gets out through a link', async () => {
    await writeTree(root(), { rules: '*.txt', 'a.txt': '', 'raw/deep/x.bin': '', 'app/.runpodignore': '/private' });
    await writeTree(root(), { 'app/private/y.bin': '', 'app/z.bin': '' });
    await symlink('rules', path.join(root(), '.runpodignore'));
    await symlink('raw/deep', path.join(root(), 'deep'));
    await symlink('app/private/y.bin', path.join(root(), 'y.bin'));
    const result = await scan(root(), { ...all, never: ['raw/'] });
    assert.deepEqual(
      result.files.map((file) => file.path),
      ['.runpodignore', 'a.txt', 'app/.runpodignore', 'app/z.bin', 'rules'],
    );
    assert.deepEqual(result.notes, [
      { code: 'link-to-excluded', path: 'deep', to: 'raw/deep', rule: 'the rule "raw/" of "sync.never"' },
      {
        code: 'link-to-excluded',
        path: 'y.bin',
        to: 'app/private/y.bin',
        rule: 'the rule "/private" in line 1 of app/.runpodignore',
      },
    ]);
  });

  it('tells names that are one name where case or Unicode form does not count', async () => {
    await writeTree(root(), { 'A.txt': '', 'a.txt': '', é: '', ['é'.normalize('NFD')]: '', 'b.txt': '' });
    const { notes, files } = await scan(root(), all);
    assert.equal(files.length, 5);
    assert.equal(notes.length, 2);
    assert.deepEqual(notes[0], { code: 'names-alike', path: 'a.txt', other: 'A.txt' });
  });

  it('takes names of 255 bytes, and leaves out those that are not Unicode, files and folders', async () => {
    const long = `${'x'.repeat(251)}.txt`;
    await writeTree(root(), { [long]: '', [`${'d'.repeat(255)}/${long}`]: '' });
    mkdirSync(Buffer.concat([Buffer.from(`${root()}/d`), Buffer.from([0xff])]));
    writeFileSync(Buffer.concat([Buffer.from(`${root()}/d`), Buffer.from([0xff]), Buffer.from('/x')]), '');
    writeFileSync(Buffer.concat([Buffer.from(`${root()}/f`), Buffer.from([0xfe])]), '');
    const { files, notes } = await scan(root(), all);
    assert.equal(files.length, 2);
    assert.deepEqual(notes, [
      { code: 'not-unicode', path: 'd\uFFFD' },
      { code: 'not-unicode', path: 'f\uFFFD' },
    ]);
  });

  it('stops with the name of a folder or ignore file that cannot be read', async () => {
    await writeTree(root(), { 'closed/a': '', 'open/.runpodignore': 'x', 'open/a': '' });
    await chmod(path.join(root(), 'closed'), 0);
    const isUnreadable = (error: UserError): boolean => error.code === 'scan-unreadable';
    await asOrdinaryUser(folder.path, async () => {
      await assert.rejects(scan(root(), { ...all, must: ['closed/'] }), isUnreadable);
      assert.deepEqual(await names({ ...all, never: ['closed/'] } as unknown as typeof all), [
        'open/.runpodignore',
        'open/a',
      ]);
    });
    await chmod(path.join(root(), 'closed'), 0o755);
    await chmod(path.join(root(), 'open/.runpodignore'), 0);
    await asOrdinaryUser(folder.path, async () => {
      await assert.rejects(scan(root(), all), isUnreadable);
    });
  });

  it('says which folder is not there', async () => {
    await assert.rejects(scan(path.join(root(), 'nowhere'), all), /nowhere cannot be read/);
  });

  it('sorts files into archives before lists, each once, and tells archives that match nothing (R2.3)', async () => {
    await writeTree(root(), { 'audio/a.wav': '1', 'audio/b.txt': '', 'c.wav': '', 'audio/skip.wav': '' });
    const archives = [
      { from: 'audio/*.wav', to: 'audio.tar' },
      { from: '**/*.wav', to: 'rest.tar' },
      { from: 'none/', to: 'none.tar' },
    ];
    const result = await scan(root(), { ...all, never: ['skip.wav'], archives });
    assert.deepEqual(
      result.archives.map(({ to, files }) => [to, files.map((file) => file.path)]),
      [
        ['audio.tar', ['audio/a.wav']],
        ['rest.tar', ['c.wav']],
        ['none.tar', []],
      ],
    );
    assert.deepEqual(
      result.files.map((file) => file.path),
      ['audio/b.txt'],
    );
    assert.deepEqual(result.missing, [{ list: 'archives', pattern: 'none/' }]);
  });

  it('refuses an archive where the project uploads something else', async () => {
    await writeTree(root(), { 'audio/a.wav': '', 'audio.tar': '', 'x.tar/y': '' });
    for (const to of ['audio.tar', 'x.tar']) {
      await assert.rejects(
        scan(root(), { ...all, archives: [{ from: 'audio/', to }] }),
        (error: UserError) => error.code === 'archive-in-the-way',
      );
    }
  });

  it('takes its time over 100,000 files', async () => {
    const old = new Date('2026-01-01T00:00:00Z');
    for (let d = 0; d < 1000; d += 1) {
      const at = path.join(root(), `d${d % 20}`, `e${d}`);
      mkdirSync(at, { recursive: true });
      for (let f = 0; f < 100; f += 1) {
        writeFileSync(path.join(at, `f${f}.txt`), '');
      }
      utimesSync(at, old, old);
    }
    await writeTree(root(), { '.runpodignore': '*.log\nf1.txt\n/build\n' });
    const begun = performance.now();
    const { files, ignored } = await scan(root(), all);
    const took = Math.round(performance.now() - begun);
    process.stdout.write(`        ${files.length} of 100,000 files in ${took} ms\n`);
    assert.equal(files.length, 99_001);
    assert.equal(ignored[0]!.files, 1000);
  });

  it('does not wait for a pipe that nobody writes', async () => {
    execFileSync('mkfifo', [path.join(root(), 'pipe')]);
    chmodSync(path.join(root(), 'pipe'), 0o644);
    assert.deepEqual(await names(), []);
  });
});
