// What `npm test` starts: checks, mocha, pytest and the extension host, each counted the same way.
//
// Tests of real processes (sshd, pods, editors) share this machine with whatever else it does. So that one run tells a
// slow moment from a broken test, what failed there runs once more, alone. What fails again has failed. What passes
// then is counted as passed and named at the end as unsteady, with its first failure: a defect to be mended, not noise.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const node = process.execPath;
export const venv = join(root, '.venv', 'bin');

/** More failures than this are no slow moment, and nothing runs again. */
const fewFailures = 6;
/** A runner that still runs after this time hangs; its report is missing then. */
const hangsAfterMinutes = 30;

/** Of this run alone. What tests leave in `temporary` is found at its end; all of it is removed then. */
export const scratch = mkdtempSync(join(tmpdir(), 'rpt-'));
/** Short, because sockets of Unix must have short names. Tests that run as another user reach it too. */
export const temporary = join(scratch, 't');
const builds = join(scratch, 'builds');
for (const folder of [temporary, builds]) mkdirSync(folder);
chmodSync(scratch, 0o755);
chmodSync(temporary, 0o1777);

/** What `npm run build` made, for the tests of this run. */
const dist = join(scratch, 'dist');

const env = {
  ...process.env,
  TMPDIR: temporary,
  RUNPOD_TRAINER_DIST: dist,
  // One package of the extension for all tests that open an editor, and one compilation of what they start.
  RUNPOD_TRAINER_TEST_BUILDS: builds,
  NODE_COMPILE_CACHE: join(scratch, 'compiled'),
  TORCHINDUCTOR_CACHE_DIR: join(scratch, 'inductor'),
  PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
  // Tests never see the account of whoever runs them.
  RUNPOD_API_KEY: '',
  RUNPOD_TRAINER_PYTHON: join(venv, 'python'),
};

/** The built product, and beside the worker's modules their compiled form: it is started thousands of times. */
export async function prepareDist() {
  cpSync(join(root, 'dist'), dist, { recursive: true });
  const code = await run(join(venv, 'python'), ['gpu-worker/build.py', join(dist, 'worker.pyz'), '--compiled']);
  if (code !== 0) throw new Error('The worker could not be built.');
}

/** The whole run: counts, and the failures `{layer, title, message}` to be told at the end. */
export const tally = { passed: 0, failed: 0, failures: [], unsteady: [] };

/**
 * Runs a command to its end; `onLine` gets its standard output line by line, `onText` both outputs as they come. Answers
 * its exit code.
 */
function run(command, args, { cwd = '.', onLine, onText } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: join(root, cwd),
      stdio: ['ignore', onLine || onText ? 'pipe' : 'inherit', onText ? 'pipe' : 'inherit'],
      env,
    });
    if (onText) {
      child.stdout.on('data', onText);
      child.stderr.on('data', onText);
    }
    const hangs = setTimeout(() => child.kill('SIGKILL'), hangsAfterMinutes * 60_000);
    const end = (code) => {
      clearTimeout(hangs);
      resolve(code);
    };
    if (onLine) {
      createInterface({ input: child.stdout }).on('line', onLine);
    }
    child.once('error', () => end(1));
    child.once('close', (code) => end(code ?? 1));
  });
}

/**
 * `attempt(files?)` plays tests and answers {passed, kept, failed, failures, failedFiles}: `kept` is what passed and is
 * not played again with `failedFiles`. Adds the outcome to the tally.
 */
async function settle(layer, attempt, { again }) {
  const first = await attempt();
  let outcome = first;
  if (again && first.failed > 0 && first.failed <= fewFailures) {
    console.log(`\n== ${layer}: what failed, once more and alone`);
    const second = await attempt(first.failedFiles);
    outcome = { ...second, passed: first.kept + second.passed };
    if (second.failed === 0) {
      tally.unsteady.push(...first.failures.map((failure) => ({ layer, ...failure })));
    }
  }
  tally.passed += outcome.passed;
  tally.failed += outcome.failed;
  tally.failures.push(...outcome.failures.map((failure) => ({ layer, ...failure })));
  return outcome.failed === 0;
}

/** The outcome of a runner that said nothing, or nothing that explains its exit code. */
function broken(code, told) {
  const message = told ? `the runner ended with code ${code}` : `the runner ended with code ${code} and no report`;
  return { passed: 0, kept: 0, failed: 1, failures: [{ title: '(runner)', message }], failedFiles: undefined };
}

/** A check counts as one test. Several run at the same time, so each prints when it is over. */
export async function check(name, command, args, cwd) {
  const attempt = async () => {
    const output = [];
    const code = await run(command, args, { cwd, onText: (text) => output.push(text) });
    process.stdout.write(`\n== ${name}\n${Buffer.concat(output)}`);
    return code === 0 ? { passed: 1, failed: 0, failures: [] } : broken(code, true);
  };
  return await settle(name, attempt, { again: false });
}

