import { existsSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VolumeDisk } from '../../sandbox/index.ts';
import { processesOf, type Cli, type World } from '../integration/jobs/harness.ts';
import { processesOfPod } from './pod-processes.ts';
import { linesPerStep } from './stage.ts';
import type { Along, Fault, Phase } from './schedule.ts';

/** Text of the client's output by which a phase is seen to begin. */
const signs: Record<Phase, string> = {
  provision: '"phase":"pod"',
  wait: '"type":"pod"',
  transfer: '"phase":"transfer"',
  start: '"phase":"start"',
  run: '"type":"step.started"',
  gate: `one ${linesPerStep}"`,
  fetch: '"phase":"fetch"',
  end: '"phase":"end"',
};

/** The worker, and what ends the pod, by their command lines. */
const worker = / _work /;
const keeper = / _(keeper|watchdog|guard) /;

/** What a fault did, with the time. */
export interface Hit {
  fault: Fault;
  time: number;
  /** Undefined when there was nothing to harm. */
  done: string | undefined;
}

/** What faults need beside the world. */
export interface Stage {
  note: (text: string) => void;
  /** The volume's disk, when the schedule has a fault of it. */
  disk: VolumeDisk | undefined;
  /** Starts the project a second time and waits until that client has ended. */
  startAgain: (home: 'same' | 'other') => Promise<unknown>;
}

/** Brings the faults of a schedule into a world, each when a client reaches its phase. */
export class Injector {
  readonly hits: Hit[] = [];
  readonly #world: World;
  readonly #stage: Stage;
  #left: Fault[];
  readonly #healing = new Set<Promise<unknown>>();
  readonly #others = new Set<Promise<unknown>>();

  constructor(world: World, faults: readonly Fault[], stage: Stage) {
    this.#stage = stage;
    this.#world = world;
    this.#left = [...faults];
  }

  get left(): number {
    return this.#left.length;
  }

  /** Nothing more happens from here on; resolves when the disturbances that were begun have ended. */
  async stop(): Promise<void> {
    this.#left = [];
    await Promise.all([...this.#healing, this.others()]);
  }

  /** Resolves when the clients have ended that were started besides. */
  async others(): Promise<void> {
    await Promise.all(this.#others);
  }

  /** Watches a client until it ends, and harms what its faults say. */
  async watch(cli: Cli): Promise<void> {
    while (!hasEnded(cli)) {
      const next = this.#left[0];
      if (next === undefined) break;
      if (cli.stdout.includes(signs[next.phase])) {
        this.#left.shift();
        await Promise.race([sleep(next.delayMs), cli.ended]);
        await this.#harm(next, cli);
      } else {
        await sleep(5);
      }
    }
    await cli.ended;
  }

  async #harm(fault: Fault, cli: Cli): Promise<void> {
    const time = Date.now();
    const done = await this.#act(fault, cli).catch((error: unknown) => {
      this.#stage.note(`${fault.kind} in ${fault.phase} failed: ${String(error)}`);
      return undefined;
    });
    this.hits.push({ fault, time, done });
    this.#stage.note(`${fault.kind} in ${fault.phase}: ${done ?? 'nothing to harm'}`);
  }

  /** Carries a fault out; tells what it harmed. */
  async #act(fault: Fault, cli: Cli): Promise<string | undefined> {
    const { sandbox } = this.#world;
    switch (fault.kind) {
      case 'client-kill':
        return signal(cli, 'SIGKILL');
      case 'client-term':
        return signal(cli, 'SIGTERM');
      case 'client-int':
        return signal(cli, 'SIGINT');
      case 'client-hup':
        return signal(cli, 'SIGHUP');
      case 'client-pipe':
        if (hasEnded(cli)) return undefined;
        cli.child.stdout?.destroy();
        return 'what the client writes to';
      case 'laptop-off':
        return this.#laptopOff(fault, cli);
      case 'second-start':
      case 'second-home':
        this.#others.add(this.#stage.startAgain(fault.kind === 'second-home' ? 'other' : 'same'));
        return 'the only start';
      case 'oom':
        return this.#killStep();
      case 'api-down':
        await sandbox.apiDown('reset');
        this.#heal(fault, () => sandbox.apiUp());
        return 'the API';
      case 'answer-lost':
        sandbox.requests.loseAnswers({ method: fault.phase === 'end' ? 'DELETE' : 'POST', path: /\/pods/, times: 1 });
        return 'the next answer';
      case 'end-undone':
        sandbox.requests.answerUndone({ path: /\/pods\//, times: 1 + (fault.lengthMs % 3) });
        return 'the next ends';
      case 'bare-404':
        sandbox.requests.answerNotFound({ path: /\/pods\//, times: 1 + (fault.lengthMs % 4) });
        return 'the next answers';
      case 'smi-hangs':
        return 'nvidia-smi';
      case 'volume-full':
      case 'volume-broken':
      case 'fsync-fails':
      case 'volume-hangs':
        return this.#harmVolume(fault);
      default:
        return this.#harmPod(fault, cli);
    }
  }

  async #laptopOff({ along }: Fault, cli: Cli): Promise<string | undefined> {
    // What lies in the pod is found first, since what is left alone there begins to end it at once.
    const pod = await this.#pod();
    const done = signal(cli, 'SIGKILL');
    if (done === undefined || along === undefined || pod === undefined) return done;
    return `${done}, ${(await this.#harmProcesses(along, pod)) ?? 'nothing on the pod'}`;
  }

  async #harmProcesses(kind: Along | 'worker-kill', pod: string): Promise<string | undefined> {
    const { sandbox } = this.#world;
    const all = (): ReturnType<typeof processesOfPod> => processesOfPod(sandbox.root, pod);
    const of = (...which: RegExp[]): number[] =>
      all()
        .filter(({ args }) => args.includes('.pyz') && which.some((one) => one.test(`${args} `)))
        .map(({ pid }) => pid);
    switch (kind) {
      case 'worker-kill':
        return kill(of(worker));
      case 'keeper-kill':
        return kill(of(keeper));
      case 'both-kill':
        return kill(of(worker, keeper));
      case 'container-crash':
        await sandbox.crashPod(pod);
        return pod;
      default: {
        // Again, for those that were being started meanwhile.
        const killed = [1, 2, 3].map(() => kill(all().map(({ pid }) => pid)));
        return killed[0];
      }
    }
  }

  #harmVolume({ kind, lengthMs }: Fault): string | undefined {
    const { disk } = this.#stage;
    const seconds = lengthMs / 1000;
    if (kind === 'volume-hangs') disk?.hang(seconds);
    if (kind === 'volume-full') disk?.fail({ write: 'EDQUOT', make: 'EDQUOT' }, seconds);
    if (kind === 'volume-broken') disk?.fail({ write: 'EIO', fsync: 'EIO' }, seconds);
    if (kind === 'fsync-fails') disk?.fail({ fsync: 'EIO' }, seconds);
    this.#healing.add(sleep(lengthMs));
    return disk && 'the volume';
  }

