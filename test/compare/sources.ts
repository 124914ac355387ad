import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Facts } from '../../src/core/guards/preflight/facts.ts';
import type { PythonFacts } from '../../src/core/guards/preflight/python.ts';
import type { Installation } from '../../src/core/home/installation.ts';
import { parseProject } from '../../src/core/project/parse.ts';

const repository = path.resolve(import.meta.dirname, '..', '..');
const python = process.env.RUNPOD_TRAINER_PYTHON ?? path.join(repository, '.venv/bin/python');
export const workerFile = path.join(repository, 'dist/worker.pyz');
export const workerSources = path.join(repository, 'gpu-worker');

/** Where downloads stay: nothing of it is committed. */
export const cacheOf = (kind: string): string => path.join(repository, '.cache/compare', kind);

/** What preflight needs of this machine to read code; the account is never asked. */
export const installation = { localPython: python, workerFile } as Installation;

/** Files of source packages of the package index that pip is configured with, as [root of the package, path in it]. */
export async function filesOf(kind: string, wanted: string, packages: readonly string[]): Promise<[string, string][]> {
  const folder = cacheOf(kind);
  await promisify(execFile)(python, [path.join(import.meta.dirname, 'fetch_sources.py'), folder, wanted, ...packages]);
  const found = await Promise.all(
    packages.map(async (name) => {
      const roots = await readdir(path.join(folder, name), { withFileTypes: true });
      return Promise.all(
        roots.filter((r) => r.isDirectory()).map((r) => filesIn(path.join(folder, name, r.name), wanted)),
      );
    }),
  );
  return distinct(found.flat(2));
}

/** Files of a folder of one's own. */
export async function filesIn(root: string, wanted: string): Promise<[string, string][]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const matches = new RegExp(wanted);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => matches.test(file))
    .map((file) => [root, file]);
}

/** Each content once. */
export async function distinct(files: [string, string][]): Promise<[string, string][]> {
  const seen = new Set<string>();
  const result: [string, string][] = [];
  for (const [root, file] of files) {
    const content = await readFile(path.join(root, file), 'latin1');
    if (!seen.has(content)) {
      seen.add(content);
      result.push([root, file]);
    }
  }
  return result;
}

/** Gives a Python program lines and takes its lines of JSON. */
export async function askPython(script: string, args: readonly string[], lines: readonly string[]): Promise<unknown[]> {
  const child = spawn(python, [path.join(import.meta.dirname, script), ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const text = Buffer.concat(output).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') || line.startsWith('['))
    .map((line) => JSON.parse(line) as unknown);
}

/** Facts of a project that has these files; what Python reads may be given, when it was read before. */
export class ComparedFacts extends Facts {
  readonly #python: PythonFacts | undefined;

  constructor(root: string, project: Record<string, unknown>, python?: PythonFacts) {
    const text = JSON.stringify({
      version: 1,
      name: 'compared',
      ...project,
      sync: { must: ['**'] },
      target: {
        volume: { name: 'v' },
        cpu: {},
        image: 'example/image:1',
        ...(project.target as Record<string, unknown> | undefined),
      },
    });
    const parsed = parseProject(text);
    if (parsed.project === undefined) {
      throw new Error(JSON.stringify(parsed.problems));
    }
    super(installation, { project: parsed.project, file: path.join(root, 'x.runpod.json'), root, text }, {});
    this.#python = python;
  }

  override python(): Promise<PythonFacts> {
    return this.#python === undefined ? super.python() : Promise.resolve(this.#python);
  }
}

/** How verdicts and reality went together. */
export class Counts {
  alike = 0;
  readonly falseRefusals: string[] = [];
  readonly missedFailures: string[] = [];
  warned = 0;
  unchecked = 0;

  add(name: string, refused: string | undefined, fails: string | undefined, warned: boolean): void {
    if (refused !== undefined && fails === undefined) {
      this.falseRefusals.push(`${name}: ${refused}`);
    } else if (refused === undefined && fails !== undefined && !warned) {
      this.missedFailures.push(`${name}: ${fails}`);
    } else {
      this.alike += 1;
      this.warned += refused === undefined && fails !== undefined ? 1 : 0;
    }
  }

  /** The lines to print; the first has the numbers. */
  lines(what: string): string[] {
    const all = this.alike + this.falseRefusals.length + this.missedFailures.length;
    return [
      `${what}: ${all} compared, ${this.falseRefusals.length} false refusals, ${this.missedFailures.length} missed failures` +
        `${this.warned > 0 ? `, ${this.warned} failures told as warnings` : ''}${this.unchecked > 0 ? `, ${this.unchecked} not checked` : ''}`,
      ...this.falseRefusals.map((text) => `  refused and sound: ${text}`),
      ...this.missedFailures.map((text) => `  passed and broken: ${text}`),
    ];
  }

  get isSound(): boolean {
    return this.falseRefusals.length === 0 && this.missedFailures.length === 0;
  }
}
