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

const isGlob = (text: string): boolean => /[*?[\]]/.test(text) || text.endsWith('/');

/** The folders before the first wildcard, without a slash at the end. */
function base(text: string): string {
  const parts = text.split('/');
  const first = parts.findIndex((part) => /[*?[\]]/.test(part));
  return parts
    .slice(0, first === -1 ? undefined : first)
    .join('/')
    .replace(/\/$/, '');
}

/** Whether a path is named by a pattern of the project file. */
export function names(pattern: string, path: string): boolean {
  return compiled(pattern).matches(path);
}

/** Whether two patterns can name the same file. Two globs count as able to when their folders meet. */
export function mayMeet(a: string, b: string): boolean {
  if (!isGlob(b)) {
    return names(a, b);
  }
  if (!isGlob(a)) {
    return names(b, a);
  }
  const [left, right] = [`${base(a)}/`, `${base(b)}/`];
  return left === '/' || right === '/' || left.startsWith(right) || right.startsWith(left);
}
