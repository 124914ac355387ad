import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import picomatch from 'picomatch';
import { isCredential, whyNotMaskable, limits } from '../../src/core/contract.ts';
import { compilePattern } from '../../src/core/files/patterns.ts';
import { merged, missing, readJournal, type Range } from '../../src/core/files/ranges.ts';
import { matcher, type Kind, type Raw } from '../../src/core/guards/preflight/equality.ts';
import { jobEventSchema } from '../../src/core/journal/events.ts';
import { buildSpec } from '../../src/core/journal/spec.ts';
import { isPython, notebookFrom } from '../../src/core/project/notebook.ts';
import { parseProject } from '../../src/core/project/parse.ts';
import type { GateValue } from '../../src/core/project/schema.ts';
import { readProblem } from '../../src/core/runpod/answers.ts';
import { quoteArgv } from '../../src/core/ssh/quote.ts';
import { FrameReader } from '../../src/core/transport/ssh/frames.ts';
import { read, vectors } from './folder.ts';

/** Cases that picomatch reads otherwise, and why ours is not its way. */
const otherThanPicomatch = {
  'plain folder': 'it knows no folders',
  'folder with slash': 'for it "out/**" is also a file called "out"; for git it is not',
  'folder with two stars': 'for it "x/**" is also a file called "x"; for git it is not',
  'question mark': 'it counts in UTF-16 units',
  'two stars in a name': 'at the start of a pattern alone it lets them cross folders',
  'class that is negated by !': 'it takes "!" for a character of the class; for git and shells it negates',
  'negated class and a slash': 'it lets a class match a slash',
  'range over a slash': 'it lets a class match a slash',
  'class over a slash': 'it lets a class reach over a slash',
  'named class': 'it takes "[:" for a class of its own',
  'escaped letter': 'it does not know the pattern letter by letter',
  'pattern composed, name decomposed': 'it compares code units',
  'pattern decomposed, name composed': 'it compares code units',
  'class with an accent': 'it compares code units',
};

describe('vectors that client and worker share', () => {
  describe('notebooks', () => {
    for (const { name, notebook, language, cells, parameters, refused } of vectors<{
      notebook: unknown;
      language?: string;
      cells?: string[];
      parameters?: number;
      refused?: boolean;
    }>('notebooks')) {
      for (const [encoding, bytes] of encodings(JSON.stringify(notebook))) {
        it(`${name}, ${encoding}`, () => {
          if (refused === true && language === undefined) {
            assert.throws(() => notebookFrom(bytes, 'a.ipynb'));
            return;
          }
          const found = notebookFrom(bytes, 'a.ipynb');
          assert.equal(found.language, language);
          assert.equal(isPython(found), refused !== true);
          if (cells !== undefined) {
            assert.deepEqual(
              found.cells.map((c) => c.source),
              cells,
            );
            assert.equal(found.cells.find((c) => c.tags.includes('parameters'))?.cell, parameters);
          }
        });
      }
    }
  });

  describe('globs', () => {
    for (const { name, pattern, matches, others } of vectors<{ pattern: string; matches: string[]; others: string[] }>(
      'globs',
    )) {
      it(name, () => {
        const glob = compilePattern(pattern);
        assert.deepEqual([...matches, ...others].filter(glob.matches), matches);
        for (const path of matches) {
          const folders = path.split('/').slice(0, -1);
          for (const [n] of folders.entries()) {
            assert.ok(glob.mayMatchBelow(folders.slice(0, n + 1).join('/')), `${path} is not looked for`);
          }
        }
      });
    }

    it('are what picomatch makes of them, but for the cases named here', () => {
      const options = { flags: 's', dot: true, nonegate: true, noextglob: true, nobrace: true, windows: false };
      const differ = vectors<{ pattern: string; matches: string[]; others: string[] }>('globs')
        .filter(({ pattern, matches, others }) => {
          const plain = pattern.replace(/^\.\//, '');
          const isMatch = picomatch(plain.endsWith('/') ? `${plain}**` : plain, options);
          return [...matches, ...others].filter((p) => isMatch(p)).join('\n') !== matches.join('\n');
        })
        .map(({ name }) => name);
      assert.deepEqual(differ, Object.keys(otherThanPicomatch));
    });
  });

  describe('frames', () => {
    for (const { name, stream, contents, zeros, broken } of vectors<{
      stream: string;
      contents?: string;
      zeros?: number;
      broken?: true;
    }>('frames')) {
      it(name, () => {
        const bytes = Buffer.from(stream, 'base64');
        for (const size of [bytes.length, 1000, 7, 1]) {
          if (size < 100 && bytes.length > 10_000) {
            continue;
          }
          const parts: Buffer[] = [];
          const reader = new FrameReader((part) => parts.push(Buffer.from(part)));
          const readAll = (): void => {
            for (let at = 0; at < bytes.length; at += size) {
              reader.push(bytes.subarray(at, at + size));
            }
            assert.ok(reader.ended, 'the stream was cut');
          };
          if (broken === true) {
            assert.throws(readAll, `in pieces of ${size}`);
          } else {
            readAll();
            assert.ok(
              Buffer.concat(parts).equals(
                zeros === undefined ? Buffer.from(contents ?? '', 'base64') : Buffer.alloc(zeros),
              ),
            );
          }
        }
      });
    }
  });

  describe('ranges', () => {
    interface Case {
      size: number;
      have: Range[];
      merged: Range[];
      missing: Range[];
      journal?: string;
      ranges?: Range[];
    }
    for (const { name, journal, ranges, ...file } of vectors<Case>('ranges')) {
      it(name, () => {
        if (journal !== undefined) {
          assert.deepEqual(readJournal(journal), ranges);
          return;
        }
        assert.deepEqual(merged(file.have, file.size), file.merged);
        assert.deepEqual(missing(file.size, file.have, limits.pieceBytes), file.missing);
      });
    }
  });

  it('secrets: both sides refuse the same values, which cannot be kept out of what steps print', () => {
    for (const { name, value, maskable } of vectors<{ value: string; maskable: boolean }>('secrets')) {
      assert.equal(whyNotMaskable(value) === undefined, maskable, name);
    }
  });

  it('credentials: both sides keep the same variables from a program', () => {
    for (const { name, value, credential } of vectors<{ value: string; credential: boolean }>('credentials')) {
      assert.equal(isCredential(name, value), credential, name);
    }
  });

  it('quoting: a shell reads what was meant', () => {
    for (const { name, argv, command } of vectors<{ argv: string[]; command: string }>('quoting')) {
      assert.equal(quoteArgv(argv), command, name);
      const out = execFileSync('sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' });
      assert.deepEqual(out.split('\0').slice(0, -1), argv, name);
    }
  });

  it('API answers: only RunPod itself says that a pod is gone', () => {
    interface Case {
      status: number;
      contentType: string | null;
      body: string;
      kind: string | null;
      gone: boolean;
    }
    for (const { name, status, contentType, body, kind, gone } of vectors<Case>('api-answers')) {
      if (status < 300) {
        assert.equal(kind, null, name);
        continue;
      }
      const facts = readProblem(status, contentType ?? undefined, body);
      assert.equal(facts.kind, kind, name);
      assert.equal(facts.kind === 'not-found', gone, name);
    }
  });

  describe('gate values', () => {
    interface Case {
      kind: Kind;
      raw: unknown;
      same: string[];
      other: string[];
    }
    for (const { name, kind, raw, same, other } of vectors<Case>('gate-values')) {
      it(name, () => {
        const value = rawOf(kind, raw);
        const isIt = (text: string): boolean => matcher(kind, gateValue(text))(value);
        assert.deepEqual([...same, ...other].filter(isIt), same);
      });
    }
  });

  it('numbers: what a parameter and a metric become on their way', () => {
    interface Case {
      kind: 'parameter' | 'metric';
      text: string;
      travels: string | null;
      arrives: string | null;
    }
    for (const { name, kind, text, travels, arrives } of vectors<Case>('numbers')) {
      if (kind === 'parameter') {
        assert.equal(parameterInSpec(text) ?? null, travels, name);
      } else {
        const line = `{"epoch":1,"seq":1,"time":"t","type":"metric","step":"s","values":{"m":${travels}}}`;
        const event = jobEventSchema.parse(JSON.parse(line));
        assert.ok(event.type === 'metric');
        const value = event.values['m'];
        assert.equal(Object.is(value, -0) ? '-0' : String(value), arrives, name);
      }
    }
  });
});

