import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventsOf, nothingRuns, processesOf, repository, World, type Result, type Told } from './harness.ts';
import { notebook, smallProject, TestProject, untilGo } from './projects.ts';

/** Types of `--json` lines and their fields, as docs/cli.md promises them. */
function promisedFields(): Map<string, string[]> {
  const text = readFileSync(path.join(repository, 'docs', 'cli.md'), 'utf8');
  const table = text.slice(text.indexOf('## `--json`'), text.indexOf('## Files'));
  const rows = [...table.matchAll(/^\| `([a-z-]+)`\s*\| (.*) \|$/gm)];
  return new Map(
    rows.map(([, type = '', fields = '']) => {
      // What stands in brackets and braces, or after a field's name, describes the field.
      const parts = fields
        .replace(/\([^)]*\)|\{[^}]*\}/g, '')
        .replace(/:.*$/, '')
        .split(', ');
      return [type, parts.map((part) => /`(\w+)`/.exec(part)?.[1] ?? '')];
    }),
  );
}

const statusOf = (result: Result): Record<string, string> =>
  Object.fromEntries(result.steps.map((s) => [s.name, s.status]));

const whyOf = (result: Result, step: string): string => result.steps.find((s) => s.name === step)?.why.join('; ') ?? '';

describe('the main job on the sandbox (R3)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  describe('a project with steps of every kind', () => {
    let project: ReturnType<typeof smallProject>;
    before(() => {
      project = smallProject(world.folder, 'small');
    });

    it('runs local and pod steps in order with their gates, brings results home, ends the pod (R3.1, R3.2, R3.7)', async () => {
      const { code, told, result } = await world.runJson(['run', project.file, '--yes']);
      assert.equal(code, 0);
      assert.equal(result.outcome, 'succeeded');
      assert.deepEqual(statusOf(result), { base: 'passed', embed: 'passed', train: 'passed', report: 'passed' });
      const seen = result.steps.flatMap((s) => s.gates.map((g) => `${g.status} ${g.seen}`));
      assert.deepEqual(seen, [
        'passed 30',
        'passed 3 values: Blue, Green, Red',
        'passed 15 of 15',
        'passed 15',
        'passed exit code 0',
        'passed 0.5',
        'passed 1 tensors, 4 numbers',
        'passed 3 bytes',
      ]);
      // Every line is what docs/cli.md says, and the journal came without a gap.
      const promised = promisedFields();
      for (const line of told) {
        assert.ok(promised.has(line.type), `docs/cli.md does not know "${line.type}"`);
        const optional =
          line.type === 'result'
            ? ['reason', 'remedies', 'unfollowed', 'notHome']
            : line.type === 'warning'
              ? ['remedies']
              : [];
        for (const field of promised.get(line.type)?.filter((f) => !optional.includes(f)) ?? []) {
          assert.ok(field in line, `${line.type} lacks ${field}: ${JSON.stringify(line)}`);
        }
        assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }
      assert.deepEqual(
        eventsOf(told).map((e) => e.seq),
        eventsOf(told).map((_, i) => i + 1),
      );
      // Results, and of the job itself its journal, logs and the executed notebook.
      const results = result.results ?? '';
      assert.equal(path.dirname(results), path.join(project.root, 'runpod-results'));
      for (const file of ['out/model.safetensors', 'out/report.txt', 'job/events.jsonl', 'job/state.json']) {
        assert.ok(existsSync(path.join(results, file)), `${file} was not fetched`);
      }
      const executed = readdirSync(path.join(results, 'job', 'steps', '03-train')).find((n) => n.endsWith('.ipynb'));
      assert.match(readFileSync(path.join(results, 'job/steps/03-train', executed ?? ''), 'utf8'), /epoch 1/);
      // The pod is gone, nothing of the job runs, the record says so with its cost.
      assert.deepEqual(await world.pods(), []);
      await nothingRuns(result.job);
      const record = world.record(result.job);
      assert.deepEqual([record.phase, record.outcome], ['done', 'succeeded']);
      assert.ok(record.podEnded !== undefined && record.podEnded === result.podEnded);
      assert.ok(result.cost.metered > 0 && (result.cost.billed ?? 0) > 0, JSON.stringify(result.cost));
      const jobs = await world.run(['jobs']);
      assert.match(jobs.stdout, new RegExp(`${result.job} +succeeded +free here, \\$0\\.000`));
      assert.equal(jobs.code, 0);
    });

    it('skips what is unchanged on both sides and says why, once a step (R3.5)', async () => {
      const { code, stdout } = await world.run(['run', project.file, '--yes']);
      assert.equal(code, 0);
      for (const step of ['base', 'embed', 'train', 'report']) {
        assert.match(stdout, new RegExp(`↷ ${step} skipped: Nothing changed since it passed`));
        assert.match(stdout, new RegExp(`✓ +${step} .*skipped`));
      }
      assert.match(stdout, /6 files there already/);
      assert.match(stdout, /Cost +free here, about \$0\.000.* for CPU pod, 2 vCPU at \$0\.07\/h .* on RunPod/);
      assert.match(stdout, /Pod +ended at /);
      assert.doesNotMatch(stdout, /▶/);
    });

    it('runs what changed, and names the module, variable, parameter and input (R3.5)', async () => {
      project.write('lib/colors.py', '# a remark\ndef colors(text):\n    return text.split(",")\n');
      project.changeStep('embed', { env: { SCALE: '2' } });
      project.changeStep('train', { parameters: { epochs: 3 } });
      const { code, result } = await world.runJson(['run', project.file, '--yes']);
      assert.equal(code, 0);
      assert.deepEqual(new Set(Object.values(statusOf(result))), new Set(['passed']));
      assert.match(whyOf(result, 'embed'), /SCALE/);
      assert.match(whyOf(result, 'train'), /parameter.*epochs/i);
      assert.match(whyOf(result, 'report'), /out\/model\.safetensors/);
      const local = path.join(project.root, '.runpod-trainer', 'jobs', result.job, 'events.jsonl');
      assert.match(readFileSync(local, 'utf8'), /"step.started".*lib\/colors\.py/);
      for (const step of ['embed', 'train']) {
        assert.doesNotMatch(whyOf(result, step), /base\.parquet|embedded\.parquet/, 'inputs of the same content');
      }
    });

    it('runs from a step on when asked to, and skips those before it (R3.6)', async () => {
      const { code, result } = await world.runJson(['run', project.file, '--yes', '--from', 'report']);
      assert.equal(code, 0);
      assert.deepEqual(statusOf(result), { base: 'skipped', embed: 'skipped', train: 'skipped', report: 'passed' });
      assert.match(whyOf(result, 'report'), /asked for/);
      assert.match(whyOf(result, 'base'), /Nothing changed/);
    });

    it('stops at a gate that does not hold: names the missing value, runs nothing after it, ends the pod (R3.2)', async () => {
      project.change((parts) => ({ ...parts, profiles: { 'without-green': { env: { COLORS: 'Red,Blue,Blue' } } } }));
      const { code, result } = await world.runJson(['run', project.file, '--yes', '--profile', 'without-green']);
      assert.equal(code, 1);
      assert.equal(result.outcome, 'failed');
      assert.deepEqual(statusOf(result), { base: 'passed', embed: 'failed', train: 'waiting', report: 'waiting' });
      const gate = result.steps[1]?.gates[0];
      assert.equal(gate?.status, 'failed');
      assert.deepEqual(gate.evidence.missing, ['Green']);
      assert.match(gate.message ?? '', /Green/);
      assert.match(result.reason ?? '', /Green/);
      assert.deepEqual(await world.pods(), []);
      assert.equal(world.record(result.job).outcome, 'failed');
      // The evidence is at home as well.
      const kept = readFileSync(path.join(result.results ?? '', 'job', 'steps', '02-embed', 'gate.json'), 'utf8');
      assert.match(kept, /"missing": ?\["Green"\]/);
    });
  });

  it('says clearly why a step failed: its data, its notebook, its time (R3.2, R3.7, R4.6)', async () => {
    const half = 'head -c 200 whole.parquet > cut.parquet';
    const make = `${process.env.RUNPOD_TRAINER_PYTHON ?? 'python3'} -c 'import pyarrow as a, pyarrow.parquet as q; q.write_table(a.table({"n": [1, 2]}), "whole.parquet")'`;
    const failures: { step: Record<string, unknown>; says: RegExp; files?: Record<string, string> }[] = [
      {
        step: { shell: `${make}; ${half}`, gates: [{ type: 'rows', path: 'cut.parquet', equals: 2 }] },
        says: /cut\.parquet.*(truncated|damaged|not a|cannot be read|broken)/i,
      },
      {
        step: { shell: make, gates: [{ type: 'distinct', path: 'whole.parquet', column: 'colour', count: 1 }] },
        says: /colour.*\bn\b/s,
      },
      {
        step: { notebook: 'raises.ipynb' },
        files: { 'raises.ipynb': notebook(['x = 1', 'raise ValueError("no songs in Green")']) },
        says: /cell 2.*no songs in Green/is,
      },
      {
        step: { notebook: 'dies.ipynb' },
        files: { 'dies.ipynb': notebook(['x = 1', 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)']) },
        says: /kernel.*(died|killed|ended)/is,
      },
      { step: { shell: 'sleep 60', timeoutMinutes: 0.02 }, says: /(time|longer).*1\.2|1\.2 s/i },
      { step: { shell: 'false | true; echo not reached' }, says: /exit code 1/i },
    ];
    const asked = world.podsAsked();
    const runs = failures.map(async ({ step, says, files }, index) => {
      const steps = [
        { name: 'bad', where: 'local', ...step },
        { name: 'after', where: 'local', shell: 'touch after' },
      ];
      const project = new TestProject(world.folder, { name: `failing-${index}`, steps }, files);
      const { code, result } = await world.runJson(['run', project.file, '--yes']);
      assert.equal(code, 1, result.reason);
      assert.match(result.reason ?? '', says);
      assert.match(result.reason ?? '', /Correct it and run again/);
      assert.equal(result.steps[1]?.status, 'waiting');
      assert.equal(existsSync(path.join(project.root, 'after')), false);
    });
    await Promise.all(runs);
    assert.equal(world.podsAsked(), asked);
  });

  it('takes the next candidate when one is refused, and says so (R4.3)', async () => {
    const project = new TestProject(world.folder, {
      name: 'order',
      steps: [{ name: 'one', shell: 'true' }],
      target: { gpus: ['NVIDIA GeForce RTX 4090', 'NVIDIA A40'] },
    });
    world.sandbox.stock.set({ gpu: 'NVIDIA A40', dataCenter: 'US-MD-1' }, 'LOW');
    world.sandbox.stock.refuse({ gpu: 'NVIDIA GeForce RTX 4090' }, 1);
    const { code, told } = await world.runJson(['run', project.file, '--yes']);
    assert.equal(code, 0);
    const of = (type: string): Told | undefined => told.find((t) => t.type === type);
    assert.equal(of('refused')?.hardware, 'RTX 4090');
    assert.match(String(of('refused')?.reason), /instances/);
    assert.equal(of('pod')?.hardware, 'A40');
    assert.deepEqual(await world.pods(), []);
  });

  it('hands a secret to the step that lists it and to nothing else (security.md)', async () => {
    const canary = 'canary-7f3a9c51e2d84b60';
    const project = new TestProject(world.folder, {
      name: 'secret',
      steps: [
        {
          name: 'with',
          secrets: ['CANARY'],
          shell: `printf %s "$CANARY" | sha256sum > digest.txt; echo "it is $CANARY"; ${untilGo}`,
        },
        { name: 'without', shell: 'env > environment.txt' },
      ],
      onFinish: { fetch: ['*.txt'] },
    });
    const run = world.start(['run', project.file, '--yes', '--json'], { CANARY: canary });
    await run.says('line 50');
    const seen = processesOf(canary).filter((p) => p.pid !== run.child.pid);
    assert.ok(seen.length > 0, 'the step itself has it');
    assert.deepEqual(
      seen.filter((p) => p.args.includes(canary)),
      [],
      'in arguments',
    );
    for (const { args } of seen) {
      assert.match(args, /bash|sleep/, 'only the step has it in its environment');
    }
    const volume = await world.volume('tests');
    writeFileSync(path.join(volume, 'projects', 'secret', 'go'), '');
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 0, stdout + stderr);
    const digest = createHash('sha256').update(canary).digest('hex');
    const result = run.told().findLast((t) => t.type === 'result') as Result;
    assert.match(readFileSync(path.join(result.results ?? '', 'digest.txt'), 'utf8'), new RegExp(digest));
    const environment = readFileSync(path.join(result.results ?? '', 'environment.txt'), 'utf8');
    assert.match(environment, /^RUNPOD_POD_ID=/m);
    assert.doesNotMatch(environment, /RUNPOD_API_KEY|CANARY|rpa_/);
    for (const secret of [canary, world.sandbox.key]) {
      assert.ok(!(stdout + stderr).includes(secret), 'in the output');
      const allowed = path.join(world.folder, 'sandbox', 'connection.json');
      assert.deepEqual(
        filesWith(world.folder, secret).filter((f) => f !== allowed),
        [],
      );
    }
    assert.match(stdout, /it is \[secret\]/);
  });

  it('ends a pod that is not ready in time and tells its cost (R4.3)', async () => {
    const project = new TestProject(world.folder, {
      name: 'never',
      steps: [{ name: 'one', shell: 'true' }],
      target: { readyMinutes: 0.03 },
    });
    const other = await World.open({ delays: { ports: 600_000 } });
    try {
      const { code, stderr } = await other.run(['run', project.file, '--yes']);
      assert.equal(code, 2);
      assert.match(stderr, /not ready after 2 s: the image is being pulled, or the port is not mapped/);
      assert.match(stderr, /bad host/);
      assert.match(
        stderr,
        /The pod was terminated; what it cost: free here, about \$0\.0000\d+ on RunPod\. Start again/,
      );
      assert.deepEqual(await other.pods(), []);
      const [record] = other.records();
      assert.equal(record?.phase, 'done');
      assert.ok(record.podEnded !== undefined);
      const jobs = await other.run(['jobs']);
      assert.match(jobs.stdout, /not started/);
    } finally {
      await other.close();
    }
  });
});

/** Files below a folder that contain the text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => statSync(file).size < 50_000_000 && readFileSync(file).includes(text));
}
