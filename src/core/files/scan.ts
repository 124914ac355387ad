import { type Stats, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { throwIfCancelled, messageOf, UserError } from '../errors.ts';
import type { Project } from '../project/schema.ts';
import type { LeftOut, ScanNote } from '../words/index.ts';
import { IgnoreFiles } from './ignore-files.ts';
import { Leftovers, nameNotes, ruleText, type Ignored } from './excluded.ts';
import { type Exclusion, type Pattern, compilePattern, neverRules } from './patterns.ts';
import { slices } from './time-slices.ts';

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
  /** Files that go into archives, and so not singly; each in the first archive that names it. In the project's order. */
  archives: { to: string; files: LocalFile[] }[];
  /** Entries of `must`, `data` and `archives` that match no file. */
  missing: { list: SyncList | 'archives'; pattern: string }[];
  /** What the lists name and a rule leaves out, by rule. */
  ignored: Ignored[];
  /** What might surprise: links out of the project, devices, unreadable names, names alike. */
  notes: ScanNote[];
}

export interface ScanOptions {
  /** More lines for `never`. */
  never?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
}

/** The part of a project that says what is uploaded. */
export type SyncLists = Pick<Project['sync'], 'must' | 'data' | 'optional' | 'never' | 'archives'>;

const lists = ['must', 'data', 'optional'] as const;

/**
 * Finds the files that a project's `sync` section names and that neither its `never` list nor a `.runpodignore` leaves
 * out. Links are followed while they stay inside the project. Folders that no pattern can reach are not read. Rejects
 * with `scan-unreadable`, `archive-in-the-way` or CancelledError.
 */
