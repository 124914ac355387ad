import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../support/wait.ts';
import { dist, nothingRuns, processesOf, World, type Cli } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** What ends a command from outside; `pipe`: who read its output has gone. */
type End = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'pipe';
type Phase = 'local' | 'pod' | 'wait' | 'transfer' | 'start';

/** The exit code that says that a run was cancelled in this way. */
const codes: Record<End, number> = { SIGINT: 4, SIGTERM: 4, SIGHUP: 129, pipe: 141 };

describe('a client is ended while it prepares a job (R3.4, R4.3)', () => {
  let world: World;
  /** Holds pods with this in their name before their container starts, or before the API answers. */
  const hold = { start: '', create: '', release: (): void => undefined };
  const held = (): Promise<undefined> => new Promise((resolve) => (hold.release = () => resolve(undefined)));
  const free = (): void => {
    hold.start = hold.create = '';
    hold.release();
  };

  before(async () => {
    world = await World.open({
      faults: {
        request: ({ method, path: url }) =>
          hold.create !== '' && method === 'POST' && url === '/v2/pods' ? held() : undefined,
        podStart: ({ name }) => (hold.start !== '' && name.includes(hold.start) ? held() : undefined),
      },
    });
  });
  afterEach(free);
  after(() => world.close());

  const projectFor = (name: string, local = 'echo here'): TestProject =>
    new TestProject(world.folder, {
      name,
      steps: [
        { name: 'here', shell: local, where: 'local', inputs: ['code.txt'] },
        { name: 'there', shell: untilGo, inputs: ['code.txt'] },
      ],
    });

  function endBy(end: End, cli: Cli): void {
    if (end === 'pipe') {
      cli.child.stdout?.destroy();
    } else {
      cli.signal(end);
    }
  }

  /** Starts a run that stays in a phase, or passes through it slowly enough to be met there. */
  async function reach(phase: Phase, name: string): Promise<Cli> {
    const project = projectFor(name, phase === 'local' ? `${longHere} echo here; sleep 300` : undefined);
    hold.create = phase === 'pod' ? name : '';
    hold.start = phase === 'wait' ? `-${name}-` : '';
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says(phase === 'local' ? '"lines":["here"]' : `"phase":"${phase}"`);
    if (phase === 'pod') {
      await until('the request arrives', () => world.requests.at(-1)?.method === 'POST');
    }
    return run;
  }
  /** A daemon of the step, which left its session. */
  const longHere = 'nohup setsid sleep 301 > /dev/null 2>&1 &';

  const recordOf = (name: string) => world.records().find((r) => r.project === name) ?? assert.fail('no record');

  async function nothingIsLeft(name: string): Promise<void> {
    assert.deepEqual(
      (await world.pods()).filter((p) => p.name.startsWith(`rpt-${name}-`)),
      [],
    );
    const record = recordOf(name);
    assert.deepEqual([record.phase, record.outcome], ['done', 'cancelled']);
    assert.equal(record.podEnded === undefined, record.pod === undefined);
    await nothingRuns(record.job);
  }

  const cases: [Phase, End][] = [
    ['wait', 'SIGINT'],
    ['wait', 'SIGTERM'],
    ['wait', 'SIGHUP'],
    ['local', 'SIGTERM'],
    ['local', 'SIGHUP'],
    ['pod', 'SIGHUP'],
    ['pod', 'pipe'],
    ['transfer', 'SIGHUP'],
    ['transfer', 'pipe'],
    ['start', 'SIGHUP'],
    ['start', 'pipe'],
  ];
  for (const [phase, end] of cases) {
    it(`by ${end} in the phase ${phase}: nothing is left, here and there`, async () => {
      const name = `${phase}-${end.toLowerCase()}`;
      const run = await reach(phase, name);
      endBy(end, run);
      free();
      const { code, stderr } = await run.ended;
      if (recordOf(name).phase !== 'run') {
        assert.equal(code, codes[end], stderr);
        await nothingIsLeft(name);
      }
      assert.doesNotMatch(stderr, /EPIPE|at .*\.js:/);
    });
  }

  it('by a closed pipe while it waits for the pod: says what the pod cost where somebody still reads', async () => {
    hold.start = '-head-';
    const { file } = projectFor('head');
    const cli = path.join(dist, 'cli.js');
    const shell = `set -o pipefail; "${process.execPath}" "${cli}" run "${file}" --yes | sed '/waiting until/q'`;
    const child = spawn('bash', ['-c', shell], { env: world.env(), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    child.stdout.resume();
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await until('the pod', async () => (await world.pods()).some((p) => p.name.includes('-head-')));
    free();
    assert.equal(await ended, 141, said);
    assert.match(said, /^Cancelled\. The pod was terminated; what it cost: free here, about \$0\.0\d* on RunPod\.\n$/);
    await nothingIsLeft('head');
  });

  it('by SIGHUP and Ctrl-C at once, and once more: the pod is ended all the same', async () => {
    const run = await reach('wait', 'many');
    run.signal('SIGHUP');
    run.signal('SIGHUP');
    run.signal('SIGINT');
    run.signal('SIGTERM');
    const { code, stderr } = await run.ended;
    // Which of them arrives first is up to the system.
    assert.ok(code === 129 || code === 4, `${code} ${stderr}`);
    await nothingIsLeft('many');
  });

  it('by SIGKILL in a local step: the step ends, and what it started', async () => {
    const run = await reach('local', 'killed');
    const { job } = recordOf('killed');
    assert.ok(processesOf(job).some((p) => p.args.includes('sleep 301')));
    run.signal('SIGKILL');
    await run.ended;
    await nothingRuns(job);
    const journal = path.join(world.folder, 'killed', '.runpod-trainer', 'jobs', job, 'events.jsonl');
    assert.match(readFileSync(journal, 'utf8'), /"status":"cancelled","reason":"The program that ran it was ended\."/);
  });

  it('by SIGHUP or a closed pipe while the job runs: the client only detaches', async () => {
    const project = projectFor('running');
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('line 50');
    run.signal('SIGHUP');
    assert.equal((await run.ended).code, 129);
    const { job } = recordOf('running');
    const attach = world.start(['attach', job, '--json']);
    await attach.says('line 1');
    attach.child.stdout?.destroy();
    const out = path.join(await world.volume('tests'), 'projects', 'running');
    await until('the step runs', () => existsSync(out));
    // It goes on to its end without anybody.
    writeFileSync(path.join(out, 'go'), '');
    const { code, stderr } = await attach.ended;
    assert.equal(code, 141, stderr);
    assert.equal(stderr, '');
  });

  it('`jobs --json | head`: ends without a word', async () => {
    const jobs = world.start(['jobs', '--json']);
    jobs.child.stdout?.destroy();
    const { code, stderr } = await jobs.ended;
    assert.deepEqual([code, stderr], [141, '']);
  });

  describe('in a terminal', () => {
    it('that is closed while the pod is awaited: the pod is ended', async () => {
      hold.start = '-closed-';
      const { cli, order } = world.startInTerminal(['run', projectFor('closed').file, '--yes']);
      await cli.says('waiting until it answers');
      order('close');
      free();
      const { stderr } = await cli.ended;
      assert.equal(stderr, 'exit 129\n');
      await nothingIsLeft('closed');
    });

    for (const how of ['close', 'signal 1', 'signal 15'] as const) {
      it(`that asks a question, by "${how}": nothing is rented`, async () => {
        const asked = world.podsAsked();
        const { cli, order } = world.startInTerminal(['run', projectFor(`asked-${how.replace(' ', '-')}`).file]);
        await cli.says('Run them? [y/N]');
        order(how);
        const { stdout, stderr } = await cli.ended;
        // A closed terminal is also the end of the input, which is a no.
        assert.match(stderr, how === 'signal 1' ? /^exit 129\n$/ : /^exit (4|129)\n$/, stdout);
        assert.equal(world.podsAsked(), asked);
      });
    }
  });
});