/** Test files below a folder of `test`; the longest text first, so that no long one is left for the end. */
export function testFiles(folder) {
  return readdirSync(join(root, 'test', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', folder, name))
    .sort((a, b) => statSync(join(root, b)).size - statSync(join(root, a)).size);
}

/** Test files under mocha. `options`: of mocha, for the first try only; `again`: see above. */
export async function mocha(layer, specs, { options = [], again = false } = {}) {
  console.log(`\n== ${layer}`);
  let tries = 0;
  const attempt = async (files) => {
    const report = join(scratch, `${layer.replace(/\W+/g, '-')}-${tries++}.json`);
    const code = await run(node, [
      join(root, 'node_modules/mocha/bin/mocha.js'),
      ...['--reporter', join(root, 'scripts/mocha-reporter.cjs'), '--reporter-option', `output=${report}`],
      ...(files === undefined ? [...options, ...specs] : files),
    ]);
    if (!existsSync(report)) {
      return broken(code, false);
    }
    const told = JSON.parse(readFileSync(report, 'utf8'));
    const outcome = { passed: 0, kept: 0, failed: 0, failures: told.failures, failedFiles: [] };
    for (const [file, { passed, failed }] of Object.entries(told.files)) {
      outcome.passed += passed;
      outcome.failed += failed;
      outcome.kept += failed === 0 ? passed : 0;
      if (failed > 0) outcome.failedFiles.push(file);
    }
    return outcome.failed === 0 && (code !== 0 || outcome.passed === 0) ? broken(code, true) : outcome;
  };
  return await settle(layer, attempt, { again });
}

/** The tests of a folder under pytest. `options`: of pytest, for the first try only. */
export async function pytest(layer, folder, { options = [], again = false } = {}) {
  console.log(`\n== ${layer}`);
  let tries = 0;
  const attempt = async () => {
    const report = join(scratch, `${layer}-${tries}.xml`);
    const which = tries++ === 0 ? options : ['--last-failed'];
    const kept = [
      '-o',
      `cache_dir=${join(scratch, `${layer}-cache`)}`,
      `--junitxml=${report}`,
      `--basetemp=${join(scratch, 'p')}`,
    ];
    const code = await run(join(venv, 'python'), ['-m', 'pytest', '-q', ...kept, ...which], { cwd: folder });
    if (!existsSync(report)) {
      return broken(code, false);
    }
    const text = readFileSync(report, 'utf8');
    const number = (key) => Number(new RegExp(`<testsuite [^>]*\\b${key}="(\\d+)"`).exec(text)?.[1] ?? 0);
    const failed = number('failures') + number('errors');
    const passed = number('tests') - failed - number('skipped');
    const cases = text.matchAll(/<testcase [^>]*\bname="([^"]*)"[^>]*><(?:failure|error) message="([^"]*)"/g);
    const failures = [...cases].map(([, title, message]) => ({ title, message: message.replaceAll('&#10;', '\n') }));
    return failed === 0 && (code !== 0 || passed === 0)
      ? broken(code, true)
      : { passed, kept: passed, failed, failures };
  };
  return await settle(layer, attempt, { again });
}

/** The suites inside a real extension host; the runner's last line is its count. */
export async function host() {
  console.log('\n== host');
  const attempt = async () => {
    let last = '';
    const failures = [];
    const onLine = (line) => {
      console.log(line);
      last = line;
      const title = /^ {2}✗ (.*)$/.exec(line)?.[1];
      if (title !== undefined) failures.push({ title, message: '' });
    };
    const code = await run(node, ['test/host/run.ts'], { onLine });
    if (!last.startsWith('{')) {
      return broken(code, false);
    }
    const { passed, failed } = JSON.parse(last);
    return failed === 0 && (code !== 0 || passed === 0) ? broken(code, true) : { passed, kept: 0, failed, failures };
  };
  return await settle('host', attempt, { again: true });
}

/** Runs functions, two at a time: that is what the smallest machine has cores for. Answers what they answer. */
export async function twoAtATime(jobs) {
  const left = [...jobs];
  const answers = [];
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      answers.push(await next());
    }
  };
  await Promise.all([lane(), lane()]);
  return answers;
}

/** Counts a check of this run itself; `problems` says what is wrong. */
export function judge(title, problems) {
  if (problems.length === 0) {
    tally.passed += 1;
  } else {
    tally.failed += 1;
    tally.failures.push({ layer: 'run', title, message: problems.join('; ') });
  }
}

/** Takes everything away that belongs to this run. */
export function removeScratch() {
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
}
