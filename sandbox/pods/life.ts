import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../api/account.ts';
import type { Volumes } from '../api/volumes.ts';
import type { Clock } from '../clock.ts';
import type { Faults, StartFaults } from '../faults.ts';
import type { Delays } from '../options.ts';
import { Relay } from '../relay.ts';
import { Container } from './container.ts';
import { diskOf, limitDisk, wipeDisk } from './disk.ts';
import type { Machine } from './machine.ts';
import type { Pod } from './pod.ts';

export interface LifeSettings {
  /** Directory of all pods' folders. */
  directory: string;
  machine: Machine;
  account: Account;
  volumes: Volumes;
  clock: Clock;
  delays: Delays;
  faults: Faults;
  startFaults: StartFaults;
  imageEnv: Record<string, string>;
  log: (line: string) => void;
}

/** The stages of a pod's life and the processes behind them. Work on one pod is done in order, whatever calls come. */
export class Life {
  readonly #settings: LifeSettings;
  readonly #ports = new Set<number>();

  constructor(settings: LifeSettings) {
    this.#settings = settings;
  }

  directory(pod: Pod): string {
    return path.join(this.#settings.directory, pod.config.id);
  }

  /** Where the pod's volume is mounted, as the API tells it. */
  mountPath(pod: Pod): string | undefined {
    const { volume } = pod.config;
    if (volume === undefined) return undefined;
    return this.#settings.machine.isolation === 'plain'
      ? this.#settings.volumes.directory(volume.volumeId)
      : volume.path;
  }

  /** Begins a start; with `inPlace` the status stays RUNNING (restart, edit). */
  boot(pod: Pod, inPlace: boolean): void {
    const first = pod.generation === 0;
    const generation = this.#next(pod);
    void this.#queue(pod, async () => {
      await this.#end(pod);
      if (pod.generation === generation) await this.#stages(pod, generation, { first, inPlace });
    });
  }

  /** Ends the container and wipes its disk. */
  halt(pod: Pod): Promise<void> {
    this.#next(pod);
    return this.#queue(pod, async () => {
      await sleep(this.#settings.delays.stopping);
      await this.#end(pod);
      pod.shown.runtime = false;
    });
  }

  /** Ends everything of a pod and removes its folder; `atOnce` when the sandbox itself ends. */
  remove(pod: Pod, atOnce = false): Promise<void> {
    this.#next(pod);
    return this.#queue(pod, async () => {
      if (!atOnce) await sleep(this.#settings.delays.stopping);
      await this.#end(pod);
      await rm(this.directory(pod), { recursive: true, force: true, maxRetries: 3 });
    });
  }

  /** The host dies under the pod: everything in it ends at once, and it is started again as after any exit. */
  async crash(pod: Pod): Promise<void> {
    const { container, generation } = pod;
    if (container === undefined) return;
    await container.crash();
    this.#exited(pod, generation, { code: 137, portTaken: false });
  }

  /** The host is gone for good, and the container disk with it. */
  async lose(pod: Pod): Promise<void> {
    this.#next(pod);
    await Promise.all([pod.relay?.close(), pod.container?.crash()]);
    await this.remove(pod, true);
  }

  #next(pod: Pod): number {
    pod.abort.abort();
    pod.abort = new AbortController();
    pod.generation += 1;
    return pod.generation;
  }

  #queue(pod: Pod, work: () => Promise<void>): Promise<void> {
    pod.work = pod.work.then(work).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'AbortError') return;
      this.#settings.log(`pod ${pod.config.id}: ${String(error)}`);
      pod.log.add('system', `error: ${String(error)}`);
    });
    return pod.work;
  }

  async #end(pod: Pod): Promise<void> {
    if (pod.container !== undefined) {
      pod.log.add('system', 'stop container');
      await pod.container.stop();
      pod.log.add('system', 'remove container');
    }
    pod.container = undefined;
    await pod.relay?.close();
    pod.relay = undefined;
    await wipeDisk(this.directory(pod));
  }

  async #stages(pod: Pod, generation: number, how: { first: boolean; inPlace: boolean }): Promise<void> {
    const { delays, faults } = this.#settings;
    const { config } = pod;
    const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal: pod.abort.signal });
    if (!how.inPlace) {
      pod.log.add('system', `create pod network`);
      pod.log.add('system', `create container ${config.image}`);
      await wait(delays.provisioning);
      pod.status = 'STARTING';
      pod.log.add('system', `${config.image} Pulling from registry`);
      pod.log.add('system', `Status: Image is up to date for ${config.image}`);
      await wait(delays.starting);
    }
    const fault = await faults.podStart?.({ id: config.id, name: config.name });
    if (pod.generation !== generation) return;
    if (fault !== undefined) {
      pod.status = 'ERROR';
      pod.log.add('system', fault);
      return;
    }
    const port = await this.#start(pod, generation);
    pod.status = 'RUNNING';
    if (!how.first) await wait(delays.stale);
    pod.shown = { runtime: false, sshPort: undefined };
    await wait(delays.runtime);
    pod.shown.runtime = true;
    await wait(delays.ports);
    if (!this.#settings.startFaults.noPort) pod.shown.sshPort = port;
  }

  async #freePort(): Promise<number> {
    const port = await freePort(this.#ports);
    this.#ports.add(port);
    return port;
  }

  /** Starts the container; returns the port that leads to its sshd, the same for as long as the pod is not stopped. */
  async #start(pod: Pod, generation: number): Promise<number> {
    const { clock, machine, volumes, startFaults, log } = this.#settings;
    const { config } = pod;
    const sshPort = await this.#freePort();
    pod.relay ??= await Relay.open(await this.#freePort(), sshPort);
    pod.relay.retarget(sshPort);
    const { port } = pod.relay;
    const directory = this.directory(pod);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (startFaults.diskBytes !== undefined) limitDisk(directory, startFaults.diskBytes);
    pod.log.add('system', `start container for ${config.image}: begin`);
    pod.startedAt = clock.iso();
    const { volume } = config;
    pod.container = new Container(
      machine,
      {
        podId: config.id,
        directory,
        environment: this.#environment(pod, port),
        mounts:
          volume === undefined || machine.isolation === 'plain'
            ? []
            : [{ source: volumes.directory(volume.volumeId), target: volume.path }],
        sshPort,
        command: startFaults.crashLoop
          ? ['sh', '-c', 'echo "start.sh: cannot go on"; exit 1']
          : [...config.command.entrypoint, ...config.command.cmd],
      },
      {
        line: (line) => pod.log.add('container', line),
        note: (line) => pod.log.add('system', line),
        exited: (end) => this.#exited(pod, generation, end),
      },
    );
    log(`pod ${config.id} (${config.name}) starts on port ${String(port)}`);
    return port;
  }

  /** The platform starts a container that ended again and again; status and bill do not change. */
  #exited(pod: Pod, generation: number, end: { code: number; portTaken: boolean }): void {
    if (pod.generation !== generation) return;
    pod.container = undefined;
    if (!end.portTaken) pod.log.add('system', `container exited with code ${String(end.code)}`);
    const { signal } = pod.abort;
    void this.#queue(pod, async () => {
      if (!end.portTaken) await sleep(this.#settings.delays.restart, undefined, { signal });
      if (pod.generation !== generation) return;
      await this.#start(pod, generation);
    });
  }

  /** Without a root of its own a pod has its home and temporary folder on its container disk. */
  #plainFolders(pod: Pod): Record<string, string> {
    const disk = diskOf(this.directory(pod));
    const folders = { HOME: path.join(disk, 'home'), TMPDIR: path.join(disk, 'tmpdir') };
    for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folders;
  }

  #environment(pod: Pod, port: number): Record<string, string> {
    const { machine, account, imageEnv } = this.#settings;
    const { config } = pod;
    const given = Object.entries({ ...config.injected, ...config.env });
    return {
      PATH: machine.path,
      ...(machine.isolation === 'namespace' ? { HOME: '/root' } : this.#plainFolders(pod)),
      ...imageEnv,
      ...Object.fromEntries(given.map(([name, value]) => [name, account.substitute(value)])),
      RUNPOD_POD_ID: config.id,
      RUNPOD_DC_ID: config.dataCenterId,
      RUNPOD_POD_HOSTNAME: `${config.id}-${pod.proxySuffix}`,
      RUNPOD_API_KEY: pod.key,
      RUNPOD_PUBLIC_IP: '127.0.0.1',
      RUNPOD_CPU_COUNT: String(config.cpu?.vcpuCount ?? config.gpu?.vcpuCount ?? 0),
      ...(config.gpu && { RUNPOD_GPU_COUNT: String(config.gpu.count) }),
      ...(config.volume && { RUNPOD_VOLUME_ID: config.volume.volumeId }),
      ...(config.ports.includes('22/tcp') && { RUNPOD_TCP_PORT_22: String(port) }),
    };
  }
}

function free(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A free TCP port on 127.0.0.1 below the range from which outgoing connections are served, and not in `avoid`. */
async function freePort(avoid: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!avoid.has(port) && (await free(port))) return port;
  }
  throw new Error('no free port was found between 20000 and 32000');
}
