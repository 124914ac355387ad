import assert from 'node:assert/strict';
import { parseProject, position } from '../../../src/core/project/parse.ts';

const good = {
  version: 1,
  name: 'sample',
  target: { volume: { name: 'v' }, gpus: ['NVIDIA L4'], image: 'i' },
  steps: [{ name: 'one', shell: 'true' }],
};

function problemsOf(change: object | string): string[] {
  const text = typeof change === 'string' ? change : JSON.stringify({ ...good, ...change }, null, 2);
  return parseProject(text).problems.map((p) => `${position(text, p.offset)} ${p.message}`);
}

describe('project file (R9.5)', () => {
  it('accepts comments and trailing commas and fills in defaults', () => {
    const text = `// my project\n${JSON.stringify(good).replace(/}$/, ',}')}`;
    const { project, problems } = parseProject(text);
    assert.deepEqual(problems, []);
    assert.equal(project?.onFinish.pod, 'terminate');
    assert.equal(project.steps[0]?.where, 'pod');
  });

  it('names an unknown field, its place and the one that was probably meant', () => {
    assert.deepEqual(problemsOf({ stpes: [] }), ['19:3 Unknown field "stpes". Did you mean "steps"?']);
    assert.match(
      problemsOf({ steps: [{ name: 'a', notebok: 'x.ipynb' }] }).join('\n'),
      /Unknown field "notebok" in step "a"\. Did you mean "notebook"\?/,
    );
  });

  it('names what a gate of its type takes, and never the field itself as the one that was meant', () => {
    const gate = (fields: object): string =>
      problemsOf({ steps: [{ name: 'a', script: 'a.py', gates: [fields] }] }).join('\n');
    assert.match(
      gate({ type: 'metric', name: 'loss', max: 1, equals: 1 }),
      /Unknown field "equals" in gate 1 of step "a"\. A gate of type "metric" takes: type, timeoutMinutes, name, min, max, of\.$/,
    );
    assert.match(
      gate({ type: 'file', path: 'a', equals: 3 }),
      /A gate of type "file" takes: type, timeoutMinutes, allowStale, path, minBytes\.$/,
    );
    assert.match(
      gate({ type: 'rows', path: 'a', min: 1, equal: 3 }),
      /Unknown field "equal" in gate 1 of step "a"\. Did you mean "equals"\?$/,
    );
    assert.match(gate({ type: 'metric', name: 'loss', min: 1, equal: 3 }), /A gate of type "metric" takes/);
  });

  it('takes "." in a list for the whole folder, and an ignored place for one below the folder', () => {
    const sync = (more: object): string[] | undefined => {
      const { project, problems } = parseProject(JSON.stringify({ ...good, sync: more }));
      return project === undefined
        ? problems.map((p) => p.message)
        : [...project.sync.must, ...project.sync.data, ...project.sync.never];
    };
    for (const here of ['.', './', '././/']) {
      assert.deepEqual(sync({ must: [here] }), ['**'], here);
      assert.match(sync({ must: ['a/'], never: [here] })?.join(' ') ?? '', /the project folder itself/, here);
    }
    assert.deepEqual(sync({ must: ['./src/'], data: ['a/**'], never: ['./raw/', '*.tmp'] }), [
      './src/',
      'a/**',
      '/raw/',
      '*.tmp',
    ]);
  });

  it('names a wrong type where it stands', () => {
    assert.deepEqual(problemsOf({ target: { ...good.target, image: 5 } }), [
      '11:14 "target.image" must be a text, not a number.',
    ]);
  });

  it('refuses paths that leave the project', () => {
    for (const path of ['../x.py', '/etc/passwd', 'a/../../b', 'C:\\x']) {
      assert.match(problemsOf({ steps: [{ name: 'a', script: path }] })[0] ?? '', /inside the project/, path);
    }
  });

  it('takes all spellings of a path for one', () => {
    const { project } = parseProject(
      JSON.stringify({
        ...good,
        steps: [
          { name: 'a', script: './src//a.py', gates: [{ type: 'rows', path: '././d/./a.parquet', min: 1 }] },
          { name: 'b', script: 'a/b./.c' },
        ],
      }),
    );
    assert.deepEqual(
      project?.steps.map((s) => s.script),
      ['src/a.py', 'a/b./.c'],
    );
    assert.ok(project.steps[0]?.gates[0]?.type === 'rows' && project.steps[0].gates[0].path === 'd/a.parquet');
    const archives = (to: string): string[] =>
      problemsOf({
        sync: {
          archives: [
            { from: 'a/', to: 'é.tar' },
            { from: 'b/', to },
          ],
        },
      });
    assert.deepEqual(archives('f.tar'), []);
    for (const same of ['É.tar', './é.tar', 'e\u0301.tar']) {
      assert.match(archives(same).join('\n'), /same "to"/, same);
    }
  });

  it('wants exactly one thing to run and explains an unknown gate', () => {
    assert.match(problemsOf({ steps: [{ name: 'a', shell: 'x', script: 'y' }] })[0] ?? '', /exactly one of/);
    assert.match(
      problemsOf({ steps: [{ name: 'a', shell: 'x', gates: [{ type: 'row', path: 'x' }] }] })[0] ?? '',
      /unknown type "row"; a gate is one of: file, rows/,
    );
  });

  it('refuses the same step name twice', () => {
    assert.match(
      problemsOf({
        steps: [
          { name: 'a', shell: 'x' },
          { name: 'a', shell: 'y' },
        ],
      })[0] ?? '',
      /"a" is the name of two steps: steps 1 and 2/,
    );
  });

  it('says what is wrong with text that is not JSON', () => {
    assert.match(problemsOf('{"version": 1')[0] ?? '', /not valid JSON/);
    assert.match(problemsOf('')[0] ?? '', /not valid JSON|empty/);
    assert.match(problemsOf('[]')[0] ?? '', /must be an object, not a list/);
  });

  it('survives every single-character deletion of a good file without throwing', () => {
    const text = JSON.stringify(good, null, 1);
    for (let i = 0; i < text.length; i++) {
      const result = parseProject(text.slice(0, i) + text.slice(i + 1));
      assert.ok(result.project !== undefined || result.problems.length > 0, `deletion at ${i} is silent`);
    }
  });
});
