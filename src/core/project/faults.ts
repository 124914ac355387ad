import { createScanner, type Node } from 'jsonc-parser';
import { asSentence, placeWords, type Path } from './place-words.ts';
import { numberFault } from './written.ts';

/** What JSON allows and nobody can have meant, or what could not arrive as it is written. */
export interface Fault {
  path: Path;
  message: string;
  offset: number;
  length: number;
}

/** Parsers, Python's too, take nested brackets by recursion. */
const deepest = 100;

/** The bracket that is nested too deep; looked for before the tree is built, which takes a stack as deep. */
export function tooDeep(text: string): Fault | undefined {
  const scanner = createScanner(text, true);
  const end = text.length;
  let depth = 0;
  for (scanner.scan(); scanner.getTokenOffset() < end; scanner.scan()) {
    const token = text.charAt(scanner.getTokenOffset());
    depth += token === '{' || token === '[' ? 1 : token === '}' || token === ']' ? -1 : 0;
    if (depth > deepest) {
      const message = `Values are nested more than ${deepest} deep here.`;
      return { path: [], message, offset: scanner.getTokenOffset(), length: 1 };
    }
  }
  return undefined;
}

/**
 * Faults of a tree that its syntax does not show: a key that stands twice (the last one would win without a word), a key
 * that JavaScript takes for something else, numbers and texts that would change on their way.
 */
export function faultsOf(tree: Node, text: string, value: unknown, placeText: (offset: number) => string): Fault[] {
  const faults: Fault[] = [];
  const visit = (node: Node, path: Path): void => {
    const add = (at: Node, where: Path, message: string): void => {
      faults.push({
        path: where,
        message: `${asSentence(placeWords(where, value))} ${message}.`,
        offset: at.offset,
        length: at.length,
      });
    };
    const lookAtText = (at: Node, where: Path): void => {
      const value = String(at.value);
      if (/[\ud800-\udfff]/u.test(value)) {
        add(at, where, 'has half of a character (a lone surrogate), which is no text');
      } else if (value.includes('\0') && !carriedExactly(where)) {
        add(at, where, 'has a zero character, which no command, path or variable can hold');
      }
    };
    if (node.type === 'object') {
      const first = new Map<string, Node>();
      for (const { children: [key, value] = [] } of node.children ?? []) {
        if (key === undefined) {
          continue;
        }
        const name = String(key.value);
        const where = [...path, name];
        const before = first.get(name);
        if (before !== undefined) {
          add(key, where, `stands twice: here and at ${placeText(before.offset)}. Keep one of them`);
        }
        if (name === '__proto__') {
          add(key, where, 'cannot be used as a name');
        }
        first.set(name, before ?? key);
        lookAtText(key, where);
        if (value !== undefined) {
          visit(value, where);
        }
      }
      const moved = isParameter(path) ? firstMoved([...first.keys()]) : undefined;
      if (moved !== undefined) {
        const message = 'would change its place: names that are whole numbers arrive first and in ascending order';
        add(first.get(moved) ?? node, [...path, moved], `${message}. Write them so, or write a list of pairs`);
      }
    } else if (node.type === 'array') {
      for (const [i, child] of (node.children ?? []).entries()) {
        visit(child, [...path, i]);
      }
    } else if (node.type === 'string') {
      lookAtText(node, path);
    } else if (node.type === 'number') {
      const fault = numberFault(text.slice(node.offset, node.offset + node.length), carriedExactly(path));
      if (fault !== undefined) {
        add(node, path, fault);
      }
    }
  };
  visit(tree, []);
  return faults;
}

/** Values that a step or a gate gets as they are: parameters of notebooks, and what gates compare with. */
export function carriedExactly(path: Path): boolean {
  const [steps, , field, , part, key] = path;
  return (
    steps === 'steps' &&
    ((field === 'parameters' && path.length > 3) ||
      (field === 'gates' && ((part === 'includes' && path.length > 5) || (part === 'where' && key === 'equals'))))
  );
}

function isParameter([steps, , field]: Path): boolean {
  return steps === 'steps' && field === 'parameters';
}

/** Objects of JavaScript have an order of their own for names that are whole numbers: the first that it would move. */
function firstMoved(names: readonly string[]): string | undefined {
  const ordered = Object.keys(
    Object.fromEntries(names.filter((name) => name !== '__proto__').map((name) => [name, 0])),
  );
  return names.filter((name) => name !== '__proto__').find((name, i) => name !== ordered[i]);
}
