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

// Names are compared in one Unicode form: macOS keeps the form in which a name was typed.
const normal = (path: string): string => path.normalize('NFC');

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

/**
 * Whether a path is never transferred: those of the product itself, and the given lines, which are read as in a
 * `.gitignore` (a name without `/` counts in every folder). A folder's path must end with `/`.
 */
export function neverMatcher(lines: readonly string[]): (path: string) => boolean {
  // Two sets, so that a line with `!` cannot take back what the product excludes.
  const fixed = ignore({ ignorecase: true }).add([...neverSynced]);
  const own = ignore({ ignorecase: false }).add(lines.map(normal));
  return (path) => fixed.ignores(path) || own.ignores(normal(path));
}
