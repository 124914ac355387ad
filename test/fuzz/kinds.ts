import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/core/errors.ts';
import { readPython } from '../../src/core/guards/preflight/python.ts';
import { buildSpec } from '../../src/core/journal/spec.ts';
import { checkFiles } from '../../src/core/project/check.ts';
import { loadProject } from '../../src/core/project/load.ts';
import { parseProject } from '../../src/core/project/parse.ts';
import { applyProfile } from '../../src/core/project/profile.ts';
import { dispatch } from '../../src/messages/dispatch.ts';
import { fromPanelSchema, toPanelSchema } from '../../src/messages/job-panel.ts';
import { fromSheetSchema } from '../../src/messages/launch-sheet.ts';

/** What a reader made of a file: nothing to say, or its errors. Throws for what it was not made for: a crash. */
export type Answer = readonly string[];

export interface Kind {
  good: () => Promise<Buffer[]>;
  read?: (bytes: Buffer, folder: string) => Promise<Answer> | Answer;
  /** Where a program is started to read: many files by one. */
  readMany?: (files: Buffer[], folder: string) => Promise<Answer[]>;
  /** Whether an error names its place. */
  placed: (error: string) => boolean;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const samples = (...paths: string[]): Promise<Buffer[]> => Promise.all(paths.map((path) => readFile(join(root, path))));
const text = (value: unknown): Buffer =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value, null, 2));

const project = {
  version: 1,
  name: 'fuzzed',
  target: { volume: { name: 'v', dataCenter: 'US-MD-1' }, gpus: ['NVIDIA L4'], image: 'i', requirements: 'r.txt' },
  sync: { must: ['a/**'], never: ['*.log'], archives: [{ from: 'd/**', to: 'd.tar' }] },
  env: { A: '1', constructor: 'x' },
  caps: { hours: 1, dollars: 5.5, stallMinutes: 0 },
  profiles: { small: { env: { A: '2' }, caps: { hours: 0.5 }, where: 'local' } },
  onFinish: { fetch: ['out/**'], pod: 'terminate' },
  steps: [
    { name: 'prepare', where: 'local', script: 'a/p.py', args: ['--x', '1'], outputs: ['d/**'] },
    { name: 'notes', notebook: 'a.ipynb', parameters: { seed: 1, deep: { list: [1.0, null, 'x'] } }, secrets: ['KEY'] },
    {
      name: 'train',
      module: 'a.train',
      timeoutMinutes: 5,
      inputs: ['d/**'],
      outputs: ['out/**'],
      gates: [
        { type: 'rows', path: 'd/a.parquet', min: 1, max: 10 },
        { type: 'distinct', path: 'd/a.parquet', column: 'c', includes: ['x', 1, true], count: 3 },
        { type: 'populated', path: 'd/a.parquet', column: 'c', where: { column: 'k', equals: 5 }, minShare: 0.5 },
        { type: 'metric', name: 'loss', max: 0.5, of: 'best' },
        { type: 'checkpoint', path: 'out/model' },
        { type: 'script', script: 'a/gate.py' },
        { type: 'file', path: 'out/*.txt', minBytes: 10 },
      ],
    },
  ],
};

const cell = (source: string, tags: string[] = []): object => ({
  cell_type: 'code',
  metadata: { tags },
  source: [source],
  outputs: [],
  execution_count: null,
});

const notebook = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { name: 'python3', language: 'python' }, language_info: { name: 'python' } },
  cells: [
    cell('lr = 0.1', ['parameters']),
    cell('%time print(lr)'),
    { cell_type: 'markdown', metadata: {}, source: '# a' },
  ],
};

const requirements =
  'numpy==2.0\npandas[x]>=2,<3 ; python_version < "3.13"\n-r more.txt\n--index-url https://x\nlib @ https://x/l.whl\n';

const messages = [
  { type: 'ready' },
  { type: 'action', action: 'cancel' },
  { type: 'start' },
  { type: 'select', step: 'train' },
  { type: 'show', path: ['steps', 0], line: 3 },
  { type: 'profile', profile: 'small' },
  { type: 'state', job: 'a', steps: [{ name: 'one', gates: [] }] },
];

/** `file:line:column`, or a field in quotes. */
const lineOrField = (error: string): boolean => /:\d+:\d+ |"[^"]+"/.test(error);

