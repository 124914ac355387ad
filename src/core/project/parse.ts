import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { z } from 'zod';
import { own } from '../json.ts';
import { faultsOf, tooDeep } from './faults.ts';
import { nearest } from './nearest.ts';
import { projectSchema, type Project, type Step } from './schema.ts';
import { writtenValue } from './written.ts';

/** Something wrong in a project file, with its place in the text (`offset` and `length` in UTF-16 units). */
export interface Problem {
  path: (string | number)[];
  message: string;
  offset: number;
  length: number;
  severity: 'error' | 'warning';
  /** What could be done about it, for quick fixes. */
  fix?: ProblemFix | undefined;
}

/**
 * `rename`: a field has a name that the schema does not know, and `to` is probably meant. `create`: a step names a file
 * that does not exist, relative to the project's folder.
 */
export type ProblemFix = { kind: 'rename'; to: string } | { kind: 'create'; file: string };

export interface ParsedProject {
  project?: Project;
  problems: Problem[];
}

type Path = (string | number)[];

/** Reads the text of a project file (JSON with comments). Problems come with the place where they stand. */
export function parseProject(text: string): ParsedProject {
  const deep = tooDeep(text);
  if (deep !== undefined) {
    return { problems: [{ ...deep, severity: 'error' }] };
  }
  const syntax: ParseError[] = [];
  const tree = parseTree(text, syntax, { allowTrailingComma: true });
  if (syntax.length > 0 || tree === undefined) {
    const problems = syntax.map((e): Problem => ({
      path: [],
      message: `This is not valid JSON: ${syntaxFault(text, e)}.`,
      offset: e.offset,
      length: Math.max(1, e.length),
      severity: 'error',
    }));
    return {
      problems: problems.length > 0 ? problems : [problemAt(undefined, [], 'The project file is empty.')],
    };
  }
  const faults = faultsOf(tree, text, (offset) => position(text, offset));
  const result = projectSchema.safeParse(valueOf(tree));
  if (result.success && faults.length === 0) {
    return { project: asWritten(result.data, tree, text), problems: [] };
  }
  const problems = [
    ...faults.map((fault): Problem => ({ ...fault, severity: 'error' })),
    ...(result.error?.issues ?? [])
      .flatMap((issue) => problemsOf(tree, issue))
      // What a fault already says in better words.
      .filter((p) => !faults.some(({ path }) => p.path.every((part, i) => part === path[i]))),
  ];
  return { problems: problems.toSorted((a, b) => a.offset - b.offset) };
}

/** `line:column`, both from 1. */
export function position(text: string, offset: number): string {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}

/** The plain value; `__proto__` is a key like any other here, so that it is told and not obeyed. */
function valueOf(node: Node): unknown {
  if (node.type === 'array') {
    return (node.children ?? []).map(valueOf);
  }
  if (node.type === 'object') {
    const entries = (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
      key === undefined || value === undefined ? [] : [[String(key.value), valueOf(value)] as const],
    );
    return Object.fromEntries(entries);
  }
  return node.value as unknown;
}

/** The project with the values of parameters and gates as the file has them, not as doubles. */
function asWritten(project: Project, tree: Node, text: string): Project {
  const replace = <T>(value: T, path: Path): T => {
    const node = value === undefined ? undefined : findNodeAtLocation(tree, path);
    return node === undefined ? value : (writtenValue(node, text) as T);
  };
  const steps = project.steps.map((step, i): Step => {
    const gates = step.gates.map((gate, k) => {
      const at = ['steps', i, 'gates', k];
      if (gate.type === 'distinct') {
        return { ...gate, includes: replace(gate.includes, [...at, 'includes']) };
      }
      return gate.type === 'populated' && gate.where !== undefined
        ? { ...gate, where: { ...gate.where, equals: replace(gate.where.equals, [...at, 'where', 'equals']) } }
        : gate;
    });
    return { ...step, gates, parameters: replace(step.parameters, ['steps', i, 'parameters']) };
  });
  return { ...project, steps };
}

/** The place of a step's name in the text, for lenses and diagnostics; undefined when there is no such step. */
export function stepPlace(text: string, index: number): { offset: number; length: number } | undefined {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const node = tree && findNodeAtLocation(tree, ['steps', index]);
  return node && { offset: node.offset, length: node.length };
}

/** The place of any value in the text, or of the nearest parent that stands there. */
export function placeOf(text: string, path: Path): { offset: number; length: number } {
  return place(parseTree(text, [], { allowTrailingComma: true }), path);
}

