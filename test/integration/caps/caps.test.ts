import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { keeperOf, nothingRuns, processesOf, World, type Cli } from '../jobs/harness.ts';
import { TestProject, untilGo } from '../jobs/projects.ts';
import { until } from '../../support/wait.ts';

/** From the event to the pod's end, in seconds, with the worker's real waiting. */
const allowed = 60;

interface Ending {
  name: string;
  shell: string;
  caps?: Record<string, unknown>;
  /** Beginning of the journal's last word, and of the line of the keeper's log that tells of the event. */
  status: string;
  reason?: RegExp;
  log?: RegExp;
}

const asleep = 'exec python3 -c "import threading; threading.Event().wait()"';

const endings: Ending[] = [
  { name: 'finishes', shell: 'sleep 1; echo done', status: 'succeeded' },
  { name: 'fails', shell: 'sleep 1; echo broken >&2; exit 3', status: 'failed' },
  {
    name: 'stalls',
    shell: asleep,
    caps: { stallMinutes: 0.1 },
    status: 'cancelled',
    reason: /^stalled: /,
    log: / stalled: /,
  },
  {
    name: 'stalls-and-ignores-it',
    shell: "trap '' INT TERM; sleep 600",
    caps: { stallMinutes: 0.1 },
    status: 'cancelled',
    reason: /^stalled: /,
    log: / stalled: /,
  },
  {
    name: 'idles',
    // The work is done, and what it started goes on waiting for visitors.
    shell: 'echo done; exec python3 -m http.server --bind 127.0.0.1 0',
    caps: { stallMinutes: 0.1 },
    status: 'cancelled',
    reason: /^stalled: /,
    log: / stalled: /,
  },
  {
    name: 'costs',
    shell: 'while true; do sleep 1; echo on; done',
    // At $0.07 an hour 92 s, of which 45 are kept for the end.
    caps: { dollars: 0.0018 },
    status: 'cancelled',
    reason: /^cap: /,
    log: / cap: /,
  },
  {
    name: 'lasts',
    shell: "trap '' INT TERM; while true; do sleep 1; echo on; done",
    caps: { hours: 0.002 },
    status: 'cancelled',
    reason: /^cap: /,
    log: / cap: /,
  },
];

