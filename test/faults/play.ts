import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { until } from '../support/wait.ts';
import { World, type Cli, type Ended, type Result } from '../integration/jobs/harness.ts';
import { Injector } from './inject.ts';
import { describeSchedule, type Schedule } from './schedule.ts';
import { makeImage, makeProject } from './stage.ts';
import { Verdict, type Claim } from './verdict.ts';

/** What playing a schedule came to. */
export interface Played {
  schedule: Schedule;
  /** What did not hold; empty when all did. */
  violations: string[];
  /** Faults that harmed something. */
  hits: number;
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

/**
 * Plays a schedule: somebody runs the project while faults come, stays with what is unresolved as the product tells
 * them to, and in the end runs it again undisturbed. Then everything that must hold is checked.
 */
export async function play(schedule: Schedule): Promise<Played> {
  const began = performance.now();
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-fault-')));
  const world = await World.open({ isolation: schedule.isolation, imagePath: makeImage(folder), delays: noDelays });
  const project = makeProject(world.folder);
  const verdict = new Verdict(world);
  const trace: string[] = [describeSchedule(schedule)];
  const note = (text: string): void => void trace.push(`${((performance.now() - began) / 1000).toFixed(2)} ${text}`);

  const injector = new Injector(world, schedule.faults, note);

  const client = async (...args: string[]): Promise<{ ended: Ended; result: Result | undefined }> => {
    note(`> ${args.join(' ')}`);
    const cli = world.start([...args, '--json']);
    const timer = setTimeout(() => {
      verdict.fail(`a client hangs: ${args[0] ?? ''}`);
      cli.signal('SIGKILL');
    }, patienceMs);
    await injector.watch(cli);
    clearTimeout(timer);
    const ended = await cli.ended;
    verdict.hits.push(...injector.hits.splice(0));
    const result = wholeLines(cli).findLast((t) => t.type === 'result') as Result | undefined;
    note(
      `= ${ended.code ?? ended.signal ?? '?'} ${result?.outcome ?? ''} ${result?.reason ?? ''} ${ended.stderr.trim()}`,
    );
    const error = wholeLines(cli).findLast((t) => t.type === 'error');
    if (error !== undefined) note(`  ${JSON.stringify(error)}`);
    const claim: Claim = { args, ended, result, told: wholeLines(cli) };
    verdict.claims.push(claim);
    return { ended, result };
  };

  try {
    for (let round = 0; round <= schedule.faults.length && (round === 0 || injector.left > 0); round += 1) {
      const { ended } = await client('run', project.file, '--yes');
      if (ended.code !== 0) await resolve(world, client);
    }
    await injector.stop();
    // What a disturbance has left is resolved first, as the product says.
    await resolve(world, client);
    const { ended } = await client('run', project.file, '--yes');
    if (ended.code !== 0) verdict.fail(`the undisturbed run ended with ${ended.code ?? 'a signal'}`);
    await until('no pod is left', async () => (await world.pods()).length === 0, 20_000).catch(async () => {
      verdict.fail(`pods are left: ${JSON.stringify(await world.pods())}`);
    });
    await verdict.check(await world.run(['jobs', '--json']));
  } catch (error) {
    verdict.fail(`the play broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await injector.stop();
    await world.close().catch((error: unknown) => verdict.fail(String(error)));
    rmSync(folder, { recursive: true, force: true });
  }
  const done = verdict.hits.filter((h) => h.done !== undefined);
  return {
    schedule,
    violations: verdict.violations,
    hits: done.length,
    places: done.map((h) => `${h.fault.kind}/${h.fault.phase}`),
    podsAsked: world.podsAsked(),
    journalLines: verdict.journalLines,
    lostMs: verdict.lostMs,
    seconds: (performance.now() - began) / 1000,
    trace: trace.join('\n'),
  };
}

/** Attaches to the newest job while it is not known how it ended. */
async function resolve(
  world: World,
  client: (...args: string[]) => Promise<{ ended: Ended; result: Result | undefined }>,
): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    const record = world.records()[0];
    if (record?.remote === undefined || record.outcome !== undefined || record.phase === 'done') return;
    const { result } = await client('attach', record.job);
    if (result !== undefined && result.outcome === 'unknown') return;
  }
}

/** A killed client may have left half a line. */
function wholeLines(cli: Cli): ReturnType<Cli['told']> {
  return cli.told();
}
