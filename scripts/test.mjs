// `npm test`: everything, cheapest first, so that a slip shows in seconds. The last line is `N passed, N failed`.
// `npm test -- unit worker` runs only the named layers.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'runpod-trainer-test-'));
const venv = join(root, '.venv', 'bin');
const node = process.execPath;
const env = {
  ...process.env,
  PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
  // Tests never see the account of whoever runs them.
  RUNPOD_API_KEY: '',
  RUNPOD_TRAINER_PYTHON: join(venv, 'python'),
};

let passed = 0;
let failed = 0;

function run(command, args, cwd = '.') {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: join(root, cwd), stdio: ['ignore', 'inherit', 'inherit'], env });
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** A check counts as one test. */
async function check(name, command, args, cwd) {
  console.log(`\n== ${name}`);
  const ok = (await run(command, args, cwd)) === 0;
  ok ? passed++ : failed++;
  return ok;
}

async function mocha(name, ...specs) {
  console.log(`\n== ${name}`);
  const report = join(scratch, `${name.replace(/\W+/g, '-')}.json`);
  const code = await run(node, [
    join(root, 'node_modules/mocha/bin/mocha.js'),
    '--reporter',
    join(root, 'scripts/mocha-reporter.cjs'),
    '--reporter-option',
    `output=${report}`,
    ...specs,
  ]);
  return count(name, code, existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined);
}

/** `more`: options of pytest. */
async function pytest(name, folder, ...more) {
  console.log(`\n== ${name}`);
  const report = join(scratch, `${name}.xml`);
  const code = await run(join(venv, 'python'), ['-m', 'pytest', '-q', `--junitxml=${report}`, ...more], folder);
  const text = existsSync(report) ? readFileSync(report, 'utf8') : '';
  const number = (key) => Number(new RegExp(`<testsuite [^>]*\\b${key}="(\\d+)"`).exec(text)?.[1] ?? 0);
  const bad = number('failures') + number('errors');
  return count(
    name,
    code,
    text === '' ? undefined : { passed: number('tests') - bad - number('skipped'), failed: bad },
  );
}

/**
 * Browser tests, a process for each file. A file that fails runs once more by itself, and that is said: a busy machine
 * can make an editor miss a click. What fails twice has failed.
 */
async function browser() {
  const files = readdirSync(join(root, 'test/browser')).filter((name) => name.endsWith('.test.ts'));
  let ok = true;
  for (const file of files) {
    const before = [passed, failed];
    if (await mocha(`browser ${file}`, `test/browser/${file}`)) {
      continue;
    }
    [passed, failed] = before;
    const again = await mocha(`browser ${file}, second try`, `test/browser/${file}`);
    console.log(`browser ${file}: ${again ? 'passed only at the second try' : 'failed twice'}`);
    ok &&= again;
  }
  return ok;
}

/** The suites inside a real extension host; the runner's last line is its count. */
async function host() {
  console.log('\n== host');
  let last = '';
  const code = await new Promise((resolve) => {
    const child = spawn(node, ['test/host/run.ts'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env });
    createInterface({ input: child.stdout }).on('line', (line) => {
      console.log(line);
      last = line;
    });
    child.once('error', () => resolve(1));
    child.once('close', (exit) => resolve(exit ?? 1));
  });
  return count('host', code, last.startsWith('{') ? JSON.parse(last) : undefined);
}

/** Adds up a runner's result; a runner that failed without a failed test counts as one failure. */
function count(name, code, result) {
  passed += result?.passed ?? 0;
  failed += result?.failed ?? 0;
  const ok = code === 0 && result !== undefined && result.failed === 0 && result.passed > 0;
  if (!ok && (result === undefined || result.failed === 0)) {
    console.log(`${name}: the runner ended with code ${code}${result === undefined ? ' and no report' : ''}`);
    failed++;
  }
  return ok;
}

const ruff = join(venv, 'ruff');
const mypy = join(venv, 'mypy');
const layers = {
  lint: async () =>
    (await check('types', node, ['node_modules/typescript/bin/tsc', '--noEmit'])) &
    (await check('types of the panels', node, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'webview'])) &
    (await check('eslint', node, ['node_modules/eslint/bin/eslint.js', '.'])) &
    (await check('no cycles, no dead modules', node, [
      'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
      '--config',
      '.dependency-cruiser.cjs',
      'src',
      'sandbox',
      'webview',
      'scripts',
    ])) &
    (await check('prettier', node, ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'])) &
    (await check('schema is current', node, ['scripts/generate-schema.ts', '--check'])) &
    (await check('ruff', ruff, ['check', 'gpu-worker', 'examples', 'sandbox'])) &
    (await check('ruff format', ruff, ['format', '--check', 'gpu-worker', 'examples', 'sandbox'])) &
    (await check('mypy of the worker', mypy, ['--strict', '.'], 'gpu-worker')) &
    (await check('mypy of the sample', mypy, ['--strict', '.'], 'examples/rainbow')) &
    (await check('mypy of the sandbox', mypy, ['--strict', 'sandbox/pod'])),
  unit: () => mocha('unit', 'test/unit/**/*.test.ts'),
  contract: () => mocha('contract', 'test/contract/**/*.test.ts'),
  // Most tests of processes wait, so several share the time.
  worker: () => pytest('worker', 'gpu-worker', '-n', '3'),
  sample: () => pytest('sample', 'examples/rainbow'),
  integration: () => mocha('integration', '--parallel', '--jobs', '3', 'test/integration/**/*.test.ts'),
  faults: () => mocha('faults', 'test/faults/**/*.test.ts'),
  host: () => host(),
  browser: () => browser(),
};

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
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
