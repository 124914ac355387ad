// `npm run bench:activation [-- N]`: what the extension costs a window. Starts a real VS Code with the packaged
// extension and opens a folder with a project file N times (7 unless told). A few lines around the extension's entry
// measure, in the extension host, loading the code and the synchronous part of activation: the time in which no other
// extension can run. The processor time of that thread is the extension's own and is held against the budget; the time
// by the clock, which other programs of a busy machine lengthen, is printed beside it. Then the size of the VSIX.
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEditor } from '../test/browser/support/editor.ts';
import { makeFixture } from '../test/browser/support/fixture.ts';
import { packageExtension, stageExtension, temporaryFolder } from '../test/browser/support/package.ts';

const most = { milliseconds: 50, bytes: 2_000_000 };
const rounds = Number(process.argv[2] ?? 7);

const timed = `
const now = () => {
  const { user, system } = process.threadCpuUsage();
  return { own: (user + system) / 1000, clock: performance.now() };
};
const start = now();
const extension = require('./extension.cjs');
const loaded = now();
exports.activate = (context) => {
  const called = now();
  const done = extension.activate(context);
  const back = now();
  const sum = (key) => loaded[key] - start[key] + (back[key] - called[key]);
  require('node:fs').appendFileSync(process.env.RUNPOD_TRAINER_BENCH, JSON.stringify({ own: sum('own'), clock: sum('clock'), load: loaded.own - start.own }) + '\\n');
  return done;
};
`;

/** Puts the measuring entry into the copy of the extension that is packaged for this run. */
async function measureStaged() {
  const staged = await stageExtension();
  await writeFile(join(staged, 'dist', 'timed.cjs'), timed);
  await appendFile(join(staged, '.vscodeignore'), '!dist/timed.cjs\n');
  const manifest = JSON.parse(await readFile(join(staged, 'package.json'), 'utf8'));
  await writeFile(join(staged, 'package.json'), JSON.stringify({ ...manifest, main: './dist/timed.cjs' }));
}

async function measured(file) {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const verdict = (ok) => (ok ? 'within' : 'OVER');

await measureStaged();
const results = join(await temporaryFolder('bench'), 'times');
const fixture = await makeFixture();
const editor = await openEditor({ ...fixture, env: { ...fixture.env, RUNPOD_TRAINER_BENCH: results } });
try {
  for (let round = 1; round <= rounds; round++) {
    const workbench = round === 1 ? editor.workbench : await editor.openWindow(fixture.folder);
    await workbench.until('the extension to be active', async () => (await measured(results)).length >= round, 60_000);
    await workbench.page.close();
  }
} finally {
  await editor.close();
}
const times = await measured(results);
const own = median(times.map((t) => t.own));
const rounded = (values) => values.map((v) => Math.round(v)).join(', ');
const { size } = await stat(await packageExtension());
console.log(
  `Activation: ${own.toFixed(0)} ms of own time, of which ${median(times.map((t) => t.load)).toFixed(0)} ms load the code (median of ${times.length} windows: ${rounded(times.map((t) => t.own))}); ${verdict(own < most.milliseconds)} the budget of ${most.milliseconds} ms`,
);
console.log(`By the clock: ${rounded(times.map((t) => t.clock))} ms`);
console.log(`VSIX: ${(size / 1e6).toFixed(2)} MB; ${verdict(size < most.bytes)} the budget of ${most.bytes / 1e6} MB`);
process.exitCode = own < most.milliseconds && size < most.bytes ? 0 : 1;
