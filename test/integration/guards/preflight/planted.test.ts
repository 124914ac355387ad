import assert from 'node:assert/strict';
import { truncate, utimes } from 'node:fs/promises';
import path from 'node:path';
import { preflight, type PreflightOptions, type Severity } from '../../../../src/core/guards/preflight/index.ts';
import { loadProject } from '../../../../src/core/project/load.ts';
import { Account } from '../../../support/account.ts';
import { notebook, Template, type ProjectFile } from './project.ts';

type Path = (string | number)[];

interface Planted {
  /** The mistake, and where it was met: `runpod.md` and `launchers.md` are collected facts, others are issues. */
  name: string;
  id: string;
  severity?: Severity;
  at?: Path;
  edit?: (project: ProjectFile) => void;
  files?: Record<string, string | Buffer | null>;
  /** More files, made from those of the template. */
  make?: (template: Template) => Promise<Record<string, string | Buffer>>;
  /** What is done to the folder at the end. */
  spoil?: (root: string) => Promise<void>;
  account?: (account: Account) => void | Promise<void>;
  options?: PreflightOptions;
  /** Other findings that the same mistake brings along. */
  also?: string[];
}

const step = (project: ProjectFile, index: number): Record<string, unknown> => project.steps[index]!;
const lfs = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';

