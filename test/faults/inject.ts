import { setTimeout as sleep } from 'node:timers/promises';
import { processesOf, keeperOf, workerOf, type Cli, type World } from '../integration/jobs/harness.ts';
import { linesPerStep } from './stage.ts';
import type { Fault, Phase } from './schedule.ts';

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

/** What a fault did, with the time. */
export interface Hit {
  fault: Fault;
  time: number;
  /** Undefined when there was nothing to harm. */
  done: string | undefined;
}

/** Brings the faults of a schedule into a world, each when a client reaches its phase. */
export class Injector {
  readonly hits: Hit[] = [];
  readonly #world: World;
  readonly #note: (text: string) => void;
  #left: Fault[];
  readonly #healing = new Set<Promise<unknown>>();

  constructor(world: World, faults: readonly Fault[], note: (text: string) => void) {
    this.#note = note;
    this.#world = world;
    this.#left = [...faults];
  }

  get left(): number {
    return this.#left.length;
  }

  /** Nothing more happens from here on; resolves when the disturbances that were begun have ended. */
  async stop(): Promise<void> {
    this.#left = [];
    await Promise.all(this.#healing);
  }

  /** Watches a client until it ends, and harms what its faults say. */
  async watch(cli: Cli): Promise<void> {
    const over = (): boolean => cli.child.exitCode !== null || cli.child.signalCode !== null;
    while (!over()) {
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
    const done = await this.#act(fault, cli).catch((error: unknown) => `failed: ${String(error)}`);
    this.hits.push({ fault, time, done });
    this.#note(`${fault.kind} in ${fault.phase}: ${done ?? 'nothing to harm'}`);
  }

  /** Carries a fault out; tells what it harmed. */
  async #act(fault: Fault, cli: Cli): Promise<string | undefined> {
    const { sandbox } = this.#world;
    switch (fault.kind) {
      case 'client-kill':
        // Through its handle: the number of one that has just ended may be another's already.
        return cli.child.kill('SIGKILL') ? 'the client' : undefined;
      case 'worker-kill':
        return kill(this.#worker());
      case 'watchdog-kill':
        return kill(this.#keeper());
      case 'both-kill': {
        const pids = [this.#worker(), this.#keeper()];
        return pids.map(kill).join(' ');
      }
      case 'oom':
        return this.#killStep();
      case 'api-down':
        await sandbox.apiDown('reset');
        this.#heal(fault, () => sandbox.apiUp());
        return 'the API';
      case 'answer-lost':
        sandbox.requests.loseAnswers({ method: fault.phase === 'end' ? 'DELETE' : 'POST', path: /\/pods/, times: 1 });
        return 'the next answer';
      default:
        return this.#harmPod(fault);
    }
  }

  async #harmPod(fault: Fault): Promise<string | undefined> {
    const { sandbox } = this.#world;
    const [pod] = (await this.#pods()).filter((p) => p.status === 'RUNNING' || p.status === 'STARTING');
    if (pod === undefined) return undefined;
    switch (fault.kind) {
      case 'stop':
        await this.#call('POST', `/pods/${pod.id}/action`, { action: 'stop' });
        return pod.id;
      case 'delete':
        await this.#call('DELETE', `/pods/${pod.id}`);
        return pod.id;
      case 'host-loss':
        await sandbox.loseHost(pod.id);
        return pod.id;
      case 'container-crash':
        await sandbox.crashPod(pod.id);
        return pod.id;
      default: {
        const link = sandbox.link(pod.id);
        if (fault.kind === 'cut') link.cut();
        else link.freeze();
        this.#heal(fault, () => link.restore());
        return `the link of ${pod.id}`;
      }
    }
  }

  #heal(fault: Fault, how: () => void | Promise<void>): void {
    const healing = sleep(fault.lengthMs).then(how);
    this.#healing.add(healing);
  }

  /** The sandbox's own view, which an API that is down does not hide. */
  #pods(): Promise<{ id: string; status: string }[]> {
    return this.#world.pods();
  }

  async #call(method: string, url: string, body?: unknown): Promise<void> {
    const { restUrl, key } = this.#world.sandbox;
    await fetch(`${restUrl}${url}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  #worker(): number | undefined {
    const job = this.#world.records()[0]?.job;
    return job === undefined ? undefined : workerOf(job)?.pid;
  }

  #keeper(): number | undefined {
    return keeperOf(this.#world.records()[0]?.pod?.id)?.pid;
  }

  /** Kills the processes of the running step as the kernel does when memory is short. */
  #killStep(): string | undefined {
    const job = this.#world.records()[0]?.job;
    const own = job === undefined ? [] : processesOf(`/jobs/${job}/steps/`).filter((p) => !/ _\w+ /.test(p.args));
    return own.length === 0 ? undefined : own.map((p) => kill(p.pid)).join(' ');
  }
}

function kill(pid: number | undefined): string | undefined {
  if (pid === undefined) return undefined;
  try {
    process.kill(pid, 'SIGKILL');
    return `process ${pid}`;
  } catch {
    return undefined;
  }
}
