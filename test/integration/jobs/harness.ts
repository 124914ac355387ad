import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RequestSeen, Sandbox, SandboxOptions } from '../../../sandbox/index.ts';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import { startRecordedSandbox, type RecordedSandbox } from '../../support/recorded-sandbox.ts';
import { until } from '../../support/wait.ts';

export const repository = path.resolve(import.meta.dirname, '..', '..', '..');
export const dist = process.env.RUNPOD_TRAINER_DIST ?? path.join(repository, 'dist');
const imagePath = path.join(repository, '.venv', 'bin');
export const python = process.env.RUNPOD_TRAINER_PYTHON ?? path.join(imagePath, 'python');

/** A line of `--json` output; the tests look at single fields. */
export interface Told {
  time: string;
  type: string;
  [field: string]: unknown;
}

/** A journal event as `--json` passes it on. */
export interface ToldEvent {
  type: string;
  epoch: number;
  seq: number;
  step?: string;
  [field: string]: unknown;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A running command of the command line, in a process of its own. */
export class Cli {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #over = false;

  /** @param through a program that runs the command line, and takes orders by standard input */
  constructor(args: string[], env: NodeJS.ProcessEnv, cwd: string, through: string[] = []) {
    const [program = '', ...words] = [...through, process.execPath, path.join(dist, 'cli.js'), ...args];
    this.child = spawn(program, words, {
      env,
      cwd,
      stdio: [through.length > 0 ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (data: Buffer) => (this.stdout += data.toString()));
    this.child.stderr?.on('data', (data: Buffer) => (this.stderr += data.toString()));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.#over = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Waits until standard output has the text; fails at once when the command ends without it. */
  async says(text: string | RegExp, seconds = 30): Promise<void> {
    const found = (): boolean => (typeof text === 'string' ? this.stdout.includes(text) : text.test(this.stdout));
    await until(
      `output with ${String(text)}`,
      () => {
        if (!found() && this.#over) throw new Error(`it ended without ${String(text)}:\n${this.stdout}${this.stderr}`);
        return found();
      },
      seconds * 1000,
    );
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** The lines of `--json` output so far. */
  told(): Told[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Told);
  }
}

/** The journal's events in `--json` output, in order. */
export function eventsOf(told: Told[], side: 'local' | 'pod' = 'pod'): ToldEvent[] {
  return told.filter((t) => t.type === 'job' && t.side === side).map((t) => t.event as ToldEvent);
}

/** What `run --json` and `attach --json` end with. */
export interface Result extends Told {
  remedies?: unknown[];
  job: string;
  outcome: string;
  reason?: string;
  cost: { metered: number; billed?: number };
  results?: string;
  podEnded?: string;
  steps: { name: string; where: string; status: string; why: string[]; reason?: string; gates: GateTold[] }[];
}

export interface GateTold {
  title: string;
  status: string;
  expected: string;
  seen: string;
  message: string | null;
  evidence: Record<string, unknown>;
}

/** Of a pod as the API tells it, what tests look at. */
export interface PodTold {
  id: string;
  name: string;
  status: string;
  ssh: { direct: { host: string; port: number } | null };
}

/** A sandbox, a home of the command line and a folder for projects; everything is gone after `close`. */
export class World {
  readonly folder: string;
  readonly home: string;
  readonly sandbox: Sandbox;
  /** Every request that reached the API. */
  readonly requests: RequestSeen[];
  readonly #running = new Set<Cli>();

  private constructor(folder: string, { sandbox, requests }: RecordedSandbox) {
    this.requests = requests;
    this.folder = folder;
    this.home = path.join(folder, 'home');
    this.sandbox = sandbox;
    mkdirSync(path.join(folder, 'user'));
  }

  static async open(options: Partial<SandboxOptions> = {}): Promise<World> {
    const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-jobs-')));
    const delays = { provisioning: 50, starting: 50, runtime: 50, ports: 100, stale: 100, restart: 500 };
    const root = path.join(folder, 'sandbox');
    return new World(folder, await startRecordedSandbox({ root, imagePath, delays, ...options }));
  }

  env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      HOME: path.join(this.folder, 'user'),
      TMPDIR: os.tmpdir(),
      RUNPOD_REST_URL: this.sandbox.restUrl,
      RUNPOD_API_KEY: this.sandbox.key,
      RUNPOD_TRAINER_HOME: this.home,
      RUNPOD_TRAINER_PYTHON: python,
      ...more,
    };
  }

  /** Starts a command. */
  start(args: string[], env: NodeJS.ProcessEnv = {}, cwd = this.folder): Cli {
    return this.#keep(new Cli(args, this.env(env), cwd));
  }

  /** Starts a command in a terminal of its own (see test/support/terminal.py); `order` closes it or types into it. */
  startInTerminal(args: string[]): { cli: Cli; order: (line: string) => void } {
    const through = [python, path.join(repository, 'test', 'support', 'terminal.py')];
    const cli = this.#keep(new Cli(args, this.env(), this.folder, through));
    return { cli, order: (line) => void cli.child.stdin?.write(`${line}\n`) };
  }

  #keep(cli: Cli): Cli {
    this.#running.add(cli);
    void cli.ended.then(() => this.#running.delete(cli));
    return cli;
  }

  /** Runs a command to its end. */
  run(args: string[], env: NodeJS.ProcessEnv = {}, cwd = this.folder): Promise<Ended> {
    return this.start(args, env, cwd).ended;
  }

  /** Runs a command through a program to its end. */
  runThrough(through: string[], args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.#keep(new Cli(args, this.env(env), this.folder, through)).ended;
  }

  /** Runs a command with `--json` to its end; answers its lines, the last of type `result` among them. */
  async runJson(
    args: string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number | null; told: Told[]; result: Result; stderr: string }> {
    const cli = this.start([...args, '--json'], env);
    const { code, stdout, stderr } = await cli.ended;
    const told = cli.told();
    const result = told.findLast((t) => t.type === 'result') as Result | undefined;
    assert.ok(result, `no result:\n${stdout}${stderr}`);
    return { code, told, result, stderr };
  }

  record(job: string): JobRecord {
    return JSON.parse(readFileSync(path.join(this.home, 'jobs', job, 'record.json'), 'utf8')) as JobRecord;
  }

  /** Records of all jobs of this home, the newest first. */
  records(): JobRecord[] {
    const folder = path.join(this.home, 'jobs');
    return readdirSync(folder)
      .map((job) => this.record(job))
      .sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  /** How many pods the account asked for so far. */
  podsAsked(): number {
    return this.requests.filter((r) => r.method === 'POST' && r.path === '/v2/pods').length;
  }

  /** Pods that the API still shows as costing money. */
  async pods(): Promise<PodTold[]> {
    const answer = await fetch(`${this.sandbox.restUrl}/pods`, {
      headers: { authorization: `Bearer ${this.sandbox.key}` },
    });
    const { pods } = (await answer.json()) as { pods: PodTold[] };
    return pods.filter((p) => p.status !== 'TERMINATED');
  }

  /** Ends a pod as its owner would in the console. */
  async endPod(id: string): Promise<void> {
    await fetch(`${this.sandbox.restUrl}/pods/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${this.sandbox.key}` },
    });
    await until(`the pod ${id} is gone`, async () => (await this.pods()).every((p) => p.id !== id));
  }

  /** Ids of the network volumes by name. */
  async volume(name: string): Promise<string> {
    const answer = await fetch(`${this.sandbox.restUrl}/network-volumes`, {
      headers: { authorization: `Bearer ${this.sandbox.key}` },
    });
    const { networkVolumes } = (await answer.json()) as { networkVolumes: { id: string; name: string }[] };
    const found = networkVolumes.find((v) => v.name === name);
    assert.ok(found, `no volume ${name}`);
    return this.sandbox.volumeDirectory(found.id);
  }

  /** Ends all commands and the sandbox, checks that no process of theirs is left, removes the folder. */
  async close(): Promise<void> {
    for (const cli of this.#running) {
      cli.signal('SIGKILL');
      await cli.ended;
    }
    await this.sandbox.close();
    try {
      await until('no process of the tests is left', () => processesOf(this.folder).length === 0, 5_000);
    } catch {
      assert.deepEqual(processesOf(this.folder), [], 'processes are left');
    } finally {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }
}

export interface Seen {
  pid: number;
  args: string;
}

/** Processes of this machine whose command line or environment names the text. */
export function processesOf(text: string): Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const [args, environ] = ['cmdline', 'environ'].map((file) => read(`/proc/${name}/${file}`));
      const found = args?.includes(text) === true || environ?.includes(text) === true;
      return found ? [{ pid: Number(name), args: (args ?? '').replaceAll('\0', ' ').trim() }] : [];
    });
}

/** Waits until no process of a job is left on this machine; a terminated pod's container ends a moment later. */
export async function nothingRuns(job: string): Promise<void> {
  await until(`processes of ${job} end`, () => processesOf(job).length === 0, 5_000).catch(() => {
    assert.deepEqual(processesOf(job), []);
  });
}

/** The worker of a job, wherever it runs on this machine. */
export function workerOf(job: string): Seen | undefined {
  return processesOf(`/${job}`).find((p) => p.args.includes(' _work ') && p.args.includes('.pyz'));
}

/** The keeper of a pod, wherever it runs on this machine. */
export function keeperOf(podId = 'no pod'): Seen | undefined {
  return processesOf(podId).find((p) => p.args.endsWith(` _keeper ${podId}`));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