const planted: Planted[] = [
  // Account, region, hardware
  {
    name: 'key refused (runpod.md 1.2: a bad key is 401)',
    id: 'key-rejected',
    account: ({ sandbox }) => sandbox.requests.fail(401, { path: /\/pods$/ }),
  },
  {
    name: 'key without rights (runpod.md 1.2: 403)',
    id: 'key-unusable',
    account: ({ sandbox }) => sandbox.requests.fail(403, { path: /\/pods$/ }),
  },
  {
    name: 'no funds (runpod.md 9: deploying needs about one hour of credit)',
    id: 'funds',
    account: ({ sandbox }) => sandbox.setBalance(0.2),
  },
  {
    name: 'funds that end before the job (runpod.md 4: at balance 0 pods are stopped)',
    id: 'funds-low',
    severity: 'warning',
    account: ({ sandbox }) => sandbox.setBalance(1),
  },
  {
    name: 'the volume is in another region (parameter-golf#82: volume in the wrong data center)',
    id: 'volume-elsewhere',
    at: ['target', 'volume', 'dataCenter'],
    account: async (account) => {
      await account.volume('songs', 'EU-RO-1');
    },
  },
  {
    name: 'two volumes of one name (runpod.md 4: names are not unique)',
    id: 'volume-ambiguous',
    at: ['target', 'volume', 'name'],
    account: async (account) => {
      await account.volume('songs');
      await account.volume('songs');
    },
  },
  {
    name: 'a data center where no volume can be created (runpod.md 3.2: networkVolumeTypes is empty)',
    id: 'data-center-closed',
    at: ['target', 'volume', 'dataCenter'],
    edit: (p) => (p.target.volume = { name: 'songs', dataCenter: 'US-KS-2', size: 20 }),
    also: ['no-stock'],
  },
  {
    name: 'high-performance volumes only (runpod.md 4: in such data centers you pay the dear tier)',
    id: 'volume-dear',
    severity: 'warning',
    at: ['target', 'volume', 'dataCenter'],
    edit: (p) => {
      p.target.volume = { name: 'songs', dataCenter: 'US-CA-2', size: 20 };
      p.target.gpus = ['NVIDIA H200'];
    },
  },
  {
    name: 'a volume that is missing and not described',
    id: 'volume-missing',
    at: ['target', 'volume', 'name'],
    edit: (p) => (p.target.volume = { name: 'songs' }),
  },
  {
    name: 'a volume too small for the data (ComfyUI#8932: quota exceeded in the middle of a checkpoint)',
    id: 'volume-too-small',
    at: ['target', 'volume', 'size'],
    edit: (p) => (p.target.volume = { name: 'songs', dataCenter: 'US-MD-1', size: 10 }),
    spoil: (root) => truncate(path.join(root, 'data/songs.parquet'), 12e9),
    also: ['parquet-broken'],
  },
  {
    name: 'no stock in the region (runpod.md 10 #7: stock of a data center is not that of the volume)',
    id: 'no-stock',
    at: ['target', 'gpus'],
    account: ({ sandbox }) => sandbox.stock.set({ gpu: 'NVIDIA GeForce RTX 4090', dataCenter: 'US-MD-1' }, 'NONE'),
  },
  {
    name: 'little stock (skypilot#8409: the catalog is a hint)',
    id: 'low-stock',
    severity: 'warning',
    at: ['target', 'gpus'],
    account: ({ sandbox }) => sandbox.stock.set({ gpu: 'NVIDIA GeForce RTX 4090', dataCenter: 'US-MD-1' }, 'LOW'),
  },
  {
    name: 'no CPU stock in the region (runpod.md 10 #4: CPU stock is thin)',
    id: 'no-stock',
    at: ['target', 'cpu', 'id'],
    edit: cpuPod,
    account: ({ sandbox }) => sandbox.stock.set({ cpu: 'cpu5c' }, 'NONE'),
  },
  {
    name: 'a GPU by a name that RunPod does not know',
    id: 'hardware-unknown',
    at: ['target', 'gpus', 0],
    edit: (p) => (p.target.gpus = ['RTX 4090']),
  },
  {
    name: 'more GPUs than one machine has',
    id: 'gpu-count',
    at: ['target', 'gpuCount'],
    edit: (p) => {
      p.target.gpuCount = 8;
    },
    account: ({ installation }) => {
      const { catalog } = installation.client;
      const gpus = catalog.gpus.bind(catalog);
      catalog.gpus = async (...args) =>
        (await gpus(...args)).map((g) => ({ ...g, maxCount: { secure: 4, community: 4 } }));
    },
  },
  {
    name: 'three vCPUs (runpod.md 2.2: powers of two)',
    id: 'vcpus',
    at: ['target', 'cpu', 'vcpuCount'],
    edit: (p) => {
      cpuPod(p);
      p.target.cpu = { id: 'cpu5c', vcpuCount: 3 };
    },
  },
  {
    name: 'a small CPU pod with a large disk (runpod.md 2.2: up to 30 GB by flavor)',
    id: 'disk-large',
    at: ['target', 'disk'],
    edit: (p) => {
      cpuPod(p);
      p.target.disk = 50;
    },
  },
  {
    name: 'a disk below what was ever granted (runpod.md 10 #5: refused as if there were no stock)',
    id: 'disk-small',
    severity: 'warning',
    at: ['target', 'disk'],
    edit: (p) => {
      p.target.disk = 20;
    },
    account: ({ installation: { platform, restUrl } }) =>
      platform.save(restUrl, { minDiskGb: { value: 25, time: new Date().toISOString(), evidence: 'tried' } }),
  },
  {
    name: 'CUDA floor below the image (dstack#3299, comfyui-mcp#2016: driver too old for the image)',
    id: 'cuda-floor-low',
    at: ['target', 'minCuda'],
    edit: (p) => (p.target.minCuda = '12.4'),
  },
  {
    name: 'no CUDA floor for a CUDA 13 image (runpod.md 8.4: error 804)',
    id: 'cuda-floor-missing',
    severity: 'warning',
    at: ['target', 'image'],
    edit: (p) => {
      p.target.image = 'runpod/pytorch:1.0.3-cu1300-torch291-ubuntu2404';
      delete p.target.minCuda;
    },
  },
  {
    name: 'a Blackwell GPU with PyTorch 2.6 (runpod.md 8.4: no kernels)',
    id: 'gpu-too-new',
    at: ['target', 'gpus', 0],
    edit: (p) => {
      p.target.image = 'runpod/pytorch:1.0.2-cu1281-torch260-ubuntu2204';
      p.target.gpus = ['NVIDIA GeForce RTX 5090'];
      p.target.volume = { name: 'songs', dataCenter: 'EU-RO-1', size: 20 };
    },
  },
  {
    name: 'an AMD GPU with a CUDA image',
    id: 'gpu-not-nvidia',
    at: ['target', 'gpus', 0],
    edit: (p) => {
      p.target.gpus = ['AMD Instinct MI300X OAM'];
      p.target.volume = { name: 'songs', dataCenter: 'EU-RO-1', size: 20 };
    },
    also: ['low-stock'],
  },
  {
    name: 'an image without CUDA for a GPU pod (runpod.md 8.4: runpod/base is for CPU)',
    id: 'image-without-cuda',
    at: ['target', 'image'],
    edit: (p) => (p.target.image = 'runpod/base:1.0.2-ubuntu2404'),
    also: ['import-missing'],
  },
  {
    name: 'an image without a fixed version',
    id: 'image-latest',
    severity: 'warning',
    at: ['target', 'image'],
    edit: (p) => (p.target.image = 'runpod/pytorch:latest'),
  },
  {
    name: 'an image tag that cannot exist (runpod.md 10 #3: RUNNING for minutes without a port)',
    id: 'image-tag',
    severity: 'warning',
    at: ['target', 'image'],
    edit: (p) => (p.target.image = 'runpod/pytorch:2.8-cuda12.8'),
  },
  {
    name: 'an image name in capitals',
    id: 'image-name',
    at: ['target', 'image'],
    edit: (p) => (p.target.image = 'RunPod/PyTorch:2.8'),
    also: ['import-unsure'],
  },
  {
    name: "the volume over the root user's home (runpod-python#337: SSH refused though the port is mapped)",
    id: 'mount-hides',
    at: ['target', 'mount'],
    edit: (p) => (p.target.mount = '/root'),
  },
  {
    name: 'less time to start than pulling takes (runpod.md 2.3: 5 to 13 minutes on a cold host)',
    id: 'ready-short',
    severity: 'warning',
    at: ['target', 'readyMinutes'],
    edit: (p) => (p.target.readyMinutes = 2),
  },
  {
    name: 'no cap at all (dstack#955: runs without a termination policy run for ever)',
    id: 'cap-none',
    severity: 'warning',
    at: ['caps'],
    edit: (p) => (p.caps = {}),
  },
  {
    name: 'a cap shorter than a step may take (papermill#824: out of time at cell 28 of 36)',
    id: 'cap-short',
    severity: 'warning',
    at: ['steps', 1, 'timeoutMinutes'],
    edit: (p) => (step(p, 1).timeoutMinutes = 600),
  },
  {
    name: 'the pod is kept (runpod.md 10 #28: it keeps billing)',
    id: 'pod-kept',
    severity: 'warning',
    at: ['onFinish', 'pod'],
    edit: (p) => (p.onFinish.pod = 'keep'),
  },
  {
    name: 'a clock that is off (runpod.md 5.2: signatures bear an hour)',
    id: 'clock-skew',
    severity: 'warning',
    options: { now: () => Date.now() + 20 * 60_000 },
  },
  // Files
  {
    name: 'a missing must file',
    id: 'upload-missing',
    at: ['sync', 'must', 2],
    edit: (p) => (p.sync.must = ['app/', 'training/', 'setup.cfg', 'requirements.txt']),
  },
  {
    name: 'a missing parquet that no local step makes',
    id: 'upload-missing',
    at: ['sync', 'data', 0],
    edit: (p) => (p.sync.data = ['data/other.parquet']),
    also: ['input-not-uploaded'],
  },
  {
    name: 'data silently left out by an ignore rule (skypilot#1599)',
    id: 'never-hides',
    at: ['sync', 'never', 0],
    edit: (p) => (p.sync.data = ['data/songs.parquet', 'raw/songs.yaml']),
  },
  {
    name: 'the same by a .runpodignore (skypilot#5492: another parser than git)',
    id: 'never-hides',
    at: ['sync', 'must', 3],
    edit: (p) => p.sync.must!.push('notes/'),
    files: { 'notes/a.md': 'x', '.runpodignore': 'notes/\n' },
  },
  {
    name: 'a zero-byte download (parameter-golf#82)',
    id: 'file-empty',
    at: ['sync', 'must'],
    files: { 'training/words.json': '' },
  },
  {
    name: 'a Git LFS pointer in place of a file',
    id: 'file-pointer',
    at: ['sync', 'must'],
    files: { 'training/model.pt': lfs },
  },
  {
    name: 'weights that were cut off (runpodctl#282: 5 GB of safetensors "uploaded")',
    id: 'weights-broken',
    at: ['sync', 'must'],
    files: { 'training/base.safetensors': weights(4000, 100) },
  },
  {
    name: 'a virtual environment in the upload (skypilot#1600: tiny files)',
    id: 'upload-environment',
    severity: 'warning',
    at: ['sync', 'never'],
    files: { 'training/myenv/pyvenv.cfg': 'home = /usr/bin\n' },
  },
  {
    name: 'a truncated parquet',
    id: 'parquet-broken',
    at: ['sync', 'data', 0],
    make: async (t) => ({ 'data/songs.parquet': (await t.parquet('healthy/data/songs.parquet')).subarray(0, 9000) }),
  },
  {
    name: 'a parquet with a hole: its footer names more than there is',
    id: 'parquet-broken',
    at: ['sync', 'data', 0],
    make: async (t) => {
      const whole = await t.parquet('healthy/data/songs.parquet');
      const footer = whole.readUInt32LE(whole.length - 8) + 8;
      return { 'data/songs.parquet': Buffer.concat([whole.subarray(0, 100), whole.subarray(whole.length - footer)]) };
    },
  },
  {
    name: 'an HTML page saved as a parquet',
    id: 'parquet-broken',
    at: ['sync', 'data', 0],
    files: { 'data/songs.parquet': '<!doctype html><title>Sign in</title>' },
  },
  {
    name: 'a color missing',
    id: 'gate-fails',
    severity: 'warning',
    at: ['steps', 0, 'gates', 1],
    make: async (t) => ({ 'data/songs.parquet': await t.parquet('no-green.parquet') }),
  },
  {
    name: 'a song missing',
    id: 'gate-fails',
    severity: 'warning',
    at: ['steps', 0, 'gates', 0],
    make: async (t) => ({ 'data/songs.parquet': await t.parquet('1326.parquet') }),
  },
  {
    name: 'lyrics missing',
    id: 'gate-fails',
    severity: 'warning',
    at: ['steps', 0, 'gates', 2],
    make: async (t) => ({ 'data/songs.parquet': await t.parquet('no-lyrics.parquet') }),
  },
  {
    name: 'a gate on a folder of parquet files (doris#1594)',
    id: 'gate-folder',
    at: ['steps', 1, 'gates', 0, 'path'],
    edit: (p) => {
      step(p, 1).outputs = ['out/ds.parquet/**'];
      step(p, 1).gates = [{ type: 'rows', path: 'out/ds.parquet', min: 1 }];
    },
    also: ['input-nowhere'],
  },
  {
    name: 'a gate on a file that no step writes',
    id: 'gate-no-output',
    severity: 'warning',
    at: ['steps', 1, 'gates', 0, 'path'],
    edit: (p) => {
      step(p, 1).gates = [{ type: 'file', path: 'elsewhere/model.pt' }];
    },
  },
  {
    name: 'a metric that no code reports',
    id: 'metric-never',
    severity: 'warning',
    at: ['steps', 1, 'gates', 0],
    edit: (p) => {
      step(p, 1).gates = [{ type: 'metric', name: 'loss', max: 1 }];
    },
  },
  {
    name: 'a metric of a shell step, which runs no code that reports one (field-15)',
    id: 'metric-never',
    severity: 'warning',
    at: ['steps', 1, 'gates', 0],
    edit: (p) => {
      const { name, where, outputs } = step(p, 1);
      const gates = [{ type: 'metric', name: 'loss', max: 1 }];
      p.steps[1] = { name, where, outputs, shell: 'nvidia-smi', gates };
    },
    files: { 'app/report.py': 'import os\nprint(os.environ["RUNPOD_TRAINER_METRICS"])\n' },
  },
  {
    name: 'a gate on what another step writes',
    id: 'gate-stale',
    severity: 'warning',
    at: ['steps', 2, 'gates', 0, 'path'],
    edit: (p) => {
      step(p, 2).gates = [{ type: 'checkpoint', path: 'training/output/phase_1/model.pt' }];
    },
  },
  {
    name: 'a gate on what is brought along, of a step that says of nothing that it writes it (field-11)',
    id: 'gate-stale',
    severity: 'warning',
    at: ['steps', 2, 'gates', 0, 'path'],
    edit: (p) => {
      const { name, where } = step(p, 2);
      const gates = [{ type: 'rows', path: 'data/songs.parquet', min: 1 }];
      p.steps[2] = { name, where, shell: 'true', gates };
    },
  },
  {
    name: 'checkpoints that no code goes on from',
    id: 'resume-never',
    severity: 'warning',
    at: ['steps', 1, 'checkpoints'],
    edit: (p) => {
      step(p, 1).checkpoints = { pattern: 'training/output/phase_1/step-*' };
    },
  },
  {
    name: 'a variable that Linux starts no program with',
    id: 'text-too-long',
    at: ['env', 'LONG'],
    edit: (p) => {
      p.env = { LONG: 'é'.repeat(66_000) };
    },
  },
  {
    name: 'a shell command of 200 KB',
    id: 'text-too-long',
    at: ['steps', 1, 'shell'],
    edit: (p) => {
      const { name, where, outputs } = step(p, 1);
      p.steps[1] = { name, where, outputs, shell: `true ${'x'.repeat(200_000)}` };
    },
  },
  {
    name: 'variables that are too many together',
    id: 'texts-too-long',
    at: ['steps', 1, 'name'],
    edit: (p) => {
      step(p, 1).env = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`V${i}`, 'x'.repeat(100_000)]));
    },
  },
  {
    name: 'a cap in dollars below what is kept back',
    id: 'cap-tiny',
    severity: 'warning',
    at: ['caps', 'dollars'],
    edit: (p) => {
      p.caps = { dollars: 0.0001 };
    },
  },
  {
    name: 'a cap in hours below what is kept back',
    id: 'cap-tiny',
    severity: 'warning',
    at: ['caps', 'hours'],
    edit: (p) => {
      p.caps = { hours: 1e-9 };
    },
  },
  {
    name: 'a column that an uploaded file does not have, asked for on the pod',
    id: 'gate-fails',
    at: ['steps', 1, 'gates', 0],
    edit: (p) => {
      step(p, 0).outputs = [];
      step(p, 1).gates = [
        { type: 'distinct', path: 'data/songs.parquet', column: 'colour', count: 8, allowStale: true },
      ];
    },
  },
  {
    name: 'a data file older than its maker, which runs on the pod only',
    id: 'data-older',
    severity: 'warning',
    at: ['steps', 2],
    edit: (p) => {
      step(p, 2).outputs = ['data/late.parquet'];
      p.sync.data!.push('data/late.parquet');
      p.onFinish.fetch = [];
    },
    make: async (t) => ({ 'data/late.parquet': await t.parquet('zstd.parquet') }),
    spoil: (root) => utimes(path.join(root, 'data/late.parquet'), 1_700_000_000, 1_700_000_000),
  },
  // Steps and code
  {
    name: 'a notebook that does not exist',
    id: 'step-file',
    at: ['steps', 1, 'notebook'],
    edit: (p) => (step(p, 1).notebook = 'training/phase_9.ipynb'),
  },
  {
    name: 'a notebook with merge marks',
    id: 'step-file',
    at: ['steps', 1, 'notebook'],
    files: { 'training/phase_1.ipynb': '<<<<<<< HEAD\n{}\n=======\n' },
  },
  {
    name: 'a notebook for another language',
    id: 'notebook-language',
    at: ['steps', 1, 'notebook'],
    files: { 'training/phase_1.ipynb': notebook([{ source: 'epochs = 1', tags: ['parameters'] }], 'R') },
  },
  {
    name: 'a notebook saved with an error',
    id: 'notebook-error-left',
    severity: 'warning',
    at: ['steps', 1, 'notebook'],
    files: {
      'training/phase_1.ipynb': notebook([
        { source: 'epochs = 1', tags: ['parameters'] },
        { source: '1 / 0', error: 'ZeroDivisionError' },
      ]),
    },
  },
  {
    name: 'a parameter that the notebook does not have',
    id: 'parameter-unknown',
    severity: 'warning',
    at: ['steps', 1, 'parameters', 'epoch'],
    edit: (p) => (step(p, 1).parameters = { epoch: 3 }),
  },
  {
    name: 'a notebook that asks for input (papermill#125: hangs)',
    id: 'waits-for-input',
    severity: 'warning',
    at: ['steps', 1],
    files: {
      'training/phase_1.ipynb': notebook([{ source: 'epochs = 1', tags: ['parameters'] }, 'name = input("Who? ")']),
    },
  },
  {
    name: 'steps in the wrong order',
    id: 'order',
    severity: 'warning',
    at: ['steps', 1, 'inputs', 0],
    edit: (p) => p.steps.push(...p.steps.splice(1, 1)),
  },
  {
    name: 'an input that nobody makes',
    id: 'input-missing',
    at: ['steps', 0, 'inputs', 0],
    edit: (p) => (step(p, 0).inputs = ['staged/**']),
  },
  {
    name: 'the data of a local step is not uploaded',
    id: 'input-not-uploaded',
    at: ['steps', 1, 'inputs', 0],
    edit: (p) => (p.sync.data = []),
  },
  {
    name: 'two steps write the same place',
    id: 'output-twice',
    severity: 'warning',
    at: ['steps', 2, 'outputs', 0],
    edit: (p) => (step(p, 2).outputs = ['training/output/phase_1/**']),
  },
  {
    name: 'results in a place that is never transferred',
    id: 'output-lost',
    at: ['steps', 2, 'outputs', 0],
    edit: (p) => (step(p, 2).outputs = ['.runpod-trainer/models/**']),
  },
  {
    name: 'fetching what no step writes (axolotl#2633: the final adapter was not saved)',
    id: 'fetch-nothing',
    severity: 'warning',
    at: ['onFinish', 'fetch', 0],
    edit: (p) => (p.onFinish.fetch = ['outputs/**']),
  },
  {
    name: 'the script of a gate is missing',
    id: 'gate-script',
    at: ['steps', 2, 'gates', 0, 'script'],
    files: { 'app/check.py': null },
  },
  {
    name: 'a script that is not uploaded',
    id: 'step-not-uploaded',
    at: ['steps', 2, 'script'],
    edit: (p) => (p.sync.must = ['app/', 'training/*.ipynb', 'training/helpers.py', 'requirements.txt']),
  },
  {
    name: 'a module that the upload forgets',
    id: 'import-not-uploaded',
    at: ['sync', 'must'],
    edit: (p) => (p.sync.must = ['app/', 'training/*.ipynb', 'training/phase_2.py', 'requirements.txt']),
  },
  { name: 'a syntax error', id: 'syntax', at: ['steps', 2], files: { 'training/helpers.py': 'def f(:\n' } },
  {
    name: 'a module of the project that does not exist',
    id: 'import-own',
    at: ['steps', 2],
    files: { 'training/phase_2.py': 'from app.colour import COLORS\n' },
  },
  {
    name: 'a package that neither image nor requirements have',
    id: 'import-missing',
    severity: 'warning',
    at: ['steps', 2],
    files: { 'training/helpers.py': 'import lightgbm\n' },
  },
  {
    name: 'a package that the Python of this machine lacks',
    id: 'import-here',
    at: ['steps', 0],
    files: { 'app/manifest.py': 'import a_package_that_nobody_has\n' },
  },
  {
    name: 'a missing requirements file',
    id: 'requirements-missing',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': null },
    also: ['upload-missing', 'import-missing'],
  },
  {
    name: 'a requirements line that pip refuses',
    id: 'requirements-line',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': 'transformers = 5.23.0\nPyYAML\ntransformers\n' },
  },
  {
    name: 'the same package in two versions',
    id: 'requirements-conflict',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': 'transformers==5.23.0\nPyYAML\nTransformers==5.1.0\n' },
  },
  {
    name: 'a line without a hash beside one with',
    id: 'requirements-hash',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': `transformers==5.23.0 --hash=sha256:${'0'.repeat(64)}\nPyYAML==6.0.3\n` },
  },
  {
    name: 'a wheel for Windows',
    id: 'requirements-wheel',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': 'transformers\nPyYAML\nhttps://x.org/a-1.0-cp312-cp312-win_amd64.whl\n' },
  },
  {
    name: 'a package of a folder that only this machine has',
    id: 'requirements-local',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': 'transformers\nPyYAML\n-e /home/me/lib\n' },
  },
  {
    name: 'a package of a folder that the pod may not have',
    id: 'requirements-local',
    severity: 'warning',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': 'transformers\nPyYAML\nlib @ file:///data/lib\n' },
  },
  {
    name: "a torch that replaces the image's",
    id: 'requirements-torch',
    severity: 'warning',
    at: ['target', 'requirements'],
    files: { 'requirements.txt': 'transformers\nPyYAML\ntorch==2.13.0\n' },
  },
  // Settings
  {
    name: 'a localhost URL in env (a pod was handed an address that it could not reach)',
    id: 'address-private',
    at: ['env', 'MLFLOW_TRACKING_URI'],
    edit: (p) => (p.env.MLFLOW_TRACKING_URI = 'http://localhost:5000'),
  },
  {
    name: 'a private address in the arguments',
    id: 'address-private',
    at: ['steps', 2, 'args', 1],
    edit: (p) => (step(p, 2).args = ['--db', 'postgres://me:pw1@192.168.1.20:5432/songs']),
    also: ['secret-in-clear'],
  },
  {
    name: 'a localhost URL in a notebook',
    id: 'address-in-code',
    severity: 'warning',
    at: ['steps', 1],
    files: {
      'training/phase_1.ipynb': notebook([
        { source: 'epochs = 1', tags: ['parameters'] },
        'import urllib.request\nurllib.request.urlopen("http://127.0.0.1:8000/songs")',
      ]),
    },
  },
  {
    name: 'a path of this machine',
    id: 'path-of-this-machine',
    at: ['env', 'DATA'],
    edit: (p) => (p.env.DATA = 'C:\\Users\\me\\songs'),
  },
  {
    name: 'a token in the command of a step',
    id: 'secret-in-clear',
    at: ['steps', 1, 'shell'],
    edit: (p) => {
      const runs = ['module', 'script', 'notebook', 'parameters', 'args'];
      const rest = Object.fromEntries(Object.entries(step(p, 1)).filter(([key]) => !runs.includes(key)));
      p.steps[1] = { ...rest, shell: `export HF_TOKEN=${['hf', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xYz0Ac'].join('_')}; true` };
    },
  },
  {
    name: 'a key in clear (runpod.md 8.2: env is readable by any key holder)',
    id: 'secret-in-clear',
    at: ['env', 'HF_TOKEN'],
    edit: (p) => (p.env.HF_TOKEN = `hf_${'a1B2'.repeat(9)}`),
  },
  {
    name: "RunPod's placeholder for a secret (runpod.md 8.3: stays as text)",
    id: 'secret-placeholder',
    at: ['env', 'WANDB_API_KEY'],
    edit: (p) => (p.env.WANDB_API_KEY = '{{ RUNPOD_SECRET_wandb }}'),
  },
  {
    name: 'a secret that nobody has set',
    id: 'secret-missing',
    at: ['steps', 1, 'secrets', 0],
    edit: (p) => (step(p, 1).secrets = ['WANDB_API_KEY']),
  },
  {
    name: "the account's key for a step",
    id: 'secret-reserved',
    at: ['steps', 1, 'secrets', 0],
    edit: (p) => (step(p, 1).secrets = ['RUNPOD_API_KEY']),
  },
  {
    name: 'the GPU hidden from the steps',
    id: 'env-hides-gpu',
    severity: 'warning',
    at: ['steps', 1, 'env', 'CUDA_VISIBLE_DEVICES'],
    edit: (p) => (step(p, 1).env = { CUDA_VISIBLE_DEVICES: '' }),
  },
  {
    name: 'no Python for the local steps',
    id: 'python-here',
    at: ['steps', 0, 'where'],
    account: ({ installation }) => void (installation.localPython = '/nowhere/python3'),
  },
];

