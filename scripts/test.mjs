// `npm test`: everything, cheapest first, so that a slip shows in seconds. The last line is `N passed, N failed`.
// `npm test -- unit worker` runs only the named layers.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, host, mocha, node, pytest, root, tally, venv } from './test-runners.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'runpod-trainer-test-'));
const ruff = join(venv, 'ruff');
const mypy = join(venv, 'mypy');

/** Checks of the source: name, command, arguments and folder. */
const checks = [
  ['types', node, ['node_modules/typescript/bin/tsc', '--noEmit']],
  ['types of the panels', node, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'webview']],
  ['eslint', node, ['node_modules/eslint/bin/eslint.js', '.']],
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
  ['mypy of the sandbox', mypy, ['--strict', 'sandbox/pod', 'sandbox/disk']],
];

/** All checks, two at a time: that is what the smallest machine has cores for. */
async function lint() {
  const left = [...checks];
  let ok = true;
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      ok = (await check(...next)) && ok;
    }
  };
  await Promise.all([lane(), lane()]);
  return ok;
}

/** A process for each file: an editor is opened for it and closed after it. */
async function browser() {
  for (const file of readdirSync(join(root, 'test/browser')).filter((name) => name.endsWith('.test.ts'))) {
    await mocha(`browser ${file}`, scratch, [`test/browser/${file}`], { again: true });
  }
}

const layers = {
  lint,
  unit: () => mocha('unit', scratch, ['test/unit/**/*.test.ts']),
  contract: () => mocha('contract', scratch, ['test/contract/**/*.test.ts']),
  // Most tests of processes wait, so several share the time.
  worker: () => pytest('worker', scratch, 'gpu-worker', { options: ['-n', '3'], again: true }),
  sample: () => pytest('sample', scratch, 'examples/rainbow'),
  integration: () =>
    mocha('integration', scratch, ['test/integration/**/*.test.ts'], {
      options: ['--parallel', '--jobs', '3'],
      again: true,
    }),
  faults: () =>
    mocha('faults', scratch, ['test/faults/**/*.test.ts'], { options: ['--parallel', '--jobs', '2'], again: true }),
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
try {
  for (const [name, layer] of Object.entries(layers)) {
    if (wanted.length > 0 && !wanted.includes(name)) {
      continue;
    }
    const started = performance.now();
    const ok = await layer();
    console.log(`${name}: ${Math.round((performance.now() - started) / 1000)} s`);
    // What does not compile is not worth testing further.
    if (name === 'lint' && !ok) {
      break;
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
tell('Unsteady: failed at first, passed alone', tally.unsteady);
tell('Failed', tally.failures);
console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
