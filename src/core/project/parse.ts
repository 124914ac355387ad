import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { faultsOf, tooDeep } from './faults.ts';
import type { Path } from './place-words.ts';
import type { Problem } from './problem.ts';
import { nodeAt, problemAt, schemaProblems } from './schema-problems.ts';
import { projectSchema, type Project, type Step } from './schema.ts';
import { writtenValue } from './written.ts';

export interface ParsedProject {
  project?: Project;
  problems: Problem[];
  /** The plain value, as far as the text is JSON; anything may be in it. */
  value?: unknown;
}

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
      isSyntax: true,
    }));
    return {
      problems: problems.length > 0 ? problems : [problemAt(undefined, [], 'The project file is empty.')],
    };
  }
  const value = valueOf(tree);
  const faults = faultsOf(tree, text, value, (offset) => position(text, offset));
  const result = projectSchema.safeParse(value);
  if (result.success && faults.length === 0) {
    return { project: asWritten(result.data, tree, text), problems: [], value };
  }
  const problems = [
    ...faults.map((fault): Problem => ({ ...fault, severity: 'error' })),
    ...schemaProblems(tree, value, result.error?.issues ?? [])
      // What a fault already says in better words.
      .filter((p) => !faults.some(({ path }) => p.path.every((part, i) => part === path[i]))),
  ];
  return { problems: problems.toSorted((a, b) => a.offset - b.offset), value };
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
