import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { explain, unexplained } from '../../../../src/core/guards/explain/index.ts';
import { failed } from './evidence.ts';
import { writtenEndings } from './written-endings.ts';

interface Raised {
  name: string;
  kind: string | null;
  /** How the line begins that an unexplained failure names; empty where it names none. */
  error: string;
  exitCode: number;
  log: string[];
}

const file = new URL('../../../fixtures/endings/raised.json', import.meta.url);
const raised = JSON.parse(readFileSync(file, 'utf8')) as Raised[];

/** What a step prints before it fails, with messages of failures that it survived. */
const before = [
  'No space left on device: /tmp/cache, handled: working without a cache',
  'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.',
  'retrying with half the batch',
  "ModuleNotFoundError: No module named 'flash_attn' (ignored)",
  ...Array.from({ length: 40 }, (_, i) => `{'loss': 0.${i + 1}, 'epoch': ${i}}`),
];

const told = (log: string[], exitCode: number, earlier: string[] = []) => {
  const evidence = failed([...earlier, ...log].slice(-400), { exitCode, localNames: ['train.py', 'training'] });
  return { seen: explain(evidence), rest: unexplained(evidence) };
};

describe('the failure explainer: how programs really end (R7.4)', () => {
  for (const { name, kind, error, exitCode, log } of raised) {
    it(`${kind ?? 'not known'}: ${name}`, () => {
      const { seen, rest } = told(log, exitCode);
      assert.equal(seen?.kind ?? null, kind, seen?.what);
      if (kind === null) {
        assert.ok(error === '' ? rest.error === undefined : rest.error?.startsWith(error), rest.error);
      }
    });
  }

  for (const { name, kind, exitCode = 1, log, says = /./ } of writtenEndings) {
    it(`${kind ?? 'not known'}: ${name}`, () => {
      const { seen } = told(log, exitCode);
      assert.equal(seen?.kind ?? null, kind, seen?.what);
      assert.match(seen?.what ?? ' ', says);
    });
  }

  it('has a table of many endings of both sorts', () => {
    const all = [...raised, ...writtenEndings];
    assert.ok(all.filter(({ kind }) => kind !== null).length >= 90);
    assert.ok(all.filter(({ kind }) => kind === null).length >= 50);
  });
});

describe('the failure explainer: what was survived is no cause (R7.4)', () => {
  const endings = [...raised, ...writtenEndings.map((w) => ({ exitCode: 1, ...w }))];

  it('says the same of each ending after messages of other failures, and tells them as survived', () => {
    for (const { name, exitCode, log, kind } of endings.filter(({ log: l }) => l.length < 300)) {
      const { seen, rest } = told(log, exitCode, before);
      assert.equal(seen?.kind ?? null, told(log, exitCode).seen?.kind ?? null, name);
      const also = seen?.also ?? rest.also;
      assert.ok(kind === 'cuda-memory' || also.some((line) => /CUDA out of memory/.test(line)), name);
      assert.ok(!seen?.evidence.some((line) => before.includes(line)), name);
    }
  });

  it('says the same of each ending in the words of the worker and with colours', () => {
    for (const { name, exitCode, log, kind } of endings.filter(({ exitCode: code }) => code > 0 && code < 128)) {
      const colored = log.map((line) => line.replace(/\b(?=\w*Error\b)/, '\u001b[1;31m'));
      assert.equal(told(colored, exitCode).seen?.kind ?? null, kind, name);
    }
  });
});

describe('the failure explainer: sentences that can be read (R7.4)', () => {
  const long = 'x'.repeat(100_000);
  const logs: [string, string[]][] = [
    ['a long path', [`FileNotFoundError: [Errno 2] No such file or directory: 'data/${long}'`]],
    ['a long name of a module', [`ModuleNotFoundError: No module named '${long}'`]],
    ['a long key', [`KeyError: '${long}'`]],
    ['a long command', [`bash: line 1: ${long}: command not found`]],
    ['a long sentence of pip', [`ERROR: No matching distribution found for ${long}`]],
    ['a long line of CUDA', [`torch.OutOfMemoryError: CUDA out of memory. ${long}`]],
    ['a long line of an error of its own', [`ValueError: ${long}`]],
    ['long lines all over', Array.from({ length: 400 }, () => long)],
  ];

  for (const [name, log] of logs) {
    it(`stay short after ${name}`, () => {
      const { seen, rest } = told(
        ['Traceback (most recent call last):', '  File "a.py", line 1', '    f()', ...log],
        1,
      );
      const texts = [
        seen?.what,
        seen?.why,
        seen?.next,
        ...(seen?.evidence ?? []),
        ...(seen?.also ?? []),
        rest.error,
        ...rest.also,
      ];
      for (const text of texts) {
        assert.ok((text ?? '').length <= 800, text?.slice(0, 100));
      }
      assert.ok((seen?.what ?? '').length <= 400);
    });
  }

  it('hold no empty places', () => {
    for (const { log, name, ...rest } of [...raised, ...writtenEndings]) {
      const { seen } = told(log, rest.exitCode ?? 1);
      const text = [seen?.what, seen?.why, seen?.next].join(' ');
      assert.doesNotMatch(text, /undefined|\[object|\bNaN\b|null| {2}\S|\w\.\.(?!\.)| ,|""/, `${name}: ${text}`);
    }
  });
});
