import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../support/wait.ts';
import { wholeJournal } from '../../support/whole-journal.ts';
import { eventsOf, nothingRuns, World, type Cli, type Result } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** A project whose only step goes on until the test says so; it writes `out.txt` first. */
function waiting(world: World, name: string, more: Record<string, unknown> = {}): TestProject {
  return new TestProject(world.folder, {
    name,
    steps: [{ name: 'wait', shell: `echo kept > out.txt; ${untilGo}`, gates: [{ type: 'file', path: 'go' }] }],
    onFinish: { fetch: ['out.txt'] },
    ...more,
  });
}

async function go(world: World, project: TestProject): Promise<void> {
  const volume = await world.volume('tests');
  writeFileSync(path.join(volume, 'projects', path.basename(project.root), 'go'), 'go\n');
}

const jobIn = (text: string): string => /runpod-trainer attach ([\w-]+)/.exec(text)?.[1] ?? assert.fail(text);

describe('detach, attach, cancel (R3.4, R3.6)', () => {
  let world: World;
  /** Pods with this in their name are held before their container starts. */
  const held = { name: '', release: (): void => undefined };
  /** A job that nobody watches; it runs while the other tests do. */
  let alone: { project: TestProject; job: string };

  before(async () => {
    world = await World.open({
      faults: {
        podStart: ({ name }) =>
          held.name !== '' && name.includes(held.name)
            ? new Promise<undefined>((resolve) => (held.release = () => resolve(undefined)))
            : undefined,
      },
    });
    const project = waiting(world, 'alone');
    const { code, stdout } = await world.run(['run', project.file, '--yes', '--detach']);
    assert.equal(code, 0, stdout);
    alone = { project, job: jobIn(stdout) };
    await go(world, project);
  });
  after(() => world.close());

  it('detaches with Ctrl-C; any number of others see every line once, whenever they come', async () => {
    const project = waiting(world, 'watched');
    const first = world.start(['run', project.file, '--yes']);
    await first.says('line 50');
    first.signal('SIGINT');
    const { code, stdout, stderr } = await first.ended;
    assert.equal(code, 130, stderr);
    assert.match(stdout, /Detached: the job goes on/);
    const job = jobIn(stdout);
    assert.match(stdout, new RegExp(`runpod-trainer cancel ${job}`));
    const jobs = await world.run(['jobs']);
    assert.match(
      jobs.stdout,
      new RegExp(`${job} +running .* CPU pod, 2 vCPU · free here, \\$0\\.07/h on RunPod · running`),
    );

    const [second, third] = [world.start(['attach', job, '--json']), world.start(['attach', '--json', 'watched'])];
    for (const attached of [second, third]) {
      await attached.says('line 50');
    }
    await go(world, project);
    const volume = await world.volume('tests');
    const journal = path.join(volume, '.runpod-trainer', 'jobs', job, 'events.jsonl');
    for (const attached of [second, third]) {
      const ended = await attached.ended;
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      assertComplete(attached, journal);
      assert.deepEqual(
        attached.told().filter((t) => t.type === 'warning'),
        [],
      );
      const result = attached.told().findLast((t) => t.type === 'result') as Result;
      assert.equal(readFileSync(path.join(result.results ?? '', 'out.txt'), 'utf8'), 'kept\n');
      assert.ok(result.podEnded !== undefined);
    }
    const copy = readFileSync(path.join(world.home, 'jobs', job, 'events.jsonl'));
    assert.ok(copy.equals(readFileSync(journal)), 'the local copy is the journal, byte by byte');
    await nothingRuns(job);

    // The pod is gone: the whole job is shown again from the copy.
    const late = world.start(['attach', job, '--json']);
    const ended = await late.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assertComplete(late, journal);
    assert.ok(late.told().every((t) => t.type !== 'job' || t.replay === true));

    const elsewhere = await world.run(['attach', job], { RUNPOD_TRAINER_HOME: path.join(world.folder, 'other') });
    assert.equal(elsewhere.code, 2);
    assert.match(elsewhere.stderr, new RegExp(`No job "${job}" was started from here`));
    assert.match(elsewhere.stderr, /runpod-trainer run/);
  });

  it('reads a journal anew that does not go on from the copy here, and keeps that copy', async () => {
    const project = waiting(world, 'shorter');
    const { code, stdout } = await world.run(['run', project.file, '--yes', '--detach']);
    assert.equal(code, 0, stdout);
    const job = jobIn(stdout);
    const folder = path.join(world.home, 'jobs', job);
    writeFileSync(path.join(folder, 'events.jsonl'), `${'x'.repeat(9_999)}\n`.repeat(100));
    const attached = world.start(['attach', job, '--json']);
    await attached.says('line 50');
    await go(world, project);
    const ended = await attached.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const warnings = attached.told().filter((t) => t.type === 'warning');
    assert.match(JSON.stringify(warnings), /does not go on from the copy here: it is read anew/);
    const journal = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', job, 'events.jsonl');
    assert.equal(readFileSync(path.join(folder, 'events.jsonl'), 'utf8'), readFileSync(journal, 'utf8'));
    assert.ok(readdirSync(folder).some((name) => name.startsWith('events.before-')));
  });

  it('brings results home for two at the same moment, one after the other (R2.6)', async () => {
    const project = waiting(world, 'twofold');
    const { code, stdout } = await world.run(['run', project.file, '--yes', '--detach']);
    assert.equal(code, 0, stdout);
    const job = jobIn(stdout);
    const out = path.join(await world.volume('tests'), 'projects', 'twofold', 'out.txt');
    await until('the step to have written', () => existsSync(out) && readFileSync(out, 'utf8') === 'kept\n');
    const both = await Promise.all([1, 2].map(() => world.run(['fetch', job, '--yes'])));
    for (const ended of both) {
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    }
    assert.equal(readFileSync(path.join(project.root, 'runpod-results', job, 'out.txt'), 'utf8'), 'kept\n');
    assert.equal((await world.run(['cancel', job])).code, 0);
  });

  it('cancels with Ctrl-C before the job runs: the pod that was rented is ended', async () => {
    const project = waiting(world, 'early');
    held.name = '-early-';
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"phase":"wait"');
    run.signal('SIGINT');
    held.release();
    held.name = '';
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.match(stdout, /Cancelled\. The pod was terminated; what it cost: free here, about \$/);
    assert.ok((await world.pods()).every((p) => !p.name.includes('early')));
    const record = world.records().find((r) => r.project === 'early');
    assert.deepEqual([record?.phase, record?.outcome], ['done', 'cancelled']);
  });

  it('cancels a running job: its step is interrupted, what it wrote comes home, the pod ends', async () => {
    const project = waiting(world, 'stopped');
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('line 50');
    const job = world.records().find((r) => r.project === 'stopped')?.job ?? '';
    const cancel = await world.run(['cancel', job]);
    assert.equal(cancel.code, 0, cancel.stdout + cancel.stderr);
    assert.match(cancel.stdout, new RegExp(`Job ${job} was cancelled`));
    assert.match(cancel.stdout, /✗ wait .*cancelled/);
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    const result = run.told().findLast((t) => t.type === 'result') as Result;
    assert.equal(result.outcome, 'cancelled');
    assert.equal(readFileSync(path.join(project.root, 'runpod-results', job, 'out.txt'), 'utf8'), 'kept\n');
    assert.ok((await world.pods()).every((p) => !p.name.includes('stopped')));
    await nothingRuns(job);
    const again = await world.run(['cancel', job]);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /has ended already/);
  });

  it('without anybody attached the pod ends itself; attach says what it does not know, fetch learns it (R4.3)', async () => {
    const { job } = alone;
    await until('the keeper ends the pod', async () => (await world.pods()).length === 0, 40_000);
    const attach = world.start(['attach', job, '--json']);
    const { code } = await attach.ended;
    assert.equal(code, 3);
    const result = attach.told().findLast((t) => t.type === 'result') as Result;
    assert.equal(result.outcome, 'lost');
    assert.match(result.reason ?? '', /pod is gone, and nobody here heard how the job ended/);
    const { file } = alone.project;
    assert.deepEqual(result.remedies, [
      { do: 'fetch', job },
      { do: 'run', file },
    ]);
    assert.match((await world.run(['attach', job])).stdout, new RegExp(`home: +runpod-trainer fetch ${job}`));
    assert.match((await world.run(['jobs'])).stdout, new RegExp(`${job} +lost \\(its pod is gone\\)`));

    const unasked = await world.run(['fetch', job]);
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /Rent a CPU pod, 2 vCPU \(free here, \$0\.07\/h on RunPod\)/);
    const folder = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', job);
    continueElsewhere(folder);
    const fetched = await world.run(['fetch', job, '--yes']);
    assert.equal(fetched.code, 0, fetched.stdout + fetched.stderr);
    const results = path.join(alone.project.root, 'runpod-results', job);
    assert.ok(existsSync(path.join(results, 'out.txt')) && existsSync(path.join(results, 'job', 'events.jsonl')));
    assert.deepEqual(await world.pods(), []);

    const known = world.start(['attach', job, '--json']);
    assert.equal((await known.ended).code, 0);
    assertComplete(known, path.join(results, 'job', 'events.jsonl'));
    // What the first epoch wrote after the second one began is in neither.
    for (const copy of [path.join(results, 'job'), path.join(world.home, 'jobs', job)]) {
      assert.ok(readFileSync(path.join(copy, 'events.jsonl')).equals(wholeJournal(folder)), copy);
    }
    assert.equal(known.told().filter((t) => t.type === 'warning').length, 0);
    assert.match((await world.run(['jobs'])).stdout, new RegExp(`${job} +succeeded`));
  });
});

