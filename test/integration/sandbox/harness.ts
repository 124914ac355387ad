import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'ssh2';
import type { Isolation, S3Keys } from '../../../sandbox/index.ts';

export const repository = path.resolve(import.meta.dirname, '..', '..', '..');
export const isRoot = process.getuid?.() === 0;
const namespaces =
  isRoot && spawnSync('unshare', ['--mount', '--pid', '--fork', '--propagation', 'private', 'true']).status === 0;

/** What this machine can run. CI as root runs both; an ordinary user has `plain`. */
export const isolations: Isolation[] = namespaces ? ['namespace', 'plain'] : ['plain'];

/** Waits until the function gives something other than undefined or false; fails after `seconds`. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 20,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    await sleep(20);
  }
  assert.fail(`${what}: not within ${String(seconds)} s`);
}

export interface Answered {
  status: number;
  headers: Headers;
  body: Json;
}

interface Amounts {
  totalAmount: number;
  gpuAmount: number;
  cpuAmount: number;
  standardAmount: number;
  storageStandardAmount: number;
}

interface Offer {
  id: string;
  availability: string;
}

/** The fields of all answers that tests look at, as if each answer had them; the contract tests check shapes. */
export interface Json {
  id: string;
  name: string;
  status: string | number;
  title: string;
  detail: string;
  errors: string[];
  actions: string[];
  cost: number;
  runtime: { ports: unknown[] } | null;
  ssh: { direct: Login | null; proxy: Login };
  mounts: { network: { volumeId: string; path: string }[] };
  env: Record<string, string>;
  args: string;
  cmd: string[];
  startSsh: unknown;
  gpu: unknown;
  cudaVersion: string | null;
  dataCenterId: string;
  size: number;
  type: string;
  availability: string;
  networkVolumeTypes: string[];
  gpuAvailability: Offer[];
  cpuAvailability: Offer[];
  dataCenters: Json[];
  gpus: Json[];
  pods: Json[];
  pagination: { nextCursor: string | null; hasNextPage: boolean };
  secrets: Json[];
  networkVolumes: Json[];
  records: { podId: string }[];
  metadata: { recordCount: number; uniquePodCount: number; totals: Amounts };
  data: { myself: { clientBalance: number; currentSpendPerHr: number } };
}

export interface Login {
  host: string;
  port: number;
  username: string;
}

