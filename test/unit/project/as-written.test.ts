import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../src/core/errors.ts';
import { buildSpec } from '../../../src/core/journal/spec.ts';
import { loadProject } from '../../../src/core/project/load.ts';
import { parseProject, position } from '../../../src/core/project/parse.ts';
import { applyProfile } from '../../../src/core/project/profile.ts';

const python = process.env['RUNPOD_TRAINER_PYTHON'] ?? 'python3';
const head = `"version": 1, "name": "sample", "target": {"volume": {"name": "v"}, "cpu": {}, "image": "i"}`;

/** A project with one notebook, whose parameters are the given text. */
function withParameters(parameters: string): string {
  return `{${head}, "steps": [{"name": "one", "notebook": "a.ipynb", "parameters": {${parameters}}}]}`;
}

function problemsOf(text: string): string[] {
  return parseProject(text).problems.map((p) => `${position(text, p.offset)} ${p.message}`);
}

function specOf(text: string): string {
  const { project, problems } = parseProject(text);
  assert.deepEqual(problems, []);
  return JSON.stringify(
    buildSpec({
      job: 'sample-1',
      project: project!,
      side: 'pod',
      paths: { project: '/p', mount: '/' },
      python: 'python3',
      code: [],
      restUrl: 'https://x',
      capSeconds: null,
    }),
  );
}

/** What Python has of a value in spec.json: its repr, as a notebook's cell is given it. */
function inPython(spec: string, expression: string): string {
  const code = `import json, sys; spec = json.load(sys.stdin); print(${expression})`;
  return execFileSync(python, ['-c', code], { input: spec, encoding: 'utf8' }).trim();
}

