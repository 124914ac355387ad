import { posix } from 'node:path';
import { entryPoints, type EntryPoint } from './entry-points.ts';
import { imageOffers } from './offers.ts';

/** What lies in a folder, as far as a first project file needs it. Paths are relative, with `/`. */
export interface FolderContents {
  /** Name of the folder. */
  name: string;
  files: string[];
  /** Text of the Python files and notebooks, as far as it was read. */
  sources?: ReadonlyMap<string, string>;
  /** Where the project runs, once that was chosen. */
  region?: Region | undefined;
}

export interface Region {
  dataCenter: string;
  /** GPU types that are free there, the best first. */
  gpus: string[];
}

/** Name of a first project file. */
export const firstFile = 'training.runpod.json';

const usualRegion: Region = { dataCenter: 'US-MD-1', gpus: ['NVIDIA GeForce RTX 4090', 'NVIDIA L4', 'NVIDIA A40'] };
const image = imageOffers[0]?.value ?? '';
const cuda = '12.8';

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
function inOrder(paths: Iterable<string>): string[] {
  return [...new Set(paths)].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
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
 * A commented first project file for a folder, without a fault: what can be run as steps in the order of the work, each
 * with a gate for what it writes; code and settings to upload, data, the requirements file, caps.
 */
export function draftProject({ name, files, sources = new Map(), region = usualRegion }: FolderContents): string {
  const entries = entryPoints(files, sources);
  const made = new Set(entries.flatMap(({ outputs }) => outputs));
  const settings = files.filter((f) => /\.(ya?ml|toml|cfg|ini)$|(^|\/)[^/]*conf[^/]*\.json$/.test(f));
  const requirements = inOrder(files.filter((f) => /(^|\/)requirements[\w.-]*\.txt$/.test(f)))[0];
  const code = files.filter((f) => /\.(py|ipynb)$/.test(f));
  const must = inOrder([...code, ...settings, ...(requirements === undefined ? [] : [requirements])].map(topLevel));
  const data = inOrder(
    files
      .filter((f) => /\.(parquet|csv|tsv|jsonl|npz|npy|h5|hdf5|arrow)$/.test(f) && !made.has(f))
      .map(dataEntry(files)),
  );
  const paths = inOrder(entries.flatMap(({ pythonPath }) => pythonPath ?? []));
  const taken = new Set<string>();
  const steps = entries.length > 0 ? entries.map((entry) => stepText(entry, taken)) : [helloStep];
  const outputs = entries.length > 0 ? inOrder(made) : ['output/hello.txt'];
  const fetch = outputs.length > 0 ? outputs : ['output/**'];

  return `// A RunPod Trainer project.
// Hover a field to see what it means; Ctrl+Space shows what may stand here.
{
  "version": 1,
  "name": ${json(projectName(name))},
  // Where it runs. The volume stays in its data center for good.
  "target": {
    "volume": { "name": ${json(projectName(name))}, "dataCenter": ${json(region.dataCenter)}, "size": 50 },
    // In order of preference; the first that is in stock is taken.
    "gpus": ${json(region.gpus.length > 0 ? region.gpus : usualRegion.gpus)},
    "image": ${json(image)},
    // Hosts with an older driver could not use their GPU with this image.
    "minCuda": ${json(cuda)}${requirements === undefined ? '' : `,\n    "requirements": ${json(requirements)}`}
  },
  // What is uploaded. When a file of "must" or "data" is missing, nothing is rented.
  "sync": {
    "must": ${json(must.length > 0 ? must : [firstFile])},
    "data": ${json(data)}
  },${paths.length === 0 ? '' : `\n  // Where the packages of the project lie.\n  "env": { "PYTHONPATH": ${json(paths.join(':'))} },`}
  // What runs, in order. The next step starts only when every gate of the one before holds.
  // Ctrl+Space between the brackets of "gates" offers one of each kind, such as
  //   { "type": "metric", "name": "loss", "max": 1.0 }
  "steps": [
${steps.join(',\n')}
  ],
  // When the job has ended: "terminate" ends the bill, the volume keeps everything.
  "onFinish": { "pod": "terminate", "fetch": ${json(fetch)} },
  // The pod ends at the first of these limits, also while this computer is off.
  "caps": { "hours": 4, "dollars": 5 }
}
`;
}

const helloStep = `    {
      "name": "hello",
      // Replace it by your own script, notebook or module.
      "shell": "mkdir -p output; (nvidia-smi || echo no GPU) > output/hello.txt",
      "outputs": ["output/hello.txt"],
      "gates": [{ "type": "file", "path": "output/hello.txt" }]
    }`;

function stepText({ path, kind, run, outputs }: EntryPoint, taken: Set<string>): string {
  const head = `    { "name": ${json(stepName(path, taken))}, ${json(kind)}: ${json(run)}`;
  if (outputs.length === 0) {
    return `${head}, "gates": [] }`;
  }
  const gates = outputs.map((output) => `{ "type": "file", "path": ${json(output)} }`);
  return `${head}, "outputs": ${json(outputs)},\n      "gates": [${gates.join(', ')}] }`;
}

/** The part of a path to upload: its first folder, or the file itself. */
function topLevel(path: string): string {
  const slash = path.indexOf('/');
  return slash === -1 ? path : path.slice(0, slash + 1);
}

/** A data file by itself; the folder of many. */
function dataEntry(files: readonly string[]): (path: string) => string {
  const many = 10;
  return (path) => {
    const folder = posix.dirname(path);
    const beside = files.filter((f) => posix.dirname(f) === folder && posix.extname(f) === posix.extname(path));
    return folder !== '.' && beside.length > many ? `${folder}/` : path;
  };
}

function json(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(json).join(', ')}]` : JSON.stringify(value);
}