/** As if another pod had gone on with the job, and the first worker had still written after that. */
function continueElsewhere(folder: string): void {
  const file = path.join(folder, 'events.jsonl');
  const first = readFileSync(file, 'utf8');
  const lines = first.trimEnd().split('\n');
  const of = (line: string | undefined, seq: number): string =>
    `${line?.replace(/"epoch":1,"seq":\d+,/, `"epoch":2,"seq":${seq},`) ?? ''}\n`;
  mkdirSync(path.join(folder, 'epochs', '2'));
  const owner = { podId: 'another', pid: 1, startTime: 1, boot: null, before: { 1: Buffer.byteLength(first) } };
  writeFileSync(path.join(folder, 'epochs', '2', 'owner.json'), JSON.stringify(owner));
  writeFileSync(path.join(folder, 'events-2.jsonl'), of(lines[0], 1) + of(lines.at(-1), 2));
  appendFileSync(file, `${lines.at(-2) ?? ''}\n`.repeat(20));
}

/** The command told every event of the journal once, in order, and every line that the step printed. */
function assertComplete(cli: Cli, journal: string): void {
  const key = (e: { epoch: number; seq: number; type: string }): string => `${e.epoch}/${e.seq} ${e.type}`;
  const lines = readFileSync(journal, 'utf8').trimEnd().split('\n');
  const written = lines.map((line) => JSON.parse(line) as { epoch: number; seq: number; type: string });
  const told = eventsOf(cli.told());
  assert.deepEqual(told.map(key), written.map(key));
  const printed = told.filter((e) => e.type === 'log').flatMap((e) => e.lines as string[]);
  assert.deepEqual(printed, [...Array.from({ length: 50 }, (_, i) => `line ${i + 1}`), 'after go']);
}
