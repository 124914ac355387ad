// npm run bench:resume: for ordinary project layouts, whether a change in each part is noticed, whether an unchanged
// project is skipped, and whether what only some steps can see leaves the others skipped. Then how long the decision to
// skip takes with 10,000 small files. What it finds it writes into README.md beside it.
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

/** A Python that notes what it and its children took of the processors: a busy machine makes everything last longer. */
const timed = { file: path.join(base, 'python'), times: path.join(base, 'times') };
writeFileSync(timed.file, `#!/bin/sh\n'${python}' "$@"\ncode=$?\ntimes > '${timed.times}'\nexit $code\n`, {
  mode: 0o755,
});

/** Seconds of processor time of the last run: the second line of `times` is of the children, as `0m0.12s 0m0.05s`. */
function processorSeconds(): number {
  const children = readFileSync(timed.times, 'utf8').trim().split('\n').at(-1) ?? '';
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
}

interface Told {
  /** Names of the steps that ran. */
  ran: string[];
  /** From the job's start to the last word about a step, in ms. */
  ms: number;
  /** What the whole worker took of the processors, its start included, in ms. */
  processorMs: number;
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
    const { view } = await runLocalSteps(
      { ...installation, localPython: timed.file },
      loaded,
      `bench-${(this.#jobs += 1)}`,
      {
        secrets: {},
        onEvent: (event) => {
          if (event.type === 'job') told(event.event);
        },
      },
    );
    if (view.status !== 'succeeded') throw new Error(`${this.file}: ${view.reason ?? view.status}`);
    return { ran, ms: ended - began, processorMs: processorSeconds() * 1000 };
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

/** How long a step is decided about that everything could have changed; the medians of several. */
async function decision(files: number): Promise<Pick<Told, 'ms' | 'processorMs'>> {
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
  const runs: Told[] = [];
  for (let i = 0; i < 5; i += 1) runs.push(await project.run());
  const median = (of: (told: Told) => number): number => runs.map(of).sort((a, b) => a - b)[2] ?? Number.NaN;
  return { ms: median((told) => told.ms), processorMs: median((told) => told.processorMs) };
}

/** The decision may take so long, in ms. */
const mostMs = 500;

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
  const percent = ({ good, all }: Count): string => `${all} | ${((100 * good) / all).toFixed(1)} % |`;
  const [one, many] = [await decision(2), await decision(10_000)];
  const { ms } = many;
  const processorMs = Math.max(0, many.processorMs - one.processorMs);
  // On a machine that others use too, the processors' time says what it takes.
  if (Math.min(ms, processorMs) > mostMs) failed += 1;
  const table = [
    `| ${layouts.length} layouts | of | |`,
    '| --- | --- | --- |',
    `| a change that a step may see is noticed | ${percent(counts.noticed)}`,
    `| an unchanged project is skipped | ${percent(counts.skipped)}`,
    `| what a step cannot see leaves it skipped | ${percent(counts.spared)}`,
    '',
    `The decision to skip with 10,000 small files took ${ms.toFixed(0)} ms from the job's start, with two`,
    `${one.ms.toFixed(0)} ms; of the processors it took ${processorMs.toFixed(0)} ms more than with two (medians of 5).`,
  ].join('\n');
  console.log(`\n${table}`);
  const page = path.join(import.meta.dirname, 'README.md');
  const [head = ''] = readFileSync(page, 'utf8').split(/^\| \d+ layouts/m);
  writeFileSync(page, `${head}${table}\n`);
} finally {
  if (lstatSync(base).isDirectory()) rmSync(base, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