export const kinds: Record<string, Kind> = {
  project: {
    good: async () => [
      text(project),
      text(`// a comment\n${JSON.stringify(project).replace(/}$/, ',}')}`),
      ...(await samples('examples/rainbow/training.runpod.json')),
    ],
    read: readProject,
    placed: (error) =>
      error.split('\n').every((line) => !/^ {2}\S+\.json/.test(line) || lineOrField(line)) && lineOrField(error),
  },
  notebook: {
    good: () => Promise.resolve([text(notebook), text({ ...notebook, nbformat: 3 })]),
    read: readNotebookFile,
    placed: (error) =>
      /position \d+|line \d+|\bend of JSON\b|byte \d+|cells?\b|nbformat|kernelspec|format \d/.test(error),
  },
  requirements: {
    good: () =>
      Promise.resolve([text(requirements), text('torch\n'), text('a==1 \\\n  --hash=sha256:0\n-e .\n./x.whl\n')]),
    readMany: readRequirements,
    placed: (error) => /line \d+/.test(error),
  },
  message: {
    good: () => Promise.resolve(messages.map(text)),
    read: readMessage,
    placed: (error) => /^\S+: /.test(error),
  },
};

async function readProject(bytes: Buffer, folder: string): Promise<Answer> {
  const file = join(folder, 'fuzz.runpod.json');
  await writeFile(file, bytes);
  try {
    const loaded = await loadProject(file);
    for (const name of Object.keys(loaded.project.profiles)) {
      applyProfile(loaded.project, name);
    }
    JSON.parse(
      JSON.stringify(
        buildSpec({
          job: 'fuzzed-1',
          project: loaded.project,
          side: 'pod',
          paths: { project: '/p', mount: '/' },
          python: 'python3',
          code: [],
          restUrl: 'https://x',
          capSeconds: null,
        }),
      ),
    );
    return [];
  } catch (error) {
    if (error instanceof UserError && error.code === 'project-invalid') {
      return [error.what];
    }
    throw error;
  }
}

const withNotebook = JSON.stringify({
  version: 1,
  name: 'fuzzed',
  target: { volume: { name: 'v' }, cpu: {}, image: 'i' },
  sync: { must: ['fuzz.ipynb'] },
  steps: [{ name: 'one', notebook: 'fuzz.ipynb' }],
});

async function readNotebookFile(bytes: Buffer, folder: string): Promise<Answer> {
  await writeFile(join(folder, 'fuzz.ipynb'), bytes);
  const { project: parsed } = parseProject(withNotebook);
  return parsed === undefined ? [] : (await checkFiles(parsed, folder, withNotebook)).map((p) => p.message);
}

/** A message of a panel is a structure that was cloned; here it comes as JSON or as a text. */
function readMessage(bytes: Buffer): Answer {
  let raw: unknown = bytes.toString('utf8');
  try {
    raw = JSON.parse(raw as string);
  } catch {
    // As a text it is a message too.
  }
  const nothing = new Proxy({}, { get: () => () => undefined });
  const answers = [fromPanelSchema, fromSheetSchema, toPanelSchema].map((schema) =>
    dispatch(schema as typeof fromPanelSchema, nothing as never, raw),
  );
  return answers.some((answer) => answer === undefined) ? [] : answers.filter((answer) => answer !== undefined);
}

const installation = {
  localPython: process.env['RUNPOD_TRAINER_PYTHON'] ?? join(root, '.venv', 'bin', 'python'),
  workerFile: process.env['RUNPOD_TRAINER_DIST'] ?? join(root, 'dist'),
};

async function readRequirements(files: Buffer[], folder: string): Promise<Answer[]> {
  const names = files.map((_, i) => `requirements-${i}.txt`);
  await Promise.all(files.map((bytes, i) => writeFile(join(folder, names[i] ?? ''), bytes)));
  const source = { ...installation, workerFile: join(installation.workerFile, 'worker.pyz') };
  const told = await readPython(source, folder, { entries: [], requirements: names }, AbortSignal.timeout(60_000));
  return names.map((name) => {
    const read = told.requirements[name];
    const refused = (read?.refused ?? []).map(([, line, why]) => `line ${line}: ${why}`);
    const wrong = (read?.lines ?? []).filter(({ problem }) => problem !== null);
    return [...refused, ...wrong.map(({ line, problem }) => `line ${line}: ${problem ?? ''}`)];
  });
}