  async #harmPod(fault: Fault, cli: Cli): Promise<string | undefined> {
    const { sandbox } = this.#world;
    const pod = await this.#pod();
    if (pod === undefined) return undefined;
    switch (fault.kind) {
      case 'stop':
        await this.#call('POST', `/pods/${pod}/action`, { action: 'stop' });
        return pod;
      case 'delete':
        await this.#call('DELETE', `/pods/${pod}`);
        return pod;
      case 'host-loss':
        await sandbox.loseHost(pod);
        return pod;
      case 'disk-full': {
        const disk = sandbox.podDisk(pod);
        const end = Date.now() + fault.lengthMs;
        fillUp(disk);
        const filling = setInterval(() => (Date.now() < end ? fillUp(disk) : clearInterval(filling)), 50);
        this.#heal(fault, () => {
          clearInterval(filling);
          for (const one of fillers(disk)) rmSync(one, { force: true });
        });
        return `the disk of ${pod}`;
      }
      case 'cut':
      case 'freeze':
      case 'long-freeze': {
        const link = await this.#link(pod, cli);
        if (link === undefined) return undefined;
        if (fault.kind === 'cut') link.cut();
        else link.freeze();
        this.#heal(fault, () => link.restore());
        return `the link of ${pod}`;
      }
      default:
        return this.#harmProcesses(fault.kind as Along, pod);
    }
  }

  /** Nothing leads to a pod that has not started. */
  async #link(pod: string, cli: Cli): Promise<ReturnType<World['sandbox']['link']> | undefined> {
    for (let time = 0; time < 400 && !hasEnded(cli); time += 1) {
      try {
        return this.#world.sandbox.link(pod);
      } catch {
        await sleep(10);
      }
    }
    return undefined;
  }

  #heal(fault: Fault, how: () => void | Promise<void>): void {
    this.#healing.add(sleep(fault.lengthMs).then(how));
  }

  /** The newest pod that costs money, by the sandbox's own view, which an API that is down does not hide. */
  async #pod(): Promise<string | undefined> {
    const pods = await this.#world.pods().catch(() => []);
    return pods.find((p) => p.status === 'RUNNING' || p.status === 'STARTING')?.id;
  }

  async #call(method: string, url: string, body?: unknown): Promise<void> {
    const { restUrl, key } = this.#world.sandbox;
    await fetch(`${restUrl}${url}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** Kills the processes of the running step as the kernel does when memory is short. */
  #killStep(): string | undefined {
    const job = this.#world.records()[0]?.job;
    const own = job === undefined ? [] : processesOf(`/jobs/${job}/steps/`).filter((p) => !/ _\w+ /.test(p.args));
    return kill(own.map((p) => p.pid));
  }
}

function hasEnded(cli: Cli): boolean {
  return cli.child.exitCode !== null || cli.child.signalCode !== null;
}

/** Through its handle: the number of a process that has just ended may be another's already. */
function signal(cli: Cli, name: NodeJS.Signals): string | undefined {
  return !hasEnded(cli) && cli.child.kill(name) ? 'the client' : undefined;
}

function kill(pids: readonly number[]): string | undefined {
  const killed = pids.filter((pid) => {
    try {
      return process.kill(pid, 'SIGKILL');
    } catch {
      return false;
    }
  });
  return killed.length === 0 ? undefined : `processes ${killed.join(', ')}`;
}

const fillers = (disk: string): string[] =>
  existsSync(disk)
    ? readdirSync(disk)
        .filter((name) => name.startsWith('filler-'))
        .map((name) => path.join(disk, name))
    : [];

/** Takes what is left of a small disk. */
function fillUp(disk: string): void {
  if (!existsSync(disk)) return;
  const { bavail, bsize } = statfsSync(disk);
  // A disk of the machine itself is not filled, should the pod have no small one.
  if (bavail === 0 || bavail * bsize > 500_000_000) return;
  try {
    writeFileSync(path.join(disk, `filler-${fillers(disk).length}`), Buffer.alloc(bavail * bsize));
  } catch {
    // Full before its time.
  }
}
