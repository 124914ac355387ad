import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SshKeyPair, SshTarget } from '../../src/core/ssh/index.ts';
import { fingerprintOf, generateKeyPair } from '../../src/core/ssh/index.ts';
import { until } from './wait.ts';

export interface SshdOptions {
  /** Folder for configuration and keys. */
  folder: string;
  /** Public key lines that may log in. */
  authorized: readonly string[];
  /** Port to listen on; a free one unless told. */
  port?: number;
  hostKey?: SshKeyPair;
  /** What serves files; sshd itself unless told. */
  subsystem?: string;
  /** Further lines of sshd_config. */
  config?: readonly string[];
  /** A command that runs sshd as its last arguments, such as `['unshare', '-m']`. */
  wrapper?: readonly string[];
}

/** A plain OpenSSH server of this machine on 127.0.0.1 that the running user can log in to. */
export interface Sshd {
  target: SshTarget;
  /** `SHA256:…` of its host key. */
  fingerprint: string;
  /** What it wrote so far. */
  log: () => string;
  /** Cuts every open connection without a goodbye and leaves the listener. */
  cutSessions: () => Promise<void>;
  /** Stops every open connection's processes without ending them, as a dead network does. */
  freezeSessions: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Starts sshd and waits until it listens. The caller must `stop` it. */
export async function startSshd(options: SshdOptions): Promise<Sshd> {
  const port = options.port ?? (await freePort());
  const hostKey = options.hostKey ?? generateKeyPair('host');
  const configFile = await writeConfig(options, port, hostKey);
  const line = [...(options.wrapper ?? []), '/usr/sbin/sshd', '-D', '-e', '-f', configFile];
  const child = spawn(line[0] ?? '', line.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await until('sshd listens', () => {
    if (child.exitCode !== null) {
      throw new Error(`sshd ended:\n${log}`);
    }
    return log.includes('Server listening');
  });
  return {
    target: { host: '127.0.0.1', port, username: userInfo().username },
    fingerprint: fingerprintOf(Buffer.from(hostKey.publicKey.split(' ')[1] ?? '', 'base64')),
    log: () => log,
    cutSessions: async () => signalAll(await sessions(child), 'SIGKILL'),
    freezeSessions: async () => signalAll(await sessions(child), 'SIGSTOP'),
    stop: () => stop(child),
  };
}

async function writeConfig(options: SshdOptions, port: number, hostKey: SshKeyPair): Promise<string> {
  const file = (name: string): string => path.join(options.folder, name);
  await mkdir(options.folder, { recursive: true });
  await writeFile(file('host_key'), hostKey.privateKey, { mode: 0o600 });
  await writeFile(file('authorized_keys'), options.authorized.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  if (process.getuid?.() === 0) {
    await mkdir('/run/sshd', { recursive: true });
  }
  const lines = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey "${file('host_key')}"`,
    `AuthorizedKeysFile "${file('authorized_keys')}"`,
    `PidFile none`,
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    `Subsystem sftp ${options.subsystem ?? 'internal-sftp'}`,
    ...(options.config ?? []),
  ];
  await writeFile(file('sshd_config'), `${lines.join('\n')}\n`);
  return file('sshd_config');
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

async function descendants(root: number): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  const all = stdout.split('\n').flatMap((line): Process[] => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
  const found: Process[] = [];
  const queue = [root];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    const children = all.filter((process) => process.parent === pid);
    found.push(...children);
    queue.push(...children.map((child) => child.pid));
  }
  return found;
}

/** The server's own processes for open connections, without the commands that they run. */
async function sessions(child: ChildProcess): Promise<Process[]> {
  return (await descendants(child.pid ?? 0)).filter((process) => process.command.startsWith('sshd'));
}

function signalAll(processes: readonly Process[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself.
    }
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const below = await descendants(child.pid ?? 0);
  child.kill('SIGKILL');
  signalAll(below, 'SIGKILL');
  await ended;
}
