import assert from 'node:assert/strict';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobRecords } from '../../../src/core/journal/records.ts';
import { CuttingProxy, randomOf } from '../../support/cutting-proxy.ts';
import { setUpSsh } from '../../support/ssh-session.ts';
import { until } from '../../support/wait.ts';
import { eventsOf, World, type Cli, type Result } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** `RUNPOD_TRAINER_CUT_SEEDS=40` plays more of the series. */
const seeds = Array.from({ length: Number(process.env.RUNPOD_TRAINER_CUT_SEEDS ?? 3) }, (_, n) => n + 1);

/** So many files, and so many bytes each, which cannot be compressed. */
const files = 24;
const bytesEach = 200_000;

function project(world: World, name: string, more: Record<string, unknown> = {}): TestProject {
  const random = randomOf(name.length);
  const letters = (): string =>
    Array.from({ length: bytesEach }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join('');
  const data = Object.fromEntries(Array.from({ length: files }, (_, n) => [`data/${n}.txt`, letters()]));
  return new TestProject(
    world.folder,
    {
      name,
      sync: { must: ['code.txt', 'data/'] },
      steps: [
        {
          name: 'one',
          shell: 'echo started >> starts; cat data/*.txt | cksum > sum.txt; cp -r data out',
        },
        { name: 'two', shell: 'for i in $(seq 30); do echo "line $i"; sleep 0.02; done' },
      ],
      onFinish: { fetch: ['out/**', 'starts'] },
      ...more,
    },
    data,
  );
}

describe('a cut link is no event (R3.4)', () => {
  let world: World;

  before(async () => {
    world = await World.open({ isolation: 'plain' });
  });
  after(() => world.close());

  const podOf = (name: string): Promise<string> =>
    until(`the pod of ${name}`, async () => (await world.pods()).find((p) => p.name.startsWith(`rpt-${name}-`))?.id);

  const sshdPort = (id: string): Promise<number> =>
    until('its sshd', () => {
      const [file] = globSync(path.join(world.folder, 'sandbox', '**', id, '**', 'sshd_config'));
      return file !== undefined && Number(/^Port (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1]);
    });

  /** What must be so however often the link was cut: exit 0, one pod, one start, everything told and brought home. */
  async function assertWhole(run: Cli, made: TestProject, keeperSays = /"armed":true/): Promise<void> {
    const { code, stdout, stderr } = await run.ended;
    const links = run.told().filter((t) => ['link', 'warning', 'phase', 'error'].includes(t.type));
    assert.equal(code, 0, `${links.map((t) => JSON.stringify(t)).join('\n')}\n${stderr}`);
    const result = run.told().findLast((t) => t.type === 'result') as Result;
    assert.equal(result.outcome, 'succeeded', stdout);
    assert.ok(result.podEnded !== undefined && result.results !== undefined, JSON.stringify(result));
    const events = eventsOf(run.told());
    assert.deepEqual(
      events.map((e) => [e.epoch, e.seq]),
      events.map((_, n) => [1, n + 1]),
    );
    assert.equal(readFileSync(path.join(result.results, 'starts'), 'utf8'), 'started\n');
    for (let n = 0; n < files; n += 1) {
      assert.equal(readFileSync(path.join(result.results, 'out', `${n}.txt`), 'utf8'), made.read(`data/${n}.txt`));
    }
    const asked = world.requests.filter((r) => r.method === 'POST' && r.path === '/v2/pods').length;
    assert.equal(asked, world.records().length, 'each job has asked for one pod');
    const word = events.findLast((e) => e.type === 'watchdog');
    assert.match(JSON.stringify(word ?? {}), keeperSays, 'the keeper’s own word was told');
  }

  for (const seed of seeds) {
    it(`ends well over a link that is cut at seeded bytes, seed ${seed}`, async function () {
      this.timeout(240_000);
      const name = `bytes-${seed}`;
      const made = project(world, name);
      const run = world.start(['run', made.file, '--yes', '--json']);
      const id = await podOf(name);
      const proxy = await CuttingProxy.open(await sshdPort(id), { seed, count: 5, between: [500, 2_500_000] });
      try {
        world.sandbox.link(id).retarget(proxy.port);
        await assertWhole(run, made);
        assert.ok(proxy.cuts > 1, `${proxy.cuts} cuts`);
        // A cut takes at most the frame under way and what fills the window; the worker's own file goes again.
        const again = 3 * 1024 * 1024;
        assert.ok(proxy.up < files * bytesEach + proxy.cuts * again, `${proxy.up} bytes went up, ${proxy.cuts} cuts`);
      } finally {
        await proxy.close();
      }
    });
  }

  /** By what the client tells in each phase. */
  const phases = {
    wait: '"type":"pod"',
    transfer: '"phase":"transfer"',
    start: '"phase":"start"',
    run: '"type":"step.started"',
    fetch: '"phase":"fetch"',
  };

  it('ends well when the network is away for some seconds in each phase, with it RunPod’s API', async function () {
    this.timeout(300_000);
    const made = project(world, 'away');
    const run = world.start(['run', made.file, '--yes', '--json']);
    for (const [phase, sign] of Object.entries(phases)) {
      await run.says(sign, 60);
      const id = await podOf('away');
      const link = await until('the way to the pod', () => {
        try {
          return world.sandbox.link(id);
        } catch {
          return undefined;
        }
      });
      link.cut();
      await world.sandbox.apiDown('reset');
      await sleep(phase === 'fetch' ? 2_500 : 4_000);
      await world.sandbox.apiUp();
      link.restore();
    }
    // The pod does not reach the API in these moments either, and the job is short.
    await assertWhole(run, made, /"armed":true|has not answered the keeper yet/);
  });

  it('ends well when the link freezes in the transfer for longer than the pings wait', async function () {
    this.timeout(240_000);
    const made = project(world, 'frozen');
    const run = world.start(['run', made.file, '--yes', '--json']);
    await run.says(phases.transfer, 60);
    const link = world.sandbox.link(await podOf('frozen'));
    link.freeze();
    await run.says('reconnecting in', 60);
    link.restore();
    await assertWhole(run, made);
    assert.ok(run.told().some((t) => t.type === 'link' && t.state === 'lost'));
  });

  it('keeps the pod for who comes back when the job ends while the link is down', async function () {
    this.timeout(240_000);
    const made = project(world, 'apart', {
      steps: [{ name: 'one', shell: `echo started >> starts; cp -r data out; ${untilGo}` }],
    });
    const run = world.start(['run', made.file, '--yes', '--json']);
    await run.says('line 50', 60);
    const link = world.sandbox.link(await podOf('apart'));
    link.cut();
    const volume = await world.volume('tests');
    await run.says('reconnecting in', 60);
    const job = world.records().find((r) => r.project === 'apart')?.job ?? '';
    writeFileSync(path.join(volume, 'projects', 'apart', 'go'), '');
    await until('the job ended', () =>
      readFileSync(path.join(volume, '.runpod-trainer', 'jobs', job, 'events.jsonl'), 'utf8').includes('job.finished'),
    );
    // Without a client it would end 15 s after the job.
    await sleep(18_000);
    link.restore();
    await assertWhole(run, made);
  });

  it('an image whose .bashrc prints changes nothing: results come home, a second client attaches', async function () {
    this.timeout(120_000);
    const noise = 'echo "echo Welcome to my image; printf tail; echo note >&2" > ~/.bashrc';
    const made = project(world, 'noisy', {
      steps: [{ name: 'one', shell: `${noise}; echo started >> starts; cp -r data out; ${untilGo}` }],
    });
    const run = world.start(['run', made.file, '--yes', '--json']);
    await run.says('line 50', 60);
    const { job } = world.record(world.records().find((r) => r.project === 'noisy')?.job ?? '');
    const second = world.start(['attach', job, '--json']);
    await second.says('line 50', 60);
    writeFileSync(path.join(await world.volume('tests'), 'projects', 'noisy', 'go'), '');
    await assertWhole(run, made);
    assert.equal((await second.ended).code, 0, second.stdout);
    assert.doesNotMatch(run.stdout + second.stdout, /"lines":\[[^\]]*Welcome|has a fault/);
  });

  it('cancelling ends the waiting for a link at once, and the pod', async function () {
    this.timeout(120_000);
    const made = project(world, 'tired');
    const run = world.start(['run', made.file, '--yes', '--json']);
    await run.says(phases.transfer, 60);
    const id = await podOf('tired');
    world.sandbox.link(id).cut();
    await run.says('reconnecting in', 60);
    const began = performance.now();
    run.signal('SIGINT');
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.ok(performance.now() - began < 10_000);
    await until('the pod ended', async () => !(await world.pods()).some((p) => p.id === id));
  });

  it('waiting is told with each try, and ends when another client has concluded the job', async function () {
    this.timeout(120_000);
    const made = project(world, 'parted', { steps: [{ name: 'one', shell: untilGo }] });
    const run = world.start(['run', made.file, '--yes']);
    await run.says('line 50', 60);
    const link = world.sandbox.link(await podOf('parted'));
    link.cut();
    await world.sandbox.apiDown('reset');
    try {
      const tries = (): number => run.stdout.match(/reconnecting in/g)?.length ?? 0;
      await until('four tries are told', () => tries() >= 4, 90_000);
      const { job } = world.records().find((r) => r.project === 'parted') ?? assert.fail('no record');
      // As a client does that finds neither worker nor pod.
      const lost = { phase: 'done', outcome: 'lost', reason: 'Its pod is gone.' } as const;
      await new JobRecords(world.home).change(job, lost);
      const { code, stdout } = await run.ended;
      assert.equal(code, 3, stdout);
      assert.match(stdout, new RegExp(`Job ${job} was lost: Its pod is gone\\.`));
      assert.match(stdout, new RegExp(`runpod-trainer fetch ${job}`));
    } finally {
      await world.sandbox.apiUp();
      link.restore();
    }
    await world.endPod(await podOf('parted'));
  });

  it('a machine that shows another key than the pod printed is refused, from a home that never saw the pod', async function () {
    this.timeout(120_000);
    const made = project(world, 'stranger', {
      steps: [{ name: 'one', shell: `echo started >> starts; cp -r data out; ${untilGo}` }],
    });
    const { stdout } = await world.run(['run', made.file, '--yes', '--detach']);
    const job = /runpod-trainer attach ([\w-]+)/.exec(stdout)?.[1] ?? assert.fail(stdout);
    const other = path.join(world.folder, 'other-home');
    cpSync(world.home, other, { recursive: true });
    rmSync(path.join(other, 'host-keys.json'));
    const id = await podOf('stranger');
    const right = await sshdPort(id);
    const publicKey = readFileSync(path.join(other, 'ssh', 'id_ed25519.pub'), 'utf8').trim();
    const machine = await setUpSsh(path.join(world.folder, 'machine'), { authorized: [publicKey] });
    try {
      world.sandbox.link(id).retarget(machine.sshd.target.port);
      const refused = await world.run(['attach', job, '--json'], { RUNPOD_TRAINER_HOME: other });
      assert.equal(refused.code, 3, refused.stdout);
      assert.match(refused.stdout + refused.stderr, /is not one that the pod printed when it started/);
      assert.doesNotMatch(machine.sshd.log(), /Accepted/);
    } finally {
      world.sandbox.link(id).retarget(right);
      await machine.stop();
    }
    const attached = world.start(['attach', job, '--json'], { RUNPOD_TRAINER_HOME: other });
    await attached.says('line 50', 60);
    assert.match(readFileSync(path.join(other, 'host-keys.json'), 'utf8'), new RegExp(id));
    assert.equal((await world.run(['cancel', job])).code, 0);
    await attached.ended;
  });
});
