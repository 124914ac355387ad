import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { VolumeDisk } from '../../sandbox/index.ts';
import type { JobRecord } from '../../src/core/journal/records.ts';
import { until } from '../support/wait.ts';
import { World, type Cli, type Ended, type Result } from '../integration/jobs/harness.ts';
import { Injector } from './inject.ts';
import { describeSchedule, has, isNoEvent, placeOf, type Fault, type Schedule } from './schedule.ts';
import { endingMs, laptopOffMs, makeImage, makeProject } from './stage.ts';
import { recordsIn, Verdict, type Claim } from './verdict.ts';

/** What playing a schedule came to. */
export interface Played {
  schedule: Schedule;
  /** What did not hold; empty when all did. */
  violations: string[];
  /** Kinds and phases of the faults that harmed something, such as `cut/run`. */
  places: string[];
  podsAsked: number;
  journalLines: number;
  /** Longest time before a death of which printed lines are missing, in ms; by kind of death. */
  lostMs: Record<string, number>;
  seconds: number;
  trace: string;
}

const noDelays = { provisioning: 0, starting: 0, runtime: 0, ports: 0, stale: 0, stopping: 0, restart: 200 };
/** A client that takes longer than this hangs. */
const patienceMs = 150_000;
/** Room on a pod's own disk where it is filled. */
const smallDiskBytes = 64_000_000;

/**
 * Plays a schedule: somebody runs the project while faults come, stays with what is unresolved as the product tells
 * them to, and in the end runs it again undisturbed. Then everything that must hold is checked.
 */
