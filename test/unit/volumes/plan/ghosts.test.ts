import assert from 'node:assert/strict';
import { compilePattern } from '../../../../src/core/files/patterns.ts';
import type { SyncList } from '../../../../src/core/files/scan.ts';
import { projectSchema, type Project } from '../../../../src/core/project/schema.ts';
import { patternsOf } from '../../../../src/core/volumes/ghosts.ts';
import { ghostLines, ghostsOf, type FarState, type Ghost } from '../../../../src/core/volumes/plan/index.ts';

const mtime = '2026-05-01T00:00:00.000Z';

function projectOf(sync: object, steps: object[] = [{ name: 'train', script: 'src/t.py' }]): Project {
  return projectSchema.parse({
    version: 1,
    name: 'sample',
    target: { volume: { name: 'data' }, gpus: ['NVIDIA L4'], image: 'i' },
    sync,
    steps,
  });
}

/** What was put there: a path, or with its list and size. */
function farOf(...put: (string | [path: string, list?: SyncList, size?: number])[]): FarState {
  const entries = put.map((one) => {
    const [path, list, size = 10] = typeof one === 'string' ? [one] : one;
    return [path, { size, sha256: 'a'.repeat(64), mtime, ...(list && { list }) }];
  });
  return { kind: 'volume', at: mtime, files: Object.fromEntries(entries) as FarState['files'] };
}

const here = (...paths: string[]): { path: string }[] => paths.map((path) => ({ path }));
const said = (ghosts: Ghost[]): Record<string, string> => Object.fromEntries(ghosts.map((g) => [g.path, g.then]));

