import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
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
import * as product from '../support/old-home/product.ts';
import { podSchema } from '../../src/core/runpod/schemas.ts';
import {
  jobId,
  journalName,
  layout,
  tree,
  trustOf,
  unpack,
  volumeId,
  type OldHome,
} from '../support/old-home/unpack.ts';

const repository = path.resolve(import.meta.dirname, '..', '..');
const python = process.env.RUNPOD_TRAINER_PYTHON ?? path.join(repository, '.venv', 'bin', 'python');

/** Jobs by the state in which they were left, oldest first. */
const states = {
  stopped: 'failed',
  succeeded: 'succeeded',
  failed: 'failed',
  lost: 'lost',
  left: 'starting',
  running: 'running',
} as const;
const onVolume = ['succeeded', 'failed', 'lost', 'running'] as const;
const finished = ['succeeded', 'failed', 'lost'] as const;

describe('an old home and volume stay readable', () => {
  let folder: string;
  let old: OldHome;
  let records: product.JobRecords;

  before(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runpod-trainer-test-')));
    old = unpack(folder, { python });
    records = new product.JobRecords(old.home);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const inHome = (name: string): string => path.join(old.home, name);
  const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
  const recordOf = async (name: string): Promise<product.JobRecord> =>
    (await records.get(jobId(name))) ?? assert.fail(`no record of the ${name} job`);
  const viewOf = async (name: string): ReturnType<typeof readView> => readView(await recordOf(name));
  const readView = async (record: product.JobRecord) => {
    const events: product.JobEvent[] = [];
    const journals = new product.JobJournals(records, record, {
      event: (event) => events.push(event),
      restart: () => assert.fail('a journal began anew'),
    });
    await journals.read();
    return { view: product.viewWithRecord(record, journals.view), events };
  };
  /** The worker of the checkout, as a pod would call it. */
  const worker = (args: string[], input = ''): { code: number | null; lines: Record<string, unknown>[] } => {
    const { status, stdout, stderr } = spawnSync(python, [path.join(repository, 'gpu-worker'), ...args], {
      input,
      encoding: 'utf8',
      env: {
        PATH: `${path.dirname(python)}:${process.env.PATH ?? ''}`,
        TMPDIR: folder,
        PYTHONDONTWRITEBYTECODE: '1',
        RUNPOD_TRAINER_TIMINGS: '{"follow_grace": 0.2}',
      },
    });
    const lines = stdout.split('\n').filter(Boolean);
    assert.ok(lines.length > 0 || status === 0, stderr);
    return { code: status, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
  };

  it('records: every job is listed, found and known in all its parts', async () => {
    const all = await records.list();
    const ids = Object.keys(states).toReversed().map(jobId);
    assert.deepEqual(
      all.map((record) => record.job),
      ids,
    );
    assert.equal((await records.find(undefined)).job, jobId('running'));
    assert.equal((await records.find(jobId('lost').slice(-4))).job, jobId('lost'));
    const { file, project: root } = old;
    const common = { schema: 1, project: 'old', file, root, restUrl: layout.restUrl, onFinish: 'terminate' };
    for (const name of ['stopped', ...onVolume]) {
      assert.partialDeepStrictEqual(await recordOf(name), {
        ...common,
        fetch: ['out/small.txt'],
        into: 'runpod-results',
      });
    }
    for (const name of onVolume) {
      const id = jobId(name);
      const record = await recordOf(name);
      const raw = readJson(inHome(`jobs/${id}/record.json`)) as product.JobRecord;
      assert.deepEqual(record.volume, { id: volumeId('old'), name: 'old', dataCenter: 'US-MD-1' });
      assert.partialDeepStrictEqual(record.pod, { name: `rpt-${id}`, hardware: 'CPU pod, 2 vCPU', costPerHour: 0.07 });
      assert.deepEqual([record.pod?.id, record.pod?.created], [raw.pod?.id, raw.pod?.created]);
      assert.partialDeepStrictEqual(record.remote, {
        mount: '/workspace',
        projectDir: '/workspace/projects/old',
        jobDir: `/workspace/.runpod-trainer/jobs/${id}`,
        python: 'python3',
      });
      assert.match(record.remote?.worker ?? '', /^\/workspace\/\.runpod-trainer\/worker\/[0-9a-f]{64}\.pyz$/);
      assert.equal(record.reserved?.mostDollars, 1);
      assert.ok(record.cap?.armed === true && /at no more than \$1\.00/.test(record.cap.text));
      assert.ok(
        (record.cap.mostDollars ?? 0) > 0.99 && Date.parse(record.cap.stopsBy ?? '') > Date.parse(record.created),
      );
    }
    for (const name of finished) {
      const { phase, outcome, podEnded, fetched } = await recordOf(name);
      assert.deepEqual([phase, outcome], ['done', states[name]]);
      assert.ok(podEnded !== undefined && (fetched?.files ?? 0) >= 6 && (fetched?.bytes ?? 0) > 7000);
      const results = product.resultsFolder(await recordOf(name));
      assert.equal(readFileSync(path.join(results, 'out', 'small.txt'), 'utf8').split('\n')[3], '9');
    }
    const running = await recordOf('running');
    assert.deepEqual([running.phase, running.outcome, running.podEnded], ['run', undefined, undefined]);
    assert.match(
      (await recordOf('stopped')).reason ?? '',
      /^The step "base" failed on this machine: .*raw\.txt says bad/,
    );
  });

  it('records: a client that was killed does not count as at work, one that lives does', async () => {
    const left = await recordOf('left');
    assert.deepEqual([left.phase, left.project, left.pod], ['pod', 'second', undefined]);
    assert.equal(left.client?.pid, old.deadPid);
    assert.equal(product.isBeingPrepared(left), 'no');
    assert.equal(product.isBeingPrepared({ ...left, client: { ...left.client, pid: process.pid } }), 'yes');
  });

  it('records: a change keeps what was there', async () => {
    const before = await recordOf('lost');
    const saved = await new product.JobRecords(old.home).change(before.job, { phase: 'done' });
    assert.deepEqual({ ...saved, updated: before.updated }, before);
  });

  it('journals: every event is understood, and each job stands as it did', async () => {
    for (const [name, status] of Object.entries(states)) {
      const { view } = await viewOf(name);
      assert.equal(view.status, status, name);
    }
    for (const name of onVolume) {
      const file = records.journalFile(jobId(name));
      const bytes = readFileSync(file);
      const read = new product.JournalReader().push(bytes);
      assert.deepEqual(
        read.filter((event) => event.type === 'bad-line'),
        [],
      );
      assert.equal(read.length, bytes.toString().split('\n').length - 1);
      assert.equal((await records.journal(jobId(name)))?.bytes, bytes.length);
    }
    const succeeded = await viewOf('succeeded');
    assert.deepEqual(
      succeeded.view.steps.map(({ name, where, status, gates, metrics }) => [
        name,
        where,
        status,
        gates.length,
        metrics,
      ]),
      [
        ['base', 'local', 'passed', 1, {}],
        ['square', 'pod', 'passed', 2, { step: 1, loss: 0.5 }],
        ['finish', 'pod', 'passed', 1, {}],
      ],
    );
    assert.ok(succeeded.view.finished !== undefined && (succeeded.view.seconds ?? 0) > 1);
    assert.ok(succeeded.view.watchdog?.armed === true && (succeeded.view.capSeconds ?? 0) > 50_000);
    assert.ok(logOf(succeeded.events).includes('squared 20'));
    const failed = await viewOf('failed');
    assert.equal(failed.view.reason, 'It ended with exit code 3. Last line of its errors: this went wrong');
    assert.deepEqual(
      failed.view.steps.map(({ status, why }) => [status, why]),
      [
        ['skipped', ['Nothing changed since it passed and its gates still hold.']],
        ['skipped', ['Nothing changed since it passed and its gates still hold.']],
        ['failed', ['input mode.txt changed']],
      ],
    );
    assert.match((await viewOf('lost')).view.reason ?? '', /^The worker died without a word/);
    const running = await viewOf('running');
    assert.deepEqual([running.view.step, running.view.finished], ['finish', undefined]);
    assert.equal(logOf(running.events).at(-1), 'line 20');
    const stopped = await viewOf('stopped');
    assert.equal(stopped.view.steps[0]?.reason, 'It ended with exit code 1. Last line of its errors: raw.txt says bad');
  });

  it('costs: jobs, the day with what is promised, estimates and how long steps took', async () => {
    const all = await records.list();
    const running = await recordOf('running');
    const now = new Date(Date.parse(running.pod?.created ?? '') + 60_000);
    const there = podSchema.parse({ id: running.pod?.id, name: 'x', status: 'RUNNING', cost: 0.07 });
    const facts = { jobs: all.map((record) => ({ record })), helpers: [], listed: [there], now };
    const ledger = product.ledgerOf(facts);
    assert.deepEqual(
      ledger.jobs.map(({ job, basis, running: runs }) => [job, basis, runs]),
      ['running', 'lost', 'failed', 'succeeded'].map((name) => [jobId(name), 'meter', name === 'running']),
    );
    const seconds =
      60 + (await Promise.all(finished.map(async (name) => podSeconds(await recordOf(name))))).reduce(sum);
    assert.ok(Math.abs(ledger.total - (seconds / 3600) * 0.07) < 1e-9, String(ledger.total));

    const own = product.stretchesOf(facts).filter(({ use }) => use.project === 'old');
    const alive = product.spent(own, product.dayOf(now));
    const promised = running.cap?.mostDollars ?? NaN;
    assert.ok(Math.abs(alive.mostDollars - promised - ((seconds - 60) / 3600) * 0.07) < 1e-9);

    const estimates = new product.EstimatesFile(old.home);
    const entries = await estimates.entries();
    assert.deepEqual(
      entries.map(({ job, project }) => [job, project]),
      Object.keys(states).map((name) => [jobId(name), name === 'left' ? 'second' : 'old']),
    );
    const succeeded = entries.find(({ job }) => job === jobId('succeeded'));
    assert.ok(Math.abs((succeeded?.actual ?? 0) - (podSeconds(await recordOf('succeeded')) / 3600) * 0.07) < 1e-9);
    assert.ok(entries.every(({ low, high }) => low > 0 && (high ?? 0) > low));
    const steps = await product.stepHistory(records, 'old', layout.restUrl);
    assert.deepEqual(
      [...steps].map(([name, { runs }]) => [name, runs.length, runs[0]?.hardware]),
      [
        ['finish', 1, 'CPU pod, 2 vCPU'],
        ['square', 1, 'CPU pod, 2 vCPU'],
      ],
    );
  });

  it('what was found of the platform, host keys, and sizes of volumes', async () => {
    const known = await new product.PlatformFile(old.home).capabilities(layout.restUrl);
    assert.partialDeepStrictEqual(known, {
      podKeyRights: 'own',
      minDiskGb: 20,
      hostKeysInLog: true,
      environmentOnlyInPid1: true,
      rateLimitPerMinute: 3000,
      volumesInPages: false,
      billShowsRunning: false,
    });
    assert.deepEqual(known.dataCenters?.['US-MD-1'], ['STANDARD']);
    const { findings } = (readJson(inHome('platform.json')) as { platforms: { findings: object }[] }).platforms[0]!;
    assert.deepEqual(await new product.PlatformFile(old.home).findings(layout.restUrl), findings);

    const hostKeys = new product.FileHostKeys(path.join(old.home, 'host-keys.json'));
    const { pins } = readJson(inHome('host-keys.json')) as { pins: { id: string; fingerprint: string }[] };
    assert.ok(pins.length >= 6);
    for (const { id, fingerprint } of pins) assert.equal(await hostKeys.expected(id), fingerprint);
    const pod = (await recordOf('running')).pod?.id ?? '';
    const pin = pins.find(({ id }) => id.startsWith(`${pod}@`)) ?? assert.fail('the running pod has no pin');
    await assert.rejects(hostKeys.pin(pin.id, 'SHA256:another'), { code: 'host-key-pinned' });

    const size = await product.knownSize(old.home, volumeId('small in US-MD-1'));
    assert.deepEqual(size, readJson(inHome(`volumes/${volumeId('small in US-MD-1')}.json`)));
    assert.equal(size?.files, 3);
  });

  it('the key of the installation, as ssh keeps keys, goes on being used', async () => {
    mkdirSync(inHome('ssh'), { mode: 0o700 });
    execFileSync('ssh-keygen', [
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-C',
      'runpod-trainer',
      '-f',
      inHome('ssh/id_ed25519'),
    ]);
    const pair = await product.keyPairOf(old.home);
    assert.equal(pair.privateKey, readFileSync(inHome('ssh/id_ed25519'), 'utf8'));
    assert.equal(`${pair.publicKey}\n`, readFileSync(inHome('ssh/id_ed25519.pub'), 'utf8'));
  });

  it('local steps that were agreed to before their variables counted are asked about once more', async () => {
    const loaded = await product.loadProject(old.file);
    const localSteps = loaded.project.steps.filter((step) => step.where === 'local');
    assert.equal(localSteps.length, 1);
    const file = inHome('trusted.json');
    const before = readFileSync(file, 'utf8').replace('@trusted@', trustOf(old.project, localSteps));
    writeFileSync(file, before);
    const plan = { loaded, localSteps };
    await assert.rejects(product.confirmLocalSteps(old.home, plan, false), { code: 'needs-yes' });
    await product.confirmLocalSteps(old.home, plan, true);
    await product.confirmLocalSteps(old.home, plan, false);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as string[];
    assert.deepEqual(kept.slice(0, -1), JSON.parse(before));
  });

  it('locks of clients that are gone stop nobody, one of a living client does', async () => {
    const job = jobId('lost');
    const places = [records.concludeLock(job), records.fetchLock(job), inHome('locks/day-second')];
    for (const place of places) {
      assert.ok(existsSync(place), place);
      const text = readFileSync(place, 'utf8');
      writeFileSync(place, text.replace(`"pid":${old.deadPid}`, `"pid":${process.pid}`));
      await assert.rejects(product.takeLock(place, { signal: AbortSignal.timeout(300) }), product.CancelledError);
      writeFileSync(place, text);
      const release = await product.takeLock(place, { signal: AbortSignal.timeout(1000) });
      await release();
      assert.ok(!existsSync(place), place);
    }
  });

  it('the address of a sandbox, and the journals of S3 under their names', async () => {
    const connection = product.readConnection(readFileSync(inHome('sandbox/connection.json'), 'utf8'));
    assert.partialDeepStrictEqual(connection, { restUrl: layout.restUrl, s3Url: layout.s3Url });
    const access = { endpoint: layout.s3Url, region: 'US-MD-1', accessKeyId: 'a', secretAccessKey: 'b' };
    const store = new product.VolumeStore(access, volumeId('old'));
    const key = 'projects/old/more/over-s3.txt';
    const upload = product.UploadJournal.place(inHome('transfers'), layout.s3Url, volumeId('old'), key);
    const puts = product.PutRecord.place(inHome('transfers'), store, 'old');
    assert.deepEqual([path.basename(upload), path.basename(puts)].sort(), readdirSync(inHome('transfers')).sort());
    assert.equal(path.basename(upload), journalName('upload', layout.s3Url));
    const journal = await product.UploadJournal.read(upload);
    assert.deepEqual([...(journal?.parts.keys() ?? [])], [1, 2, 3]);
    const file = path.join(old.project, 'more', 'over-s3.txt');
    const { mtimeMs, ino } = lstatSync(file);
    assert.partialDeepStrictEqual(journal?.head, {
      bucket: volumeId('old'),
      key,
      absolute: file,
      partBytes: 4096,
      mtimeMs,
      ino,
    });
    const record = await product.PutRecord.open(inHome('transfers'), store, 'old');
    assert.deepEqual([...record.begun], ['more/killed.txt', 'more/over-s3.txt']);
    await store.close();
  });

  it('what the project folder remembers: hashes, archives, and what the volume has', async () => {
    const loaded = await product.loadProject(old.file);
    const known = await product.readLastKnown(old.project);
    assert.deepEqual(known?.volume, { id: volumeId('old'), name: 'old', dataCenter: 'US-MD-1' });
    const names = ['data/base.txt', 'lib/__init__.py', 'lib/power.py', 'mode.txt', 'notes.tar', 'square.py'];
    assert.deepEqual(Object.keys(known.files).sort(), names);
    // Other bytes of the same size and time are not read: the hash is the remembered one.
    const place = path.join(old.project, 'lib', 'power.py');
    const { atime, mtime } = lstatSync(place);
    const text = readFileSync(place, 'utf8');
    writeFileSync(place, text.replaceAll('value', 'other'));
    utimesSync(place, atime, mtime);
    const { files, archives } = await product.collect(loaded);
    writeFileSync(place, text);
    utimesSync(place, atime, mtime);
    assert.deepEqual(
      archives.map(({ file, rebuilt }) => [file.path, rebuilt]),
      [['notes.tar', false]],
    );
    for (const name of names) {
      assert.equal(files.find((file) => file.path === name)?.sha256, known.files[name]?.sha256, name);
    }
    const volume = { id: volumeId('old'), name: 'old', dataCenter: 'US-MD-1' };
    const far = product.lastKnownState(known, volume.id);
    const around = { asked: false, volume, s3: { endpoint: 'yes' as const, keys: true }, pods: [], free: false };
    const { plan } = await product.planTransfer(loaded, { far, around });
    assert.deepEqual(
      plan.send.map(({ path: name }) => name),
      ['more/killed.txt', 'more/over-s3.txt', 'more/over-ssh.txt'],
    );
    assert.deepEqual([plan.unchanged.files, plan.conflicts, plan.secrets], [6, [], []]);
  });

  it('the worker lists the jobs of the volume and hands their journals over', async () => {
    const { lines } = worker(['status', '--mount', old.volume()]);
    const { jobs } = lines[0] as { jobs: { job: string; alive: boolean; bytes: number; state: { status: string } }[] };
    assert.deepEqual(
      jobs.map(({ job, alive, state }) => [job, alive, state.status]),
      onVolume.toReversed().map((name) => [jobId(name), false, states[name]]),
    );
    for (const [name, code] of [
      ['succeeded', 0],
      ['running', 3],
    ] as const) {
      const jobDir = path.join(old.volume(), '.runpod-trainer', 'jobs', jobId(name));
      const followed = worker(['follow', '--job-dir', jobDir, '--offset', '0']);
      assert.equal(followed.code, code, name);
      const here = readFileSync(records.journalFile(jobId(name)), 'utf8')
        .trim()
        .split('\n');
      assert.deepEqual(
        followed.lines.slice(0, here.length),
        here.map((line) => JSON.parse(line) as unknown),
        name,
      );
    }
    for (const name of onVolume) {
      const file = path.join(old.volume(), '.runpod-trainer', 'jobs', jobId(name), 'state.json');
      const state = product.parseJobState(jobId(name), readFileSync(file, 'utf8'));
      assert.deepEqual([state?.status, state?.podId], [states[name], (await recordOf(name)).pod?.id]);
    }
  });

  it('the worker knows what a transfer put there, and which ranges of an upload have come', () => {
    const root = path.join(old.volume(), 'projects', 'old');
    const state = worker(['files', 'state', '--root', root]).lines;
    assert.deepEqual(state.map(({ path: name }) => name).sort(), [
      'data/base.txt',
      'lib/__init__.py',
      'lib/power.py',
      'mode.txt',
      'notes.tar',
      'square.py',
    ]);
    assert.ok(
      state.every(({ missing, now }) => missing !== true && now == null),
      JSON.stringify(state),
    );
    const [part] = readdirSync(path.join(root, '.runpod-trainer', 'incoming')).filter((name) => name.endsWith('.part'));
    const sha256 = part?.replace('.part', '') ?? '';
    const wanted = { path: 'more/over-ssh.txt', size: 16384, sha256 };
    const plan = worker(['files', 'plan', '--root', root], `${JSON.stringify(wanted)}\n`).lines;
    assert.deepEqual(plan, [{ path: 'more/over-ssh.txt', have: [[0, 8192]] }]);
  });

  const earlier = 'an earlier release ran it, which kept less of what its result depends on';
  const whyOf = (lines: Record<string, unknown>[], name: string): unknown =>
    lines.find(({ type, step }) => type === 'step.started' && step === name)?.why;

  it('the worker runs what passed then once more, says why, and skips it from then on', () => {
    const root = path.join(old.volume(), 'projects', 'old');
    const spec = readJson(path.join(old.volume(), '.runpod-trainer', 'jobs', jobId('running'), 'spec.json')) as object;
    const run = (job: string): Record<string, unknown>[] => {
      const jobDir = path.join(old.volume(), '.runpod-trainer', 'jobs', job);
      mkdirSync(jobDir);
      const now = { ...spec, job, paths: { project: root, mount: old.volume() } };
      writeFileSync(path.join(jobDir, 'spec.json'), JSON.stringify(now));
      const { code, lines } = worker(['run', '--job-dir', jobDir, '--side', 'pod'], '{}');
      assert.equal(code, 0, JSON.stringify(lines));
      return lines;
    };
    writeFileSync(path.join(root, 'mode.txt'), 'good\n');
    assert.deepEqual(whyOf(run('old-20261201-000000-aaaa'), 'square'), [earlier]);
    assert.deepEqual(stepsRun(run('old-20261201-000001-aaaa')), []);
    writeFileSync(path.join(root, 'lib', 'power.py'), 'def power(value):\n    return value * value * value\n');
    assert.deepEqual(whyOf(run('old-20261201-000002-aaaa'), 'square'), ['code lib/power.py changed']);
  });

  it('the local worker does so with the step of this machine', () => {
    const spec = readJson(path.join(old.project, '.runpod-trainer', 'jobs', jobId('running'), 'spec.json')) as object;
    const jobDir = path.join(old.project, '.runpod-trainer', 'jobs', 'old-20261201-000003-aaaa');
    mkdirSync(jobDir);
    writeFileSync(path.join(jobDir, 'spec.json'), JSON.stringify({ ...spec, job: path.basename(jobDir) }));
    const { code, lines } = worker(['run', '--job-dir', jobDir, '--side', 'local'], '{}');
    assert.equal(code, 0);
    assert.deepEqual(whyOf(lines, 'base'), [earlier]);
  });

  it('every file of the fixture is in its list, and the other way round', () => {
    const there = ['home', 'project'].flatMap((name) =>
      readdirSync(path.join(layout.fixture, name), { recursive: true, withFileTypes: true, encoding: 'utf8' })
        .filter((entry) => entry.isFile())
        .map((entry) =>
          path.relative(layout.fixture, path.join(entry.parentPath, entry.name)).replace(/\.pyz\.gz$/, '.pyz'),
        ),
    );
    assert.deepEqual(there.sort(), Object.keys(tree.files).sort());
  });
});

function stepsRun(lines: Record<string, unknown>[]): unknown[] {
  return lines.filter(({ type }) => type === 'step.started').map(({ step }) => step);
}

function logOf(events: product.JobEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'log' ? event.lines : []));
}

function podSeconds({ pod, podEnded }: product.JobRecord): number {
  return (Date.parse(podEnded ?? '') - Date.parse(pod?.created ?? '')) / 1000;
}

function sum(a: number, b: number): number {
  return a + b;
}
