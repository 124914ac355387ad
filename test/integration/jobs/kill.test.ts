import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../support/wait.ts';
import { eventsOf, keeperOf, nothingRuns, workerOf, World, type Cli, type Result, type ToldEvent } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** What `jobs --json` tells of one job. */
interface Listed {
  job: string;
  project: string;
  state: string;
  cost: number;
  leftPodEnds?: string;
  pods: { id: string; name: string; status: string }[];
}

const twoSteps = [
  { name: 'first', shell: 'echo one > one.txt', inputs: ['code.txt'], gates: [{ type: 'file', path: 'one.txt' }] },
  { name: 'second', shell: untilGo, inputs: ['code.txt'] },
];

describe('somebody is killed (R3.4, R4.3)', () => {
  let world: World;
  /** Holds pods with this in their name before their container starts, or before they are created at all. */
  const hold = { start: '', create: false, release: (): void => undefined };
  /** A job with a cap, started first and looked at last. */
  let capped: Cli;

  const held = (): Promise<undefined> => new Promise((resolve) => (hold.release = () => resolve(undefined)));

  before(async () => {
    world = await World.open({
      faults: {
        request: ({ method, path: url }) =>
          hold.create && method === 'POST' && url === '/v2/pods' ? held() : undefined,
        podStart: ({ name }) => (hold.start !== '' && name.includes(hold.start) ? held() : undefined),
      },
    });
    // $0.0006 at $0.07 an hour are half a minute, of which half is kept for the end of the pod.
    const project = make('capped', { caps: { dollars: 0.0006 } });
    capped = world.start(['run', project.file, '--yes', '--json']);
    await capped.says('line 50');
    await kill(capped);
  });
  after(() => world.close());

  const make = (name: string, more: Record<string, unknown> = {}): TestProject =>
    new TestProject(world.folder, { name, steps: twoSteps, onFinish: { fetch: ['*.txt'] }, ...more });

  async function kill(cli: Cli): Promise<void> {
    cli.signal('SIGKILL');
    await cli.ended;
  }

  /** Runs the project and kills the client when RunPod has its request for a pod and has not answered it. */
  async function killAtCreate(project: TestProject): Promise<void> {
    hold.create = true;
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"phase":"pod"');
    await until('the request arrives', () => world.requests.at(-1)?.method === 'POST');
    await kill(run);
    hold.create = false;
    hold.release();
  }

  async function go(project: string): Promise<void> {
    writeFileSync(path.join(await world.volume('tests'), 'projects', project, 'go'), '');
  }

  async function listed(project: string): Promise<Listed[]> {
    const { stdout } = await world.run(['jobs', '--json']);
    const { jobs, unowned } = JSON.parse(stdout) as { jobs: Listed[]; unowned: unknown[] };
    assert.deepEqual(unowned, [], 'every pod has its job');
    return jobs.filter((j) => j.project === project);
  }

  const podsOf = async (project: string): Promise<unknown[]> =>
    (await world.pods()).filter((p) => p.name.startsWith(`rpt-${project}-`));

  it("the client while RunPod creates the pod: the pod is shown as its job's and can be cancelled", async () => {
    const project = make('at-pod');
    await killAtCreate(project);
    await until('RunPod has the pod', async () => (await podsOf('at-pod')).length === 1);
    const [job] = await listed('at-pod');
    assert.equal(job?.state, 'left while renting a pod');
    assert.equal(job.pods.length, 1);
    const cancel = await world.run(['cancel', job.job]);
    assert.equal(cancel.code, 0, cancel.stdout + cancel.stderr);
    assert.deepEqual(await podsOf('at-pod'), []);
    assert.equal((await listed('at-pod'))[0]?.state, 'cancelled');
  });

  it('the client before it could note the pod: the next run uses that pod, and does not end it', async () => {
    const project = make('at-answer');
    await killAtCreate(project);
    const pod = await until('the pod can be logged in to', async () => {
      const [found] = (await world.pods()).filter((p) => p.name.startsWith('rpt-at-answer-'));
      return found?.status === 'RUNNING' && found.ssh.direct !== null && found;
    });
    assert.equal((await listed('at-answer'))[0]?.state, 'left while renting a pod');
    const again = world.start(['run', project.file, '--yes', '--json']);
    await again.says('line 50');
    await go('at-answer');
    const { code, stdout, stderr } = await again.ended;
    assert.equal(code, 0, stdout + stderr);
    const told = again.told().find((t) => t.type === 'pod');
    assert.deepEqual([told?.podId, told?.reused], [pod.id, true]);
    assert.deepEqual(await podsOf('at-answer'), []);
    assert.deepEqual(
      (await listed('at-answer')).map((j) => [j.state, j.pods.length]),
      [
        ['succeeded', 0],
        ['not started', 0],
      ],
    );
  });

  it('the client while it waits for the pod: attach says what is there, cancel ends it', async () => {
    const project = make('at-wait');
    hold.start = '-at-wait-';
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"type":"pod"');
    const [busy] = await listed('at-wait');
    assert.equal(busy?.state, 'waiting for the pod');
    await kill(run);
    const [job] = await listed('at-wait');
    assert.equal(job?.state, 'left while waiting for the pod');
    assert.equal(job.pods.length, 1);
    // Half an hour after the time in which it should be ready (12 min) it ends itself, and that is said.
    const ends = (Date.parse(job.leftPodEnds ?? '') - Date.now()) / 60_000;
    assert.ok(ends > 37 && ends <= 42, job.leftPodEnds);
    const listing = await world.run(['jobs']);
    assert.match(listing.stdout, /was left while waiting for the pod; it ends itself by \d\d:\d\d at the latest\./);
    const attach = await world.run(['attach', job.job]);
    assert.equal(attach.code, 2);
    assert.match(attach.stderr, /has not started on a pod\./);
    assert.match(
      attach.stderr,
      /ended while it was waiting for the pod, .* ago\..*Its pod rpt-at-wait-.* is still there \(free here, \$0\.07\/h on RunPod\); it ends itself by \d\d:\d\d at the latest\./,
    );
    assert.match(attach.stderr, new RegExp(`runpod-trainer cancel ${job.job}`));
    hold.start = '';
    hold.release();
    assert.equal((await world.run(['cancel', job.job])).code, 0);
    assert.deepEqual(await podsOf('at-wait'), []);
  });

  it('the client during the transfer: the next run uses the pod that it left', async () => {
    const project = make('at-transfer');
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"phase":"transfer"');
    await kill(run);
    const [left] = await listed('at-transfer');
    assert.equal(left?.state, 'left while uploading');
    assert.equal(left.pods.length, 1);
    const again = world.start(['run', project.file, '--yes', '--json']);
    await again.says('line 50');
    await go('at-transfer');
    const { code, stdout, stderr } = await again.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.equal(again.told().find((t) => t.type === 'pod')?.reused, true);
    assert.deepEqual(await podsOf('at-transfer'), []);
    assert.deepEqual(
      (await listed('at-transfer')).map((j) => [j.state, j.pods.length]),
      [
        ['succeeded', 0],
        ['not started', 0],
      ],
    );
  });

  it('the host, and then the client of the next run: the job that was lost does not count as running', async () => {
    const project = make('lost-host');
    const first = world.start(['run', project.file, '--yes', '--json']);
    await first.says('line 50');
    await kill(first);
    const [pod] = (await world.pods()).filter((p) => p.name.startsWith('rpt-lost-host-'));
    assert.ok(pod);
    await world.sandbox.loseHost(pod.id);
    const second = world.start(['run', project.file, '--yes', '--json']);
    await second.says('"phase":"transfer"');
    await kill(second);
    const third = world.start(['run', project.file, '--yes', '--json']);
    await third.says('line 50');
    await go('lost-host');
    const { code, stdout, stderr } = await third.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.equal(third.told().find((t) => t.type === 'pod')?.reused, true);
    assert.deepEqual(await podsOf('lost-host'), []);
  });

  it('the client while the job runs: a second run is refused, attach goes on to the end', async () => {
    const project = make('at-run');
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('line 50');
    await kill(run);
    const [job] = await listed('at-run');
    assert.equal(job?.state, 'running');
    const asked = world.podsAsked();
    const second = await world.run(['run', project.file, '--yes']);
    assert.equal(second.code, 2);
    assert.match(second.stderr, new RegExp(`The job ${job.job} of this project is still running`));
    assert.match(
      second.stderr,
      new RegExp(`stay with it: +runpod-trainer attach ${job.job}.*\n +stop it: +runpod-trainer cancel ${job.job}`),
    );
    assert.equal(world.podsAsked(), asked);
    const attach = world.start(['attach', job.job, '--json']);
    await attach.says('line 50');
    await go('at-run');
    const { code, stdout, stderr } = await attach.ended;
    assert.equal(code, 0, stdout + stderr);
    const numbers = eventsOf(attach.told()).map((e) => e.seq);
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
    );
    assert.deepEqual(await podsOf('at-run'), []);
  });

  it('the client while it fetches: a new run leaves the pod that its keeper ends, attach fetches the rest', async () => {
    const project = make('at-fetch', { steps: twoSteps.slice(0, 1) });
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"phase":"fetch"');
    await kill(run);
    const [job] = await listed('at-fetch');
    assert.deepEqual([job?.state, job?.pods.length], ['succeeded', 1]);
    const again = await world.runJson(['run', project.file, '--yes']);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(again.told.find((t) => t.type === 'pod')?.reused, false);
    const attach = world.start(['attach', '--json', job?.job ?? '']);
    const { code, stdout, stderr } = await attach.ended;
    assert.equal(code, 0, stdout + stderr);
    const result = attach.told().findLast((t) => t.type === 'result') as Result;
    assert.ok(existsSync(path.join(result.results ?? '', 'one.txt')));
    assert.ok(eventsOf(attach.told()).length > 3);
    assert.deepEqual(await podsOf('at-fetch'), []);
  });

  it('the client while it fetches, and the container with the keeper in it: the next run ends the pod', async () => {
    const project = make('at-crash', { steps: twoSteps.slice(0, 1) });
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('"phase":"fetch"');
    await kill(run);
    const [job] = await listed('at-crash');
    const pod = job?.pods[0]?.id ?? assert.fail('no pod');
    world.sandbox.crashPod(pod);
    world.sandbox.link(pod).cut();
    const again = await world.runJson(['run', project.file, '--yes']);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(await podsOf('at-crash'), []);
  });

  it('the worker: the job ends as lost, the pod ends, the next run skips what had passed', async () => {
    const project = make('worker');
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('line 50');
    const { job } = world.records().find((r) => r.project === 'worker') ?? assert.fail();
    process.kill(workerOf(job)?.pid ?? assert.fail('no worker'), 'SIGKILL');
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 3, stdout + stderr);
    const result = run.told().findLast((t) => t.type === 'result') as Result;
    assert.equal(result.outcome, 'lost');
    assert.match(result.reason ?? '', /worker died without a word/);
    assert.ok(run.stdout.includes('line 50'), 'no line that was printed is lost');
    assert.deepEqual(await podsOf('worker'), []);
    await nothingRuns(job);
    const attach = await world.run(['attach', job]);
    assert.equal(attach.code, 3);
    assert.match(attach.stdout, new RegExp(`Job ${job} was lost: The worker died`));

    const again = world.start(['run', project.file, '--yes', '--json']);
    await again.says('line 50');
    await go('worker');
    assert.equal((await again.ended).code, 0, again.stderr);
    const steps = (again.told().findLast((t) => t.type === 'result') as Result).steps.map((s) => s.status);
    assert.deepEqual(steps, ['skipped', 'passed']);
  });

  it('the keeper: the worker starts another one and says so', async () => {
    const project = make('watchdog');
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('line 50');
    const { pod } = world.records().find((r) => r.project === 'watchdog') ?? assert.fail();
    const first = keeperOf(pod?.id)?.pid ?? assert.fail('no keeper');
    process.kill(first, 'SIGKILL');
    await run.says('The keeper had died; a new one was started');
    await until('another keeper', () => {
      const now = keeperOf(pod?.id);
      return now !== undefined && now.pid !== first;
    });
    const armed = (): unknown[] => eventsOf(run.told()).flatMap((e) => (e.type === 'watchdog' ? [e.armed] : []));
    await until('the new one tells that its key works', () => armed().length === 2);
    assert.deepEqual(armed(), [true, true]);
    await go('watchdog');
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stdout + stderr);
  });

  it('nobody, but the pod may not end itself: that no cap holds is said, the client ends the pod', async () => {
    const project = make('powerless', { steps: twoSteps.slice(0, 1) });
    world.sandbox.setPodKeyRights('none');
    try {
      const { code, told } = await world.runJson(['run', project.file, '--yes']);
      assert.equal(code, 0);
      const warnings = told.filter((t) => t.type === 'warning').map((t) => String(t.text));
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /^No cap holds while this computer is off: RunPod refuses the pod's own key/);
      assert.deepEqual(await podsOf('powerless'), []);
    } finally {
      world.sandbox.setPodKeyRights('own');
    }
  });

  it('the client of a job with a cap: the keeper cancels the job and ends the pod', async () => {
    await until('the cap ends the pod', async () => (await podsOf('capped')).length === 0, 30_000);
    const { job } = world.records().find((r) => r.project === 'capped') ?? assert.fail();
    const journal = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', job, 'events.jsonl');
    const last = JSON.parse(readFileSync(journal, 'utf8').trimEnd().split('\n').at(-1) ?? '') as ToldEvent;
    assert.deepEqual([last.type, last.status], ['job.finished', 'cancelled']);
    assert.match(String(last.reason), /^cap: .*limit of 1?\d seconds/);
    assert.match((await listed('capped'))[0]?.state ?? '', /lost \(its pod is gone\)/);
    await nothingRuns(job);
  });
});