describe('the pod ends without the client that started it (R4.3)', () => {
  let world: World;
  const running = new Map<string, Promise<{ ended: number; promised: string }>>();

  before(async function () {
    this.timeout(150_000);
    world = await World.open();
    looking = setInterval(() => void look().catch(() => undefined), 250);
    const make = ({ name, shell, caps }: Ending): TestProject =>
      new TestProject(world.folder, { name, steps: [{ name: 'only', shell }], ...(caps && { caps }) });
    for (const ending of endings) {
      // One after the other, so that the volume is made once; they go on side by side.
      const { job, podId } = await startAndKill(world.start(['run', make(ending).file, '--yes', '--json']));
      running.set(ending.name, watch(job, podId));
    }
  });
  after(async () => {
    clearInterval(looking);
    await world.close();
  });

  /** Kills the client as soon as the job has started. */
  async function startAndKill(cli: Cli): Promise<{ job: string; podId: string }> {
    await cli.says('"type":"job.started"');
    cli.signal('SIGKILL');
    await cli.ended;
    const [record] = world.records();
    assert.ok(record?.pod);
    return { job: record.job, podId: record.pod.id };
  }

  /** When each pod was first missing from the list. One look for all, so that the API's limit is not met. */
  const gone = new Map<string, number>();
  let looking: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const alive = new Set((await world.pods()).map((p) => p.id));
    for (const { pod } of world.records()) {
      if (pod !== undefined && !alive.has(pod.id) && !gone.has(pod.id)) gone.set(pod.id, Date.now());
    }
  }

  async function watch(job: string, podId: string): Promise<{ ended: number; promised: string }> {
    const ended = await until(`the pod of ${job} ends`, () => gone.get(podId), 150_000);
    return { ended, promised: world.record(job).cap?.text ?? '' };
  }

  for (const { name, status, reason, log } of endings) {
    it(`a job that ${name} ends it within ${allowed} s of the event`, async function () {
      this.timeout(180_000);
      const seen = running.get(name) ?? assert.fail();
      const { ended, promised } = await seen;
      const { job } = world.records().find((r) => r.project === name) ?? assert.fail();
      const folder = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', job);
      const last = readFileSync(path.join(folder, 'events.jsonl'), 'utf8').trimEnd().split('\n').at(-1) ?? '';
      const event = JSON.parse(last) as { type: string; status: string; reason: string | null; time: string };
      assert.equal(event.type, 'job.finished');
      assert.equal(event.status, status, String(event.reason));
      assert.match(event.reason ?? '', reason ?? /^/);
      const told = readFileSync(path.join(folder, 'watchdog.log'), 'utf8').split('\n');
      const began = log === undefined ? event.time : (told.find((line) => log.test(line)) ?? '').split(' ')[0];
      const seconds = (ended - Date.parse(began ?? '')) / 1000;
      assert.ok(seconds <= allowed, `${name}: ${seconds.toFixed(1)} s`);
      assert.match(
        promised,
        name === 'costs' || name === 'lasts' ? /will have stopped by \d\d:\d\d/ : /pod ends itself/,
      );
      await nothingRuns(job);
    });
  }

  it('keeps the promise of what it costs at most, and when it ends', async function () {
    this.timeout(180_000);
    for (const name of ['costs', 'lasts']) {
      const { ended } = (await running.get(name)) ?? assert.fail();
      const { cap, pod } = world.records().find((r) => r.project === name) ?? assert.fail();
      assert.ok(pod && cap?.stopsBy && cap.mostDollars !== null);
      assert.ok(ended <= Date.parse(cap.stopsBy), `${name} was promised until ${cap.stopsBy}`);
      const cost = ((ended - Date.parse(pod.created)) / 3_600_000) * pod.costPerHour;
      assert.ok(cost <= cap.mostDollars, `${name}: ${cost} of ${cap.mostDollars}`);
    }
    const costs = world.records().find((r) => r.project === 'costs');
    const ended = (await running.get('costs'))?.ended ?? 0;
    const spent = ((ended - Date.parse(costs?.pod?.created ?? '')) / 3_600_000) * (costs?.pod?.costPerHour ?? 0);
    assert.ok(spent <= 0.0018, `the cap itself holds from the first second of the pod: ${spent}`);
  });

  it('a client that is killed while it uploads: the keeper ends the pod at the cap', async function () {
    this.timeout(120_000);
    const project = new TestProject(
      world.folder,
      { name: 'uploads', steps: [{ name: 'only', shell: 'true' }], caps: { dollars: 0.0005 } },
      { 'code.txt': 'x'.repeat(150_000_000) },
    );
    const cli = world.start(['run', project.file, '--yes', '--json']);
    await cli.says('"type":"transfer"');
    cli.signal('SIGKILL');
    await cli.ended;
    const record = world.records().find((r) => r.project === 'uploads');
    assert.ok(record?.pod);
    assert.ok(processesOf(`/${record.job}`).length > 0 || keeperOf(record.pod.id) !== undefined, 'its keeper is there');
    const { id, created, costPerHour } = record.pod;
    await until('the keeper ends the pod', () => gone.get(id), 60_000);
    const spent = ((Date.now() - Date.parse(created)) / 3_600_000) * costPerHour;
    assert.ok(spent <= 0.0005, `${spent}`);
    const folder = path.join(await world.volume('tests'), '.runpod-trainer', 'jobs', record.job);
    assert.ok(!existsSync(path.join(folder, 'events.jsonl')), 'no worker has started');
  });
});

