import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { whyTooOld } from '../../../src/cli/oldest-node.ts';
import { Account } from '../../support/account.ts';
import { oldestNode, oldestVersion } from '../../support/oldest-node.ts';
import { useTempFolder } from '../../support/temp.ts';
import { python, Template } from '../guards/preflight/project.ts';

const repository = path.resolve(import.meta.dirname, '..', '..', '..');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

describe('the built command line under the oldest Node', function () {
  this.timeout(60_000);
  const home = useTempFolder();
  let node: string;
  before(async function () {
    // The first time it is downloaded.
    this.timeout(180_000);
    node = await oldestNode();
  });

  function start(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return new Promise((resolve) => {
      execFile(node, args, { env: { PATH: process.env.PATH, HOME: home.path, ...env } }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? NaN), stdout, stderr }),
      );
    });
  }

  const cli = (args: string[], env?: NodeJS.ProcessEnv): Promise<Ended> =>
    start([path.join(repository, 'dist', 'cli.js'), ...args], env);

  it('is the Node that package.json names', async () => {
    assert.deepEqual(await start(['--version']), { code: 0, stdout: `v${oldestVersion}\n`, stderr: '' });
  });

  it('shows its help, with every command', async () => {
    const { code, stdout, stderr } = await cli(['--help']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^Usage: runpod-trainer \[options\] \[command\]\n/);
    for (const command of ['run', 'plan', 'check', 'attach', 'doctor', 'sandbox']) {
      assert.match(stdout, new RegExp(`^ {2}${command} \\[`, 'm'));
    }
  });

  it('says its version', async () => {
    assert.deepEqual(await cli(['--version']), { code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  it('says under an older Node what it needs, from a file that imports the rest only afterwards', async () => {
    const entry = path.join(home.path, 'cli.mjs');
    await copyFile(path.join(repository, 'dist', 'cli.js'), entry);
    assert.match(await readFile(entry, 'utf8'), /await import\("\.\/program\.js"\)/);
    const older = 'Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })';
    assert.deepEqual(await start(['--import', `data:text/javascript,${older}`, entry, 'jobs']), {
      code: 2,
      stdout: '',
      stderr: `${String(whyTooOld(packageJson.engines.node, '20.20.2'))}\n`,
    });
  });

  it('reads the values of a parquet file with zstd', async () => {
    const template = await Template.make();
    const account = await Account.open();
    try {
      const file = await template.copy('zstd', {
        files: { 'data/songs.parquet': await template.parquet('zstd.parquet') },
        edit: (p) =>
          (p.steps[0]!.gates = [{ type: 'distinct', path: 'data/songs.parquet', column: 'color', count: 9 }]),
      });
      const { code, stdout, stderr } = await cli(['check', file], {
        RUNPOD_TRAINER_HOME: path.join(home.path, 'home'),
        RUNPOD_TRAINER_PYTHON: python,
        RUNPOD_API_KEY: account.sandbox.key,
        RUNPOD_REST_URL: account.sandbox.restUrl,
      });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /songs\.parquet has 8 different values in the\s+column color, and 9 are asked for\./);
    } finally {
      await account.close();
      await template.remove();
    }
  });
});
