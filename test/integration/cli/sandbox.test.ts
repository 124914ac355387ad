import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { findSandbox } from '../../../src/core/home/sandbox.ts';
import { JobRecords } from '../../../src/core/journal/records.ts';
import { useTempFolder } from '../../support/temp.ts';
import { until } from '../../support/wait.ts';

const repository = path.resolve(import.meta.dirname, '..', '..', '..');
const cli = path.join(process.env.RUNPOD_TRAINER_DIST ?? path.join(repository, 'dist'), 'cli.js');
const python = process.env.RUNPOD_TRAINER_PYTHON ?? path.join(repository, '.venv/bin/python');
const canary = 'rpa_CANARY_OF_THE_PAID_ACCOUNT';

describe('the sandbox from a terminal (R9.3, R9.7)', function () {
  this.timeout(60_000);
  const folder = useTempFolder();
  const home = (): string => path.join(folder.path, 'home');
  const env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    RUNPOD_TRAINER_HOME: home(),
    RUNPOD_API_KEY: canary,
    RUNPOD_S3_SECRET_ACCESS_KEY: canary,
  });
  const run = (...args: string[]): ReturnType<typeof spawnSync> & { stdout: string; stderr: string } =>
    spawnSync(process.execPath, [cli, ...args], { env: env(), encoding: 'utf8' });

  /** A terminal of its own, so that Ctrl-C is typed as a person types it. */
  class Terminal {
    readonly child: ChildProcess;
    shown = '';
    exit: Promise<number | null>;

    constructor(args: string[]) {
      const script = path.join(repository, 'test/support/terminal.py');
      this.child = spawn(python, [script, process.execPath, cli, 'sandbox', ...args], { env: env(), stdio: 'pipe' });
      this.child.stdout?.on('data', (data: Buffer) => (this.shown += data.toString()));
      this.exit = new Promise((resolve) => this.child.once('close', resolve));
    }

    async shows(text: RegExp): Promise<void> {
      await until(`the terminal to show ${String(text)}`, () => text.test(this.shown), 20_000);
    }

    /** The number of SIGINT, which Ctrl-C sends to the program in front. */
    ctrlC(): void {
      this.child.stdin?.write('signal 2\n');
    }
  }

  it('says what a port is, and when one is taken', async () => {
    for (const port of ['99999', 'abc', '1.5', '']) {
      const { status, stderr } = run('sandbox', '--port', port);
      assert.equal(status, 2, stderr);
      assert.equal(
        stderr,
        `"${port}" is not a port.\nGive a whole number from 1 to 65535, or leave it out for a free one.\n`,
      );
    }
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const refused = run('sandbox', '--port', String(port));
    taken.close();
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, new RegExp(`^Port ${port} is in use by another program; choose another one\\.`, 'm'));
    assert.doesNotMatch(refused.stderr, /EADDRINUSE|    at /);
  });

  it('is found by the other commands wherever its folder is, as it says', async () => {
    const terminal = new Terminal(['--root', path.join(folder.path, 'far', 'away')]);
    await terminal.shows(/use it from another terminal with --sandbox/);
    const listed = run('jobs', '--sandbox');
    assert.equal(listed.status, 0, listed.stderr);
    assert.match(listed.stdout, /There is no job yet/);
    terminal.ctrlC();
    await terminal.exit;
    assert.match(run('jobs', '--sandbox').stderr, /The local sandbox is not running/);
  });

  it('is given nothing that opens the paid account, and touches no key of it', async () => {
    mkdirSync(path.join(home(), 'ssh'), { recursive: true });
    const terminal = new Terminal([]);
    await terminal.shows(/The sandbox is running/);
    const running = await findSandbox(home());
    assert.ok(running !== undefined);
    assert.ok(!readFileSync(`/proc/${running.pid}/environ`, 'latin1').includes(canary));
    assert.notEqual(running.key, canary);
    terminal.ctrlC();
    await terminal.exit;
  });

  it('names the jobs that run in it at the first Ctrl-C, and ends at the second', async () => {
    const terminal = new Terminal([]);
    await terminal.shows(/The sandbox is running/);
    const { restUrl } = (await findSandbox(home())) ?? assert.fail('no sandbox');
    await new JobRecords(home()).create({
      schema: 1,
      job: 'whales-20261122-090000-ab12',
      project: 'whales',
      file: '/p/x.runpod.json',
      root: '/p',
      restUrl,
      onFinish: 'terminate',
      fetch: [],
      into: 'out',
      phase: 'run',
      created: new Date().toISOString(),
      updated: '',
    });
    terminal.ctrlC();
    await terminal.shows(/1 job would end and be lost: whales-20261122-090000-ab12\. Ctrl-C again/);
    assert.ok((await findSandbox(home())) !== undefined, 'it goes on');
    terminal.ctrlC();
    await terminal.exit;
    await until('the sandbox to be gone', async () => (await findSandbox(home())) === undefined, 20_000);
  });

  it('jobs are a table, aligned, a row a line; --verbose tells the requests without a secret', async () => {
    const terminal = new Terminal([]);
    await terminal.shows(/The sandbox is running/);
    const { restUrl, key } = (await findSandbox(home())) ?? assert.fail('no sandbox');
    const records = new JobRecords(home());
    for (const [job, url] of [
      ['日本語-1', restUrl],
      ['songs-20261122-090000-ab12', 'https://api.runpod.io/v2'],
    ] as const) {
      await records.create({
        schema: 1,
        job,
        project: 'p',
        file: '/p/x.runpod.json',
        root: '/p',
        restUrl: url,
        onFinish: 'terminate',
        fetch: [],
        into: 'out',
        phase: 'done',
        outcome: 'failed',
        created: new Date().toISOString(),
        updated: '',
      });
    }
    const { stdout, stderr } = run('jobs', '--sandbox', '--verbose');
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    assert.match(head, /^job +state +cost/);
    assert.equal(rows.length, 2);
    const at = head.indexOf('state');
    assert.ok(rows.every((row) => row.includes('failed')));
    assert.equal(rows.find((row) => row.startsWith('songs'))?.indexOf('failed'), at);
    // Three letters of two columns each.
    assert.equal(rows.find((row) => row.startsWith('日本語'))?.indexOf('failed'), at - 3);
    assert.match(stderr, /^\S+ GET \/pods 200 in \d+ ms/m);
    assert.ok(!stderr.includes(key) && !stderr.includes(canary));
    const objects = run('jobs', '--sandbox', '--json').stdout.trimEnd().split('\n');
    assert.equal(objects.length, 1);
    assert.equal((JSON.parse(objects[0] ?? '') as { jobs: unknown[] }).jobs.length, 2);
    terminal.ctrlC();
    await terminal.exit;
  });

  it('is not taken for running where a crash has left its file', () => {
    mkdirSync(path.join(home(), 'sandbox'), { recursive: true });
    const left = { restUrl: 'http://127.0.0.1:1/v2', key: 'k', s3Url: 'http://127.0.0.1:1', pid: process.pid };
    const s3Keys = { accessKeyId: 'a', secretAccessKey: 'b' };
    writeFileSync(path.join(home(), 'sandbox', 'connection.json'), JSON.stringify({ ...left, s3Keys }));
    assert.match(run('jobs', '--sandbox').stderr, /The local sandbox is not running/);
  });
});
