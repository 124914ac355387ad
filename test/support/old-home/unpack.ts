import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { layout, type Tree } from './layout.ts';

export { layout };

export const tree = JSON.parse(readFileSync(path.join(layout.fixture, 'tree.json'), 'utf8')) as Tree;

/** The id of one of the old jobs or volumes. */
export function jobId(name: string): string {
  return named(tree.jobs, name);
}
export function volumeId(name: string): string {
  return named(tree.volumes, name);
}

function named(all: Record<string, string>, name: string): string {
  const id = all[name];
  if (id === undefined) throw new Error(`the fixture has no "${name}"`);
  return id;
}

export interface OldHome {
  home: string;
  project: string;
  /** The project file. */
  file: string;
  /** Where a volume's files lie. */
  volume: (name?: string) => string;
  /** Id of a process that is gone; it stands for every client of then. */
  deadPid: number;
}

export interface Place {
  /** Base addresses in place of those of then. */
  restUrl?: string;
  s3Url?: string;
  /** Python of this machine. */
  python: string;
}

/** What would be swept away as a week old, or taken for abandoned, is as new as if it had been written just now. */
const fresh = /\/(incoming|incoming-s3|\.s3compat_uploads|transfers)\/|\.lock$|\/locks\//;

/** Puts the trees into a folder as they were, but for names and numbers that another machine cannot have. */
export function unpack(folder: string, { restUrl, s3Url = layout.s3Url, python }: Place): OldHome {
  const home = path.join(folder, 'home');
  const project = path.join(folder, 'project');
  const child = spawnSync(process.execPath, ['-e', '']);
  const words: Record<string, string> = {
    '@HOME@': home,
    '@PROJECT@': project,
    '@SECOND@': path.join(folder, 'second'),
    '@PYTHON@': python,
    '@HOST@': hostname(),
    '@VERSION@': versionOf(python),
    '@PID@': String(child.pid),
    '@NOW@': String(Date.now()),
    '@KEY@': 'a-key-of-then',
    [layout.restUrl]: restUrl ?? layout.restUrl,
    [layout.s3Url]: s3Url,
  };
  for (const name of tree.empty) mkdirSync(path.join(folder, name), { recursive: true });
  const later: string[] = [];
  for (const [name, [mode, mtimeMs]] of Object.entries(tree.files)) {
    const to = path.join(folder, renamed(name, s3Url));
    mkdirSync(path.dirname(to), { recursive: true });
    if (name.endsWith('.pyz')) {
      writeFileSync(to, gunzipSync(readFileSync(path.join(layout.fixture, `${name}.gz`))));
    } else {
      let text = readFileSync(path.join(layout.fixture, name), 'latin1');
      for (const [word, value] of Object.entries(words)) text = text.replaceAll(word, value);
      writeFileSync(to, text, 'latin1');
      if (text.includes('@')) later.push(to);
    }
    chmodSync(to, Number.parseInt(mode, 8));
    // Whole seconds are exact; a bit more than whole milliseconds is not cut to the one before.
    const seconds = mtimeMs % 1000 === 0 ? mtimeMs / 1000 : (mtimeMs + 0.4) / 1000;
    if (!fresh.test(name)) utimesSync(to, seconds, seconds);
  }
  for (const file of later) fillIn(file, project);
  const volume = (name = 'old'): string => path.join(home, 'sandbox', 'volumes', volumeId(name));
  return { home, project, file: path.join(project, 'training.runpod.json'), volume, deadPid: child.pid };
}

/** What only this file system can tell: inodes and times. */
function fillIn(file: string, project: string): void {
  const { mtime, atime } = lstatSync(file);
  const text = readFileSync(file, 'latin1')
    .replace(/@ino:([^@]+)@/g, (_, name: string) => String(lstatSync(path.join(project, name)).ino))
    .replace(/@mtime:([^@]+)@/g, (_, name: string) => String(lstatSync(path.join(project, name)).mtimeMs))
    .replace('@inputs@', () => archiveInputs(project));
  writeFileSync(file, text, 'latin1');
  utimesSync(file, atime, mtime);
}

/** By what an archive's note knows that its files are the same: path, size, time and inode of each. */
function archiveInputs(project: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(path.join(project, 'notes')).sort()) {
    const { size, mtimeMs, ino } = lstatSync(path.join(project, 'notes', name));
    hash.update(`${JSON.stringify([`notes/${name}`, size, mtimeMs, ino])}\n`);
  }
  return hash.digest('hex');
}

/** Journals of S3 are named by the address of the service. */
function renamed(name: string, s3Url: string): string {
  const [, kind] = /^home\/transfers\/\w+\.(upload|puts)\.jsonl$/.exec(name) ?? [];
  if (kind === undefined) return name;
  return `home/transfers/${journalName(kind, s3Url)}`;
}

/** The name of the old upload's journal (`upload`) or of the project's record of puts (`puts`), as it is made. */
export function journalName(kind: string, s3Url: string): string {
  const what = kind === 'upload' ? 'projects/old/more/over-s3.txt' : 'old';
  const digest = createHash('sha256')
    .update([s3Url, volumeId('old'), what].join('\0'))
    .digest('hex');
  return `${digest.slice(0, 40)}.${kind}.jsonl`;
}

/** By what a home knows that its user has agreed to the local steps of a project. */
export function trustOf(root: string, steps: unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([root, steps]))
    .digest('hex');
}

function versionOf(python: string): string {
  const { stdout } = spawnSync(python, ['-c', 'import platform; print(platform.python_version())'], {
    encoding: 'utf8',
  });
  return stdout.trim();
}
