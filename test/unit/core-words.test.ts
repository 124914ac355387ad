import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { makeProgram } from '../../src/cli/program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const core = join(root, 'src', 'core');

/** Literals that look like words of the command line and are none: what other programs are called with, and data. */
const allowed: [file: string, text: RegExp, why: string][] = [
  ['volumes/move/worker.ts', /^--(root|source)$/, 'arguments of the worker'],
  ['volumes/move/send.ts', /^--(host|port|compress)$/, 'arguments of the worker'],
  ['transport/ssh/worker-files.ts', /^--root$/, 'arguments of the worker'],
  ['transport/ssh/fetch-stream.ts', /^--(root|compress)$/, 'arguments of the worker'],
  ['transport/ssh/push-stream.ts', /^--root$/, 'arguments of the worker'],
  ['pods/worker.ts', /^--[a-z-]+$/, 'arguments of the worker'],
  ['guards/verify/pod-probe.ts', /^--(rest-url|pod|name|mount)$/, 'arguments of the worker'],
  ['jobs/local.ts', /^--(job-dir|side|attended)$/, 'arguments of the worker'],
  ['guards/doctor/machine-checks.ts', /^--(query-gpu|format)=/, 'arguments of nvidia-smi'],
  ['journal/id.ts', /^RUNPOD_TRAINER_(JOB|PROJECT|HELPER)$/, 'variables of a pod'],
  ['pods/end-key.ts', /^RUNPOD_TRAINER_END_KEY$/, 'variable of a pod'],
  ['project/schema-gates.ts', /RUNPOD_TRAINER_METRICS/, 'variable of a step, which a project author writes'],
  ['project/schema-steps.ts', /RUNPOD_TRAINER_RESUME_FROM/, 'the same'],
  ['guards/preflight/checks/gates.ts', /^RUNPOD_TRAINER_(METRICS|RESUME_FROM)$/, 'the same, looked for in the code'],
];

const names = makeProgram(() => Promise.resolve()).commands.map((command) => command.name());
const forms: RegExp[] = [
  new RegExp(`runpod-trainer (?:${names.join('|')})\\b`),
  /(?:^|[\s("'`])--[a-z]/,
  /\bRUNPOD_TRAINER_[A-Z]/,
  /\b[Cc]ommand line\b/,
  /runpodTrainer\./,
];

/** The texts of a source file: string literals, and templates with `…` for what is filled in. */
function textsOf(file: string, source: string): { text: string; line: number }[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: { text: string; line: number }[] = [];
  const add = (node: ts.Node, text: string): void => {
    found.push({ text, line: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1 });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) {
      add(node, node.text);
    } else if (ts.isTemplateExpression(node)) {
      add(node, [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('…'));
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function wordsOfOneFace(file: string, source: string): string[] {
  return textsOf(file, source)
    .filter(({ text }) => forms.some((form) => form.test(text)))
    .filter(({ text }) => !allowed.some(([where, what]) => where === file && what.test(text)))
    .map(({ text, line }) => `${file}:${line} ${JSON.stringify(text)}`);
}

describe('texts of core', () => {
  const files = readdirSync(core, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  const sources = new Map(files.map((file) => [relative(core, file), readFileSync(file, 'utf8')]));

  it('have no words that only the command line or only the editor knows', () => {
    const found = [...sources].flatMap(([file, source]) => wordsOfOneFace(file, source));
    assert.deepEqual(found, []);
  });

  it('would be found if they had', () => {
    const source = [
      'a(`Stay with it: runpod-trainer attach ${job}`);',
      "b('Choose another with --python.');",
      "c('Set RUNPOD_TRAINER_PYTHON.');",
      'd(\'Correct "runpodTrainer.endKeySecret".\');',
      "e('/.runpod-trainer/jobs', 'a--b', 'runpod-trainer');",
    ].join('\n');
    assert.deepEqual(
      wordsOfOneFace('x.ts', source).map((text) => text.split(' ')[0]),
      ['x.ts:1', 'x.ts:2', 'x.ts:3', 'x.ts:4'],
    );
  });

  it('are allowed nothing that is not there', () => {
    for (const [file, text, why] of allowed) {
      const texts = textsOf(file, sources.get(file) ?? '');
      assert.ok(
        texts.some((found) => text.test(found.text)),
        `${file}: ${why}`,
      );
    }
  });
});
