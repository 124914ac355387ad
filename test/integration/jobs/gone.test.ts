import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { recordedHistory, type JobSummary } from '../../../src/features/jobs/history.ts';
import { JobRecords } from '../../../src/core/journal/records.ts';
import { noteGone, type GoneSource } from '../../../src/core/jobs/gone.ts';
import { makeInstallation } from '../../support/installation.ts';
import { until } from '../../support/wait.ts';
import { nothingRuns, World, type Cli, type Result, type Told } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

describe('a job whose pod is gone (R3.4, R4.3)', function () {
  // A pod waits for the client that followed on it, which was killed, for almost a minute.
  this.timeout(150_000);
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const steps = [
    { name: 'first', shell: 'echo one > one.txt', inputs: ['code.txt'] },
    { name: 'second', shell: untilGo, inputs: ['code.txt'] },
  ];
  const make = (name: string, more: Record<string, unknown> = {}): TestProject =>
    new TestProject(world.folder, { name, steps, onFinish: { fetch: ['*.txt'] }, ...more });

  /** What opens the volumes over S3. */
  const s3Keys = (): NodeJS.ProcessEnv => ({
    RUNPOD_TRAINER_S3_URL: world.sandbox.s3Url,
    RUNPOD_S3_ACCESS_KEY_ID: world.sandbox.s3Keys.accessKeyId,
    RUNPOD_S3_SECRET_ACCESS_KEY: world.sandbox.s3Keys.secretAccessKey,
  });

  /** A job that runs, and whose client has been killed. */
  async function left(project: TestProject, env: NodeJS.ProcessEnv = {}): Promise<{ job: string; pod: string }> {
    const run = world.start(['run', project.file, '--yes', '--json'], env);
    await run.says('line 50');
    run.signal('SIGKILL');
    await run.ended;
    const { job, pod } = world.records().find((r) => r.root === project.root) ?? assert.fail();
    return { job, pod: pod?.id ?? assert.fail() };
  }

  async function listed(job: string, env: NodeJS.ProcessEnv = {}): Promise<Told & { state: string }> {
    const { stdout } = await world.run(['jobs', '--json'], env);
    const { jobs } = JSON.parse(stdout) as { jobs: (Told & { job: string; state: string })[] };
    return jobs.find((j) => j.job === job) ?? assert.fail();
  }

  async function row(job: string): Promise<JobSummary> {
    const all = await recordedHistory(new JobRecords(world.home)).list(AbortSignal.timeout(10_000));
    return all.find((j) => j.job === job) ?? assert.fail();
  }

  const source = (): GoneSource => makeInstallation(world.sandbox.restUrl, world.sandbox.key, world.home);
  const resultOf = (cli: Cli): Result => cli.told().findLast((t) => t.type === 'result') as Result;

  it('is lost in the list at once, with its results and the unfinished step to go on from; the tree says so too', async () => {
    const project = make('host');
    const { job, pod } = await left(project);
    await world.sandbox.loseHost(pod);
    const { stdout } = await world.run(['jobs']);
    assert.match(stdout, new RegExp(`^${job} +lost \\(its pod is gone\\)`, 'm'));
    assert.match(stdout, new RegExp(`! ${job} was lost\\. Its pod is gone, and nobody here heard how the job ended`));
    assert.match(stdout, new RegExp(`bring its results home: +runpod-trainer fetch ${job}`));
    assert.match(stdout, /go on from there: +runpod-trainer run .*host.* --from second/);
    const { view, phase, podGone } = await row(job);
    assert.deepEqual([view.status, phase, podGone], ['lost', 'done', true]);
    assert.deepEqual(
      view.steps.map((s) => s.status),
      ['passed', 'unknown'],
    );
    const attach = world.start(['attach', job, '--json']);
    assert.equal((await attach.ended).code, 3);
    const { outcome, remedies } = resultOf(attach);
    assert.equal(outcome, 'lost');
    assert.deepEqual(remedies, [
      { do: 'fetch', job },
      { do: 'run', file: project.file, from: 'second' },
    ]);
    // Fetching tells no more: the worker died with its host.
    const fetched = await world.run(['fetch', job, '--yes']);
    assert.equal(fetched.code, 0, fetched.stdout + fetched.stderr);
    assert.ok(existsSync(path.join(project.root, 'runpod-results', job, 'one.txt')));
    assert.match((await listed(job)).state, /^lost/);
    await nothingRuns(job);
  });

  it('is told as it ended where the volume says so over S3 for nothing, and its steps too', async () => {
    const project = make('told');
    const { job } = await left(project, s3Keys());
    writeFileSync(path.join(await world.volume('tests'), 'projects', 'told', 'go'), '');
    await until('the pod ends itself', async () => (await world.pods()).every((p) => !p.name.includes('told')), 90_000);
    const asked = world.podsAsked();
    assert.equal((await listed(job, s3Keys())).state, 'succeeded, results not here');
    assert.equal(world.podsAsked(), asked);
    const { view, cost } = await row(job);
    assert.deepEqual(
      view.steps.map((s) => s.status),
      ['passed', 'passed'],
    );
    assert.ok(world.record(job).podEnded !== undefined && cost !== undefined && cost.metered < 0.01);
    const attach = world.start(['attach', job, '--json'], s3Keys());
    assert.equal((await attach.ended).code, 0, attach.stdout + attach.stderr);
    assert.equal((await listed(job, s3Keys())).state, 'succeeded');
  });

  it('is told so by attach as well, at the first look', async () => {
    const project = make('attached');
    const { job } = await left(project);
    writeFileSync(path.join(await world.volume('tests'), 'projects', 'attached', 'go'), '');
    await until('the pod ends itself', async () => (await world.pods()).length === 0, 90_000);
    const attach = world.start(['attach', job, '--json'], s3Keys());
    const { code, stdout, stderr } = await attach.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.equal(resultOf(attach).outcome, 'succeeded');
    assert.equal((await listed(job)).state, 'succeeded');
  });

  it('stays as it is while nobody says so: a request that fails, a bare 404, a key of another account', async () => {
    const project = make('doubt');
    const { job, pod } = await left(project);
    const { client, ...rest } = source();
    const states = async (other: GoneSource['client']): Promise<unknown> => {
      const noted = await noteGone({ ...rest, client: other }, []);
      return [noted, world.record(job).phase];
    };
    // A list without it proves nothing while the pod itself is there.
    assert.deepEqual(await states({ pods: client.pods, volumes: client.volumes }), [[], 'run']);
    await world.sandbox.loseHost(pod);
    const failing = { list: () => Promise.reject(new Error('no answer')), get: () => Promise.reject(new Error('404')) };
    assert.deepEqual(await states({ pods: failing as never, volumes: client.volumes }), [[], 'run']);
    const empty = { list: () => Promise.resolve([]) };
    assert.deepEqual(await states({ pods: client.pods, volumes: empty as never }), [[], 'run']);
    const [noted] = await noteGone({ ...rest, client }, []);
    assert.deepEqual([noted?.job, noted?.outcome, noted?.phase], [job, 'lost', 'done']);
    assert.deepEqual(await noteGone({ ...rest, client }, []), [], 'told once');
  });

  it('by a step that removes the folder of its own job: what is known is said, and nothing more', async () => {
    const project = make('remover', {
      steps: [
        {
          name: 'a',
          shell: 'echo hi; sleep 1; d=$(realpath "$RUNPOD_TRAINER_STEP_DIR/../.."); rm -rf "$d"; sleep 2; echo after',
        },
      ],
      onFinish: { fetch: ['out/**'] },
    });
    const run = world.start(['run', project.file, '--yes', '--json']);
    const { stdout, stderr } = await run.ended;
    assert.doesNotMatch(stdout + stderr, /never began|not started|ENOENT/);
    const { outcome, reason } = resultOf(run);
    assert.ok(outcome === 'lost' || outcome === 'failed', stdout);
    assert.ok(reason !== undefined && reason !== '', stdout);
    await until('the pod is gone', async () => (await world.pods()).length === 0, 90_000);
  });

  it('by a step that kills everything: it is lost, not "not started"', async function () {
    this.timeout(150_000);
    const project = make('killer', { steps: [{ name: 'a', shell: 'echo hi; kill -9 -1; sleep 3' }] });
    const { stdout, stderr } = await world.run(['run', project.file, '--yes', '--json']);
    await until('the pod is gone', async () => (await world.pods()).length === 0, 90_000);
    const { job } = world.records().find((r) => r.project === 'killer') ?? assert.fail();
    assert.match((await listed(job)).state, /^lost/, stdout + stderr);
  });
});
