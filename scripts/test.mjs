// `npm test`: everything, cheapest first, so that a slip shows in seconds. The last line is `N passed, N failed`.
// `npm test -- unit worker` runs only the named layers.
import { basename, join } from 'node:path';
import { leftovers } from './test-leftovers.mjs';
import {
  check,
  host,
  judge,
  mocha,
  node,
  prepareDist,
  pytest,
  removeScratch,
  tally,
  temporary,
  testFiles,
  twoAtATime,
  venv,
} from './test-runners.mjs';

const ruff = join(venv, 'ruff');
const mypy = join(venv, 'mypy');

/** Checks of the source: name, command, arguments and folder. The longest first, so that none is left for the end. */
const checks = [
  ['eslint', node, ['node_modules/eslint/bin/eslint.js', '.']],
  ['types', node, ['node_modules/typescript/bin/tsc', '--noEmit']],
  ['types of the panels', node, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'webview']],
  [
    'no cycles, no dead modules',
    node,
    [
      'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
      '--config',
      '.dependency-cruiser.cjs',
      'src',
      'sandbox',
      'webview',
      'scripts',
    ],
  ],
  ['prettier', node, ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']],
  ['schema is current', node, ['scripts/generate-schema.ts', '--check']],
  ['ruff', ruff, ['check', 'gpu-worker', 'examples', 'sandbox']],
  ['ruff format', ruff, ['format', '--check', 'gpu-worker', 'examples', 'sandbox']],
  ['mypy of the worker', mypy, ['--strict', '.'], 'gpu-worker'],
  ['mypy of the sample', mypy, ['--strict', '.'], 'examples/rainbow'],
  ['mypy of the tiny sample', mypy, ['--strict', '.'], 'examples/tiny'],
  ['mypy of the sandbox', mypy, ['--strict', 'sandbox/pod', 'sandbox/disk']],
];

/** All checks. */
async function lint() {
  return (await twoAtATime(checks.map((one) => () => check(...one)))).every(Boolean);
}

/** A process for each file: an editor is opened for it and closed after it. */
async function browser() {
  const files = testFiles('browser');
  for (const file of files) {
    await mocha(`browser ${basename(file)}`, [file], { again: true });
  }
}

const layers = {
  lint,
  unit: () => mocha('unit', ['test/unit/**/*.test.ts']),
  contract: () => mocha('contract', ['test/contract/**/*.test.ts']),
  // Most tests of processes wait, so several share the time.
  worker: () => pytest('worker', 'gpu-worker', { options: ['-n', '4'], again: true }),
  sample: () => pytest('sample', 'examples/rainbow', { again: true }),
  integration: () =>
    mocha('integration', testFiles('integration'), { options: ['--parallel', '--jobs', '5'], again: true }),
  faults: () => mocha('faults', testFiles('faults'), { options: ['--parallel', '--jobs', '3'], again: true }),
  host,
  browser,
};

/** One line for each failure, so that the end of a long log says what to look for. */
function tell(heading, failures) {
  if (failures.length > 0) {
    console.log(`\n${heading}:`);
    for (const { layer, title, message } of failures) {
      console.log(`  ${layer}: ${title}\n    ${message.split('\n', 1)[0]}`);
    }
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in layers));
if (unknown.length > 0) {
  console.error(`No such layer: ${unknown.join(', ')}. There are: ${Object.keys(layers).join(', ')}.`);
  process.exit(2);
}
const times = [];
const began = performance.now();
const secondsSince = (moment) => Math.round((performance.now() - moment) / 1000);
try {
  await prepareDist();
  for (const [name, layer] of Object.entries(layers)) {
    if (wanted.length > 0 && !wanted.includes(name)) {
      continue;
    }
    const [started, before] = [performance.now(), tally.passed + tally.failed];
    const ok = await layer();
    times.push({ name, seconds: secondsSince(started), tests: tally.passed + tally.failed - before });
    // What does not compile is not worth testing further.
    if (name === 'lint' && !ok) {
      break;
    }
  }
  judge('leaves no process, port, mount or file behind', await leftovers(temporary));
} finally {
  removeScratch();
}
tell('Unsteady: failed at first, passed alone', tally.unsteady);
tell('Failed', tally.failures);
times.push({ name: 'all', seconds: secondsSince(began), tests: tally.passed + tally.failed });
console.log(`\n${'layer'.padEnd(12)}${'tests'.padStart(6)}${'seconds'.padStart(9)}`);
for (const { name, seconds, tests } of times) {
  console.log(`${name.padEnd(12)}${String(tests).padStart(6)}${String(seconds).padStart(9)}`);
}
console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