function cpuPod(project: ProjectFile): void {
  delete project.target.gpus;
  delete project.target.minCuda;
  project.target.cpu = { id: 'cpu5c', vcpuCount: 2 };
}

/** A safetensors file whose header promises `promised` bytes and that has `given`. */
function weights(promised: number, given: number): Buffer {
  const header = Buffer.from(
    JSON.stringify({ w: { dtype: 'F32', shape: [promised / 4], data_offsets: [0, promised] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(given)]);
}

/** Only reads: the balance is a query over POST, which changes nothing. */
export function assertNothingBilled(account: Account, from = 0): void {
  const changing = account.requests.slice(from).filter((r) => r.method !== 'GET' && r.path !== '/graphql');
  assert.deepEqual(changing, []);
}

describe('preflight finds planted mistakes (R4.1)', () => {
  let template: Template;
  /** Seconds of each. */
  const times: number[] = [];
  before(async () => {
    template = await Template.make();
  });
  after(() => template.remove());

  it('has enough of them, half from known reports', () => {
    const cited = planted.filter((p) => /runpod\.md|#\d+/.test(p.name));
    assert.ok(planted.length >= 60 && cited.length >= planted.length / 3 && cited.length >= 30, `${cited.length}`);
  });

  for (const [index, mistake] of planted.entries()) {
    it(`${mistake.name}: ${mistake.id}`, async () => {
      const account = await Account.open();
      try {
        await mistake.account?.(account);
        const before = account.requests.length;
        const files = { ...mistake.files, ...(await mistake.make?.(template)) };
        const file = await template.copy(`case-${index}`, { files, edit: mistake.edit });
        await mistake.spoil?.(path.dirname(file));
        const loaded = await loadProject(file);
        const started = performance.now();
        const { findings } = await preflight(account.installation, loaded, {
          secret: () => undefined,
          ...mistake.options,
        });
        const seconds = (performance.now() - started) / 1000;
        const told = JSON.stringify(findings, null, 1);
        const found = findings.find((f) => f.id === mistake.id);
        assert.ok(found, told);
        assert.equal(found.severity, mistake.severity ?? 'error');
        assert.deepEqual(found.at, mistake.at);
        const others = findings.filter(
          (f) => f.severity !== 'info' && ![mistake.id, ...(mistake.also ?? [])].includes(f.id),
        );
        assert.deepEqual(others, [], told);
        for (const text of [found.what, found.why, found.next]) {
          assert.match(text, /^\S.*[.?:!]$/s, text);
        }
        assertNothingBilled(account, before);
        times.push(seconds);
      } finally {
        await account.close();
      }
    });
  }

  it('took under 3 s for them', () => {
    const sorted = times.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
    process.stdout.write(`        median ${median.toFixed(2)} s, slowest ${(sorted.at(-1) ?? 0).toFixed(2)} s\n`);
    // Single ones may meet a busy moment of the machine.
    assert.ok(median < 3, `${median} s`);
  });

  it('reports no mistake in the project from which they are made', async () => {
    const account = await Account.open();
    try {
      const loaded = await loadProject(await template.copy('sound', {}));
      const { findings, checks } = await preflight(account.installation, loaded, { secret: () => undefined });
      assert.deepEqual(findings, []);
      assert.deepEqual(
        checks.filter((c) => c.status === 'unknown').map((c) => c.id),
        ['api-key'],
      );
    } finally {
      await account.close();
    }
  });
});
