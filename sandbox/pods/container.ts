import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { writeJson } from '../store.ts';
import type { Machine } from './machine.ts';
import { killPod, look } from './processes.ts';

/** What a container is started with. */
export interface ContainerSettings {
  podId: string;
  /** The pod's folder on this machine. */
  directory: string;
  /** Environment of PID 1. */
  environment: Record<string, string>;
  mounts: { source: string; target: string }[];
  /** Port of the pod's sshd. */
  sshPort: number;
  /** Empty: the image's own start script. */
  command: string[];
}

export interface ContainerListener {
  line: (line: string) => void;
  note: (line: string) => void;
  /** The container has ended by itself. `portTaken`: another program has its SSH port. */
  exited: (end: { code: number; portTaken: boolean }) => void;
}

const event = z.object({ event: z.string(), text: z.string().optional(), code: z.int().optional() });
const script = path.join(import.meta.dirname, '..', 'pod', 'init.py');

/** Calls back for every line; a longer one than 64 KiB is cut into several, so that a pod cannot fill our memory. */
function eachLine(stream: Readable, callback: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('error', () => undefined);
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) callback(line.replace(/\r$/, ''));
    if (rest.length > 65_536) {
      callback(rest);
      rest = '';
    }
  });
  stream.on('end', () => {
    if (rest !== '') callback(rest);
  });
}

/** What a pod's root may have written into the event pipe is not to be trusted. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** Where the processes of a running container are recorded, for the start after a kill. */
export const processFile = (directory: string): string => path.join(directory, 'process.json');

/** The process tree of one start of a pod. */
export class Container {
  readonly #settings: ContainerSettings;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #stopping = false;

  constructor(machine: Machine, settings: ContainerSettings, listener: ContainerListener) {
    this.#settings = settings;
    // -S and -E keep the pod's own Python variables out of init; -B leaves no files beside it.
    const python = [machine.python, '-B', '-E', '-s', '-S', script];
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
    const [program = '', ...args] =
      machine.unshare === undefined ? python : [machine.unshare, ...namespaces, ...python];
    this.#child = spawn(program, args, {
      cwd: '/',
      env: settings.environment,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    const child = this.#child;
    let exit: { code: number; portTaken: boolean } = { code: 0, portTaken: false };
    child.stdin?.on('error', () => undefined);
    child.stdin?.write(
      `${JSON.stringify({
        isolation: machine.isolation,
        pod_dir: settings.directory,
        mounts: settings.mounts,
        image: machine.imageFolders,
        ssh_port: settings.sshPort,
        sshd: machine.sshd,
        ssh_keygen: machine.sshKeygen,
        session_path: machine.path,
        user: machine.user,
        command: settings.command,
      })}\n`,
    );
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) eachLine(stream, listener.line);
    eachLine(child.stdio[3] as Readable, (line) => {
      const told = event.safeParse(parsed(line));
      if (!told.success) return;
      if (told.data.event === 'note') listener.note(told.data.text ?? '');
      if (told.data.event === 'port-taken') exit = { ...exit, portTaken: true };
      if (told.data.event === 'exit') exit = { ...exit, code: told.data.code ?? 0 };
    });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    this.#ended = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
      child.once('error', () => resolve(127));
    }).then(async (status) => {
      // Without namespaces something may outlive an init that was killed; it would also keep the log's pipes open.
      if (machine.isolation === 'plain') await killPod({ id: settings.podId, port: settings.sshPort });
      await closed;
      if (!this.#stopping) listener.exited({ ...exit, code: exit.code === 0 ? (status ?? 137) : exit.code });
    });
    if (child.pid !== undefined) {
      writeJson(processFile(settings.directory), {
        pod: settings.podId,
        pid: child.pid,
        startTime: look(child.pid)?.startTime ?? '',
        port: settings.sshPort,
      });
    }
  }

  /** Ends the container and everything in it; resolves when no process is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.stdin?.end();
    const patience = new AbortController();
    const late = sleep(6000, 'late', { signal: patience.signal }).catch(() => 'ended');
    if ((await Promise.race([this.#ended.then(() => 'ended'), late])) === 'late') {
      await this.#kill();
    }
    patience.abort();
    await this.#ended;
  }

  /** Ends the container at once, as a host that dies does: no signal is heard inside. */
  async crash(): Promise<void> {
    this.#stopping = true;
    await this.#kill();
    await this.#ended;
  }

  /** The number of an init that has ended may be another process's already. */
  async #kill(): Promise<void> {
    const { exitCode, pid, signalCode } = this.#child;
    const init = exitCode === null && signalCode === null ? pid : undefined;
    await killPod({ id: this.#settings.podId, init, port: this.#settings.sshPort });
  }
}
