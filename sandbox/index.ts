import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Account } from './api/account.ts';
import { Billing } from './api/billing.ts';
import { Catalog } from './api/catalog.ts';
import { Endpoints } from './api/endpoints.ts';
import { checkPodKey, makeRouter } from './api/routes.ts';
import { ApiServer } from './api/server.ts';
import { Volumes } from './api/volumes.ts';
import { Clock } from './clock.ts';
import { RequestFaults, type StartFaults } from './faults.ts';
import { Ledger } from './ledger.ts';
import { RateLimiter } from './limits.ts';
import { cleanLeftovers, lockRoot, unlockRoot } from './lock.ts';
import {
  defaultDelays,
  defaultLimits,
  type Isolation,
  type PodKeyRights,
  type RateLimits,
  type SandboxOptions,
} from './options.ts';
import { diskOf } from './pods/disk.ts';
import { inspectMachine } from './pods/machine.ts';
import { Pods } from './pods/manager.ts';
import type { Relay } from './relay.ts';
import { S3, type S3Keys } from './s3/index.ts';
import { Stock } from './stock.ts';
import { writeJson } from './store.ts';
import { VolumeDisk } from './volume-disk.ts';
import { SmallVolumes } from './volume-limit.ts';

export type { Faults, RequestFaults, RequestFilter, RequestSeen, StartFaults } from './faults.ts';
export type { Delays, Isolation, PodKeyRights, RateLimits, SandboxOptions } from './options.ts';
export { Problem } from './problem.ts';
export type { Relay } from './relay.ts';
export type { VolumeDisk } from './volume-disk.ts';
export type { Operation as S3Operation, S3, S3Faults, S3Filter, S3Keys } from './s3/index.ts';
export type { Availability } from './data/catalog.ts';
export type { Stock, StockFilter } from './stock.ts';

/** A running sandbox, and the handles by which tests change its world. */
export interface Sandbox {
  /** Base of the REST API, ending in `/v2`. */
  restUrl: string;
  /** Base of GraphQL, for the balance. */
  graphqlUrl: string;
  /** The account's API key, new at every start. */
  key: string;
  /** Address of the S3 API of all data centers, without a slash at the end. */
  s3Url: string;
  /** The account's S3 keys, new at every start. */
  s3Keys: S3Keys;
  isolation: Isolation;
  root: string;
  /** Availability per GPU type, CPU flavor and data center; refusals behind the catalog's back. */
  stock: Stock;
  setBalance: (usd: number) => void;
  balance: () => number;
  /** Lets time pass for meters and rate windows. */
  advance: (seconds: number) => void;
  setLimits: (limits: Partial<RateLimits>) => void;
  setPodKeyRights: (rights: PodKeyRights) => void;
  /** Makes a key of the account that may read and write pods and nothing else; it is known until the sandbox ends. */
  restrictedKey: () => string;
  /** Ends a pod's container at once, no signal is heard inside; it is started again as after any exit. */
  crashPod: (id: string) => Promise<void>;
  /** A pod's host dies: the pod vanishes with its container disk. */
  loseHost: (id: string) => Promise<void>;
  /** The network between clients and a pod's sshd, from its first start on. */
  link: (id: string) => Relay;
  /** Makes answers tell another SSH port for a pod than its own; undefined ends that. */
  tellWrongPort: (id: string, port: number | undefined) => void;
  /** The S3 API and what it does on a bad day. */
  s3: S3;
  /** What requests meet instead of an answer. */
  requests: RequestFaults;
  /** How containers start badly from now on. */
  starts: StartFaults;
  /** The API goes away, or comes back at the same address. */
  apiDown: (how: 'refused' | 'reset') => Promise<void>;
  apiUp: () => Promise<void>;
  /** Lets `createdAt` and `startedAt` to come be wrong by so many minutes. */
  skew: (minutes: number) => void;
  /** Gives a volume so little room that it fills up, for pods that start from now on. Root only. */
  limitVolume: (id: string, bytes: number) => void;
  /** Lets another program serve a volume, so that it can hang and refuse; for pods that start from now on. Linux, root. */
  serveVolume: (id: string) => Promise<VolumeDisk>;
  /** Where a pod's container disk lies on this machine. */
  podDisk: (id: string) => string;
  /** Where a volume's files lie on this machine. */
  volumeDirectory: (id: string) => string;
  /** Ends all pods and stops listening; resolves when no process of a pod is left. */
  close: () => Promise<void>;
}

