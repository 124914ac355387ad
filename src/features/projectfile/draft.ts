/** What lies in a folder, as far as a first project file needs it. Paths are relative, with `/`. */
export interface FolderContents {
  /** Name of the folder. */
  name: string;
  files: string[];
}

/** A project name made from any folder name. */
export function projectName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 48)
    .replace(/-+$/, '');
  return name === '' ? 'project' : name;
}

/** File names sorted as a person counts: `phase_2` before `phase_10`. */
function inOrder(paths: string[]): string[] {
  return paths.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

function stepName(path: string, taken: Set<string>): string {
  const base = projectName((path.split('/').at(-1) ?? path).replace(/\.[^.]+$/, ''));
  let name = base;
  for (let n = 2; taken.has(name); n++) {
    name = `${base.slice(0, 44)}_${n}`;
  }
  taken.add(name);
  return name;
}

/**
 * A commented first project file for a folder: notebooks by name order as steps, else `train.py` or `main.py`;
 * folders of Python code to upload; parquet files as data; the requirements file.
 */
export function draftProject({ name, files }: FolderContents): string {
  const notebooks = inOrder(files.filter((f) => f.endsWith('.ipynb')));
  const scripts = inOrder(files.filter((f) => /(^|\/)(train|main)\.py$/.test(f)));
  const parquet = inOrder(files.filter((f) => f.endsWith('.parquet')));
  const requirements = inOrder(files.filter((f) => /(^|\/)requirements[\w.-]*\.txt$/.test(f)))[0];
  const code = [...new Set(files.filter((f) => /\.(py|ipynb)$/.test(f)).map(topLevel))];
  const must = inOrder([...new Set([...code, ...(requirements === undefined ? [] : [topLevel(requirements)])])]);

  const taken = new Set<string>();
  const found: [kind: string, path: string][] = [
    ...scripts.map((path): [string, string] => ['script', path]),
    ...notebooks.map((path): [string, string] => ['notebook', path]),
  ];
  const steps =
    found.length > 0
      ? found.map(
          ([kind, path]) => `    { "name": ${json(stepName(path, taken))}, ${json(kind)}: ${json(path)}, "gates": [] }`,
        )
      : ['    { "name": "hello", "shell": "nvidia-smi || true; echo replace this step" }'];

  return `// A RunPod Trainer project. Hover a field to see what it means; Ctrl+Space shows what may stand here.
{
  "version": 1,
  "name": ${json(projectName(name))},
  // Where it runs. The volume stays in its data center for good, so choose that first.
  "target": {
    "volume": { "name": ${json(projectName(name))}, "dataCenter": "US-MD-1", "size": 50 },
    // In order of preference; the first that is in stock is taken.
    "gpus": ["NVIDIA GeForce RTX 4090", "NVIDIA L4"],
    "image": "runpod/pytorch:2.8.0-py3.11-cuda12.8.1-cudnn-devel-ubuntu22.04"${requirements === undefined ? '' : `,\n    "requirements": ${json(requirements)}`}
  },
  // What is uploaded. "must" and "data" stop the run, before it costs anything, when a file is missing.
  "sync": {
    "must": ${json(must)},
    "data": ${json(parquet)}
  },
  // What runs, in order. The next step starts only when every gate of the one before holds, for example
  //   { "type": "file", "path": "output/model.safetensors" }
  //   { "type": "metric", "name": "loss", "max": 1.0 }
  "steps": [
${steps.join(',\n')}
  ],
  // When the job has ended: "terminate" ends the bill, the volume keeps everything.
  "onFinish": { "pod": "terminate", "fetch": ["output/**"] },
  // The pod ends at this limit, also while this computer is off.
  "caps": { "hours": 4 }
}
`;
}

/** The part of a path to upload: its first folder, or the file itself. */
function topLevel(path: string): string {
  const slash = path.indexOf('/');
  return slash === -1 ? path : path.slice(0, slash + 1);
}

function json(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(json).join(', ')}]` : JSON.stringify(value);
}
