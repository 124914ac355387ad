import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Account } from '../../../support/account.ts';
import { writeTree } from '../../../support/files.ts';

const repository = path.resolve(import.meta.dirname, '..', '..', '..', '..');
export const python = process.env.RUNPOD_TRAINER_PYTHON ?? path.join(repository, '.venv/bin/python');

/** Writes a parquet of songs: rows, colors to use, and whether lyrics are all empty. Values are given as JSON. */
const parquetProgram = `
import json, sys
import pyarrow as pa, pyarrow.parquet as pq
for job in json.loads(sys.stdin.read()):
    rows, colors = job["rows"], job["colors"]
    table = pa.table({
        "id": pa.array(range(rows), pa.int64()),
        "color": [colors[i % len(colors)] for i in range(rows)],
        "vocal": [i % 3 != 0 for i in range(rows)],
        "lyrics": pa.array([None if job.get("noLyrics") else f"line {i}" for i in range(rows)], pa.string()),
        "sound": pa.array([[float(i), 1.0] for i in range(rows)], pa.list_(pa.float32())),
    })
    pq.write_table(table, job["path"], row_group_size=2000, compression=job.get("compression", "snappy"))
`;

export interface Songs {
  path: string;
  rows: number;
  colors: string[];
  noLyrics?: boolean;
  compression?: string;
}

export async function writeParquet(files: Songs[]): Promise<void> {
  const running = promisify(execFile)(python, ['-I', '-c', parquetProgram]);
  running.child.stdin?.end(JSON.stringify(files));
  await running;
}

export const colors = ['Red', 'Orange', 'Yellow', 'Green', 'Blue', 'Indigo', 'Violet', 'White'];

/** Makes a parquet file as large as told without taking that room: a hole between its data and its footer. */
export async function stretch(file: string, size: number): Promise<void> {
  const content = await readFile(file);
  const footer = content.readUInt32LE(content.length - 8) + 8;
  const { open } = await import('node:fs/promises');
  const handle = await open(file, 'r+');
  try {
    await handle.truncate(content.length - footer);
    await handle.truncate(size);
    await handle.write(content.subarray(content.length - footer), 0, footer, size - footer);
  } finally {
    await handle.close();
  }
}

export function notebook(
  cells: (string | { source: string; tags?: string[]; error?: string })[],
  language = 'python',
): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language } },
    cells: cells.map((cell, i) => {
      const { source, tags = [], error } = typeof cell === 'string' ? { source: cell } : cell;
      const outputs = error === undefined ? [] : [{ output_type: 'error', ename: error, evalue: '', traceback: [] }];
      return { cell_type: 'code', id: `c${i}`, metadata: { tags }, execution_count: null, outputs, source };
    }),
  });
}

/** A small project as JSON; cases change it before it is written. */
export function projectFile() {
  return {
    version: 1,
    name: 'songs',
    target: {
      volume: { name: 'songs', dataCenter: 'US-MD-1', size: 20 },
      gpus: ['NVIDIA GeForce RTX 4090'],
      image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
      minCuda: '12.8',
      requirements: 'requirements.txt',
    } as Record<string, unknown>,
    sync: {
      must: ['app/', 'training/', 'requirements.txt'],
      data: ['data/songs.parquet'],
      optional: [],
      never: ['raw/'],
    } as Record<string, string[]>,
    env: {} as Record<string, string>,
    steps: [
      {
        name: 'manifest',
        module: 'app.manifest',
        where: 'local',
        inputs: ['raw/**'],
        outputs: ['data/songs.parquet'],
        gates: [
          { type: 'rows', path: 'data/songs.parquet', equals: 1327 },
          { type: 'distinct', path: 'data/songs.parquet', column: 'color', includes: ['Green'], count: 8 },
          { type: 'populated', path: 'data/songs.parquet', column: 'lyrics', where: { column: 'vocal', equals: true } },
        ],
      },
      {
        name: 'phase_1',
        notebook: 'training/phase_1.ipynb',
        timeoutMinutes: 30,
        parameters: { epochs: 3 },
        inputs: ['data/songs.parquet'],
        outputs: ['training/output/phase_1/**'],
        gates: [{ type: 'checkpoint', path: 'training/output/phase_1/model.pt' }],
      },
      {
        name: 'phase_2',
        script: 'training/phase_2.py',
        timeoutMinutes: 30,
        inputs: ['training/output/phase_1/**'],
        outputs: ['training/output/phase_2/**'],
        gates: [{ type: 'script', script: 'app/check.py' }],
      },
    ] as Record<string, unknown>[],
    onFinish: { pod: 'terminate', fetch: ['training/output/**'] } as Record<string, unknown>,
    caps: { hours: 4 } as Record<string, unknown>,
  };
}