/** What a gate's value becomes that a project file has so. */
function gateValue(text: string): GateValue {
  const gates = `[{"type": "distinct", "path": "a.parquet", "column": "c", "includes": [${text}]}]`;
  const { project } = parseProject(
    read('examples/rainbow/training.runpod.json').replace(
      /"steps": \[/,
      `"steps": [{"name": "values", "shell": "true", "gates": ${gates}},`,
    ),
  );
  const [gate] = project?.steps[0]?.gates ?? [];
  assert.ok(gate?.type === 'distinct' && gate.includes?.[0] !== undefined, text);
  return gate.includes[0];
}

/** A raw value as the vectors write it. */
function rawOf(kind: Kind, told: unknown): Raw {
  if (told === null || kind.name === 'bool') {
    return told as Raw;
  }
  const [first = kind, second = kind] = kind.parts ?? [];
  if (kind.name === 'map') {
    return (told as [unknown, unknown][]).map(([key, value]) => [rawOf(first, key), rawOf(second, value)]);
  }
  if (Array.isArray(told)) {
    return told.map((item, i) => rawOf(kind.name === 'list' ? first : (kind.parts?.[i] ?? kind), item));
  }
  const text = typeof told === 'string' ? told : JSON.stringify(told);
  switch (kind.name) {
    case 'text':
      return Buffer.from(text, 'hex');
    case 'float':
      return text === 'nan' ? NaN : Number(text.replace('inf', 'Infinity'));
    case 'decimal': {
      const [whole = '', part = ''] = text.split('.');
      return { digits: BigInt(whole + part), scale: part.length };
    }
    default:
      return BigInt(text);
  }
}

/** How a number of the project file stands in `spec.json`. */
function parameterInSpec(text: string): string | undefined {
  const { project } = parseProject(
    read('examples/rainbow/training.runpod.json').replace(
      /"steps": \[/,
      `"steps": [{"name": "numbers", "notebook": "a.ipynb", "parameters": {"n": ${text}}},`,
    ),
  );
  if (project === undefined) {
    return undefined;
  }
  const spec = JSON.stringify(
    buildSpec({
      job: 'p-1',
      project,
      side: 'pod',
      paths: { project: '/p', mount: '/' },
      python: 'python3',
      code: [],
      restUrl: 'https://x',
      capSeconds: null,
    }),
  );
  return /"parameters":\{"n":([^}]*)\}/.exec(spec)?.[1];
}

/** A text as editors save it. */
function encodings(text: string): [string, Buffer][] {
  return [
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 from the other end', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
  ];
}
