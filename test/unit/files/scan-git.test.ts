import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { scan } from '../../../src/core/files/scan.ts';
import { useTempFolder } from '../../support/temp.ts';
import { seeded, type Random } from '../../support/random.ts';

const all = { must: ['**'], data: [], optional: [], never: [] };
const environment = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

/** What git would not ignore, by the same files that the scan reads. */
function byGit(root: string): string[] {
  const args = ['-c', 'core.excludesFile=/dev/null', '-c', 'core.ignoreCase=false', '-c', 'core.quotePath=false'];
  const command = ['ls-files', '--others', '-z', '--exclude-per-directory=.runpodignore'];
  const out = execFileSync('git', [...args, ...command], { cwd: root, env: environment, maxBuffer: 1 << 26 });
  return out.toString().split('\0').filter(Boolean).sort();
}

/** The same from `git check-ignore`, asked about every file. */
function byCheckIgnore(root: string, files: string[]): string[] {
  const run = (): Buffer => {
    try {
      return execFileSync('git', ['-c', 'core.ignoreCase=false', 'check-ignore', '--no-index', '-z', '--stdin'], {
        cwd: root,
        env: environment,
        input: files.join('\0'),
        stdio: ['pipe', 'pipe', 'ignore'],
      });
    } catch (error) {
      // 1 says that none is ignored.
      assert.equal((error as { status?: number }).status, 1);
      return Buffer.alloc(0);
    }
  };
  const ignored = new Set(run().toString().split('\0'));
  return files.filter((file) => !ignored.has(file)).sort();
}

const nameParts = [
  'a',
  'b',
  'c',
  'ab',
  'foo',
  'bar',
  'x.txt',
  'y.log',
  'Foo',
  'a b',
  'é',
  '[x]',
  'a*',
  '#h',
  '!n',
  'q?',
];
const globs = [
  '*',
  '**',
  '?',
  '[ab]',
  '[!a]',
  '[a-c]',
  '*.txt',
  '*.log',
  'f*',
  '\\*',
  '\\[x\\]',
  '[[:alpha:]]',
  '\\a',
  'a**',
  'f**',
  '**b',
];

function randomName(random: Random): string {
  return random.of(4) === 0 ? `${random.pick(nameParts)}.${random.pick(['txt', 'log'])}` : random.pick(nameParts);
}

function randomLine(random: Random): string {
  const part = (): string => {
    const kind = random.of(10);
    if (kind < 5) return random.pick(nameParts);
    if (kind < 8) return random.pick(globs);
    return `${random.pick(nameParts)}${random.pick(globs)}`;
  };
  const body = Array.from({ length: 1 + random.of(3) }, part).join('/');
  const odd = random.of(40);
  const tail = ['', '', '', ' ', '\\ ', '  ', '\\', '\r'][odd] ?? '';
  const line = `${random.of(4) === 0 ? '/' : ''}${body}${random.of(4) === 0 ? '/' : ''}${tail}`;
  return random.of(3) === 0 ? `!${line}` : random.of(25) === 0 ? `#${line}` : line;
}

function makeTree(root: string, random: Random): string[] {
  const files: string[] = [];
  const fill = (folder: string, depth: number): void => {
    mkdirSync(path.join(root, folder), { recursive: true });
    const names = new Set(Array.from({ length: 2 + random.of(5) }, () => randomName(random)));
    for (const name of names) {
      const place = folder === '' ? name : `${folder}/${name}`;
      if (depth < 3 && random.of(2) === 0) {
        fill(place, depth + 1);
      } else {
        writeFileSync(path.join(root, place), '');
        files.push(place);
      }
    }
    if (folder === '' || random.of(3) === 0) {
      const lines = Array.from({ length: 1 + random.of(5) }, () => randomLine(random));
      const text = `${random.of(10) === 0 ? '\uFEFF' : ''}${lines.join('\n')}${random.of(2) === 0 ? '\n' : ''}`;
      for (const name of ['.runpodignore', '.gitignore']) {
        writeFileSync(path.join(root, folder, name), text);
        files.push(folder === '' ? name : `${folder}/${name}`);
      }
    }
  };
  fill('', 0);
  return files;
}

const trees = Number(process.env.RUNPOD_TRAINER_IGNORE_TREES ?? 150);
const firstSeed = Number(process.env.RUNPOD_TRAINER_IGNORE_SEED ?? 1);

describe('.runpodignore against git (R2.2)', () => {
  const folder = useTempFolder();

  const compare = async (root: string, files: string[]): Promise<void> => {
    execFileSync('git', ['init', '-q', root], { env: environment });
    const git = byGit(root);
    assert.deepEqual(byCheckIgnore(root, files), git, 'git agrees with itself');
    const mine = (await scan(root, all)).files.map((file) => file.path).sort();
    assert.deepEqual(mine, git);
  };

  it(`leaves out exactly what git does in ${trees} random trees side by side`, async () => {
    const files: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + trees; seed += 1) {
      const tree = makeTree(path.join(folder.path, `seed-${seed}`), seeded(seed));
      files.push(...tree.map((file) => `seed-${seed}/${file}`));
    }
    await compare(folder.path, files);
  });

  it('and in trees whose top is that of the project', async () => {
    for (let seed = 10_001; seed <= 10_010; seed += 1) {
      const root = path.join(folder.path, `seed-${seed}`);
      await compare(root, makeTree(root, seeded(seed)));
    }
  });
});
