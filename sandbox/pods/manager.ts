import { randomBytes } from 'node:crypto';
import { newId, type Account } from '../api/account.ts';
import { checkContainer } from '../api/container.ts';
import { pageOf } from '../api/pages.ts';
import type { Volumes } from '../api/volumes.ts';
import type { Clock } from '../clock.ts';
import type { Ledger } from '../ledger.ts';
import { noFreeGpus, notFound, Problem } from '../problem.ts';
import type { CreatePod, PodAction, UpdatePod } from '../schemas.ts';
import type { Stock } from '../stock.ts';
import { startCommand } from './command.ts';
import { Life, type LifeSettings } from './life.ts';
import { place } from './placement.ts';
import { Pod } from './pod.ts';

export interface PodsSettings extends LifeSettings {
  account: Account;
  volumes: Volumes;
  ledger: Ledger;
  stock: Stock;
  clock: Clock;
}

const mountable = /^\/(?!\.\.?(\/|$))[^/\0]+(\/(?!\.\.?(\/|$))[^/\0]+)*\/?$/;
const taken = ['/', '/proc', '/sys', '/dev', '/run', '/tmp', '/root', '/etc', '/usr', '/var', '/bin', '/lib', '/sbin'];

function checkMounts(request: CreatePod | UpdatePod): void {
  for (const mount of [
    ...(request.mounts?.network ?? []),
    ...(request.mounts?.persistent ? [request.mounts.persistent] : []),
  ]) {
    if (!mountable.test(mount.path) || taken.includes(mount.path.replace(/\/$/, ''))) {
      throw new Problem(400, `invalid mount path "${mount.path}"`);
    }
  }
}

/** All pods of the sandbox and what the API may do with them. */
export class Pods {
  readonly #settings: PodsSettings;
  readonly #pods = new Map<string, Pod>();
  readonly #order = new Map<string, number>();
  #count = 0;
  readonly life: Life;

  constructor(settings: PodsSettings) {
    this.#settings = settings;
    this.life = new Life(settings);
  }

  find(id: string): Pod {
    const pod = this.#pods.get(id);
    if (pod === undefined) throw notFound('pod');
    return pod;
  }

