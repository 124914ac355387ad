import { findNodeAtLocation, type Node } from 'jsonc-parser';
import type { z } from 'zod';
import { count } from '../words/index.ts';
import { nearest } from './nearest.ts';
import { asSentence, either, placeWords, type Path } from './place-words.ts';
import type { IssueNote, Problem } from './problem.ts';
import { fieldsAt, gateTypes, schemasAt } from './schema-json.ts';

const typeWords: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

/** What the schema refuses, in words of people, once each and with its place in the text. */
export function schemaProblems(tree: Node, value: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const problems = issues.flatMap((issue) => problemsOf(tree, value, issue));
  // Whoever misspelt a field has not also left it out.
  const renamed = problems.flatMap(({ path, fix }) =>
    fix?.kind === 'rename' ? [{ parent: path.slice(0, -1), to: fix.to }] : [],
  );
  const follows = ({ path, message }: Problem): boolean =>
    renamed.some(
      ({ parent, to }) =>
        samePath(path, [...parent, to]) ||
        (samePath(path, parent) && message.includes(' needs ') && message.includes(`"${to}"`)),
    );
  return problems.filter((p) => !follows(p));
}

function problemsOf(tree: Node, value: unknown, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.filter((p): p is string | number => typeof p !== 'symbol');
  const say = (text: string, more: Partial<Problem> = {}): Problem[] => [
    { ...problemAt(nodeAt(tree, path), path, `${asSentence(placeWords(path, value))} ${text}.`), ...more },
  ];
  const node = findNodeAtLocation(tree, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField(tree, value, path, key));
    case 'invalid_union':
      return gateType(tree, path) ?? say(issue.errors.length > 0 ? issue.message : 'has a value that cannot be here');
    case 'invalid_type': {
      const isWhole = issue.expected === 'number' && schemasAt(path).some(({ type }) => type === 'integer');
      const expected = isWhole ? 'int' : issue.expected;
      const must = `must be ${typeWords[expected] ?? expected}`;
      return say(
        node === undefined && path.length > 0 ? `is missing; it ${must}` : `${must}${notThis(expected, node)}`,
      );
    }
    case 'invalid_value':
      return oneOf(say, node, issue.values.map(String), issue.values);
    case 'too_small':
    case 'too_big':
      return say(boundText(issue));
    case 'invalid_key':
      return say(`cannot have this name: a name ${issue.issues[0]?.message ?? 'is of another form'}`);
    case 'invalid_format':
      return say(/^must /.test(issue.message) ? issue.message : `must be ${issue.message}`);
    case 'custom': {
      const { whole, use } = (issue.params ?? {}) as IssueNote;
      const fix = use === undefined ? {} : { fix: { kind: 'use' as const, to: use } };
      if (whole === true) {
        return [{ ...problemAt(nodeAt(tree, path), path, `${issue.message}.`), ...fix }];
      }
      const joint = /^(is|must|needs|contradicts|would|has|cannot) /.test(issue.message) ? '' : ': ';
      return joint === ''
        ? say(issue.message, fix)
        : [problemAt(nodeAt(tree, path), path, `${asSentence(placeWords(path, value))}${joint}${issue.message}.`)];
    }
    default:
      return say(`is not right: ${issue.message}`);
  }
}

function unknownField(tree: Node, value: unknown, path: Path, key: string): Problem {
  const type = gateTypeAt(tree, path);
  const known = [...fieldsAt(path, (at) => gateTypeAt(tree, at)).keys()];
  const near = nearest(key, known);
  const takes = type === undefined ? '' : ` A gate of type "${type}" takes: ${known.join(', ')}.`;
  const where = path.length === 0 ? '' : ` in ${placeWords(path, value)}`;
  const hint = near === undefined ? takes : ` Did you mean "${near}"?`;
  const at = findNodeAtLocation(tree, [...path, key])?.parent?.children?.[0];
  const problem = problemAt(at, [...path, key], `Unknown field "${key}"${where}.${hint}`);
  return near === undefined ? problem : { ...problem, fix: { kind: 'rename', to: near } };
}

