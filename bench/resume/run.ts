// npm run bench:resume: for ordinary project layouts, whether a change in each part is noticed, whether an unchanged
// project is skipped, and whether what only some steps can see leaves the others skipped. Then how long the decision to
// skip takes with 10,000 small files.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runLocalSteps } from '../../src/core/jobs/local.ts';
import type { JobEvent } from '../../src/core/journal/events.ts';
import { loadProject } from '../../src/core/project/load.ts';
import { layouts, type Layout } from './layouts.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const python = process.env['RUNPOD_TRAINER_PYTHON'] ?? path.join(root, '.venv', 'bin', 'python');
const installation = {
  localPython: python,
  workerFile: path.join(root, 'dist', 'worker.pyz'),
  restUrl: 'http://localhost',
};
const base = mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-resume-'));

interface Told {
  /** Names of the steps that ran. */
  ran: string[];
  /** From the job's start to the last word about a step, in ms. */
  ms: number;
}

class Project {
  readonly folder: string;
  readonly file: string;
  #jobs = 0;

  constructor({ name, files, linked = {}, steps, data = [] }: Layout) {
    this.folder = mkdtempSync(path.join(base, 'p-'));
    this.file = path.join(this.folder, 'training.runpod.json');
    for (const [file, text] of Object.entries(files)) this.write(file, text);
    for (const [link, inside] of Object.entries(linked)) {
      const far = mkdtempSync(path.join(base, 'far-'));
      symlinkSync(far, path.join(this.folder, link));
      for (const [file, text] of Object.entries(inside)) this.write(`${link}/${file}`, text);
    }
    const project = {
      version: 1,
      name: name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .slice(0, 40),
      target: { volume: { name: 'v' }, cpu: {}, image: 'runpod/base:1.0.2-ubuntu2404' },
      sync: { must: ['**'], data, never: ['out/'] },
      steps: steps.map((step) => ({ where: 'local', ...step })),
    };
    this.write('training.runpod.json', JSON.stringify(project));
  }

  write(file: string, text: string): void {
    const target = path.join(this.folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  /** A change as an editor makes it: of a notebook its code, of anything else a line more. */
  change(file: string): void {
    const text = readFileSync(path.join(this.folder, file), 'utf8');
    const changed = file.endsWith('.ipynb') ? text.replace('print(', 'print(0,') : `${text}${commentOf(file)}\n`;
    if (changed === text) throw new Error(`${file} has nothing to change`);
    this.write(file, changed);
  }

  async run(): Promise<Told> {
    const loaded = await loadProject(this.file);
    const ran: string[] = [];
    let began = 0;
    let ended = 0;
    const told = (event: JobEvent): void => {
      if (event.type === 'job.started') began = Date.parse(event.time);
      if (event.type === 'step.started') ran.push(event.step);
      if (event.type === 'step.skipped' || event.type === 'step.finished') ended = Date.parse(event.time);
    };
    const { view } = await runLocalSteps(installation, loaded, `bench-${(this.#jobs += 1)}`, {
      secrets: {},
      onEvent: (event) => {
        if (event.type === 'job') told(event.event);
      },
    });
    if (view.status !== 'succeeded') throw new Error(`${this.file}: ${view.reason ?? view.status}`);
    return { ran, ms: ended - began };
  }
}

function commentOf(file: string): string {
  return /\.(py|sh|ya?ml|toml|cfg|pyx|txt)$|Makefile$/.test(file)
    ? '# changed'
    : /\.json$/.test(file)
      ? ' '
      : 'changed';
}

interface Count {
  good: number;
  all: number;
}

async function play(layout: Layout, counts: Record<'noticed' | 'skipped' | 'spared', Count>): Promise<string[]> {
  const wrong: string[] = [];
  const count = (what: keyof typeof counts, isGood: boolean, text: string): void => {
    counts[what].all += 1;
    if (isGood) counts[what].good += 1;
    else wrong.push(text);
  };
  const project = new Project(layout);
  await project.run();
  const names = layout.steps.map((step) => String(step['name']));
  const again = await project.run();
  count('skipped', again.ran.length === 0, `unchanged, but ${again.ran.join(', ')} ran`);
  for (const [file, seenBy] of Object.entries(layout.changes)) {
    project.change(file);
    const { ran } = await project.run();
    for (const name of names) {
      if (seenBy.includes(name)) count('noticed', ran.includes(name), `${file} changed, but ${name} was skipped`);
      else count('spared', !ran.includes(name), `${file} changed, which ${name} cannot see, but it ran`);
    }
  }
  return wrong;
}

/** How long a step is decided about that everything could have changed, in ms; the median of several. */
async function decision(files: number): Promise<number> {
  const many = Object.fromEntries(Array.from({ length: files }, (_, i) => [`src/p${i % 100}/m${i}.py`, `V = ${i}\n`]));
  const project = new Project({
    name: 'many small files',
    files: { ...many, 'train.py': 'import src.p1.m1\n', 'data/rows.csv': '1\n' },
    steps: [{ name: 'train', script: 'train.py', inputs: ['data/*.csv'] }],
    data: ['data/**'],
    changes: {},
  });
  await project.run();
  // A file that has just been written may change again without a sign, so its hash is not kept at once.
  await project.run();
  const times: number[] = [];
  for (let i = 0; i < 5; i += 1) times.push((await project.run()).ms);
  return times.sort((a, b) => a - b)[2] ?? Number.NaN;
}

if (!existsSync(installation.workerFile)) throw new Error('Build it first: npm run build');
const counts = { noticed: { good: 0, all: 0 }, skipped: { good: 0, all: 0 }, spared: { good: 0, all: 0 } };
let failed = 0;
try {
  for (const layout of layouts) {
    const wrong = await play(layout, counts);
    failed += wrong.length;
    console.log(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${layout.name}`);
    for (const text of wrong) console.log(`     ${text}`);
  }
  console.log(`\n| ${layouts.length} layouts | of | |\n| --- | --- | --- |`);
  const percent = ({ good, all }: Count): string => `${all} | ${((100 * good) / all).toFixed(1)} % |`;
  console.log(`| a change that a step may see is noticed | ${percent(counts.noticed)}`);
  console.log(`| an unchanged project is skipped | ${percent(counts.skipped)}`);
  console.log(`| what a step cannot see leaves it skipped | ${percent(counts.spared)}`);
  console.log(`\nDecision to skip with 10,000 small files: ${(await decision(10_000)).toFixed(0)} ms (median of 5)`);
} finally {
  if (lstatSync(base).isDirectory()) rmSync(base, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