  byKey(key: string): Pod | undefined {
    return [...this.#pods.values()].find((pod) => pod.key === key && pod.status !== 'TERMINATED');
  }

  /** Pods that hold a volume. */
  attached(volumeId: string): string[] {
    const pods = [...this.#pods.values()];
    return pods.filter((pod) => pod.config.volume?.volumeId === volumeId).map((pod) => pod.config.id);
  }

  view(pod: Pod): unknown {
    return pod.view(this.life.mountPath(pod), this.#settings.machine.user);
  }

  /** One page, newest first. */
  list(query: URLSearchParams): unknown {
    const all = [...this.#pods.values()].map((item) => ({ item, order: this.#order.get(item.config.id) ?? 0 }));
    const { items, pagination } = pageOf('pods', all, query);
    return { pods: items.map((pod) => this.view(pod)), pagination };
  }

  create(request: CreatePod): Pod {
    const { account, stock, clock } = this.#settings;
    checkContainer(request);
    checkMounts(request);
    if (request.templateId !== undefined) throw notFound('template');
    if (typeof request.registry === 'string') throw new Problem(400, `registry "${request.registry}" not found`);
    const wanted = request.mounts?.network?.[0];
    const volume = wanted === undefined ? undefined : this.#volume(wanted.volumeId);
    const command = startCommand(request);
    const placed = place(request, volume, stock);
    this.#checkBalance(placed.price);
    const env = request.env ?? {};
    const injected: Record<string, string> = {};
    if (request.startSsh === true && env.PUBLIC_KEY === undefined && account.sshKeys.length > 0) {
      injected.PUBLIC_KEY = account.sshKeys.join('\n');
    }
    if (request.startJupyter === true && env.JUPYTER_PASSWORD === undefined) {
      injected.JUPYTER_PASSWORD = randomBytes(12).toString('hex');
    }
    const pod = new Pod(
      {
        ...placed,
        id: newId(),
        name: request.name,
        image: request.image ?? '',
        command,
        disk: request.disk ?? 20,
        env,
        injected,
        ports: request.ports ?? [],
        registry: null,
        volume: wanted,
        persistent: request.mounts?.persistent,
        locked: false,
        globalNetworking: false,
        createdAt: clock.iso(),
      },
      `rpa_${randomBytes(24).toString('hex').toUpperCase()}`,
      randomBytes(4).toString('hex'),
    );
    this.#count += 1;
    this.#order.set(pod.config.id, this.#count);
    this.#pods.set(pod.config.id, pod);
    this.#meter(pod);
    this.life.boot(pod, false);
    return pod;
  }

  #volume(id: string): ReturnType<Volumes['get']> {
    try {
      return this.#settings.volumes.get(id);
    } catch {
      throw new Problem(400, `Network volume "${id}" not found`);
    }
  }

  #checkBalance(price: number): void {
    if (this.#settings.ledger.balance() < price) {
      throw new Problem(402, 'Your account balance is too low to run this pod for an hour. Please add funds.');
    }
  }

  #meter(pod: Pod): void {
    this.#settings.ledger.open(pod.config.gpu === undefined ? 'cpu' : 'gpu', pod.config.id, pod.config.price);
  }

  update(id: string, request: UpdatePod): Pod {
    const pod = this.find(id);
    const { config } = pod;
    checkContainer(request);
    checkMounts(request);
    if (request.templateId !== undefined) throw notFound('template');
    if (request.mounts?.network !== undefined) {
      const [mount] = request.mounts.network;
      if (mount === undefined) throw new Problem(400, 'mounts.network cannot be removed');
      if (mount.volumeId !== config.volume?.volumeId) throw new Problem(400, 'mounts.network[0].volumeId is immutable');
    }
    if (request.mounts?.persistent !== undefined && config.persistent === undefined) {
      throw new Problem(400, 'the kind of a mount is immutable');
    }
    const { name, locked, ...reset } = request;
    const resets = Object.keys(reset).some((key) => key !== 'globalNetworking');
    if (resets && (locked ?? config.locked)) throw new Problem(409, 'the pod is locked');
    config.command = startCommand(request, config.command);
    config.name = name ?? config.name;
    config.locked = locked ?? config.locked;
    config.image = request.image ?? config.image;
    config.disk = request.disk ?? config.disk;
    config.env = request.env ?? config.env;
    config.ports = request.ports ?? config.ports;
    config.volume = request.mounts?.network?.[0] ?? config.volume;
    config.persistent = request.mounts?.persistent ?? config.persistent;
    if (resets && pod.billed) this.life.boot(pod, pod.status === 'RUNNING');
    return pod;
  }

  /** Terminates; the pod is shown as TERMINATED for a moment before it is gone. */
  terminate(id: string): void {
    const pod = this.find(id);
    if (pod.status === 'TERMINATED') throw notFound('pod');
    pod.status = 'TERMINATED';
    this.#settings.ledger.close(id);
    const gone = this.life.remove(pod);
    setTimeout(() => void gone.then(() => this.#forget(id)), this.#settings.delays.stale).unref();
  }

  /** A pod's host dies: everything in it ends at once, nothing of it is left, and nobody pays for it. */
  async loseHost(id: string): Promise<void> {
    const pod = this.find(id);
    pod.status = 'TERMINATED';
    this.#settings.ledger.close(id);
    await this.life.lose(pod);
    this.#forget(id);
  }

  #forget(id: string): void {
    this.#pods.delete(id);
    this.#order.delete(id);
  }

  /** Carries out an action; refused with 409 when the status does not allow it. */
  act(id: string, action: PodAction): Pod {
    const pod = this.find(id);
    if (!pod.actions.includes(action)) {
      throw new Problem(409, `cannot ${action} a pod with status ${pod.status}`);
    }
    if (pod.config.locked && (action === 'stop' || action === 'restart')) throw new Problem(409, 'the pod is locked');
    if (action === 'terminate') this.terminate(id);
    else if (action === 'stop') this.#stop(pod);
    else if (action === 'restart') this.life.boot(pod, true);
    else this.#start(pod);
    return pod;
  }

  #stop(pod: Pod): void {
    pod.status = 'EXITED';
    pod.startedAt = null;
    this.#settings.ledger.close(pod.config.id);
    void this.life.halt(pod);
  }

  #start(pod: Pod): void {
    const { stock } = this.#settings;
    const { gpu, dataCenterId, price } = pod.config;
    if (gpu !== undefined && (stock.startRefused || stock.level(gpu.id, [dataCenterId]) === 'NONE')) throw noFreeGpus();
    this.#checkBalance(price);
    pod.status = 'PROVISIONING';
    this.#meter(pod);
    this.life.boot(pod, false);
  }

  /** With nothing left on the account, pods with a network volume are stopped and the others terminated. */
  enforceBalance(): void {
    if (this.#settings.ledger.balance() > 0) return;
    for (const pod of this.#pods.values()) {
      if (!pod.billed) continue;
      if (pod.config.volume === undefined) this.terminate(pod.config.id);
      else this.#stop(pod);
    }
  }

  /** Stops paying for pods that ended in an error. */
  settle(): void {
    for (const pod of this.#pods.values()) if (pod.status === 'ERROR') this.#settings.ledger.close(pod.config.id);
  }

  /** Ends all pods; resolves when none of their processes is left. */
  async close(): Promise<void> {
    const ends = [...this.#pods.values()].map((pod) => {
      this.#settings.ledger.close(pod.config.id);
      pod.status = 'TERMINATED';
      return this.life.remove(pod, true);
    });
    await Promise.all(ends);
    this.#pods.clear();
  }
}