/** A gate without a type that is known. */
function gateType(tree: Node, path: Path): Problem[] | undefined {
  const gate = path.at(-1) === 'type' ? path.slice(0, -1) : path;
  if (gate.at(-2) !== 'gates') {
    return undefined;
  }
  const node = findNodeAtLocation(tree, [...gate, 'type']);
  const given = node === undefined ? 'no "type"' : `the unknown type ${JSON.stringify(node.value)}`;
  const near = typeof node?.value === 'string' ? nearest(node.value, [...gateTypes]) : undefined;
  const message = `This gate has ${given}; a gate is one of: ${gateTypes.join(', ')}.${near === undefined ? '' : ` Did you mean "${near}"?`}`;
  const problem = problemAt(node ?? nodeAt(tree, gate), node === undefined ? gate : [...gate, 'type'], message);
  return [near === undefined ? problem : { ...problem, fix: { kind: 'use', to: near } }];
}

function oneOf(
  say: (text: string, more?: Partial<Problem>) => Problem[],
  node: Node | undefined,
  known: string[],
  values: readonly unknown[],
): Problem[] {
  const must = either(values.map((v) => JSON.stringify(v)));
  if (node === undefined) {
    return say(`is missing; it must be ${must}`);
  }
  const given = node.type === 'string' ? JSON.stringify(node.value) : notWords(node);
  const near = typeof node.value === 'string' ? nearest(node.value, known) : undefined;
  const [told] = say(`must be ${must}, not ${given}`);
  return told === undefined || near === undefined
    ? [told].filter((p) => p !== undefined)
    : [{ ...told, message: `${told.message} Did you mean "${near}"?`, fix: { kind: 'use', to: near } }];
}

/** What is there instead. */
function notThis(expected: string, node: Node | undefined): string {
  return node === undefined || (expected === 'int' && node.type === 'number') ? '' : `, not ${notWords(node)}`;
}

function notWords({ type, value }: Node): string {
  return type === 'boolean' ? String(value) : (typeWords[type] ?? type);
}

function boundText(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const small = issue.code === 'too_small';
  const bound = Number(small ? issue.minimum : issue.maximum).toLocaleString('en', { useGrouping: false });
  if (issue.origin === 'array') {
    return small ? `needs at least ${count(Number(bound), 'value')}` : `has more than ${count(Number(bound), 'value')}`;
  }
  if (issue.origin === 'string') {
    return small ? 'must not be empty' : `is longer than ${bound} characters`;
  }
  return small
    ? `must be ${issue.inclusive === false ? `above ${bound}` : `${bound} or more`}`
    : `must be ${issue.inclusive === false ? `below ${bound}` : `${bound} or less`}`;
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((part, i) => part === b[i]);
}

/** The type of the gate at a path, where there is one and it is known. */
function gateTypeAt(tree: Node, path: Path): string | undefined {
  const value: unknown = findNodeAtLocation(tree, [...path, 'type'])?.value;
  return path.at(-2) === 'gates' && gateTypes.some((type) => type === value) ? String(value) : undefined;
}

export function problemAt(node: Node | undefined, path: Path, message: string): Problem {
  return { path, message, offset: node?.offset ?? 0, length: Math.max(1, node?.length ?? 1), severity: 'error' };
}

/** The node at the path, or the nearest parent that exists; for an object its first character's line is enough. */
export function nodeAt(tree: Node, path: Path): Node | undefined {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? tree : findNodeAtLocation(tree, path.slice(0, depth));
    if (node !== undefined) {
      return node.type === 'object' || node.type === 'array' ? headOf(node) : node;
    }
  }
  return tree;
}

/** Where to mark a whole object: its key when it has one, else its opening bracket. */
function headOf(node: Node): Node {
  const key = node.parent?.type === 'property' ? node.parent.children?.[0] : undefined;
  return key ?? { ...node, length: 1 };
}