/** Calls the API as a client would. */
export async function call(
  target: { restUrl: string; key: string },
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const response = await fetch(`${target.restUrl}${url}`, {
    method,
    headers: {
      authorization: `Bearer ${target.key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = (text === '' ? {} : JSON.parse(text)) as Json;
  return { status: response.status, headers: response.headers, body: parsed };
}

/** A temporary folder with an SSH key in it. */
export class Workbench {
  readonly folder: string;
  readonly privateKey: string;
  readonly publicKey: string;

  constructor() {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'sandbox test-'));
    this.privateKey = path.join(this.folder, 'id_ed25519');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', this.privateKey]);
    this.publicKey = readFileSync(`${this.privateKey}.pub`, 'utf8').trim();
  }

  /** A folder with a program that stands for the image's contents. */
  image(): string {
    const bin = path.join(this.folder, 'image', 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(path.join(bin, 'image-program'), '#!/bin/sh\necho from the image\n');
    chmodSync(path.join(bin, 'image-program'), 0o755);
    return bin;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Body of a small CPU pod with SSH. */
export function podBody(bench: Workbench, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'test',
    image: 'runpod/base:1.0.2-ubuntu2404',
    cpu: { id: 'cpu5c', vcpuCount: 2 },
    disk: 20,
    ports: ['22/tcp'],
    env: { PUBLIC_KEY: bench.publicKey },
    ...more,
  };
}

type Target = { restUrl: string; key: string };

export const getPod = async (target: Target, id: string): Promise<Json> =>
  (await call(target, 'GET', `/pods/${id}`)).body;

/** Waits for an address that differs from the old one. */
export async function direct(target: Target, id: string, not = 0): Promise<Login> {
  return until(`ssh.direct of ${id}`, async () => {
    const found = (await getPod(target, id)).ssh.direct;
    return found && found.port !== not ? found : undefined;
  });
}

/** Fingerprints that the pod's boot log shows, the last start's last. */
export async function logFingerprint(target: Target, id: string): Promise<string> {
  return until('fingerprint in the log', async () => {
    const lines = (await logLines(target, id)).map((entry) => entry.line);
    return lines.map((line) => /^256 (SHA256:\S+) .*ED25519/.exec(line)?.[1]).findLast((one) => one !== undefined);
  });
}

export interface LogLine {
  id: string;
  ts: string;
  source: string;
  line: string;
}

/** Reads a log stream until it has been silent for a moment or `enough` says so. */
export async function logLines(
  target: Target,
  id: string,
  query = '?tail=5000',
  headers: Record<string, string> = {},
  enough: (lines: LogLine[]) => boolean = () => false,
): Promise<LogLine[]> {
  const abort = new AbortController();
  const response = await fetch(`${target.restUrl}/pods/${id}/logs${query}`, {
    headers: { authorization: `Bearer ${target.key}`, ...headers },
    signal: abort.signal,
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const reader = response.body!.getReader();
  const lines: LogLine[] = [];
  let text = '';
  for (;;) {
    const chunk = await Promise.race([reader.read(), sleep(300)]);
    if (chunk === undefined || chunk.done) break;
    text += Buffer.from(chunk.value).toString();
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const [, eventId = '', data = ''] = /^id: (.*)\ndata: (.*)$/.exec(frame) ?? [];
      if (data !== '') lines.push({ id: eventId, ...(JSON.parse(data) as Omit<LogLine, 'id'>) });
    }
    if (enough(lines)) break;
  }
  abort.abort();
  await reader.cancel().catch(() => undefined);
  return lines;
}

/** Runs a command through ssh2 with the host key pinned; the address may refuse for a moment. */
export async function run(
  bench: Workbench,
  login: Login,
  command: string,
  hostKey?: string,
): Promise<{ code: number; out: string; err: string }> {
  const client = await until('SSH answers', () => connect(bench, login, hostKey));
  try {
    return await new Promise((resolve, reject) => {
      client.exec(command, (error, stream) => {
        if (error) {
          reject(error);
          return;
        }
        let [out, err] = ['', ''];
        stream.on('data', (data: Buffer) => (out += data.toString()));
        stream.stderr.on('data', (data: Buffer) => (err += data.toString()));
        stream.on('close', (code: number | null) => resolve({ code: code ?? -1, out, err }));
      });
    });
  } finally {
    client.end();
  }
}

/** One attempt to connect; undefined when refused, an error for anything else. */
export function connect(bench: Workbench, login: Login, hostKey?: string): Promise<Client | undefined> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    client.once('ready', () => resolve(client));
    client.once('close', () => resolve(undefined));
    client.on('error', (error: Error & { code?: string }) => {
      if (/ECONNREFUSED|ECONNRESET|before handshake/.test(`${error.code ?? ''} ${error.message}`)) resolve(undefined);
      else reject(error);
    });
    client.connect({
      host: login.host,
      port: login.port,
      username: login.username,
      privateKey: readFileSync(bench.privateKey),
      readyTimeout: 15_000,
      hostVerifier: (key: Buffer) => {
        const seen = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
        return hostKey === undefined || seen === hostKey;
      },
    });
  });
}

/** Processes of this machine that belong to the folder: its name in their command line, working directory or environment. */
export function processesOf(folder: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    for (const file of ['cmdline', 'environ']) {
      try {
        const text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
        if (text.includes(folder)) found.push(`${pid} ${file} ${text.replaceAll('\0', ' ').slice(0, 200)}`);
      } catch {
        continue;
      }
    }
  }
  return found;
}

/** Checks that nothing of a closed sandbox is left on the machine. `podIds`: pods that it had. */
export async function assertNothingLeft(root: string, podIds: string[]): Promise<void> {
  await until(
    'processes of the sandbox to be gone',
    () => {
      const left = [root, ...podIds].flatMap(processesOf);
      return left.length === 0;
    },
    5,
  ).catch(() => assert.deepEqual([root, ...podIds].flatMap(processesOf), []));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  assert.ok(!mounts.includes(root.replaceAll(' ', '\\040')), 'no mount of the sandbox may be left');
}

/** A sandbox started through its command, in a process of its own, possibly of another user. */
export interface Spawned {
  restUrl: string;
  key: string;
  s3Url: string;
  s3Keys: S3Keys;
  pid: number;
  root: string;
  child: ChildProcess;
  ended: Promise<number | null>;
}

/** Starts `sandbox/main.ts` and reads its line. */
export async function spawnSandbox(
  args: string[],
  how: { prefix?: string[]; node?: string; script?: string; cwd?: string } = {},
): Promise<Spawned> {
  const script = how.script ?? path.join(repository, 'sandbox', 'main.ts');
  const [program = '', ...rest] = [
    ...(how.prefix ?? []),
    how.node ?? process.execPath,
    script,
    '--follow-stdin',
    ...args,
  ];
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], cwd: how.cwd ?? '/' });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const first = await Promise.race([
    until('line of the sandbox', () => (out.includes('\n') ? (out.split('\n')[0] ?? '') : undefined)),
    ended.then(() => ''),
  ]);
  if (first === '') throw new Error(`the sandbox ended: ${err}`);
  const told = JSON.parse(first) as Omit<Spawned, 'child' | 'ended'>;
  return { ...told, child, ended };
}

/** An ordinary user of this machine for the length of a test, with copies of what the sandbox needs. Root only. */
export class OrdinaryUser {
  readonly name = `rpt-${randomBytes(4).toString('hex')}`;
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'sandbox-user-'));
    execFileSync('useradd', [
      '--no-create-home',
      '--home-dir',
      path.join(this.folder, 'home'),
      '--shell',
      '/bin/bash',
      this.name,
    ]);
    for (const name of ['home', 'node_modules']) mkdirSync(path.join(this.folder, name));
    cpSync(process.execPath, path.join(this.folder, 'node'));
    cpSync(path.join(repository, 'sandbox'), path.join(this.folder, 'sandbox'), { recursive: true });
    for (const name of ['zod']) {
      cpSync(path.join(repository, 'node_modules', name), path.join(this.folder, 'node_modules', name), {
        recursive: true,
      });
    }
    writeFileSync(path.join(this.folder, 'package.json'), '{"type": "module"}\n');
    execFileSync('chown', ['-R', this.name, this.folder]);
  }

  spawnSandbox(args: string[]): Promise<Spawned> {
    return spawnSandbox(args, {
      prefix: ['setpriv', `--reuid=${this.name}`, `--regid=${this.name}`, '--init-groups', '--reset-env'],
      node: path.join(this.folder, 'node'),
      script: path.join(this.folder, 'sandbox', 'main.ts'),
    });
  }

  remove(): void {
    execFileSync('userdel', [this.name], { stdio: 'ignore' });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
