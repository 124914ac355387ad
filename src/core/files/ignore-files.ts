import { lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';
import type { Exclusion } from './patterns.ts';
import { normal } from './patterns.ts';

/** Name of the files that exclude, in the manner and with the exact meaning of a `.gitignore`. */
export const ignoreFileName = '.runpodignore';

/**
 * The `.runpodignore` files of a project. Their lines count for the folder they lie in and all below it; a deeper file
 * overrules a higher one, a later line an earlier one, and nothing comes back from a folder that is excluded.
 */
export class IgnoreFiles {
  readonly #root: string;
  /** Folder to the rules that hold in it; the same object as its parent's when it adds none. */
  readonly #rules = new Map<string, Ignore | undefined>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Why the path is left out; a folder's path ends with `/`. Throws what reading an ignore file threw. */
  excludes(name: string): Exclusion | undefined {
    const rules = this.#in(parentOf(name));
    const result = rules?.test(asBytes(name));
    if (result?.ignored !== true) {
      return undefined;
    }
    const [from, line, rule] = JSON.parse(result.rule?.mark ?? '["",0,""]') as [string, number, string];
    return { rule, from, line };
  }

  #in(folder: string): Ignore | undefined {
    if (this.#rules.has(folder)) {
      return this.#rules.get(folder);
    }
    const above = folder === '' ? undefined : this.#in(parentOf(folder));
    const lines = this.#read(folder);
    let rules = above;
    if (lines.length > 0) {
      rules = ignore({ ignorecase: false });
      rules.add(above ?? []).add(lines);
    }
    this.#rules.set(folder, rules);
    return rules;
  }

  /** The lines of a folder's ignore file, rewritten so that they count from the project's folder. */
  #read(folder: string): { pattern: string; mark: string }[] {
    const name = folder === '' ? ignoreFileName : `${folder}/${ignoreFileName}`;
    const file = path.join(this.#root, name);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    // As git does, a link is not taken for an ignore file: it could lead anywhere.
    if (stats?.isFile() !== true) {
      return [];
    }
    return readFileSync(file, 'utf8')
      .replace(/^\uFEFF/, '')
      .split('\n')
      .map((line) => line.replace(/\r$/, ''))
      .flatMap((line, index) => {
        const mark = JSON.stringify([name, index + 1, line]);
        return below(asBytes(folder), asBytes(line)).map((pattern) => ({ pattern, mark }));
      });
  }
}

/** A letter for each byte of UTF-8, because `?` and `[…]` of git stand for one byte. */
function asBytes(text: string): string {
  // The usual name is cheap.
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(normal(text)).toString('latin1');
}

/** One line as it would stand in an ignore file of the project's folder; nothing when it says nothing. */
function below(folder: string, line: string): string[] {
  if (line === '' || line.startsWith('#')) {
    return [];
  }
  const sign = line.startsWith('!') ? '!' : '';
  const body = trimEnd(line.slice(sign.length));
  if (/^\/*$/.test(body)) {
    return [];
  }
  const prefix = folder === '' ? '' : `/${folder.replace(/[\\*?[]/g, '\\$&')}`;
  if (!body.replace(/\/$/, '').includes('/')) {
    return [folder === '' ? sign + body : `${sign}${prefix}/**/${body}`];
  }
  return spread(body.replace(/^\//, '')).map((pattern) => `${sign}${prefix}/${pattern}`);
}

/**
 * Git compares the part of an anchored pattern before its first special letter on its own, so stars right behind that
 * part begin a pattern: `a**` + `/b` means `a`, then any folders or none, then `b`. Said here in patterns without that.
 */
function spread(pattern: string): string[] {
  const [, start = '', rest] = /^([^*?[\\]*[^*?[\\/])\*{2,}(\/.*)?$/s.exec(pattern) ?? [];
  if (start === '') {
    return [pattern];
  }
  if (rest === undefined || rest === '/') {
    const end = rest ?? '';
    return [`${start}*${end}`, `${start}*/**${end}`];
  }
  return [...spread(start + rest.slice(1)), `${start}*/**${rest}`];
}

/** Without its blanks at the end, except one that a backslash keeps. */
function trimEnd(text: string): string {
  const end = text.replace(/ +$/, '');
  return end === text || !/(?:^|[^\\])(?:\\\\)*\\$/.test(end) ? end : `${end} `;
}

function parentOf(name: string): string {
  const plain = name.endsWith('/') ? name.slice(0, -1) : name;
  const at = plain.lastIndexOf('/');
  return at === -1 ? '' : plain.slice(0, at);
}
