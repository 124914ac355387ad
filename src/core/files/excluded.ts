import type { ScanNote } from '../words/index.ts';
import type { Exclusion } from './patterns.ts';
import { normal } from './patterns.ts';

/** The rule, and where it stands, for the middle of a sentence. */
export function ruleText({ rule, from, line }: Exclusion): string {
  if (from === 'always') {
    return `the rule "${rule}" of what is never uploaded`;
  }
  return from === 'project'
    ? `the rule "${rule}" of "sync.never"`
    : `the rule "${rule}" in line ${line ?? 0} of ${from}`;
}

/** What one rule left out. A folder counts as one, for what is in it was not read. */
export interface Ignored extends Exclusion {
  files: number;
  folders: number;
  /** The first few paths, sorted; folders end with `/`. */
  examples: string[];
}

const examplesKept = 3;
/** What the product keeps in a project for itself is nobody's concern. */
const notTold = '.runpod-trainer/';

/** Collects what rules leave out, by rule. */
export class Leftovers {
  readonly #groups = new Map<string, Ignored>();

  /** A folder's path ends with `/`. */
  add({ rule, from, line }: Exclusion, path: string): void {
    if (from === 'always' && rule === notTold) {
      return;
    }
    const key = JSON.stringify([from, line, rule]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { rule, from, ...(line !== undefined && { line }), files: 0, folders: 0, examples: [] };
      this.#groups.set(key, group);
    }
    group[path.endsWith('/') ? 'folders' : 'files'] += 1;
    // The smallest few, whatever the order in which the disk lists them.
    group.examples = [...group.examples, path].sort().slice(0, examplesKept);
  }

  /** Sorted by where the rule stands, then by the rule. */
  groups(): Ignored[] {
    return [...this.#groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  }
}

const collisionsTold = 5;

/** Names that differ here but are one name on systems that ignore case or the Unicode form. */
export function nameNotes(paths: readonly string[]): ScanNote[] {
  const seen = new Map<string, string>();
  const pairs: ScanNote[] = [];
  for (const path of paths) {
    const key = normal(path).toLowerCase();
    const other = seen.get(key);
    if (other === undefined) {
      seen.set(key, path);
    } else {
      pairs.push({ code: 'names-alike', path, other });
    }
  }
  const rest = pairs.length - collisionsTold;
  return [...pairs.slice(0, collisionsTold), ...(rest > 0 ? [{ code: 'more-names-alike' as const, count: rest }] : [])];
}
