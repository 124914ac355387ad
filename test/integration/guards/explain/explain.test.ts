import assert from 'node:assert/strict';
import { explain, gatherEvidence } from '../../../../src/core/guards/explain/index.ts';
import { Account } from '../../../support/account.ts';
import { World, type Told } from '../../jobs/harness.ts';
import { TestProject } from '../../jobs/projects.ts';

interface Explained extends Told {
  status: string;
  command?: string;
  explanation: {
    kind: string;
    change: { path: (string | number)[] | null; from: unknown; to: unknown } | null;
    evidence: string[];
  } | null;
}

const train = `
import sys
batch = int(sys.argv[2])
print("step 1 loss 0.5")
if batch > 4:
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.65 GiB of which 11.06 MiB is free.")
print("trained with", batch)
`;

describe('explain on the command line (R7.4)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  const explained = async (...args: string[]): Promise<Explained> => {
    const { stdout, stderr } = await world.run(['explain', ...args, '--json']);
    const line = stdout.trim().split('\n').at(-1) ?? '';
    assert.ok(line.startsWith('{'), stdout + stderr);
    return JSON.parse(line) as Explained;
  };

  it('names the change, and the job goes on with it by the command that is told', async () => {
    const project = new TestProject(
      world.folder,
      {
        name: 'memory',
        sync: { must: ['train.py'] },
        steps: [
          { name: 'before', shell: 'echo ready > ready.txt', inputs: [], outputs: ['ready.txt'] },
          { name: 'train', script: 'train.py', args: ['--batch-size', '8'] },
        ],
      },
      { 'train.py': train },
    );
    const first = await world.runJson(['run', project.file, '--yes']);
    assert.equal(first.result.outcome, 'failed');

    const { explanation, command, status } = await explained();
    assert.deepEqual([status, explanation?.kind], ['failed', 'cuda-memory']);
    assert.deepEqual(explanation?.change?.path, ['steps', 1, 'args', 1]);
    assert.deepEqual([explanation.change.from, explanation.change.to], ['8', '4']);
    assert.equal(command, `runpod-trainer run ${project.file} --from train`);

    const text = await world.run(['explain', first.result.job]);
    assert.match(text.stdout, /The GPU's memory of 23\.6 GiB was not enough for the step train/);
    assert.match(text.stdout, /Change +steps\[1\]\.args\[1\] in\s.*: "8" → "4"/);
    assert.match(text.stdout, /Go on with:\n {2}runpod-trainer run .* --from train/);

    project.changeStep('train', { args: ['--batch-size', String(explanation.change.to)] });
    const second = await world.runJson([...command.split(' ').slice(1), '--yes']);
    assert.equal(second.result.outcome, 'succeeded', second.stderr);
    assert.deepEqual(
      second.result.steps.map((s) => s.status),
      ['skipped', 'passed'],
    );
    assert.deepEqual((await explained(second.result.job)).explanation, null);
    assert.match((await world.run(['explain', second.result.job])).stdout, /succeeded: there is nothing to explain/);
  });

  it('knows what the worker says of real endings, and prints nothing that a terminal would obey', async () => {
    const project = new TestProject(world.folder, { name: 'endings', steps: [{ name: 'one', shell: 'true' }] });
    const run = async (step: Record<string, unknown>): Promise<string | undefined> => {
      project.change((parts) => ({ ...parts, steps: [{ name: 'one', where: 'local', ...step }] }));
      await world.runJson(['run', project.file, '--yes']);
      return (await explained()).explanation?.kind;
    };
    assert.equal(await run({ shell: 'kill -9 $$' }), 'host-memory');
    assert.equal(await run({ shell: 'kill -15 $$' }), 'terminated');
    assert.equal(await run({ shell: 'sleep 100', timeoutMinutes: 0.02 }), 'step-timeout');
    assert.equal(await run({ shell: 'true', gates: [{ type: 'file', path: 'nothing.bin' }] }), 'gate');
    assert.equal(await run({ module: 'lightning_of_nobody' }), 'module-missing');
    assert.equal(await run({ shell: 'cat nothing.txt' }), 'path-missing');
    const evil = String.raw`printf 'CUDA out of memory. \033]52;c;ZXZpbA==\007 \033[2J\n' >&2; exit 1`;
    assert.equal(await run({ shell: evil }), 'cuda-memory');
    const { stdout } = await world.run(['explain']);
    assert.match(stdout, /CUDA out of memory/);
    assert.doesNotMatch(stdout, /[\u001b\u0007]/);

    assert.equal(await run({ shell: 'echo what is that; exit 3' }), undefined);
    const riddle = await world.run(['explain']);
    assert.equal(riddle.code, 0);
    assert.match(
      riddle.stdout,
      /is failed\..*No known cause was recognised\.\nThe last line of its step:\n {2}what is that/,
    );
  });

  it('knows a job that its cap ended', async () => {
    const project = new TestProject(world.folder, {
      name: 'capped',
      steps: [{ name: 'one', shell: 'sleep 100' }],
      caps: { hours: 0.0005 },
    });
    await world.runJson(['run', project.file, '--yes']);
    const { explanation } = await explained();
    assert.equal(explanation?.kind, 'cap');
    assert.deepEqual(explanation.change, {
      path: ['caps', 'hours'],
      from: 0.0005,
      to: 0.001,
      text: 'Raise the cap from 0.0005 to 0.001 hours.',
    });
  });

  it('shows regions and radar as tables', async () => {
    const regions = await world.run(['regions']);
    assert.match(regions.stdout, /data center +volume +S3 +free now/);
    assert.match(regions.stdout, /Its region is for good;\s+it can\s+grow\s+later, never shrink\./);
    const { stdout } = await world.run(['radar']);
    assert.match(
      stdout,
      /No pod runs\.[\s\S]*volume +where +size[\s\S]*tests +US-MD-1 +10 GB +free here, \$0\.70 a month on RunPod +\S+.*\n\nIn all: free here, pods and endpoints \$0\.00\/h, storage \$0\.70 a month on RunPod\./,
    );
  });
});

