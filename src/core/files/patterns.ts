import ignore from 'ignore';
import { neverSynced } from '../project/schema.ts';

/**
 * A pattern of the project file: a path or glob below the project folder; a folder's path means all below it. The worker
 * reads patterns the same way (`base/globs.py`, contract/vectors/globs.json).
 */
export interface Pattern {
  text: string;
  matches: (path: string) => boolean;
  /** Whether something at or below this folder (`''` is the project) could match. */
  mayMatchBelow: (folder: string) => boolean;
}

/** Names are compared in one Unicode form: macOS keeps the form in which a name was typed. */
export const normal = (path: string): string => path.normalize('NFC');

const isMagic = (text: string): boolean => /[*?[\\]/.test(text);

/** The pattern that means this name and no other. */
export function literally(name: string): string {
  return name.replace(/[*?[\]\\]/g, '\\$&');
}

/**
 * `*`, `?` and `[ab]` stay within one name; `**` is any number of folders where it is a whole part of the path, else
 * `*`; a backslash takes the next character as it is. A path that is the pattern letter by letter matches too.
 */
export function compilePattern(text: string): Pattern {
  const plain = normal(text.replace(/^\.\//, ''));
  const isGlob = isMagic(plain) || plain.endsWith('/');
  const expression = new RegExp(`^(?:${expressionOf(plain.endsWith('/') ? `${plain}**` : plain)})$`, 'su');
  const folder = plain.endsWith('/') ? plain : `${plain}/`;
  const base = isGlob ? staticPart(plain) : plain;
  return {
    text,
    matches: (path) => {
      const name = normal(path);
      return name === plain || (!isGlob && name.startsWith(folder)) || expression.test(name);
    },
    mayMatchBelow: (path) => {
      const name = normal(path);
      return path === '' || base === '' || `${base}/`.startsWith(`${name}/`) || `${name}/`.startsWith(`${base}/`);
    },
  };
}

/** Whether it means a path, where a plain path is that file alone and no folder of its name; globs and `folder/` as ever. */
export function fileMatcher(text: string): (path: string) => boolean {
  const plain = normal(text.replace(/^\.\//, ''));
  const { matches } = compilePattern(text);
  return isMagic(plain) || plain.endsWith('/') ? matches : (path) => normal(path) === plain;
}

/** The folders before the first part that is a glob. */
function staticPart(plain: string): string {
  const parts = plain.split('/').slice(0, -1);
  const first = parts.findIndex(isMagic);
  return parts.slice(0, first === -1 ? undefined : first).join('/');
}

function expressionOf(glob: string): string {
  const parts = glob.split('/').filter((part, index, all) => part !== '**' || all[index - 1] !== '**');
  const last = parts.length - 1;
  return parts
    .map((part, index) => {
      if (part === '**') {
        return index === last ? '.+' : '(?:[^/]+/)*';
      }
      return partOf(Array.from(part)) + (index === last ? '' : '/');
    })
    .join('');
}

/** One name of the path, by its characters. */
function partOf(part: readonly string[]): string {
  let out = '';
  for (let index = 0; index < part.length; index++) {
    const end = classEnd(part, index);
    if (part[index] === '*') {
      out += out.endsWith('[^/]*') ? '' : '[^/]*';
    } else if (part[index] === '?') {
      out += '[^/]';
    } else if (end !== undefined) {
      out += classOf(part.slice(index + 1, end));
      index = end;
    } else {
      index += part[index] === '\\' && index + 1 < part.length ? 1 : 0;
      out += literal(part[index] ?? '');
    }
  }
  return out;
}

/** Where the `]` of a class that begins here is; one that comes first belongs to it. */
function classEnd(part: readonly string[], start: number): number | undefined {
  if (part[start] !== '[') {
    return undefined;
  }
  const first = start + (part[start + 1] === '!' || part[start + 1] === '^' ? 2 : 1);
  for (let index = first; index < part.length; index += part[index] === '\\' ? 2 : 1) {
    if (part[index] === ']' && index > first) {
      return index;
    }
  }
  return undefined;
}

function classOf(inside: readonly string[]): string {
  const negated = inside[0] === '!' || inside[0] === '^';
  const characters: { text: string; escaped: boolean }[] = [];
  let escaped = false;
  for (const text of inside.slice(negated ? 1 : 0)) {
    if (text === '\\' && !escaped) {
      escaped = true;
      continue;
    }
    characters.push({ text, escaped });
    escaped = false;
  }
  let ranges = '';
  for (let index = 0; index < characters.length; index++) {
    const low = characters[index]?.text ?? '';
    let high = low;
    const dash = characters[index + 1];
    const end = characters[index + 2];
    if (dash?.text === '-' && !dash.escaped && end !== undefined) {
      high = end.text;
      index += 2;
    }
    ranges += pointOf(low) <= pointOf(high) ? `${literal(low)}-${literal(high)}` : '';
  }
  if (ranges === '') {
    return negated ? '[^/]' : '(?!)';
  }
  return `(?!/)[${negated ? '^' : ''}${ranges}]`;
}

const pointOf = (character: string): number => character.codePointAt(0) ?? 0;

const literal = (character: string): string => `\\u{${pointOf(character).toString(16)}}`;

/** Why a path is left out. */
export interface Exclusion {
  /** The line that excludes it, as it stands in its list or file. */
  rule: string;
  /** `always` for what the product never sends, `project` for `sync.never`, else the path of a `.runpodignore`. */
  from: string;
  /** Of the file, from 1. */
  line?: number;
}

/**
 * What is never transferred: the product's own list, `more` of the caller, and the project's lines, which are read as in
 * a `.gitignore` (a name without `/` counts in every folder). A folder's path must end with `/`.
 */
export function neverRules(
  lines: readonly string[],
  more: readonly string[] = [],
): (path: string) => Exclusion | undefined {
  // Sets of their own, so that a line with `!` cannot take back what the product excludes.
  const fixed = ignore({ ignorecase: true }).add([...neverSynced]);
  const sets = [
    { from: 'always', lines: more, rules: ignore({ ignorecase: false }).add(more.map(normal)) },
    { from: 'project', lines, rules: ignore({ ignorecase: false }).add(lines.map(normal)) },
  ].filter((set) => set.lines.length > 0);
  return (path) => {
    // Its lines are all about folders, so for a file its folder says it.
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const always = folder === '' ? undefined : fixed.test(folder);
    if (always?.ignored === true) {
      return { rule: always.rule?.pattern ?? '', from: 'always' };
    }
    for (const { from, rules } of sets) {
      const given = rules.test(normal(path));
      if (given.ignored) {
        return { rule: given.rule?.pattern ?? '', from };
      }
    }
    return undefined;
  };
}

/** Whether a path is never transferred, by {@link neverRules}. */
export function neverMatcher(lines: readonly string[]): (path: string) => boolean {
  const rules = neverRules(lines);
  return (path) => rules(path) !== undefined;
}