describe('caps where the pod may not end itself, and caps of a day (R4.3)', () => {
  let world: World;
  before(async () => {
    world = await World.open({ podKeyRights: 'none' });
  });
  after(() => world.close());

  it('says at start that only this computer holds the cap, and holds it', async function () {
    this.timeout(90_000);
    const project = new TestProject(world.folder, {
      name: 'unarmed',
      steps: [{ name: 'only', shell: 'while true; do sleep 1; done' }],
      caps: { dollars: 0.0007 },
    });
    const { told, result } = await world.runJson(['run', project.file, '--yes']);
    const warning = told.find((t) => t.type === 'warning' && /No cap holds/.test(String(t.text)));
    assert.match(
      String(warning?.text),
      /^No cap holds while this computer is off: RunPod refuses the pod's own key .* With it on and connected, the job will have stopped by \d\d:\d\d, for at most \$0\.00\d+\. To let the pod end itself, make a restricted key .*$/,
    );
    assert.equal(result.outcome, 'cancelled');
    assert.match(result.reason ?? '', /^cap: /);
    assert.deepEqual(await world.pods(), []);
    assert.equal(world.record(result.job).cap?.armed, false);
    assert.ok(result.cost.metered <= 0.0007, `${result.cost.metered}`);
  });

  it("gives a job what is left of the day's cap, and refuses the next when nothing is", async function () {
    this.timeout(90_000);
    const project = new TestProject(world.folder, {
      name: 'daily',
      steps: [{ name: 'only', shell: 'sleep 2; date' }],
      caps: { dollars: 1, dollarsPerDay: 0.01 },
    });
    const { result } = await world.runJson(['run', project.file, '--yes']);
    assert.equal(result.outcome, 'succeeded');
    const volume = await world.volume('tests');
    const spec = JSON.parse(
      readFileSync(path.join(volume, '.runpod-trainer', 'jobs', result.job, 'spec.json'), 'utf8'),
    ) as { capSeconds: number; stallSeconds: number };
    // $0.01 at $0.07 an hour are 514 s; 45 are kept for the end.
    assert.ok(spec.capSeconds > 430 && spec.capSeconds < 470, String(spec.capSeconds));
    assert.equal(spec.stallSeconds, 3600);
    const asked = world.podsAsked();
    project.change((parts) => ({ ...parts, caps: { dollarsPerDay: 0.00001 } }));
    const { code, stderr } = await world.run(['run', project.file, '--yes']);
    assert.equal(code, 2);
    assert.match(stderr, /cap for today is used up: of \$0\.00001 a day, \$0\.\d+ are spent/);
    assert.match(stderr, /Nothing was rented\. Start tomorrow, or raise "caps\.dollarsPerDay"/);
    assert.equal(world.podsAsked(), asked);
    const plan = await world.run(['plan', project.file]);
    assert.equal(plan.code, 0, plan.stderr);
    const refusal = /The project's cap for today is used up: .*?Start tomorrow, or raise "caps\.dollarsPerDay"/;
    const plain = (text: string): string => text.replace(/\s+/g, ' ');
    assert.equal(refusal.exec(plain(plan.stdout))?.[0], refusal.exec(plain(stderr))?.[0]);
    assert.match(plan.stdout, /It would not start\./);
    assert.match(plain(plan.stdout), / cost: /, 'and what it would cost on another day');
    const check = await world.run(['check', project.file, '--json']);
    assert.equal(check.code, 1);
    assert.match(check.stdout, /"id":"day-cap"/);
  });

  it('gives two starts of one moment no more than the day has', async function () {
    this.timeout(90_000);
    // On one volume the second would be refused before its day is asked for: there a project has one job.
    const volumes = ['tests', 'others'];
    const clients = volumes.map((name) => {
      const project = new TestProject(path.join(world.folder, name), {
        name: 'twice',
        steps: [{ name: 'only', shell: untilGo }],
        target: { volume: { name, dataCenter: 'US-MD-1', size: 10 } },
        caps: { hoursPerDay: 1 },
      });
      return world.start(['run', project.file, '--yes']);
    });
    const works = await until(
      'one of them is at work',
      () => {
        const found = clients.findIndex((c) => c.stdout.includes('line 50'));
        return found >= 0 && { client: clients[found], volume: volumes[found] ?? '' };
      },
      60_000,
    );
    const second = await clients.find((c) => c !== works.client)?.ended;
    writeFileSync(path.join(await world.volume(works.volume), 'projects', 'twice', 'go'), '');
    const first = await works.client?.ended;
    assert.deepEqual([first?.code, second?.code], [0, 2], second?.stderr);
    assert.match(second?.stderr ?? '', /cap for today is used up: of 1 hour of pods a day, 1\.0 are used or promised/);
  });

  it('says before the next run what it will cost, from the one before (R4.2)', async function () {
    this.timeout(90_000);
    const project = new TestProject(world.folder, {
      name: 'known',
      steps: [{ name: 'only', shell: 'sleep 2; date' }],
      caps: { dollars: 1 },
    });
    const first = await world.run(['run', project.file, '--yes']);
    assert.match(first.stdout, /^Cost {6}free here, at most \$1\.00 on RunPod$/m);
    assert.match(first.stdout, /only never passed here and has no "timeoutMinutes": how long it takes is not known\./);
    assert.match(first.stdout, /● It will have|! No cap holds/);
    const second = await world.run(['run', project.file, '--yes', '--from', 'only']);
    assert.match(second.stdout, /^Cost {6}free here, about \$0\.000\d+ \(\$0\.000\d+ to \$0\.00\d+\) on RunPod$/m);
    assert.match(second.stdout, /only takes as long as in earlier jobs\./);
    assert.match(second.stdout, /as in the last (\d jobs|job) there\./);
    const third = await world.run(['run', project.file, '--yes', '--from', 'only']);
    assert.match(third.stdout, /The last estimate was (\d+ % too (low|high)|right)\./);
    assert.doesNotMatch(third.stdout, /other hardware/);
  });

  it('ends the preparation, and the pod, when the cap is reached before the job starts', async function () {
    this.timeout(60_000);
    world.sandbox.starts.noPort = true;
    const project = new TestProject(world.folder, {
      name: 'late',
      steps: [{ name: 'only', shell: 'true' }],
      caps: { dollars: 0.0001 },
    });
    const { code, stderr } = await world.run(['run', project.file, '--yes']);
    world.sandbox.starts.noPort = false;
    assert.equal(code, 2, stderr);
    assert.match(stderr, /The cap was reached after \d+ s, before the job could start/);
    assert.match(stderr, /The pod was terminated; what it cost: free here, about \$0\.0000\d+/);
    assert.deepEqual(await world.pods(), []);
  });

  it('tells what all that cost, and hides what it cannot know (R4.2, R4.4)', async () => {
    const json = async (): Promise<{
      ledger: { jobs: { project: string; dollars: number | null }[]; total: number; bill: unknown };
      funds: { balance: number; warning: string | null } | null;
    }> => JSON.parse((await world.run(['costs', '--by', 'job', '--json'])).stdout) as Awaited<ReturnType<typeof json>>;
    const costs = await json();
    assert.deepEqual(costs.ledger.jobs.map((j) => j.project).toSorted(), [
      'daily',
      'known',
      'known',
      'known',
      'late',
      'twice',
      'unarmed',
    ]);
    assert.ok(costs.ledger.jobs.every((j) => j.dollars !== null && j.dollars > 0));
    assert.ok(costs.funds && costs.funds.balance > 99.9 && costs.funds.warning === null);
    const { stdout } = await world.run(['costs']);
    assert.match(
      stdout,
      /^day {2,}jobs {2,}cost {2,}billed\n\d{4}-\d\d-\d\d {2,}7 {2,}free here, \$0\.0\d+ on RunPod {2,}free here, \$0\.0\d+ on RunPod$/m,
    );
    assert.match(stdout, /Billed so far, as of \d\d:\d\d; the bill lags behind/);
    assert.match(
      stdout,
      /Balance {2}\$(99|100)\.\d\d; free here, \$0\.00\d*\/h on RunPod now, so it lasts more than three months/,
    );
    world.sandbox.setBalance(0);
    assert.match((await json()).funds?.warning ?? '', /The balance is used up\. At 0 RunPod stops every pod/);
    world.sandbox.setBalance(100);
    world.sandbox.requests.fail(403, { path: /graphql|billing/ });
    const hidden = await world.run(['costs', '--by', 'project']);
    world.sandbox.requests.restore();
    assert.equal(hidden.code, 0);
    assert.doesNotMatch(hidden.stdout, /Balance/);
    assert.match(hidden.stdout, /The bill cannot be read with this key/);
    const wrong = await world.run(['costs', '--by', 'week']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /Use --by day, --by project, --by job/);
  });
});
