import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TestProject, untilGo } from '../integration/jobs/projects.ts';
import { eventsOf, nothingRuns, World, type Cli, type Result } from '../integration/jobs/harness.ts';
import { isRoot } from '../integration/sandbox/harness.ts';
import { until } from '../support/wait.ts';
import { makeImage } from './stage.ts';

/** A step that prints a line every 0.1 s until the test says so. */
const talking = 'rm -f go; n=0; while [ ! -e go ]; do n=$((n+1)); echo "said $n"; sleep 0.1; done; echo "after go"';

describe('the client on a bad day (R1.6, R3.4, R4.3)', () => {
  let world: World;
  let folder: string;

  before(async () => {
    folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-bad-day-')));
    world = await World.open({ imagePath: makeImage(folder) });
  });
  after(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    world.sandbox.starts.crashLoop = false;
    world.sandbox.starts.noPort = false;
    world.sandbox.requests.restore();
    world.sandbox.skew(0);
    await world.sandbox.apiUp();
  });

  const make = (name: string, shell: string, more: Record<string, unknown> = {}): TestProject =>
    new TestProject(world.folder, { name, steps: [{ name: 'only', shell, inputs: ['code.txt'] }], ...more });
  const start = (project: TestProject): Cli => world.start(['run', project.file, '--yes', '--json']);
  const podsOf = async (name: string): Promise<{ id: string; status: string }[]> =>
    (await world.pods()).filter((p) => p.name.startsWith(`rpt-${name}-`));
  const resultOf = (cli: Cli): Result => cli.told().findLast((t) => t.type === 'result') as Result;
  const linkLost = (cli: Cli): boolean => cli.told().some((t) => t.type === 'link' && t.state === 'lost');

  /** Where the steps' projects lie; looked up before an API that is down could not tell. */
  let projects = '';

  async function locate(): Promise<string> {
    projects ||= path.join(await world.volume('tests'), 'projects');
    return projects;
  }

  async function go(project: string): Promise<void> {
    writeFileSync(path.join(await locate(), project, 'go'), '');
  }

  /** Every event once and in order. */
  function assertWhole(cli: Cli): void {
    const numbers = eventsOf(cli.told()).map((e) => e.seq);
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
    );
  }

  it('a crash loop: it ends early with what the container printed, and ends the pod', async () => {
    world.sandbox.starts.crashLoop = true;
    const began = performance.now();
    const { code, stderr } = await world.run(['run', make('crashing', 'true').file, '--yes']);
    assert.equal(code, 2, stderr);
    assert.ok(performance.now() - began < 30_000);
    assert.match(stderr, /ends again and again: it was started \d+ times and SSH never answered/);
    assert.match(stderr, /It printed last: start\.sh: cannot go on/);
    assert.match(stderr, /The pod was terminated; what it cost: free here, about \$/);
    assert.deepEqual(await podsOf('crashing'), []);
  });

  it('a port that is never mapped: it ends when the patience of the project is over', async () => {
    world.sandbox.starts.noPort = true;
    const project = make('unmapped', 'true');
    project.change((parts) => ({ ...parts, target: { ...parts.target, readyMinutes: 0.05 } }));
    const { code, stderr } = await world.run(['run', project.file, '--yes']);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /not ready after 3 s.*the port is not mapped yet/);
    assert.deepEqual(await podsOf('unmapped'), []);
  });

  it('an address that leads to another pod for a while: it says nothing to that one and waits', async () => {
    const other = make('other', untilGo);
    const running = start(other);
    await running.says('line 50');
    const [pod] = await podsOf('other');
    const port = await sshPort(pod?.id ?? '');
    const project = make('stale', 'echo here');
    const run = start(project);
    await run.says('"type":"pod"');
    const [own] = await podsOf('stale');
    world.sandbox.tellWrongPort(own?.id ?? '', port);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    world.sandbox.tellWrongPort(own?.id ?? '', undefined);
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.equal(eventsOf(run.told()).find((e) => e.type === 'job.started')?.podId, own?.id);
    await go('other');
    assert.equal((await running.ended).code, 0);
  });

  it('the API down while a job runs: the view goes on over SSH, and the pod is ended when it is back', async () => {
    const project = make('offline', talking);
    const run = start(project);
    await run.says('said 3');
    await locate();
    await world.sandbox.apiDown('refused');
    const before = run.stdout.length;
    await until('lines go on', () => run.stdout.slice(before).includes('said '));
    await go('offline');
    await run.says('after go');
    await run.says('"phase":"end"');
    await world.sandbox.apiUp();
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.ok(!linkLost(run));
    assertWhole(run);
    await until('the pod is ended', async () => (await podsOf('offline')).length === 0);
  });

  it('the API down for longer than the client asks: how the job ended is told all the same, and the keeper ends the pod', async () => {
    const project = make('long-offline', talking);
    const run = start(project);
    await run.says('said 3');
    const { job } = world.records().find((r) => r.project === 'long-offline') ?? assert.fail();
    await locate();
    await world.sandbox.apiDown('refused');
    await go('long-offline');
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.equal(resultOf(run).outcome, 'succeeded');
    const warnings = run.told().filter((t) => t.type === 'warning');
    assert.match(String(warnings.at(-1)?.text), /could not be ended and may still cost money/);
    await world.sandbox.apiUp();
    await until('the pod is ended', async () => (await podsOf('long-offline')).length === 0, 20_000);
    await nothingRuns(job);
  });

  it('requests refused with 429: it waits as long as it is told', async () => {
    world.sandbox.requests.fail(429, { times: 2, retryAfter: 2 });
    const began = performance.now();
    const { code, stderr } = await world.run(['jobs', '--json']);
    assert.equal(code, 0, stderr);
    assert.ok(performance.now() - began > 4000);
  });

  it('a pod deleted from outside under a job: it is lost, and what tells more is offered', async () => {
    const project = make('deleted', talking);
    const run = start(project);
    await run.says('said 3');
    const [pod] = await podsOf('deleted');
    await fetch(`${world.sandbox.restUrl}/pods/${pod?.id ?? ''}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${world.sandbox.key}` },
    });
    const { code, stderr } = await run.ended;
    assert.equal(code, 3, stderr);
    const { job, outcome, reason, remedies } = resultOf(run);
    assert.equal(outcome, 'lost');
    assert.match(reason ?? '', /pod is gone/);
    assert.deepEqual(
      (remedies as { do: string }[]).map((one) => one.do),
      ['fetch', 'run'],
    );
    assert.match((await world.run(['jobs'])).stdout, new RegExp(`${job} +lost`));
    assertWhole(run);
  });

  it('a link that is cut: every line arrives once, before and after', async () => {
    const project = make('cut', talking);
    const run = start(project);
    await run.says('said 3');
    const [pod] = await podsOf('cut');
    const link = world.sandbox.link(pod?.id ?? '');
    link.cut();
    await until('the loss is noticed', () => linkLost(run));
    link.restore();
    const before = run.stdout.length;
    await until('lines go on', () => run.stdout.slice(before).includes('said '));
    await go('cut');
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assertWhole(run);
  });

  it('a link that is frozen: the silence is noticed, and every line arrives once over the next link', async () => {
    const project = make('frozen', talking);
    const run = start(project);
    await run.says('said 3');
    const [pod] = await podsOf('frozen');
    const link = world.sandbox.link(pod?.id ?? '');
    link.freeze();
    await until('the silence is noticed', () => linkLost(run), 30_000);
    link.restore();
    await go('frozen');
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assertWhole(run);
  });

  it('times of the platform that are wrong by half an hour: the cost is right', async () => {
    for (const minutes of [-30, 30]) {
      world.sandbox.skew(minutes);
      const { code, result } = await world.runJson([
        'run',
        make(`skew${minutes < 0 ? 'a' : 'b'}`, 'true').file,
        '--yes',
      ]);
      assert.equal(code, 0);
      // At $0.07 an hour half an hour is $0.035.
      assert.ok(result.cost.metered > 0 && result.cost.metered < 0.002, String(result.cost.metered));
      assert.ok((result.cost.billed ?? 0) > 0);
    }
  });

  it('a client that is killed during the transfer and never comes back: the pod ends itself', async () => {
    const project = make('left', 'true', { sync: { must: ['code.txt', 'data/'] } });
    project.write('data/large.bin', 'x'.repeat(40_000_000));
    const run = start(project);
    await run.says('"type":"transfer"');
    const [pod] = await podsOf('left');
    run.signal('SIGKILL');
    await run.ended;
    assert.equal((await podsOf('left'))[0]?.id, pod?.id);
    await until('the keeper ends the pod', async () => (await podsOf('left')).length === 0, 40_000);
    const { job } = world.records().find((r) => r.project === 'left') ?? assert.fail();
    const log = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', job, 'watchdog.log');
    assert.match(readFileSync(log, 'utf8'), /no worker has started and no client is at work/);
  });

  if (isRoot) {
    it('a volume that fills up under a job: the step fails with the cause, and the journal says so', async () => {
      const project = make('fill', 'head -c 60000000 /dev/zero > big.bin');
      project.change((parts) => ({
        ...parts,
        target: { ...parts.target, volume: { name: 'small', dataCenter: 'US-MD-1', size: 10 } },
      }));
      const first = await world.runJson(['run', make('fill-first', 'true').file, '--yes']);
      assert.equal(first.code, 0);
      const answer = await fetch(`${world.sandbox.restUrl}/network-volumes`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.sandbox.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'small', size: 10, dataCenter: 'US-MD-1' }),
      });
      const { id } = (await answer.json()) as { id: string };
      world.sandbox.limitVolume(id, 20_000_000);
      // Somebody else writes there too, so not even what the worker kept in reserve stays free.
      const fill = setInterval(() => fillUp(world.sandbox.volumeDirectory(id)), 5);
      const { code, result } = await world.runJson(['run', project.file, '--yes']).finally(() => clearInterval(fill));
      assert.equal(code, 1);
      assert.equal(result.outcome, 'failed');
      assert.match(result.reason ?? '', /No space left on device|full/);
      assert.deepEqual(await podsOf('fill'), []);
      assert.ok(existsSync(path.join(world.sandbox.volumeDirectory(id), 'filler')));
      assert.ok(existsSync(path.join(result.results ?? '', 'job', 'events.jsonl')));
    });
  }

  async function sshPort(id: string): Promise<number> {
    const answer = await fetch(`${world.sandbox.restUrl}/pods/${id}`, {
      headers: { authorization: `Bearer ${world.sandbox.key}` },
    });
    return ((await answer.json()) as { ssh: { direct: { port: number } } }).ssh.direct.port;
  }
});

/** Takes what is left of a small volume, once the job on it has said its last words. */
function fillUp(folder: string): void {
  const [job = ''] = globSync('.runpod-trainer/jobs/*/events.jsonl', { cwd: folder });
  const { bavail, bsize } = statfsSync(folder);
  if (bavail > 0 && job !== '' && readFileSync(path.join(folder, job), 'utf8').includes('"job.finished"')) {
    try {
      appendFileSync(path.join(folder, 'filler'), Buffer.alloc(bavail * bsize));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
}
