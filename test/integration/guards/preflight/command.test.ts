import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { Account } from '../../../support/account.ts';
import { python, Template } from './project.ts';

const repository = path.resolve(import.meta.dirname, '..', '..', '..', '..');

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

describe('runpod-trainer check (R4.1)', function () {
  this.timeout(60_000);
  let template: Template;
  let account: Account;
  before(async () => {
    template = await Template.make();
    account = await Account.open();
  });
  after(async () => {
    await account.close();
    await template.remove();
  });

  async function check(...args: string[]): Promise<Ended> {
    const child = spawn(process.execPath, [path.join(repository, 'src/cli.ts'), 'check', ...args], {
      env: {
        PATH: process.env.PATH,
        HOME: account.folder,
        RUNPOD_TRAINER_HOME: path.join(account.folder, 'home'),
        RUNPOD_TRAINER_PYTHON: python,
        RUNPOD_API_KEY: account.sandbox.key,
        RUNPOD_REST_URL: account.sandbox.restUrl,
      },
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (text) => (ended.stdout += String(text)));
    child.stderr.on('data', (text) => (ended.stderr += String(text)));
    ended.code = await new Promise((resolve) => child.on('close', resolve));
    return ended;
  }

  it('ends with 0 and says that nothing is wrong, and only reads reach RunPod', async () => {
    const from = account.requests.length;
    const { code, stdout, stderr } = await check(await template.copy('sound', {}));
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Nothing is wrong\. \d+ checks in (<1|\d+) s; nothing was rented\./);
    assert.match(stdout, /Not known\n\? API key: .*shows only at the first pod/s);
    const seen = account.requests.slice(from);
    assert.ok(seen.length >= 5);
    assert.deepEqual(
      seen.filter((r) => r.method !== 'GET' && r.path !== '/graphql'),
      [],
    );
  });

  it('ends with 1 and shows errors first, each with its place and the next step', async () => {
    const file = await template.copy('wrong', {
      edit: (p) => {
        p.env.API_URL = 'http://localhost:5000';
        p.caps = {};
      },
    });
    const { code, stdout } = await check(file);
    assert.equal(code, 1);
    assert.match(stdout, /^Errors\n✗ API_URL points at http:\/\/localhost:5000\.\n/);
    assert.match(stdout, /songs\.runpod\.json:\d+:\d+ env\.API_URL/);
    assert.match(stdout, /Warnings\n! No cap limits this job\.\n {4}.*\n {4}→ Set "caps\.hours"/);
    assert.match(stdout, /1 error, 1 warning\./);
  });

  it('tells the same as JSON, one object a line', async () => {
    const file = await template.copy('json', { edit: (p) => (p.target.minCuda = '12.4') });
    const { code, stdout } = await check(file, '--json');
    assert.equal(code, 1);
    const lines = stdout
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            type: string;
            id?: string;
            status?: string;
            findings?: { id: string; fix?: unknown }[];
          },
      );
    assert.equal(lines.find((l) => l.id === 'cuda')?.status, 'error');
    const [finding] = lines.at(-1)?.findings ?? [];
    assert.equal(lines.at(-1)?.type, 'result');
    assert.equal(finding?.id, 'cuda-floor-low');
    assert.deepEqual(finding.fix, {
      title: 'Set minCuda to 12.8',
      command: 'set-value',
      args: { path: ['target', 'minCuda'], value: '12.8' },
    });
  });

  it('refuses a profile that the file does not have', async () => {
    const { code, stderr } = await check(await template.copy('profile', {}), '--profile', 'nightly');
    assert.equal(code, 2);
    assert.match(stderr, /no profile "nightly"/);
  });
});