/** Starts RunPod on 127.0.0.1. Throws with a remedy when the machine lacks a program or the root is in use. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const root = path.resolve(options.root);
  const log = options.log ?? ((): void => undefined);
  const machine = inspectMachine(options);
  lockRoot(root);
  try {
    return await open(root, options, machine, log);
  } catch (error) {
    await unlockRoot(root);
    throw error;
  }
}

async function open(
  root: string,
  options: SandboxOptions,
  machine: ReturnType<typeof inspectMachine>,
  log: (line: string) => void,
): Promise<Sandbox> {
  await cleanLeftovers(root);
  const clock = new Clock();
  const delays = { ...defaultDelays, ...options.delays };
  const limiter = new RateLimiter({ ...defaultLimits, ...options.limits });
  const faults = options.faults ?? {};
  const requestFaults = new RequestFaults();
  const startFaults: StartFaults = { crashLoop: false, noPort: false };
  const smallVolumes = new SmallVolumes();
  const volumeDisks: VolumeDisk[] = [];
  let podKeyRights = options.podKeyRights ?? 'own';
  const ledger = new Ledger(path.join(root, 'ledger.json'), clock, options.balance ?? 100);
  const stock = new Stock();
  const account = new Account(path.join(root, 'account.json'));
  const volumes = new Volumes(root, ledger);
  const endpoints = new Endpoints({ volumes, ledger, clock });
  const pods = new Pods({
    directory: path.join(root, 'pods'),
    machine,
    account,
    volumes,
    ledger,
    stock,
    clock,
    delays,
    faults,
    startFaults,
    imageEnv: options.imageEnv ?? {},
    log,
  });
  const newKey = (): string => `rpa_${randomBytes(24).toString('hex').toUpperCase()}`;
  const key = newKey();
  const restrictedKeys = new Set<string>();
  const billing = new Billing(ledger, clock, options.billRunningPods ?? false);
  const server = new ApiServer({
    router: makeRouter({ pods, volumes, endpoints, account, catalog: new Catalog(stock), billing, ledger, clock }),
    limiter,
    faults,
    requestFaults,
    log,
    key,
    now: () => clock.now(),
    isRestricted: (text) => restrictedKeys.has(text),
    podOf: (text) => pods.byKey(text)?.config.id,
    checkPod: (podId, method, url) => checkPodKey(podKeyRights, podId, method, url),
  });
  const port = await server.listen(options.port ?? 0);
  const s3 = await startS3(options, volumes, log).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  const { url: s3Url, keys: s3Keys } = s3;
  const restUrl = `http://127.0.0.1:${String(port)}/v2`;
  const enforce = (): void => {
    pods.settle();
    pods.enforceBalance();
    endpoints.enforceBalance();
    ledger.save();
  };
  const tick = setInterval(enforce, 1000);
  writeJson(path.join(root, 'connection.json'), { restUrl, key, s3Url, s3Keys, pid: process.pid, root });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(tick);
    await server.close();
    await s3.close();
    await pods.close();
    endpoints.close();
    smallVolumes.restore();
    for (const disk of volumeDisks) await disk.close();
    ledger.save();
    await unlockRoot(root);
  };
  return {
    restUrl,
    graphqlUrl: `http://127.0.0.1:${String(port)}/graphql`,
    key,
    s3Url,
    s3Keys,
    isolation: machine.isolation,
    root,
    stock,
    setBalance: (usd) => ledger.setBalance(usd),
    balance: () => ledger.balance(),
    advance: (seconds) => {
      clock.advance(seconds);
      enforce();
    },
    setLimits: (limits) => limiter.set(limits),
    setPodKeyRights: (rights) => {
      podKeyRights = rights;
    },
    restrictedKey: () => {
      const made = newKey();
      restrictedKeys.add(made);
      return made;
    },
    crashPod: (id) => pods.life.crash(pods.find(id)),
    loseHost: (id) => pods.loseHost(id),
    link: (id) => {
      const { relay } = pods.find(id);
      if (relay === undefined) throw new Error(`pod ${id} has not started yet, so nothing leads to it`);
      return relay;
    },
    tellWrongPort: (id, wrong) => {
      pods.find(id).wrongPort = wrong;
    },
    s3,
    requests: requestFaults,
    starts: startFaults,
    apiDown: (how) => server.down(how),
    apiUp: () => server.up(),
    skew: (minutes) => clock.skew(minutes),
    limitVolume: (id, bytes) => smallVolumes.limit(volumes.directory(id), bytes),
    serveVolume: async (id) => {
      const disk = await VolumeDisk.open(volumes.directory(id), path.join(root, 'disks', id));
      volumeDisks.push(disk);
      return disk;
    },
    podDisk: (id) => diskOf(pods.life.directory(pods.find(id))),
    volumeDirectory: (id) => volumes.directory(id),
    close: () => (closing ??= close()),
  };
}

function startS3(options: SandboxOptions, volumes: Volumes, log: (line: string) => void): Promise<S3> {
  return S3.start({
    port: options.s3Port ?? 0,
    volumes: () => volumes.list().networkVolumes,
    directory: (id) => volumes.directory(id),
    log,
  });
}