describe('what lies on the volume and is not here any more (R2.5, own-07)', () => {
  const project = projectOf({ must: ['src/', 'data/'], optional: ['notes/'], data: ['big/'] });

  it('makes way where it is code, and waits for an answer where it is data', () => {
    const far = farOf(
      ['src/old.py', 'must'],
      ['src/conf/a.yaml', 'must'],
      ['src/analysis.ipynb', 'must', 5_000_000],
      ['data/p2.csv', 'must'],
      ['big/x.py', 'data'],
      ['notes/a.txt', 'optional'],
      ['notes/large.bin', 'optional', 2_000_000],
      ['src/generated.py', 'must', 2_000_000],
      'src/t.py',
    );
    const { ghosts, changed, gone } = ghostsOf(here('src/t.py', 'data/p1.csv'), far, project);
    assert.deepEqual(said(ghosts), {
      'big/x.py': 'ask',
      'data/p2.csv': 'ask',
      'notes/a.txt': 'ask',
      'notes/large.bin': 'ask',
      'src/analysis.ipynb': 'set-aside',
      'src/conf/a.yaml': 'set-aside',
      'src/generated.py': 'ask',
      'src/old.py': 'set-aside',
    });
    assert.deepEqual([changed, gone], [[], []]);
  });

  it('is code by its name and size alone, under whichever list it came', () => {
    const names = ['a.py', 'b.yaml', 'labels.json', 'rows.csv', 'words.txt', 'm.npy', 'no-ending', 'corpus/1.md'];
    for (const list of ['must', 'optional', undefined] as const) {
      const far = farOf(...names.map((name): [string, SyncList?] => [`any/${name}`, list]));
      const then = ghostsOf([], far, project).ghosts.map((ghost) => [ghost.path.slice(4), ghost.then]);
      const code = then.flatMap(([name, what]) => (what === 'set-aside' ? name : []));
      assert.deepEqual(code, ['a.py', 'b.yaml'], list ?? 'nobody knows');
    }
    assert.equal(ghostsOf([], farOf(['x/a.csv', 'optional']), project).ghosts[0]?.why, 'came under "sync.optional"');
  });

  it('is answered for by that path alone, never by a folder that has its name later; a glob stays a glob', () => {
    const answers = { remove: ['data/one', './data/two', 'data/three/', 'data/*/four'], keep: ['data/k'] };
    const later = projectOf({ must: ['data/'], gone: answers });
    const paths = ['one', 'one/in.csv', 'two', 'two/in.csv', 'three/in.csv', 'x/four', 'k', 'k/in.csv'];
    const found = (name: string): Ghost['then'] | undefined =>
      ghostsOf([], farOf([`data/${name}`, 'must']), later).ghosts[0]?.then;
    assert.deepEqual(paths.map(found), [
      'set-aside',
      'ask',
      'set-aside',
      'ask',
      'set-aside',
      'set-aside',
      'keep',
      'ask',
    ]);
  });

  it('is data where an input names it, or a list named it once, whatever the lists say today', () => {
    const steps = [{ name: 'train', script: 'src/t.py', inputs: ['conf/*.yaml'] }];
    const { ghosts } = ghostsOf(
      [],
      farOf(['conf/a.yaml', 'optional'], ['corpus/a.py', 'data'], 'old/b.py', 'old/c.csv', ['old/d.csv', 'must']),
      projectOf({ must: ['src/'] }, steps),
    );
    assert.deepEqual(said(ghosts), {
      'conf/a.yaml': 'ask',
      'corpus/a.py': 'ask',
      'old/b.py': 'set-aside',
      'old/c.csv': 'ask',
      'old/d.csv': 'ask',
    });
    assert.equal(ghosts[0]?.why, 'an input of the step "train"');
  });

  it('is small text that a step calls its code', () => {
    const steps = [{ name: 'train', script: 'src/t.py', code: ['prompts/*.txt'] }];
    const { ghosts } = ghostsOf([], farOf(['prompts/a.txt', 'must']), projectOf({ must: ['prompts/'] }, steps));
    assert.deepEqual(said(ghosts), { 'prompts/a.txt': 'set-aside' });
  });

  it('is what was put there and nothing else: what changed there stays, what is gone is forgotten', () => {
    const far = farOf('same.py', 'touched.py', 'changed.py', 'gone.py');
    far.actual = {
      'same.py': { size: 10, mtime },
      'touched.py': { size: 10, mtime: '2026-06-01T00:00:00.000Z', sha256: 'a'.repeat(64) },
      'changed.py': { size: 10, mtime, sha256: 'b'.repeat(64) },
      'gone.py': null,
      'strange.py': { size: 1, mtime },
    };
    const { ghosts, changed, gone } = ghostsOf([], far, project);
    assert.deepEqual(
      [ghosts.map((g) => g.path), changed, gone],
      [['same.py', 'touched.py'], ['changed.py'], ['gone.py']],
    );
  });

  it('follows the answers, of which "keep" wins', () => {
    const gone = { keep: ['data/a.csv', 'src/kept.py'], remove: ['data/'] };
    const { ghosts } = ghostsOf(
      [],
      farOf(['data/a.csv', 'must'], ['data/b.csv', 'must'], ['src/kept.py', 'must']),
      projectOf({ must: ['src/', 'data/'], gone }),
    );
    assert.deepEqual(said(ghosts), { 'data/a.csv': 'keep', 'data/b.csv': 'set-aside', 'src/kept.py': 'keep' });
  });

  it('is the same file in another Unicode form, which makes way for the one that is here', () => {
    const [composed, decomposed] = ['data/é.csv', 'data/e\u0301.csv'];
    assert.deepEqual(said(ghostsOf(here(composed), farOf(decomposed), project).ghosts), { [decomposed]: 'set-aside' });
    assert.deepEqual(said(ghostsOf(here(composed, decomposed), farOf(decomposed), project).ghosts), {});
  });

  it('is not what the local steps have still to make', () => {
    const steps = [{ name: 'make', shell: 'true', where: 'local', outputs: ['data/*.csv'] }];
    const made = projectOf({ data: ['data/*.csv'] }, steps);
    const far = farOf(['data/a.csv', 'data']);
    assert.deepEqual(ghostsOf([], far, made, { beforeLocalSteps: true }).ghosts, []);
    assert.deepEqual(said(ghostsOf([], far, made).ghosts), { 'data/a.csv': 'ask' });
  });

  it('takes names that every object has', () => {
    const far = farOf('constructor.py', 'toString');
    const entries = Object.entries(far.files);
    far.files = Object.fromEntries([...entries, ...entries.slice(0, 1).map(([, put]) => ['__proto__', put] as const)]);
    assert.deepEqual(
      ghostsOf(here('toString'), far, project).ghosts.map((g) => g.path),
      ['__proto__', 'constructor.py'],
    );
  });

  it('is told in a line for each thing that happens', () => {
    const { ghosts } = ghostsOf([], farOf(['src/a.py', 'must'], ['data/b.csv', 'must', 3_000_000]), project);
    assert.deepEqual(ghostLines(ghosts), [
      '1 file (3 MB) not part of this run any more, left there and asked about, since they are data: data/b.csv',
      '1 file (10 B) not part of this run any more, set aside on the volume before the steps: src/a.py',
    ]);
  });

  it('is told as an answer that was given with the run says', () => {
    const { ghosts } = ghostsOf([], farOf(['data/b.csv', 'must', 3_000_000]), project);
    assert.deepEqual(
      (['remove', 'keep'] as const).flatMap((given) => ghostLines(ghosts, given)),
      [
        '1 file (3 MB) not part of this run any more, set aside on the volume before the steps: data/b.csv',
        '1 file (3 MB) not part of this run any more, kept there, as the answer about them says: data/b.csv',
      ],
    );
  });

  describe('in patterns of the project file', () => {
    it('means these files, whatever their letters', () => {
      const names = ['a[1].csv', 'b*.csv', 'c\\d.csv', 'e?.csv', 'data/é ü.csv', '-x', '[!a]'];
      for (const name of names) {
        const [pattern = ''] = patternsOf(here(name), []);
        const others = ['a1.csv', 'bbb.csv', 'cd.csv', 'ex.csv', 'b'];
        const compiled = compilePattern(pattern);
        assert.deepEqual(
          [...names, ...others].filter((other) => compiled.matches(other)),
          [name],
        );
      }
    });

    it('names folders of which nothing is left here where there are many', () => {
      const gone = Array.from({ length: 30 }, (_, i) => ({ path: `data/${i < 25 ? 'old/deep' : 'new'}/${i}.csv` }));
      const patterns = patternsOf(gone, here('data/new/x.csv', 'data/other.csv'));
      assert.deepEqual(patterns, ['data/old/', ...[25, 26, 27, 28, 29].map((i) => `data/new/${i}.csv`)]);
    });
  });
});