describe('values of the project file arrive as they are written (R9.5)', () => {
  it('numbers are the same in Python as in the file, also in lists and objects', () => {
    const numbers = [
      '3',
      '1.0',
      '0.0',
      '-0.0',
      '-0',
      '1e5',
      '1E+2',
      '1e-7',
      '0.1',
      '1e21',
      '9007199254740991',
      '9007199254740993',
      '-9223372036854775808',
      '18446744073709551615',
      '12345678901234567890123',
      '1.7976931348623157e308',
      '5e-324',
      '123456789012345678.0',
    ];
    const spec = specOf(withParameters(`"list": [${numbers.join(', ')}], "deep": {"a": [{"b": 1.0}]}`));
    const literals = numbers.map((n) => `eval(${JSON.stringify(n)})`).join(', ');
    const parameters = "spec['steps'][0]['run']['parameters']";
    assert.equal(inPython(spec, `repr(${parameters}['list']) == repr([${literals}])`), 'True', spec);
    assert.equal(inPython(spec, `repr(${parameters}['deep'])`), "{'a': [{'b': 1.0}]}");
  });

  it('what a gate compares with too', () => {
    const gates = `[{"type": "distinct", "path": "a.parquet", "column": "id", "includes": [9007199254740993, 1.0, "x", true]},
      {"type": "populated", "path": "a.parquet", "column": "id", "where": {"column": "id", "equals": 12345678901234567890}}]`;
    const spec = specOf(`{${head}, "steps": [{"name": "one", "shell": "true", "gates": ${gates}}]}`);
    assert.equal(
      inPython(spec, "[spec['steps'][0]['gates'][0]['includes'], spec['steps'][0]['gates'][1]['where']['equals']]"),
      "[[9007199254740993, 1.0, 'x', True], 12345678901234567890]",
    );
  });

  it('a number that cannot arrive is refused where it stands', () => {
    for (const [number, why] of [
      ['1e400', /larger than any/],
      ['-1e400', /larger than any/],
      ['1e-400', /smaller than any/],
      ['1'.repeat(4301), /4300 digits/],
      ['NaN', /NaN is no number of JSON/],
      ['-Infinity', /Infinity is no number|not valid JSON/],
    ] as const) {
      const [problem = ''] = problemsOf(`\n${withParameters(`"a": 1, "n": [${number}]`)}`);
      assert.match(problem, why);
      assert.match(problem, /^2:\d+ /);
    }
    assert.match(
      problemsOf(`{${head}, "steps": [{"name": "one", "shell": "true"}], "caps": {"hours": 1e400}}`)[0] ?? '',
      /"caps.hours" is larger than any/,
    );
    const gate = '{"type": "metric", "name": "n", "min": 9007199254740993}';
    assert.match(
      problemsOf(`{${head}, "steps": [{"name": "one", "shell": "true", "gates": [${gate}]}]}`).join('\n'),
      /"min" of gate 1 of step "one" would be changed/,
    );
  });

  it('a key that stands twice is an error with both places, at any depth', () => {
    const steps = `"steps": [{"name": "one", "shell": "true"}]`;
    assert.deepEqual(problemsOf(`{${head},\n"caps": {"hours": 1},\n${steps},\n "caps": {"hours": 700}}`), [
      '4:2 "caps" stands twice: here and at 2:1. Keep one of them.',
    ]);
    for (const twice of [
      `"sync": {"never": ["a"], "never": ["b"]}`,
      `"env": {"A": "1", "A": "2"}`,
      `"env": {"A": "1", "\\u0041": "2"}`,
    ]) {
      assert.match(problemsOf(`{${head}, ${steps}, ${twice}}`).join('\n'), /stands twice/, twice);
    }
    assert.match(
      problemsOf(withParameters('"a": {"b": 1, "b": 2}')).join('\n'),
      /"parameters.a.b" of step "one" stands twice/,
    );
  });

  it('names that are whole numbers keep their order, or are refused with their place', () => {
    const kept = [
      '"a": {"0": 1, "9": 2, "10": 3, "b": 4}',
      '"a": {"10": 1}',
      '"a": {"b": 1, "01": 2, "-1": 3, "1.5": 4}',
    ];
    for (const parameters of kept) {
      const { project, problems } = parseProject(withParameters(parameters));
      assert.deepEqual(problems, []);
      assert.equal(
        JSON.stringify(project?.steps[0]?.parameters).replaceAll(' ', ''),
        `{${parameters.replaceAll(' ', '')}}`,
      );
    }
    for (const [parameters, moved] of [
      ['"a": {"10": 1, "9": 2}', '"parameters.a.10"'],
      ['"a": {"b": 1, "9": 2}', '"parameters.a.b"'],
      ['"a": [{"c": {"1": 1, "b": 2, "0": 3}}]', '"c.1" of entry 1 of "parameters.a"'],
    ] as const) {
      const text = withParameters(parameters);
      const { problems, project } = parseProject(text);
      assert.equal(project, undefined);
      assert.match(
        problems.map(({ message }) => message).join('\n'),
        new RegExp(`${moved} of step "one" would change its place`),
      );
      const name = `"${/\.(\w+)"/.exec(moved)?.[1] ?? ''}"`;
      assert.equal(text.slice(problems[0]?.offset, (problems[0]?.offset ?? 0) + (problems[0]?.length ?? 0)), name);
    }
  });

  it('names that every object of JavaScript has are no profiles and no parameters by accident', () => {
    const { project } = parseProject(withParameters('"constructor": 1, "toString": 2'));
    assert.deepEqual(Object.keys(project?.steps[0]?.parameters ?? {}), ['constructor', 'toString']);
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      assert.throws(
        () => applyProfile(project!, name),
        (error) => error instanceof UserError && error.code === 'profile-unknown',
        name,
      );
    }
    for (const text of [
      withParameters('"__proto__": {"a": 1}'),
      `{${head}, "steps": [{"name": "one", "shell": "true"}], "profiles": {"__proto__": {}}}`,
      `{${head}, "steps": [{"name": "one", "shell": "true"}], "__proto__": {"caps": 1}}`,
    ]) {
      assert.match(problemsOf(text).join('\n'), /__proto__".* cannot be used as a name/, text);
    }
  });

  it('half of a character and zero characters are refused where no text could hold them', () => {
    const shell = (command: string): string[] =>
      problemsOf(`{${head}, "steps": [{"name": "one", "shell": "${command}"}]}`);
    assert.match(shell('echo \\ud800').join('\n'), /"shell" of step "one" has half of a character/);
    assert.match(shell('echo \\u0000').join('\n'), /"shell" of step "one" has a zero character/);
    assert.deepEqual(shell('echo \\ud83c\\udf08'), []);
    assert.match(problemsOf(withParameters('"a": "\\udc00"')).join('\n'), /half of a character/);
    assert.deepEqual(problemsOf(withParameters('"a": "\\u0000"')), []);
  });

  it('brackets nested thousands deep are named with their place', () => {
    for (const depth of [101, 5000, 200_000]) {
      const text = withParameters(`\n"a": ${'['.repeat(depth)}${']'.repeat(depth)}`);
      assert.match(problemsOf(text).join('\n'), /^2:\d+ Values are nested more than 100 deep here\.$/);
    }
    assert.deepEqual(problemsOf(withParameters(`"a": ${'['.repeat(90)}${']'.repeat(90)}`)), []);
  });
});