describe('what the API adds to an explanation (R4.4)', () => {
  let account: Account;
  beforeEach(async () => {
    account = await Account.open();
  });
  afterEach(() => account.close());

  const running = async () => {
    const volume = await account.volume();
    const now = new Date().toISOString();
    return account.installation.records.create({
      schema: 1,
      job: 'songs-20261122-090000-abcd',
      project: 'songs',
      file: '/nowhere/training.runpod.json',
      root: '/nowhere',
      restUrl: account.installation.restUrl,
      volume: { id: volume.id, name: volume.name, dataCenter: volume.dataCenter },
      pod: { id: 'gone', name: 'rpt-songs', created: now, hardware: 'L4', costPerHour: 0.49 },
      onFinish: 'terminate',
      fetch: [],
      into: 'runpod-results',
      phase: 'run',
      created: now,
      updated: now,
    });
  };

  it('a pod that is gone under its job, with money left and without', async () => {
    const record = await running();
    const evidence = await gatherEvidence(account.installation, record);
    assert.deepEqual([evidence.state.status, evidence.pod?.status, evidence.volumeGb], ['unknown', 'gone', 10]);
    assert.equal(explain(evidence)?.kind, 'pod-gone');
    account.sandbox.setBalance(0);
    assert.equal(explain(await gatherEvidence(account.installation, record))?.kind, 'no-balance');
  });

  it('is not needed: without an answer the job counts as running, and nothing is invented', async () => {
    const record = await running();
    account.sandbox.requests.fail(401);
    const evidence = await gatherEvidence(account.installation, record);
    assert.deepEqual([evidence.state.status, evidence.pod?.status], ['running', 'unknown']);
    assert.equal(explain(evidence), undefined);
  });

  it('tells of a job that never got a machine', async () => {
    const record = await running();
    const reason = 'No machine is free in US-MD-1: tried RTX 4090. Nothing was charged.';
    const evidence = await gatherEvidence(account.installation, { ...record, pod: undefined, phase: 'done', reason });
    assert.equal(explain(evidence)?.kind, 'no-stock');
  });
});
