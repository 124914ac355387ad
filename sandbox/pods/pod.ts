import type { PodAction } from '../schemas.ts';
import type { StartCommand } from './command.ts';
import type { Container } from './container.ts';
import type { Relay } from '../relay.ts';
import { PodLog } from './logs.ts';

export type PodStatus = 'PROVISIONING' | 'STARTING' | 'RUNNING' | 'EXITED' | 'ERROR' | 'TERMINATED';

const allowed: Record<PodStatus, PodAction[]> = {
  PROVISIONING: ['stop', 'terminate'],
  STARTING: ['stop', 'terminate'],
  RUNNING: ['stop', 'restart', 'terminate'],
  EXITED: ['start', 'terminate'],
  ERROR: ['start', 'terminate'],
  TERMINATED: [],
};

/** What a client asked for and where the pod was placed. */
export interface PodConfig {
  id: string;
  name: string;
  image: string;
  command: StartCommand;
  disk: number;
  /** As the client sees it, secrets as placeholders. */
  env: Record<string, string>;
  /** Added for the container only, never told. */
  injected: Record<string, string>;
  ports: string[];
  registry: string | null;
  cloud: 'SECURE' | 'COMMUNITY';
  dataCenterId: string;
  volume: { volumeId: string; path: string } | undefined;
  persistent: { size: number; path: string } | undefined;
  gpu: { id: string; count: number; vcpuCount: number; memory: number } | undefined;
  cpu: { id: string; vcpuCount: number; memory: number } | undefined;
  cudaVersion: string | null;
  /** USD per hour while not stopped. */
  price: number;
  locked: boolean;
  globalNetworking: boolean;
  createdAt: string;
}

/** Addresses as a client sees them, which may be late or stale. */
interface Shown {
  runtime: boolean;
  sshPort: number | undefined;
}

/** A pod: its configuration and where its life stands. The manager changes it. */
export class Pod {
  readonly config: PodConfig;
  readonly key: string;
  readonly log = new PodLog();
  readonly proxySuffix: string;
  status: PodStatus = 'PROVISIONING';
  startedAt: string | null = null;
  container: Container | undefined;
  /** The way to its sshd, from the first start of a container until the pod stops. */
  relay: Relay | undefined;
  shown: Shown = { runtime: false, sshPort: undefined };
  /** A port that answers tell instead of the right one. */
  wrongPort: number | undefined;
  /** Counts starts; a stage of an earlier start that comes late is void. */
  generation = 0;
  /** Ends the waiting of the current start. */
  abort = new AbortController();
  /** Work on the processes, one thing after another. */
  work: Promise<void> = Promise.resolve();

  constructor(config: PodConfig, key: string, proxySuffix: string) {
    this.config = config;
    this.key = key;
    this.proxySuffix = proxySuffix;
  }

  get actions(): PodAction[] {
    return allowed[this.status];
  }

  /** Whether the pod is being paid for. */
  get billed(): boolean {
    return this.status === 'PROVISIONING' || this.status === 'STARTING' || this.status === 'RUNNING';
  }

  /** The API's answer. `mountPath` is where the volume really is, `user` who logs in. */
  view(mountPath: string | undefined, user: string): unknown {
    const { config, shown } = this;
    const proxyUser = `${config.id}-${this.proxySuffix}`;
    // A name that never resolves: nothing of the sandbox may reach another machine.
    const proxyHost = 'ssh.sandbox.invalid';
    const port = shown.sshPort === undefined ? undefined : (this.wrongPort ?? shown.sshPort);
    const direct =
      this.status === 'RUNNING' && config.ports.includes('22/tcp') && port !== undefined
        ? { host: '127.0.0.1', port, username: user, command: `ssh ${user}@127.0.0.1 -p ${String(port)}` }
        : null;
    const mounts = {
      ...(config.persistent && { persistent: config.persistent }),
      ...(config.volume && { network: [{ volumeId: config.volume.volumeId, path: mountPath ?? config.volume.path }] }),
    };
    return {
      id: config.id,
      name: config.name,
      status: this.status,
      actions: this.actions,
      image: config.image,
      args: config.command.args,
      cmd: config.command.cmd,
      entrypoint: config.command.entrypoint,
      disk: config.disk,
      env: config.env,
      ports: config.ports,
      registry: config.registry,
      mounts,
      ...(config.gpu && { gpu: config.gpu }),
      ...(config.cpu && { cpu: config.cpu }),
      cloud: config.cloud,
      dataCenterId: config.dataCenterId,
      cudaVersion: config.cudaVersion,
      template: null,
      cost: this.billed ? config.price : 0,
      locked: config.locked,
      ssh: {
        proxy: { host: proxyHost, port: 22, username: proxyUser, command: `ssh ${proxyUser}@${proxyHost}` },
        direct,
      },
      runtime: this.status === 'RUNNING' && shown.runtime ? this.#runtime() : null,
      globalNetworking: { enabled: false },
      createdAt: config.createdAt,
      startedAt: this.startedAt,
    };
  }

  #runtime(): unknown {
    const { config, shown } = this;
    const ports = config.ports.flatMap((text, index) => {
      const [number, type] = text.split('/');
      if (shown.sshPort === undefined) return [];
      // An entry for HTTP carries the host's internal address and port, useless to a client.
      if (type === 'http')
        return [{ private: 19123 - index, public: 60821 + index, type: 'http', ip: '100.65.14.155' }];
      const port = Number(number);
      return [{ private: port, public: port === 22 ? shown.sshPort : port, type: 'tcp', ip: '127.0.0.1' }];
    });
    const uptime = this.startedAt === null ? 0 : Math.floor((Date.now() - Date.parse(this.startedAt)) / 1000);
    return {
      uptime: Math.max(0, uptime),
      gpus: Array.from({ length: config.gpu?.count ?? 0 }, () => ({ util: 0, memoryUtil: 0 })),
      cpu: { util: 0 },
      memory: { util: 0 },
      ports,
    };
  }
}