function problemsOf(tree: Node, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.filter((p): p is string | number => typeof p !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const type = typeAt(tree, path);
    const known = knownKeys(path, type);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const takes = type === undefined ? '' : ` A gate of type "${type}" takes: ${known.join(', ')}.`;
      const hint = near === undefined ? takes : ` Did you mean "${near}"?`;
      const problem = problemAt(keyNode(tree, path, key), [...path, key], `Unknown field "${key}".${hint}`);
      return near === undefined ? problem : { ...problem, fix: { kind: 'rename' as const, to: near } };
    });
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const note = 'note' in issue ? String(issue.note) : undefined;
    const type = note === 'No matching discriminator' ? gateTypeMessage(tree, path) : undefined;
    return [problemAt(nodeAt(tree, path), path, type ?? sentence(path, issue.message))];
  }
  if (issue.code === 'invalid_union') {
    return [problemAt(nodeAt(tree, path), path, gateTypeMessage(tree, path) ?? sentence(path, issue.message))];
  }
  const message = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  return [problemAt(nodeAt(tree, path), path, sentence(path, message ?? issue.message))];
}

const gateTypes = ['file', 'rows', 'distinct', 'populated', 'metric', 'checkpoint', 'script'];

function gateTypeMessage(tree: Node, path: Path): string | undefined {
  if (!path.includes('gates')) {
    return undefined;
  }
  const at = path.at(-1) === 'type' ? path : [...path, 'type'];
  const node = findNodeAtLocation(tree, at);
  const given = node === undefined ? 'no "type"' : `the unknown type ${JSON.stringify(node.value)}`;
  return `This gate has ${given}; a gate is one of: ${gateTypes.join(', ')}.`;
}

function sentence(path: Path, message: string): string {
  const where = path.length === 0 ? 'The project' : `"${path.map(String).join('.')}"`;
  const text = message
    .replace(/^Invalid input: expected (.*), received undefined$/, 'is missing ($1)')
    .replace(/^Invalid input: expected (.*), received (.*)$/, 'must be $1, not $2')
    .replace(/^Invalid input: expected (.*)$/, 'must be $1');
  return `${where}${/^(is|must|needs|contradicts) /.test(text) ? ' ' : ': '}${text}.`;
}

function problemAt(node: Node | undefined, path: Path, message: string): Problem {
  return { path, message, offset: node?.offset ?? 0, length: Math.max(1, node?.length ?? 1), severity: 'error' };
}

function keyNode(tree: Node, path: Path, key: string): Node | undefined {
  return findNodeAtLocation(tree, [...path, key])?.parent?.children?.[0];
}

/** The node at the path, or the nearest parent that exists; for an object its first character's line is enough. */
function nodeAt(tree: Node, path: Path): Node | undefined {
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

function place(tree: Node | undefined, path: Path): { offset: number; length: number } {
  const node = tree && nodeAt(tree, path);
  return { offset: node?.offset ?? 0, length: Math.max(1, node?.length ?? 1) };
}

function syntaxFault(text: string, { error, offset }: ParseError): string {
  const notANumber = /^[-+]?(?:NaN|Infinity)\b/.exec(text.slice(offset, offset + 12))?.[0];
  return notANumber === undefined
    ? printParseErrorCode(error)
        .replace(/([a-z])([A-Z])/g, '$1 $2')
        .toLowerCase()
    : `${notANumber} is no number of JSON; write it as a text, or compute it in the code`;
}

/** The type of the gate at a path, where there is one and it is known. */
function typeAt(tree: Node, path: Path): string | undefined {
  const value: unknown = findNodeAtLocation(tree, [...path, 'type'])?.value;
  return path.at(-2) === 'gates' && typeof value === 'string' && gateTypes.includes(value) ? value : undefined;
}

/** Keys that the schema knows at a path, for "did you mean"; of a gate those of its type. */
function knownKeys(path: Path, type: string | undefined): string[] {
  let json: unknown = schemaAsJson();
  for (const part of path) {
    json = child(json, part);
  }
  const options = variants(json) as { properties?: { type?: { const?: unknown } } }[];
  const meant = options.filter((o) => type === undefined || o.properties?.type?.const === type);
  return meant.flatMap((o) => Object.keys(o.properties ?? {}));
}

function variants(json: unknown): unknown[] {
  const node = json as { anyOf?: unknown[]; oneOf?: unknown[] } | undefined;
  return node?.anyOf ?? node?.oneOf ?? [json];
}

function child(json: unknown, part: string | number): unknown {
  for (const option of variants(json)) {
    const node = option as
      { properties?: Record<string, unknown>; items?: unknown; additionalProperties?: unknown } | undefined;
    const next =
      typeof part === 'number' ? node?.items : (own(node?.properties ?? {}, part) ?? node?.additionalProperties);
    if (next !== undefined) {
      return next;
    }
  }
  return undefined;
}

let cachedSchema: unknown;
function schemaAsJson(): unknown {
  cachedSchema ??= projectSchema.toJSONSchema({ io: 'input' });
  return cachedSchema;
}
