// Runs the suites of test/host/suite inside a real extension host and prints {"passed","failed"} as the last line.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSandbox } from '../../sandbox/index.ts';
import { openEditor, quietSettings } from '../browser/support/editor.ts';
import {
  root,
  stageTestRunner,
  packageTestRunner,
  stageExtension,
  temporaryFolder,
} from '../browser/support/package.ts';
import type { Outcome } from './outcome.ts';

const minutes = 5;

/** The desktop VS Code where it can be downloaded and shown; undefined otherwise. */
async function downloadedVsCode(): Promise<string | undefined> {
  if (process.platform === 'linux' && process.env['DISPLAY'] === undefined) {
    return undefined;
  }
  const { downloadAndUnzipVSCode, SilentReporter } = await import('@vscode/test-electron');
  const { cacheRoot } = await import('../../scripts/code-server.mjs');
  const cachePath = join(cacheRoot(), 'vscode-test');
  try {
    return await downloadAndUnzipVSCode({
      version: 'stable',
      cachePath,
      timeout: 15_000,
      reporter: new SilentReporter(),
    });
  } catch {
    return undefined;
  }
}

async function inElectron(vscodeExecutablePath: string, folder: string, env: Record<string, string>): Promise<void> {
  const { runTests } = await import('@vscode/test-electron');
  const home = await temporaryFolder('electron');
  await mkdir(join(home, 'data', 'User'), { recursive: true });
  await writeFile(join(home, 'data', 'User', 'settings.json'), JSON.stringify(quietSettings));
  await runTests({
    vscodeExecutablePath,
    extensionDevelopmentPath: await stageExtension(),
    extensionTestsPath: join(await stageTestRunner(), 'runner.cjs'),
    extensionTestsEnv: env,
    launchArgs: [folder, '--user-data-dir', join(home, 'data'), '--disable-extensions', '--disable-workspace-trust'],
  });
}

async function inCodeServer(folder: string, env: Record<string, string>, result: string): Promise<void> {
  const editor = await openEditor({ folder, vsix: [await packageTestRunner()], env });
  try {
    editor.workbench.page.on('close', () => print('page closed '+Date.now())); editor.workbench.page.on('crash', () => print('page crashed '+Date.now())); const deadline = Date.now() + minutes * 60_000;
    while (!existsSync(result)) {
      if (Date.now() > deadline) {
        throw new Error(
          `No result after ${minutes} minutes.\n${await editor.workbench.describe()}\n${editor.server.output()}`,
        );
      }
      await delay(5000); if (existsSync(result)) break; await editor.workbench.screenshot('host-'+Date.now());
    }
  } finally {
    await editor.close();
  }
}

const home = await temporaryFolder('host');
const folder = join(home, 'workspace');
await mkdir(folder);
const result = join(home, 'result.json');
// The windows of the suites find it when they ask for the sandbox.
const sandbox = await startSandbox({ root: join(home, 'trainer', 'sandbox') });
const env = {
  RUNPOD_TRAINER_HOME: join(home, 'trainer'),
  RUNPOD_TRAINER_HOST_RESULT: result,
  RUNPOD_TRAINER_HOST_MOCHA: join(root, 'node_modules/mocha/index.js'),
};
const desktop = await downloadedVsCode();
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
print(desktop === undefined ? 'Extension host: code-server' : `Extension host: ${desktop}`);
try {
  await (desktop === undefined ? inCodeServer(folder, env, result) : inElectron(desktop, folder, env));
} finally {
  await sandbox.close();
}

const outcome = JSON.parse(await readFile(result, 'utf8')) as Outcome;
for (const test of outcome.tests) {
  print(`  ${test.error === undefined ? '✓' : '✗'} ${test.title} (${test.ms} ms)`);
  if (test.error !== undefined) {
    print(test.error.replace(/^/gm, '      '));
  }
}
print(JSON.stringify({ passed: outcome.passed, failed: outcome.failed }));
// No suite at all is a failure too: a runner that finds nothing must not look green.
process.exit(outcome.failed > 0 || outcome.passed === 0 ? 1 : 0);