export type ProjectFile = ReturnType<typeof projectFile>;

const sources = {
  'app/__init__.py': '',
  'app/colors.py': 'COLORS = ["Red", "Green"]\n',
  'app/manifest.py':
    '"""Local; http://localhost:8888 in a doc text is no address."""\nimport json\nfrom app.colors import COLORS\nprint(json.dumps(COLORS))\n',
  'app/check.py': 'import sys\nsys.exit(0)\n',
  'training/phase_1.ipynb': notebook([
    { source: 'epochs = 1\nseed = 1', tags: ['parameters'] },
    '%matplotlib inline\n!nvidia-smi\nimport torch\nfrom transformers import AutoModel\nimport tokenizers\nfrom app.colors import COLORS',
  ]),
  'training/helpers.py': 'import yaml\n\ntry:\n    import flash_attn\nexcept ImportError:\n    flash_attn = None\n',
  'training/phase_2.py': 'import helpers\nfrom app import colors\nprint(helpers, colors)\n',
  'requirements.txt':
    'transformers==5.23.0  # brings tokenizers\nPyYAML>=6\npyarrow[extra]~=26.0 ; python_version >= "3.9"\n',
  'raw/songs.yaml': 'songs: []\n',
};

/** A folder with a healthy project, from which each case gets its own copy. */
export class Template {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Template> {
    const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'runpod-trainer-test-')));
    const healthy = path.join(folder, 'healthy');
    await writeTree(healthy, { ...sources, 'data/.keep': '' });
    const at = (name: string): string => path.join(folder, name);
    await writeParquet([
      { path: path.join(healthy, 'data/songs.parquet'), rows: 1327, colors },
      { path: at('1326.parquet'), rows: 1326, colors },
      { path: at('no-green.parquet'), rows: 1327, colors: colors.filter((c) => c !== 'Green') },
      { path: at('no-lyrics.parquet'), rows: 1327, colors, noLyrics: true },
      { path: at('zstd.parquet'), rows: 1327, colors, compression: 'zstd' },
    ]);
    return new Template(folder);
  }

  /** A copy with other files (null removes one) and a changed project file. Returns the project file's path. */
  async copy(
    name: string,
    change: {
      files?: Record<string, string | Buffer | null> | undefined;
      edit?: ((p: ProjectFile) => void) | undefined;
    },
  ): Promise<string> {
    const root = path.join(this.folder, name);
    await cp(path.join(this.folder, 'healthy'), root, { recursive: true });
    for (const [file, content] of Object.entries(change.files ?? {})) {
      await (content === null ? rm(path.join(root, file), { recursive: true }) : writeTree(root, { [file]: content }));
    }
    const project = projectFile();
    change.edit?.(project);
    const file = path.join(root, 'songs.runpod.json');
    await writeFile(file, JSON.stringify(project, null, 2));
    return file;
  }

  parquet(name: string): Promise<Buffer> {
    return readFile(path.join(this.folder, name));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What the tests of a suite work with. */
export interface Given {
  template: Template;
  /** New for each test. */
  account: Account;
}

/** Has a suite make a template for all of its tests and an account for each of them. */
export function given(): Given {
  const it: Partial<Given> = {};
  before(async () => {
    it.template = await Template.make();
  });
  after(() => it.template?.remove());
  beforeEach(async () => {
    it.account = await Account.open();
  });
  afterEach(() => it.account?.close());
  return it as Given;
}