export async function play(schedule: Schedule): Promise<Played> {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-fault-')));
  const imagePath = makeImage(folder, {
    defaultTimings: schedule.defaultTimings,
    smiHangs: has(schedule, 'smi-hangs'),
  });
  const world = await World.open({ isolation: schedule.isolation, imagePath, delays: noDelays });
  const one = new Play(world, schedule);
  try {
    return await one.toTheEnd();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A laptop with the project on it. */
interface Laptop {
  home: string;
  file: string;
}

class Play {
  readonly #world: World;
  readonly #schedule: Schedule;
  readonly #began = performance.now();
  readonly #trace: string[];
  readonly #verdict: Verdict;
  readonly #laptop: Laptop;
  readonly #other: Laptop;
  #injector: Injector | undefined;

  constructor(world: World, schedule: Schedule) {
    this.#world = world;
    this.#schedule = schedule;
    this.#trace = [describeSchedule(schedule)];
    const project = makeProject(world.folder);
    this.#laptop = { home: world.home, file: project.file };
    const folder = path.join(world.folder, 'other-laptop');
    this.#other = { home: path.join(folder, 'home'), file: path.join(folder, 'faults', path.basename(project.file)) };
    cpSync(project.root, path.dirname(this.#other.file), { recursive: true });
    this.#verdict = new Verdict(world, [this.#laptop.home, this.#other.home]);
  }

  async toTheEnd(): Promise<Played> {
    try {
      await this.#play();
    } catch (error) {
      this.#verdict.fail(
        `the play broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    } finally {
      await this.#injector?.stop();
      await this.#world.close().catch((error: unknown) => this.#verdict.fail(String(error)));
    }
    const { violations, journalLines, lostMs, hits } = this.#verdict;
    return {
      schedule: this.#schedule,
      violations,
      places: hits.filter((h) => h.done !== undefined).map((h) => placeOf(h.fault)),
      podsAsked: this.#world.podsAsked(),
      journalLines,
      lostMs,
      seconds: (performance.now() - this.#began) / 1000,
      trace: this.#trace.join('\n'),
    };
  }

  async #play(): Promise<void> {
    const schedule = this.#schedule;
    const injector = (this.#injector = new Injector(this.#world, schedule.faults, {
      note: (text) => this.#note(text),
      disk: await this.#prepare(),
      startAgain: (home) =>
        this.#client(home === 'other' ? this.#other : this.#laptop, ['run', '--yes'], { disturbed: false }),
    }));
    for (let round = 0; round <= schedule.faults.length && (round === 0 || injector.left > 0); round += 1) {
      const { ended, result } = await this.#client(this.#laptop, ['run', '--yes']);
      if (round === 0 && isNoEvent(schedule)) this.#wasNoEvent(ended, result);
      await injector.others();
      if (ended.code !== 0) await this.#resolve();
    }
    await injector.stop();
    // What a disturbance has left is resolved first, as the product says.
    await this.#resolve();
    let last = await this.#client(this.#laptop, ['run', '--yes']);
    // Nobody had been told before that the other laptop has filled the project.
    if (isOtherOrigin(last)) last = await this.#client(this.#laptop, ['run', '--yes']);
    const { ended } = last;
    if (ended.code !== 0) this.#verdict.fail(`the undisturbed run ended with ${ended.code ?? 'a signal'}`);
    await this.#noPodIsLeft(endingMs(schedule.defaultTimings), 'at the end');
    const lists = [];
    for (const { home } of [this.#laptop, this.#other]) {
      if (existsSync(home)) lists.push(await this.#world.run(['jobs', '--json'], { RUNPOD_TRAINER_HOME: home }));
    }
    await this.#verdict.check(lists);
  }

  /** Disks that can be bad are made before anybody uses them. */
  async #prepare(): Promise<VolumeDisk | undefined> {
    const { sandbox } = this.#world;
    if (has(this.#schedule, 'disk-full')) sandbox.starts.diskBytes = smallDiskBytes;
    if (!has(this.#schedule, 'volume-full', 'volume-broken', 'fsync-fails', 'volume-hangs')) return undefined;
    const answer = await fetch(`${sandbox.restUrl}/network-volumes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sandbox.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'tests', size: 10, dataCenter: 'US-MD-1' }),
    });
    return sandbox.serveVolume(((await answer.json()) as { id: string }).id);
  }

  /** Runs a command on a laptop to its end; faults come meanwhile unless told. */
  async #client({ home, file }: Laptop, [command = '', ...more]: string[], { disturbed = true } = {}): Promise<Claim> {
    // Who is told that the other laptop has filled the project agrees.
    const isAsked = command === 'run' && this.#verdict.claims.some((c) => c.home === home && isOtherOrigin(c));
    const args = [command, ...(command === 'run' ? [file] : []), ...more, ...(isAsked ? ['--adopt'] : [])];
    const where = home === this.#laptop.home ? '' : ' (the other laptop)';
    this.#note(`> ${args.join(' ')}${where}`);
    const cli = this.#world.start([...args, '--json'], { RUNPOD_TRAINER_HOME: home });
    const timer = setTimeout(() => {
      this.#verdict.fail(`a client hangs: ${command}`);
      cli.signal('SIGKILL');
    }, patienceMs);
    if (disturbed) await this.#injector?.watch(cli);
    const ended = await cli.ended;
    clearTimeout(timer);
    const hits = disturbed ? (this.#injector?.hits.splice(0) ?? []) : [];
    this.#verdict.hits.push(...hits);
    const claim: Claim = { home, args, ended, result: resultOf(cli), told: cli.told() };
    this.#verdict.claims.push(claim);
    this.#noteEnd(claim, where);
    const off = hits.find((h) => h.fault.kind === 'laptop-off' && h.done !== undefined);
    if (off !== undefined) await this.#laptopIsOff(off.fault);
    return claim;
  }

  #noteEnd({ ended, result, told }: Claim, where: string): void {
    this.#note(
      `= ${ended.code ?? ended.signal ?? '?'}${where} ${result?.outcome ?? ''} ${result?.reason ?? ''} ${ended.stderr.trim()}`,
    );
    for (const { type, text } of told.filter((t) => t.type === 'warning')) this.#note(`  ${type} ${String(text)}`);
    const error = told.findLast((t) => t.type === 'error');
    if (error !== undefined) this.#note(`  ${JSON.stringify(error)}`);
  }

  /** Cuts and short freezes are noticed by nobody: the one run succeeds on its one pod. */
  #wasNoEvent(ended: Ended, result: Result | undefined): void {
    const seen = `${ended.code ?? ended.signal ?? '?'}, ${result?.outcome ?? 'no result'}, ${this.#world.podsAsked()} pods`;
    if (seen !== '0, succeeded, 1 pods') this.#verdict.fail(`a link was cut for a moment, and the run came to ${seen}`);
  }

  /** Nobody is there who could end the pod, so it ends itself. */
  async #laptopIsOff(fault: Fault): Promise<void> {
    const began = performance.now();
    await this.#noPodIsLeft(
      laptopOffMs(fault, this.#schedule.defaultTimings),
      `with the laptop off (${placeOf(fault)})`,
    );
    this.#note(`the laptop was off for ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }

  async #noPodIsLeft(withinMs: number, when: string): Promise<void> {
    await until('no pod is left', async () => (await this.#pods()).length === 0, withinMs).catch(async () => {
      const pods = (await this.#pods()).map(({ name, status }) => `${name} ${status}`);
      this.#verdict.fail(`pods are left ${when}, after ${withinMs / 1000} s: ${pods.join(', ')}`);
    });
  }

  /** While the API is down nobody can say. */
  #pods(): Promise<{ name: string; status: string }[]> {
    return this.#world.pods().catch(() => [{ name: 'unknown', status: 'the API is down' }]);
  }

  /** Attaches to the newest job of each laptop while it is not known how it ended. */
  async #resolve(): Promise<void> {
    for (const laptop of [this.#laptop, this.#other]) {
      for (let time = 0; time < 3; time += 1) {
        const record = newest(laptop.home);
        if (record?.remote === undefined || record.outcome !== undefined || record.phase === 'done') break;
        const { result } = await this.#client(laptop, ['attach', record.job]);
        if (result !== undefined && result.outcome === 'unknown') break;
      }
    }
  }

  #note(text: string): void {
    this.#trace.push(`${((performance.now() - this.#began) / 1000).toFixed(2)} ${text}`);
  }
}

function newest(home: string): JobRecord | undefined {
  return recordsIn(home).toSorted((a, b) => (a.created < b.created ? 1 : -1))[0];
}

/** A killed client may have left half a line. */
function resultOf(cli: Cli): Result | undefined {
  return cli.told().findLast((t) => t.type === 'result') as Result | undefined;
}

function isOtherOrigin({ told }: Claim): boolean {
  return told.some((t) => t.type === 'error' && t.code === 'other-origin');
}
