import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSandbox, type Sandbox } from '../../../sandbox/index.ts';
import { podRequest, smallCpu } from '../../support/account.ts';
import { makeInstallation } from '../../support/installation.ts';
import * as product from '../../support/old-home/product.ts';
import { jobId, unpack, volumeId, type OldHome } from '../../support/old-home/unpack.ts';
import { freePort } from '../../support/sshd.ts';
import { until } from '../../support/wait.ts';
import { Cli, processesOf, python, repository, type Ended, type Result, type Told } from '../jobs/harness.ts';

describe('an old home and volume stay readable, with a sandbox on its old folder', () => {
  let folder: string;
  let old: OldHome;
  let sandbox: Sandbox;
  let installation: product.Installation;
  let store: product.VolumeStore;
  let volume: product.Volume;

  before(async () => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runpod-trainer-test-')));
    const [port, s3Port] = [await freePort(), await freePort()];
    const addresses = { restUrl: `http://127.0.0.1:${port}/v2`, s3Url: `http://127.0.0.1:${s3Port}` };
    old = unpack(folder, { ...addresses, python });
    mkdirSync(path.join(folder, 'user'));
    sandbox = await startSandbox({
      root: path.join(old.home, 'sandbox'),
      imagePath: path.join(repository, '.venv', 'bin'),
      delays: { provisioning: 20, starting: 20, runtime: 20, ports: 50, stale: 100, stopping: 50 },
      port,
      s3Port,
    });
    installation = {
      ...makeInstallation(sandbox.restUrl, sandbox.key, old.home),
      key: await product.keyPairOf(old.home),
      s3: { endpoints: { template: sandbox.s3Url }, keys: () => Promise.resolve(sandbox.s3Keys) },
    };
    const volumes = await installation.client.volumes.list();
    volume = volumes.find(({ id }) => id === volumeId('old')) ?? assert.fail('the volume is gone');
    const access = { endpoint: sandbox.s3Url, region: volume.dataCenter, ...sandbox.s3Keys };
    const limits = { singleBytes: 8192, partBytes: 5000, lanes: 1 };
    store = new product.VolumeStore(access, volume.id, { upload: limits, download: { rangeBytes: 5000, lanes: 1 } });
  });
  after(async () => {
    await store.close();
    await sandbox.close();
    await until('no process of the tests is left', () => processesOf(folder).length === 0).catch(() =>
      assert.deepEqual(processesOf(folder), []),
    );
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  const there = (name: string): string => path.join(old.volume(), 'projects', 'old', name);
  const recordOf = async (name: string): Promise<product.JobRecord> =>
    (await installation.records.get(jobId(name))) ?? assert.fail(name);
  const hashed = async (name: string) =>
    product.mayLeave(
      (await product.collect(await product.loadProject(old.file))).files.filter((file) => file.path === name),
    );

  function run(args: string[]): Promise<Ended> {
    const env = {
      PATH: process.env.PATH,
      HOME: path.join(folder, 'user'),
      TMPDIR: tmpdir(),
      RUNPOD_REST_URL: sandbox.restUrl,
      RUNPOD_API_KEY: sandbox.key,
      RUNPOD_S3_ACCESS_KEY_ID: sandbox.s3Keys.accessKeyId,
      RUNPOD_S3_SECRET_ACCESS_KEY: sandbox.s3Keys.secretAccessKey,
      RUNPOD_TRAINER_S3_URL: sandbox.s3Url,
      RUNPOD_TRAINER_HOME: old.home,
      RUNPOD_TRAINER_PYTHON: python,
    };
    return new Cli(args, env, folder).ended;
  }

  async function runJson(args: string[]): Promise<{ ended: Ended; told: Told[] }> {
    const ended = await run([...args, '--json']);
    return {
      ended,
      told: ended.stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Told),
    };
  }

  it('the sandbox has its volumes and its bills again', async () => {
    const volumes = await installation.client.volumes.list();
    assert.deepEqual(
      volumes.map(({ id, name, dataCenter }) => [id, name, dataCenter]),
      [
        [volumeId('old'), 'old', 'US-MD-1'],
        [volumeId('small in US-MD-1'), 'small', 'US-MD-1'],
        [volumeId('small in EU-RO-1'), 'small', 'EU-RO-1'],
        [volumeId('small in US-CA-2'), 'small', 'US-CA-2'],
      ],
    );
    assert.deepEqual(await installation.client.pods.list(), []);
    const { ledger } = await product.accountCosts(installation, { days: 4000 });
    for (const name of ['succeeded', 'failed', 'lost', 'running']) {
      const job = ledger.jobs.find((one) => one.job === jobId(name));
      assert.ok((job?.billed ?? 0) > 0, name);
    }
  });

  it('the command line tells how the old jobs stand', async () => {
    const { ended, told } = await runJson(['jobs']);
    assert.equal(ended.code, 0, ended.stderr);
    const { jobs } = told[0] as unknown as { jobs: { job: string; state: string; cost: number }[] };
    assert.deepEqual(
      jobs.map(({ job, state }) => [job, state]),
      [
        [jobId('running'), 'lost (its pod is gone)'],
        [jobId('left'), 'not started'],
        [jobId('lost'), 'lost'],
        [jobId('failed'), 'failed'],
        [jobId('succeeded'), 'succeeded'],
        [jobId('stopped'), 'failed'],
      ],
    );
    assert.ok(jobs.filter(({ cost }) => cost > 0).length === 4);
    const attached = await runJson(['attach', jobId('succeeded')]);
    assert.equal(attached.ended.code, 0, attached.ended.stdout);
    const result = attached.told.findLast(({ type }) => type === 'result') as Result;
    assert.deepEqual(
      result.steps.map(({ name, status }) => [name, status]),
      [
        ['base', 'passed'],
        ['square', 'passed'],
        ['finish', 'passed'],
      ],
    );
    const gone = await runJson(['attach', jobId('running')]);
    const { outcome, reason } = gone.told.findLast(({ type }) => type === 'result') as Result;
    assert.equal(outcome, 'lost', gone.ended.stdout);
    assert.match(reason ?? '', /^Its pod is gone, and nobody here heard how the job ended/);
    const lines = gone.told.flatMap(({ event }) => (event as { lines?: string[] } | undefined)?.lines ?? []);
    assert.equal(lines.at(-1), 'line 20');
    const explained = await run(['explain', jobId('failed')]);
    assert.match(explained.stdout, /exit code 3/, explained.stderr);
  });

  it('the radar reads how the jobs on the volume stand', async () => {
    const { jobs, notes } = await product.readVolumeJobs(installation.s3, [volume]);
    assert.deepEqual(notes, []);
    const pods = await Promise.all(
      ['running', 'lost', 'failed', 'succeeded'].map(async (n) => (await recordOf(n)).pod?.id),
    );
    assert.deepEqual(
      jobs.get(volume.id)?.map(({ job, status, podId }) => [job, status, podId]),
      ['running', 'lost', 'failed', 'succeeded'].map((name, i) => [jobId(name), name, pods[i]]),
    );
  });

  it('a plan against the old record sends nothing that is unchanged', async () => {
    const { plan } = await product.planSync(installation, await product.loadProject(old.file), { route: 's3' });
    assert.equal(plan.comparedWith.kind, 'volume');
    // What a plan should say of a file that a killed client put is not looked at here.
    const send = plan.send.filter(({ path: name }) => name !== 'more/killed.txt');
    const unchanged = plan.unchanged.files - (send.length === plan.send.length ? 1 : 0);
    assert.deepEqual(
      send.map(({ path: name, why }) => [name, why]),
      [
        ['more/over-s3.txt', 'new'],
        ['more/over-ssh.txt', 'new'],
      ],
    );
    assert.equal(unchanged, 6);
    const changed = path.join(old.project, 'square.py');
    const { atime, mtime } = lstatSync(changed);
    const text = readFileSync(changed, 'utf8');
    writeFileSync(changed, `${text}# changed\n`);
    const again = await product.planSync(installation, await product.loadProject(old.file), { route: 's3' });
    assert.ok(again.plan.send.some(({ path: name, why }) => name === 'square.py' && why === 'changed'));
    writeFileSync(changed, text);
    utimesSync(changed, atime, mtime);
  });

  it('an upload over S3 goes on with its parts, and what a killed client put is no stranger', async () => {
    const journals = path.join(old.home, 'transfers');
    assert.equal(readdirSync(path.join(old.volume(), '.s3compat_uploads')).length, 1);
    const files = [
      ...(await hashed('more/killed.txt')),
      ...(await hashed('more/over-s3.txt')),
      ...(await hashed('square.py')),
    ];
    const result = await product.pushOverS3({ store, project: 'old', files, journals });
    // Three of the parts of 4096 bytes had gone.
    const bytes = lstatSync(path.join(old.project, 'more', 'killed.txt')).size + 4096;
    assert.deepEqual(result, { sent: 2, bytes, unchanged: 1, deleted: 0, conflicts: [] });
    assert.deepEqual(readFileSync(there('more/over-s3.txt')), readFileSync(path.join(old.project, 'more/over-s3.txt')));
    assert.ok(!existsSync(path.join(old.volume(), '.s3compat_uploads')));
    assert.deepEqual(readdirSync(journals), []);
    const manifest = JSON.parse(readFileSync(there('.runpod-trainer/files.json'), 'utf8')) as { files: object };
    assert.equal(Object.keys(manifest.files).length, 8);
  });

  it('a download over S3 goes on with its ranges', async () => {
    const into = path.join(old.project, 'runpod-backup', 'old', 'files');
    const parts = path.join(into, '.runpod-trainer', 'incoming-s3');
    const [state] = readdirSync(parts).filter((name) => name.endsWith('.part.json'));
    const { done } = JSON.parse(readFileSync(path.join(parts, state ?? ''), 'utf8')) as { done: number[] };
    assert.ok(done.length > 0 && done.length < 4);
    const result = await product.fetchOverS3({ store, project: 'old', patterns: ['out/large.txt'], into });
    assert.deepEqual(result, { files: 1, bytes: 16384 - 4096 * done.length, unchanged: 0, left: [], unmatched: [] });
    assert.deepEqual(readFileSync(path.join(into, 'out/large.txt')), readFileSync(there('out/large.txt')));
    assert.ok(!existsSync(parts));
  });

  it('transfers over SSH go on with their ranges, and the worker of then still answers', async () => {
    const request = podRequest('own', volume, installation.key.publicKey);
    const { id } = await installation.client.pods.create({ ...request, cpu: smallCpu });
    const pod = await until('the pod has an address', async () => {
      const seen = await installation.client.pods.get(id);
      return seen.ssh.direct === null ? undefined : seen;
    });
    const connection = await until('the pod answers', () =>
      product.connectTo(pod, installation).catch(() => undefined),
    );
    try {
      const worker = ['python3', await product.installWorker(connection, '/workspace', installation.workerFile)];
      const remote = { connection, worker, root: '/workspace/projects/old' };
      const sent = await product.push({ ...remote, files: await hashed('more/over-ssh.txt') });
      assert.deepEqual(sent, { sent: 1, bytes: 8192, unchanged: 0 });
      assert.deepEqual(
        readFileSync(there('more/over-ssh.txt')),
        readFileSync(path.join(old.project, 'more/over-ssh.txt')),
      );
      assert.deepEqual(readdirSync(there('.runpod-trainer/incoming')), []);

      const record = await recordOf('running');
      const into = product.resultsFolder(record);
      const got = await product.fetchFiles({ ...remote, patterns: ['out/large.txt'], into, streamBelow: 0 });
      assert.deepEqual(got, { files: 1, bytes: 8192, unchanged: 0, left: [], unmatched: [] });
      assert.deepEqual(readFileSync(path.join(into, 'out/large.txt')), readFileSync(there('out/large.txt')));

      const ofThen = new product.RemoteWorker(connection, record.remote?.worker ?? '', record.remote?.python);
      assert.notEqual(record.remote?.worker, undefined);
      const jobs = await ofThen.status('/workspace');
      assert.deepEqual(
        jobs.map(({ job, alive, state }) => [job, alive, state?.status]),
        ['running', 'lost', 'failed', 'succeeded'].map((name) => [jobId(name), false, name]),
      );
      for (const [name, end] of [
        ['succeeded', 'finished'],
        ['running', 'worker-gone'],
      ] as const) {
        const { remote: at } = await recordOf(name);
        const chunks: Buffer[] = [];
        const seen = await ofThen.follow(at?.jobDir ?? '', 0, (chunk) => void chunks.push(chunk));
        assert.equal(seen, end, name);
        const copy = readFileSync(installation.records.journalFile(jobId(name)));
        assert.deepEqual(Buffer.concat(chunks).subarray(0, copy.length), copy, name);
      }
    } finally {
      connection.close();
      await installation.client.pods.terminate(id);
    }
  });

  it('a move sends nothing again that has been moved', async () => {
    for (const [to, way] of [
      ['EU-RO-1', 's3'],
      ['US-CA-2', 'this-machine'],
    ] as const) {
      const plan = await product.planMove(installation, { volume: volumeId('small in US-MD-1'), to, way });
      assert.equal(plan.target.id, volumeId(`small in ${to}`));
      const moved = await product.runMove(installation, plan, {
        confirm: () => Promise.resolve(true),
        onEvent: () => undefined,
      });
      assert.deepEqual(moved?.sent, { files: 0, bytes: 0 }, way);
    }
  });

  it('a move replaces what it put there itself, and nothing else', async () => {
    const source = volumeId('small in US-MD-1');
    for (const [to, way] of [
      ['EU-RO-1', 's3'],
      ['US-CA-2', 'this-machine'],
    ] as const) {
      const place = path.join(old.volume(`small in ${to}`), 'a.txt');
      const there = readFileSync(place, 'utf8');
      writeFileSync(path.join(old.volume('small in US-MD-1'), 'a.txt'), `for ${to}\n`);
      const move = async (): Promise<unknown> =>
        product.runMove(installation, await product.planMove(installation, { volume: source, to, way }), {
          confirm: () => Promise.resolve(true),
          onEvent: () => undefined,
        });
      const { atime, mtime } = lstatSync(place);
      writeFileSync(place, 'of somebody else\n');
      await assert.rejects(move(), { code: 'move-conflicts' }, way);
      writeFileSync(place, there);
      utimesSync(place, atime, mtime);
      await move();
      assert.equal(readFileSync(place, 'utf8'), `for ${to}\n`, way);
    }
  });

  it('the project goes on: what passed here and on the pod runs once more, with the reason', async () => {
    writeFileSync(path.join(old.project, 'mode.txt'), 'good\n');
    const { ended, told } = await runJson(['run', old.file, '--yes', '--no-check']);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const result = told.findLast(({ type }) => type === 'result') as Result;
    const why = ['an earlier release ran it, which kept less of what its result depends on'];
    assert.deepEqual(
      result.steps.map((step) => [step.name, step.status, step.why]),
      [
        // What ran here is told without its reason.
        ['base', 'passed', []],
        ['square', 'passed', why],
        ['finish', 'passed', ['it never ran, or its last run did not pass']],
      ],
    );
    assert.equal(result.cost.metered > 0, true);
    const pods = await installation.client.pods.list();
    assert.deepEqual(
      pods.filter(({ status }) => status !== 'TERMINATED'),
      [],
    );
  });
});
