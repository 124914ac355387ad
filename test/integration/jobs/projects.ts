import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Text of a project file's parts that tests change; everything else is as small as a project can be. */
export interface ProjectParts {
  name: string;
  steps: Record<string, unknown>[];
  target?: Record<string, unknown>;
  sync?: Record<string, unknown>;
  env?: Record<string, string>;
  onFinish?: Record<string, unknown>;
  caps?: Record<string, unknown>;
  profiles?: Record<string, unknown>;
  [field: string]: unknown;
}

/** A project in a folder of its own. */
export class TestProject {
  readonly root: string;
  readonly file: string;
  #parts: ProjectParts;

  constructor(parent: string, parts: ProjectParts, files: Record<string, string> = {}) {
    this.root = path.join(parent, parts.name);
    this.file = path.join(this.root, 'training.runpod.json');
    this.#parts = parts;
    for (const [name, content] of Object.entries({ 'code.txt': 'code\n', ...files })) {
      this.write(name, content);
    }
    this.change((project) => project);
  }

  write(name: string, content: string): void {
    const file = path.join(this.root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  read(name: string): string {
    return readFileSync(path.join(this.root, name), 'utf8');
  }

  /** Writes the project file anew with changed parts. */
  change(by: (parts: ProjectParts) => ProjectParts): void {
    this.#parts = by(structuredClone(this.#parts));
    const { target, sync, ...rest } = this.#parts;
    const whole = {
      version: 1,
      ...rest,
      target: {
        volume: { name: 'tests', dataCenter: 'US-MD-1', size: 10 },
        image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
        ...(target?.gpus === undefined && { cpu: { id: 'cpu5c', vcpuCount: 2 } }),
        disk: 20,
        ...target,
      },
      sync: { must: ['code.txt'], ...sync },
    };
    this.write('training.runpod.json', `${JSON.stringify(whole, null, 2)}\n`);
  }

  /** Replaces fields of one step. */
  changeStep(name: string, fields: Record<string, unknown>): void {
    this.change((parts) => ({
      ...parts,
      steps: parts.steps.map((step) => (step.name === name ? { ...step, ...fields } : step)),
    }));
  }
}

/** A notebook of format 4 with these code cells; the first is its parameters. */
export function notebook(cells: string[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: cells.map((source, index) => ({
      id: `cell-${index}`,
      cell_type: 'code',
      metadata: index === 0 ? { tags: ['parameters'] } : {},
      source,
      outputs: [],
      execution_count: null,
    })),
  });
}

const makeBase = `
import os
import pyarrow as pa, pyarrow.parquet as pq
from lib.colors import colors
rows = [c for c in colors(os.environ["COLORS"]) for _ in range(10)]
text = open("raw.txt").read().strip()
os.makedirs("data", exist_ok=True)
pq.write_table(pa.table({"color": rows, "vocal": [i % 2 == 0 for i in range(len(rows))], "text": [text] * len(rows)}), "data/base.parquet")
print("rows", len(rows))
`;

const embed = `
import json, os
import pyarrow as pa, pyarrow.parquet as pq
from app.numbers import vector
base = pq.read_table("data/base.parquet")
vectors = [vector(i) if vocal else None for i, vocal in enumerate(base["vocal"].to_pylist())]
os.makedirs("out", exist_ok=True)
pq.write_table(base.append_column("embedding", pa.array(vectors, pa.list_(pa.float32()))), "out/embedded.parquet")
with open(os.environ["RUNPOD_TRAINER_METRICS"], "a") as file:
    file.write(json.dumps({"step": 1, "embedded": sum(v is not None for v in vectors)}) + "\\n")
print("scale", os.environ["SCALE"])
`;

const checkRows = `
import json, sys
import pyarrow.parquet as pq
print(json.dumps({"rows": pq.read_metadata("out/embedded.parquet").num_rows}))
sys.exit(0)
`;

/** Runs of small steps of every kind, one of them on this machine, with gates of most types. */
export function smallProject(parent: string, name: string): TestProject {
  return new TestProject(
    parent,
    {
      name,
      sync: { must: ['app/', 'notebooks/', 'gates/'], data: ['data/base.parquet'], never: ['raw.txt'] },
      env: { COLORS: 'Red,Green,Blue' },
      steps: [
        {
          name: 'base',
          script: 'make_base.py',
          where: 'local',
          inputs: ['raw.txt'],
          outputs: ['data/base.parquet'],
          gates: [{ type: 'rows', path: 'data/base.parquet', equals: 30 }],
        },
        {
          name: 'embed',
          module: 'app.embed',
          env: { SCALE: '1' },
          inputs: ['data/base.parquet'],
          outputs: ['out/embedded.parquet'],
          gates: [
            { type: 'distinct', path: 'out/embedded.parquet', column: 'color', includes: ['Red', 'Green', 'Blue'] },
            {
              type: 'populated',
              path: 'out/embedded.parquet',
              column: 'embedding',
              where: { column: 'vocal', equals: true },
            },
            { type: 'metric', name: 'embedded', min: 15 },
            { type: 'script', script: 'gates/check_rows.py' },
          ],
        },
        {
          name: 'train',
          notebook: 'notebooks/train.ipynb',
          parameters: { epochs: 2 },
          inputs: ['out/embedded.parquet'],
          gates: [
            { type: 'metric', name: 'loss', max: 0.5, of: 'best' },
            { type: 'checkpoint', path: 'out/model.safetensors' },
          ],
        },
        {
          name: 'report',
          shell: 'wc -c < out/model.safetensors > out/report.txt; echo report written',
          inputs: ['out/model.safetensors'],
          gates: [{ type: 'file', path: 'out/*.txt', minBytes: 2 }],
        },
      ],
      onFinish: { fetch: ['out/**'] },
    },
    {
      'raw.txt': 'la la la\n',
      'make_base.py': makeBase,
      'lib/__init__.py': '',
      'lib/colors.py': 'def colors(text):\n    return text.split(",")\n',
      'app/__init__.py': '',
      'app/embed.py': embed,
      'app/numbers.py': 'def vector(i):\n    return [float(i), 1.0]\n',
      'gates/check_rows.py': checkRows,
      'notebooks/train.ipynb': notebook([
        'epochs = 1',
        'import json, os, numpy\nfrom safetensors.numpy import save_file',
        'for epoch in range(epochs):\n    with open(os.environ["RUNPOD_TRAINER_METRICS"], "a") as file:\n        file.write(json.dumps({"step": epoch, "loss": 1 / (epoch + 1)}) + "\\n")\n    print("epoch", epoch)',
        'save_file({"w": numpy.ones((epochs, 2), dtype=numpy.float32)}, "out/model.safetensors")',
      ]),
    },
  );
}

/**
 * A shell step on the pod that prints numbered lines and ends when the test has written a file named `go` into the
 * project on the volume.
 */
export const untilGo =
  'rm -f go; for i in $(seq 50); do echo "line $i"; done; while [ ! -e go ]; do sleep 0.1; done; echo "after go"';
