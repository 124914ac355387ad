import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

const sources = ['core', 'cli', 'features']
  .flatMap((room) => readdirSync(join(root, room), { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((file) => ({ file: relative(root, file), text: readFileSync(file, 'utf8') }));

interface Place {
  file: string;
  node: ts.Node;
  tree: ts.SourceFile;
}

const trees = new Map<string, ts.SourceFile>();

function nodesOf<T extends ts.Node>(is: (node: ts.Node) => node is T, from = sources): (Place & { node: T })[] {
  return from.flatMap(({ file, text }) => {
    const tree = trees.get(text) ?? ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    trees.set(text, tree);
    const found: (Place & { node: T })[] = [];
    const visit = (node: ts.Node): void => {
      if (is(node)) {
        found.push({ file, node, tree });
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
    return found;
  });
}

const at = ({ file, node, tree }: Place): string =>
  `${file}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`;

/** Errors with their explanation as it is written. */
function userErrors(from = sources) {
  return nodesOf(ts.isNewExpression, from)
    .filter(({ node }) => node.expression.getText() === 'UserError')
    .map((place) => ({ ...place, explanation: place.node.arguments?.[1] }));
}

const names = (node: ts.Expression | undefined): string[] =>
  node !== undefined && ts.isObjectLiteralExpression(node)
    ? node.properties.map((p) => p.name?.getText() ?? '…')
    : ['…'];

/** Errors of which another one is made before a person sees them, by their code. */
const parts = /^'(?:fetch-mismatch|worker-refused)'$/;

function withoutNext(from = sources): string[] {
  return userErrors(from)
    .filter(({ node }) => !parts.test(node.arguments?.[0]?.getText() ?? ''))
    .filter(({ explanation }) => !names(explanation).some((name) => name === 'next' || name === '…'))
    .map((place) => `${at(place)} says nothing of what to do next`);
}

/** A number of things that is written out without the helper that knows one from many. */
const many = /^(?:.*\.(?:length|size)|size|number|\w*(?:[cC]ount|[nN]umber|Files|Pods|Jobs|minutes|hours|days))$/;
const things =
  /^ (?:more )?(?:files|jobs|pods|steps|volumes|workers|minutes|times|things|problems|lines|folders|keys|endpoints|entries|secrets)\b/;
/** Where it is never one. */
const neverOne = /\b(?:volumes|pods or endpoints) are\b/;

function badPlurals(from = sources): string[] {
  return nodesOf(ts.isTemplateExpression, from).flatMap((place) =>
    place.node.templateSpans
      .filter(
        ({ expression, literal }) =>
          things.test(literal.text) || (many.test(expression.getText()) && /^ [a-z]+s\b/.test(literal.text)),
      )
      .filter(({ expression }) => !/toLocaleString|^count/.test(expression.getText()))
      .filter(({ literal }) => !/^ (?:is|was|has|as)\b/.test(literal.text) && !neverOne.test(literal.text))
      .filter(({ expression }) => !isGuarded(expression))
      .map(({ expression, literal }) => `${at(place)} \${${expression.getText()}}${literal.text.slice(0, 30)}`),
  );
}

/** Whether a condition around it asks for one. */
function isGuarded(node: ts.Node): boolean {
  for (let up = node.parent; !ts.isFunctionLike(up) && !ts.isSourceFile(up); up = up.parent) {
    if (ts.isConditionalExpression(up) && /(?:=== 1|> 1|=== 0|!== 1)\b/.test(up.condition.getText())) {
      return true;
    }
  }
  return false;
}

/** What a person reads where a value is not there. */
function holes(from = sources): string[] {
  return userErrors(from).flatMap((place) =>
    [...(place.explanation?.getText() ?? '').matchAll(/\?\? '(?:\?|nothing|none|unknown|null|undefined)'/g)].map(
      ([hole]) => `${at(place)} ${hole}`,
    ),
  );
}

/** Texts that no editor would let pass. */
function slips(from = sources): string[] {
  const texts = [
    ...nodesOf(ts.isStringLiteralLike, from).map((p) => ({ ...p, text: p.node.text })),
    ...nodesOf(ts.isTemplateExpression, from).map((p) => ({
      ...p,
      text: [p.node.head.text, ...p.node.templateSpans.map((s) => s.literal.text)].join('\u0001'),
    })),
  ];
  return texts
    .filter(({ text }) => /^[A-Z\u0001].* .*[.:]$/s.test(text))
    .filter(({ text }) =>
      /[a-z]\.\.(?:\s|$)|[a-z,] {2,}[a-z]|\s[.,;:](?:\s|$)|\[object|\bundefined\b|\b(\w+) \1 (?!\1)/.test(text),
    )
    .map((place) => `${at(place)} ${JSON.stringify(place.text)}`);
}

describe('errors that a person reads', () => {
  it('say what to do next', () => {
    assert.deepEqual(withoutNext(), []);
  });

  it('know one from many', () => {
    assert.deepEqual(badPlurals(), []);
  });

  it('have no hole where a value is missing', () => {
    assert.deepEqual(holes(), []);
  });

  it('have no slips of the pen', () => {
    assert.deepEqual(slips(), []);
  });

  it('would be found if they were bad', () => {
    const bad = [
      {
        file: 'x.ts',
        text: [
          "throw new UserError('a', { what: `There are ${all.length} files here.` });",
          "throw new UserError('b', { what: `It is ${name ?? 'nothing'}.`, next: 'Wait  here..' });",
          "throw new UserError('c', { what: 'It is is so .', next: 'Go on.' });",
          "throw new UserError('d', { what: all.length === 1 ? 'A file.' : `${all.length} files.`, next: 'Go on.' });",
        ].join('\n'),
      },
    ];
    const place = (found: string[]): string[] => found.map((text) => text.split(' ')[0] ?? '');
    assert.deepEqual(place(withoutNext(bad)), ['x.ts:1']);
    assert.deepEqual(place(badPlurals(bad)), ['x.ts:1']);
    assert.deepEqual(place(holes(bad)), ['x.ts:2']);
    assert.deepEqual(place(slips(bad)), ['x.ts:2', 'x.ts:3']);
  });
});
