import type { Stats } from 'node:fs';
import { readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf, throwIfCancelled, UserError } from '../errors.ts';
import type { Project } from '../project/schema.ts';
import type { Pattern } from './patterns.ts';
import { compilePattern, neverMatcher } from './patterns.ts';
import { slices } from './slices.ts';

export type SyncList = 'must' | 'data' | 'optional';

export interface LocalFile {
  /** Relative to the project, with `/`, as the disk spells it. */
  path: string;
  /** Where it is on this machine. */
  absolute: string;
  /** In bytes. */
  size: number;
  mtimeMs: number;
  ino: number;
  /** Permission bits. */
  mode: number;
  list: SyncList;
}

export interface ScanResult {
  /** Each file once, sorted by path, under the first list that names it (must, data, optional). */
  files: LocalFile[];
  /** Entries of `must` and `data` that match no file. */
  missing: { list: SyncList; pattern: string }[];
  /** Sentences about what was left out and might surprise: links out of the project, devices, unreadable names. */
  notes: string[];
}

export interface ScanOptions {
  /** More lines for `never`. */
  never?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
}

const lists = ['must', 'data', 'optional'] as const;

/**
 * Finds the files that a project's `sync` section names. Links are followed while they stay inside the project.
 * Folders that no pattern can reach are not read. Rejects with `scan-unreadable` or CancelledError.
 */
export async function scan(root: string, sync: Project['sync'], options: ScanOptions = {}): Promise<ScanResult> {
  const walk = new Walk(root, sync, options.never ?? []);
  const turn = slices();
  while (walk.step()) {
    throwIfCancelled(options.signal);
    await turn();
  }
  throwIfCancelled(options.signal);
  return walk.result();
}

interface Folder {
  /** Relative, `''` for the project. */
  path: string;
  /** Real paths of this folder and those above it, by which a loop of links is noticed. */
  trail: readonly string[];
}

/** The synchronous calls are several times faster than the promised ones for many small folders. */
class Walk {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #patterns: { list: SyncList; pattern: Pattern; found: boolean }[];
  readonly #isNever: (path: string) => boolean;
  readonly #stack: Folder[];
  readonly #files: LocalFile[] = [];
  readonly #notes: string[] = [];

  constructor(root: string, sync: Project['sync'], never: readonly string[]) {
    this.#root = path.resolve(root);
    this.#realRoot = realpathSync.native(this.#root);
    this.#patterns = lists.flatMap((list) =>
      sync[list].map((text) => ({ list, pattern: compilePattern(text), found: false })),
    );
    this.#isNever = neverMatcher([...sync.never, ...never]);
    this.#stack = [{ path: '', trail: [this.#realRoot] }];
  }

  /** Reads one folder; false when none is left. */
  step(): boolean {
    const folder = this.#stack.pop();
    if (folder === undefined) {
      return false;
    }
    for (const entry of this.#list(folder.path)) {
      const name = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
      if (entry.isDirectory()) {
        this.#enter(name, folder.trail);
      } else if (entry.isFile()) {
        this.#take(name);
      } else if (entry.isSymbolicLink()) {
        this.#follow(name, folder.trail);
      } else if (this.#listOf(name) !== undefined) {
        this.#notes.push(`${name} is not a regular file and was left out.`);
      }
    }
    return true;
  }

  result(): ScanResult {
    const files = this.#files.sort((a, b) => (a.path < b.path ? -1 : 1));
    const missing = this.#patterns
      .filter(({ list, found }) => !found && list !== 'optional')
      .map(({ list, pattern }) => ({ list, pattern: pattern.text }));
    return { files, missing, notes: this.#notes };
  }

  #list(folder: string) {
    try {
      return readdirSync(path.join(this.#root, folder), { withFileTypes: true });
    } catch (error) {
      throw unreadable(folder === '' ? this.#root : folder, error);
    }
  }

  #enter(folder: string, trail: readonly string[]): void {
    if (this.#reaches(folder) && !this.#isNever(`${folder}/`)) {
      const parent = trail.at(-1) ?? this.#realRoot;
      this.#stack.push({ path: folder, trail: [...trail, path.join(parent, path.posix.basename(folder))] });
    }
  }

  #reaches(folder: string): boolean {
    return this.#patterns.some(({ pattern }) => pattern.mayMatchBelow(folder));
  }

  #follow(name: string, trail: readonly string[]): void {
    const wanted = this.#listOf(name) !== undefined || this.#reaches(name);
    if (!wanted || this.#isNever(name) || this.#isNever(`${name}/`)) {
      return;
    }
    let real: string;
    let stats: Stats;
    try {
      real = realpathSync.native(path.join(this.#root, name));
      stats = statSync(real);
    } catch {
      this.#notes.push(`${name} is a link to nothing and was left out.`);
      return;
    }
    const inside = path.relative(this.#realRoot, real).split(path.sep).join('/');
    if (inside === '..' || inside.startsWith('../') || path.isAbsolute(inside)) {
      this.#notes.push(`${name} is a link out of the project and was left out.`);
    } else if (inside !== '' && (this.#isNever(inside) || this.#isNever(`${inside}/`))) {
      this.#notes.push(`${name} is a link to ${inside}, which is never uploaded, and was left out.`);
    } else if (stats.isFile()) {
      this.#take(name);
    } else if (!stats.isDirectory()) {
      this.#notes.push(`${name} is a link to something that is not a regular file and was left out.`);
    } else if (trail.includes(real)) {
      this.#notes.push(`${name} is a link to a folder that contains it and was left out.`);
    } else {
      this.#stack.push({ path: name, trail: [...trail, real] });
    }
  }

  #take(name: string): void {
    const list = this.#listOf(name);
    if (list === undefined || this.#isNever(name)) {
      return;
    }
    const absolute = path.join(this.#root, name);
    let stats: Stats;
    try {
      stats = statSync(absolute);
    } catch (error) {
      if (name.includes('\uFFFD')) {
        this.#notes.push(`The name of ${name} is not valid Unicode; it was left out.`);
        return;
      }
      throw unreadable(name, error);
    }
    for (const entry of this.#patterns) {
      entry.found ||= entry.pattern.matches(name);
    }
    const { size, mtimeMs, ino } = stats;
    this.#files.push({ path: name, absolute, size, mtimeMs, ino, mode: stats.mode & 0o777, list });
  }

  #listOf(name: string): SyncList | undefined {
    return this.#patterns.find(({ pattern }) => pattern.matches(name))?.list;
  }
}

function unreadable(what: string, cause: unknown): UserError {
  return new UserError(
    'scan-unreadable',
    {
      what: `${what} cannot be read.`,
      why: messageOf(cause),
      next: 'Change its permissions, or name it under "sync.never" of the project file.',
    },
    { cause },
  );
}
