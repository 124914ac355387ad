import { compilePattern, type Pattern } from '../../files/patterns.ts';

const cache = new Map<string, Pattern>();

function compiled(text: string): Pattern {
  let pattern = cache.get(text);
  if (pattern === undefined) {
    pattern = compilePattern(text);
    cache.set(text, pattern);
  }
  return pattern;
}

/** Whether a path is named by a pattern of the project file. */
export function names(pattern: string, path: string): boolean {
  return compiled(pattern).matches(path);
}

/** Whether two patterns can name the same file. A path without wildcards is a file, or a folder with all below it. */
export function mayMeet(a: string, b: string): boolean {
  return forms(a).some((left) => forms(b).some((right) => partsMeet(left, right)));
}

/** A pattern as the parts of its path. */
function forms(text: string): string[][] {
  const plain = text.replace(/^\.\//, '').normalize('NFC');
  if (plain.endsWith('/')) {
    return [[...plain.slice(0, -1).split('/'), '**']];
  }
  const parts = plain.split('/');
  return /[*?[\\]/.test(plain) ? [parts] : [parts, [...parts, '**']];
}

function partsMeet(a: readonly string[], b: readonly string[]): boolean {
  return meet(
    a,
    b,
    (part) => part === '**',
    (left, right) => meet(tokens(left), tokens(right), (t) => 'star' in t, sameCharacter),
  );
}

/** Whether two lists are alike somehow, where `repeats` stands for any number of items. */
function meet<T>(
  a: readonly T[],
  b: readonly T[],
  repeats: (item: T) => boolean,
  same: (left: T, right: T) => boolean,
): boolean {
  const width = b.length + 1;
  const known = new Map<number, boolean>();
  const from = (i: number, j: number): boolean => {
    const key = i * width + j;
    const found = known.get(key) ?? look(i, j);
    known.set(key, found);
    return found;
  };
  const look = (i: number, j: number): boolean => {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && repeats(left)) {
      return from(i + 1, j) || (right !== undefined && from(i, j + 1));
    }
    if (right !== undefined && repeats(right)) {
      return from(i, j + 1) || (left !== undefined && from(i + 1, j));
    }
    if (left === undefined || right === undefined) {
      return i === a.length && j === b.length;
    }
    return same(left, right) && from(i + 1, j + 1);
  };
  return from(0, 0);
}

type Token = { star: true } | { any: true } | { text: string };

/** A class counts as any character. */
function tokens(part: string): Token[] {
  return [...part.matchAll(/\\(?<escaped>.)|\[!?\^?\]?[^\]]*\]|(?<stars>\*+)|\?|(?<plain>.)/gsu)].map(
    ({ groups = {} }) => {
      const text = groups.escaped ?? groups.plain;
      return groups.stars !== undefined ? { star: true } : text === undefined ? { any: true } : { text };
    },
  );
}

function sameCharacter(a: Token, b: Token): boolean {
  return !('text' in a) || !('text' in b) || a.text === b.text;
}
