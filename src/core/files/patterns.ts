import ignore from 'ignore';
import picomatch from 'picomatch';
import { neverSynced } from '../project/schema.ts';

/** A pattern of the project file: a path or glob below the project folder; a folder's path means all below it. */
export interface Pattern {
  text: string;
  matches: (path: string) => boolean;
  /** Whether something at or below this folder (`''` is the project) could match. */
  mayMatchBelow: (folder: string) => boolean;
}

/** Names are compared in one Unicode form: macOS keeps the form in which a name was typed. */
export const normal = (path: string): string => path.normalize('NFC');

export function compilePattern(text: string): Pattern {
  const plain = normal(text.replace(/^\.\//, ''));
  const glob = plain.endsWith('/') ? `${plain}**` : plain;
  // Globs are the same everywhere, so a project means the same files on each system.
  // `s` because names may contain newlines.
  const options = { flags: 's', dot: true, nonegate: true, noextglob: true, nobrace: true, windows: false } as const;
  const { base, isGlob } = picomatch.scan(glob, options) as { base: string; isGlob: boolean };
  const isMatch = picomatch(glob, options);
  const folder = plain.endsWith('/') ? plain : `${plain}/`;
  return {
    text,
    matches: (path) => {
      const name = normal(path);
      return name === plain || isMatch(name) || (!isGlob && name.startsWith(folder));
    },
    mayMatchBelow: (path) => {
      const name = normal(path);
      return path === '' || base === '' || `${base}/`.startsWith(`${name}/`) || `${name}/`.startsWith(`${base}/`);
    },
  };
}

/** Why a path is left out. */
export interface Exclusion {
  /** The line that excludes it, as it stands in its list or file. */
  rule: string;
  /** `always` for what the product never sends, `project` for `sync.never`, else the path of a `.runpodignore`. */
  from: string;
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