describe('encodings of the project file (R9.5)', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'encodings-'));
  });

  after(() => rm(folder, { recursive: true }));

  const good = `{${head},\r\n"steps": [{"name": "one", "shell": "true", "env": {"NAME": "été"}}]}\r\n`;

  async function load(bytes: Buffer): Promise<string> {
    const file = join(folder, 'case.runpod.json');
    await writeFile(file, bytes);
    return loadProject(file).then(
      ({ project }) => project.steps[0]?.env?.['NAME'] ?? '',
      (error: unknown) => {
        assert.ok(error instanceof UserError && error.code === 'project-invalid');
        return error.what;
      },
    );
  }

  it('a byte order mark and the line ends of Windows and of old Macs are passed over', async () => {
    assert.equal(await load(Buffer.from(good)), 'été');
    assert.equal(await load(Buffer.from(`\ufeff${good}`)), 'été');
    assert.equal(await load(Buffer.from(good.replaceAll('\r\n', '\r'))), 'été');
    const wrong = good.replace('"shell": "true"', '"shell": 5').replaceAll('\r\n', '\r');
    assert.match(await load(Buffer.from(wrong)), /case.runpod.json:2:36 /);
  });

  it('UTF-16 and UTF-32 are one sentence', async () => {
    const little = Buffer.from(good, 'utf16le');
    for (const bytes of [
      Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
      Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(little).swap16()]),
      little,
      Buffer.from(little).swap16(),
    ]) {
      const told = await load(bytes);
      assert.match(told, /has a problem:\n {2}case.runpod.json:1:1 {2}The file is in UTF-16; save it as UTF-8\.\n/);
    }
    assert.match(await load(Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0])), /UTF-32/);
  });

  it('a byte that is no text is named with line and column, wherever it stands', async () => {
    assert.match(await load(Buffer.from(good, 'latin1')), /case.runpod.json:2:61 {2}The byte 0xE9 is not UTF-8 text/);
    const cut = Buffer.concat([Buffer.from('{\n  "a": "€'), Buffer.from([0xe2, 0x82])]);
    assert.match(await load(cut), /:2:10 {2}The byte 0xE2 /);
    assert.match(await load(Buffer.from([0x7b, 0x80])), /:1:2 {2}The byte 0x80 /);
    assert.match(await load(Buffer.from([0x7b, 0xf0, 0x9f, 0x8c, 0x22])), /:1:2 {2}The byte 0xF0 /);
  });

  it('one slip lists at most twenty problems', async () => {
    const told = await load(
      Buffer.from(good.replace('"steps"', `${Array.from({ length: 50 }, (_, i) => `"f${i}": 1,`).join('')}"steps"`)),
    );
    assert.match(told, /has 50 problems[^]*and 30 more after these/);
    assert.equal(told.match(/case.runpod.json:\d/g)?.length, 20);
  });
});