export async function scan(root: string, sync: SyncLists, options: ScanOptions = {}): Promise<ScanResult> {
  const walk = new Walk(root, sync, options.never ?? []);
  const turn = slices();
  for (const steps = walk.steps(); steps.next().done !== true;) {
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

/** A pattern and where what it names goes: a list, or the archive of this number. */
interface Wanted {
  pattern: Pattern;
  list: SyncList | 'archives';
  archive: number;
  found: boolean;
}

/** So many entries of a folder are looked at before others may get a turn. */
const entriesAStep = 256;

/** The synchronous calls are several times faster than the promised ones for many small folders. */
class Walk {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #patterns: Wanted[];
  readonly #never: (path: string) => Exclusion | undefined;
  readonly #ignoreFiles: IgnoreFiles;
  readonly #ignored = new Leftovers();
  readonly #stack: Folder[];
  readonly #files: LocalFile[] = [];
  readonly #archives: { to: string; files: LocalFile[] }[];
  readonly #notes: LeftOut[] = [];

  constructor(root: string, sync: SyncLists, never: readonly string[]) {
    this.#root = path.resolve(root);
    try {
      this.#realRoot = realpathSync.native(this.#root);
    } catch (error) {
      throw unreadable(this.#root, error);
    }
    const wanted = (text: string, list: Wanted['list'], archive: number): Wanted => ({
      pattern: compilePattern(text),
      list,
      archive,
      found: false,
    });
    const archives = sync.archives ?? [];
    this.#patterns = [
      // First, for what goes into an archive does not go singly.
      ...archives.map(({ from }, i) => wanted(from, 'archives', i)),
      ...lists.flatMap((list) => sync[list].map((text) => wanted(text, list, -1))),
    ];
    this.#archives = archives.map(({ to }) => ({ to, files: [] }));
    this.#never = neverRules(sync.never, never);
    this.#ignoreFiles = new IgnoreFiles(this.#root);
    this.#stack = [{ path: '', trail: [this.#realRoot] }];
  }

  /** Reads folder after folder, and lets go of the thread's attention after each small part. */
  *steps(): Generator<undefined> {
    for (let folder = this.#stack.pop(); folder !== undefined; folder = this.#stack.pop()) {
      let count = 0;
      for (const entry of this.#list(folder.path)) {
        const name = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
        if (entry.isDirectory()) {
          this.#enter(name, folder.trail);
        } else if (entry.isFile()) {
          this.#take(name);
        } else if (entry.isSymbolicLink()) {
          this.#follow(name, folder.trail);
        } else if (this.#wantedBy(name) !== undefined) {
          this.#leaveOut('not-regular', name);
        }
        count += 1;
        if (count % entriesAStep === 0) {
          yield;
        }
      }
      yield;
    }
  }

  result(): ScanResult {
    const files = this.#files.sort(byPath);
    const archives = this.#archives.map((archive) => ({ ...archive, files: archive.files.sort(byPath) }));
    for (const { to } of archives) {
      const other = files.find((file) => file.path === to || file.path.startsWith(`${to}/`));
      if (other !== undefined) {
        throw inTheWay(to, other.path);
      }
    }
    const missing = this.#patterns
      .filter(({ list, found }) => !found && list !== 'optional')
      .map(({ list, pattern }) => ({ list, pattern: pattern.text }));
    const order = ['must', 'data', 'archives'];
    missing.sort((a, b) => order.indexOf(a.list) - order.indexOf(b.list));
    const notes = [...this.#notes.sort(byPath), ...nameNotes(files.map((file) => file.path))];
    return { files, archives, missing, ignored: this.#ignored.groups(), notes };
  }

  #leaveOut(code: Exclude<LeftOut['code'], 'link-to-excluded'>, path: string): void {
    this.#notes.push({ code, path });
  }

  #list(folder: string) {
    try {
      return readdirSync(path.join(this.#root, folder), { withFileTypes: true });
    } catch (error) {
      if (this.#isNotUnicode(folder)) {
        return [];
      }
      throw unreadable(folder === '' ? this.#root : folder, error);
    }
  }

  /** Such a name cannot be used to open what it names; true when it was noted. */
  #isNotUnicode(name: string): boolean {
    if (!name.includes('\uFFFD')) {
      return false;
    }
    this.#leaveOut('not-unicode', name);
    return true;
  }

  /** Why a path is left out; a folder's path ends with `/`. */
  #excluded(name: string): Exclusion | undefined {
    const never = this.#never(name);
    if (never !== undefined) {
      return never;
    }
    try {
      return this.#ignoreFiles.excludes(name);
    } catch (error) {
      throw unreadable(`An ignore file above ${name}`, error);
    }
  }

  #enter(folder: string, trail: readonly string[]): void {
    if (!this.#reaches(folder)) {
      return;
    }
    const exclusion = this.#excluded(`${folder}/`);
    if (exclusion !== undefined) {
      this.#ignored.add(exclusion, `${folder}/`);
      return;
    }
    const parent = trail.at(-1) ?? this.#realRoot;
    this.#stack.push({ path: folder, trail: [...trail, path.join(parent, path.posix.basename(folder))] });
  }

  #reaches(folder: string): boolean {
    return this.#patterns.some(({ pattern }) => pattern.mayMatchBelow(folder));
  }

  #follow(name: string, trail: readonly string[]): void {
    if (this.#wantedBy(name) === undefined && !this.#reaches(name)) {
      return;
    }
    const exclusion = this.#excluded(name) ?? this.#excluded(`${name}/`);
    if (exclusion !== undefined) {
      this.#ignored.add(exclusion, name);
      return;
    }
    let real: string;
    let stats: Stats;
    try {
      real = realpathSync.native(path.join(this.#root, name));
      stats = statSync(real);
    } catch {
      this.#leaveOut('link-to-nothing', name);
      return;
    }
    const inside = path.relative(this.#realRoot, real).split(path.sep).join('/');
    if (inside === '..' || inside.startsWith('../') || path.isAbsolute(inside)) {
      this.#leaveOut('link-outside', name);
      return;
    }
    const hidden = inside === '' ? undefined : this.#excludedAt(inside, stats.isDirectory());
    if (hidden !== undefined) {
      this.#notes.push({ code: 'link-to-excluded', path: name, to: inside, rule: ruleText(hidden) });
    } else if (stats.isFile()) {
      this.#take(name);
    } else if (!stats.isDirectory()) {
      this.#leaveOut('link-to-other', name);
    } else if (trail.includes(real)) {
      this.#leaveOut('link-in-circle', name);
    } else {
      this.#stack.push({ path: name, trail: [...trail, real] });
    }
  }

  /** Nothing that is excluded where it lies gets out through a link: each folder on the way is asked too. */
  #excludedAt(inside: string, isFolder: boolean): Exclusion | undefined {
    return firstExclusion(inside, isFolder, (name) => this.#excluded(name));
  }

  #take(name: string): void {
    const wanted = this.#wantedBy(name);
    if (wanted === undefined) {
      return;
    }
    const exclusion = this.#excluded(name);
    if (exclusion !== undefined) {
      this.#ignored.add(exclusion, name);
      return;
    }
    const absolute = path.join(this.#root, name);
    let stats: Stats;
    try {
      stats = statSync(absolute);
    } catch (error) {
      if (this.#isNotUnicode(name)) {
        return;
      }
      throw unreadable(name, error);
    }
    for (const entry of this.#patterns) {
      entry.found ||= entry.pattern.matches(name);
    }
    const { size, mtimeMs, ino } = stats;
    const list = wanted.list === 'archives' ? 'data' : wanted.list;
    const into = this.#archives[wanted.archive]?.files ?? this.#files;
    into.push({ path: name, absolute, size, mtimeMs, ino, mode: stats.mode & 0o777, list });
  }

  #wantedBy(name: string): Wanted | undefined {
    return this.#patterns.find(({ pattern }) => pattern.matches(name));
  }
}

function firstExclusion(
  path: string,
  isFolder: boolean,
  excluded: (name: string) => Exclusion | undefined,
): Exclusion | undefined {
  const parts = path.split('/');
  const folders = parts.slice(0, isFolder ? undefined : -1).map((_, i) => `${parts.slice(0, i + 1).join('/')}/`);
  for (const name of isFolder ? folders : [...folders, path]) {
    const found = excluded(name);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** The rule that leaves a path out, by itself or by a folder above it; undefined where none does. */
export function exclusionOf(
  root: string,
  sync: Pick<SyncLists, 'never'>,
  { path, isFolder }: { path: string; isFolder: boolean },
  options: Pick<ScanOptions, 'never'> = {},
): Exclusion | undefined {
  const plain = path.replace(/^(?:\.\/)+/, '').replace(/\/$/, '');
  if (plain === '' || plain === '.') {
    return undefined; // the project itself
  }
  const never = neverRules(sync.never, options.never);
  const files = new IgnoreFiles(root);
  return firstExclusion(plain, isFolder, (name) => never(name) ?? files.excludes(name));
}

/** Sorted by UTF-16 units, so that the order is the same on every machine. */
function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}

/** An archive and a file of the project have the same place. */
export function inTheWay(to: string, file: string): UserError {
  return new UserError('archive-in-the-way', {
    what: `The archive ${to} cannot be made.`,
    why: `The project uploads ${file} to the same place.`,
    next: 'Give the archive another name under "sync.archives", or name the file under "sync.never".',
  });
}

/** A file or folder that the project needs cannot be read. */
export function unreadable(what: string, cause: unknown): UserError {
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
