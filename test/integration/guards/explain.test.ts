import assert from 'node:assert/strict';
import { World, type Told } from '../jobs/harness.ts';
import { TestProject } from '../jobs/projects.ts';

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
    assert.match(text.stdout, /Change +steps\[1\]\.args\[1\] in .*: "8" → "4"/);
    assert.match(text.stdout, /Go on with:\n {2}runpod-trainer run .* --from train/);

    project.changeStep('train', { args: ['--batch-size', String(explanation.change.to)] });
    const second = await world.runJson([...(command ?? '').split(' ').slice(1), '--yes']);
    assert.equal(second.result.outcome, 'succeeded', second.stderr);
    assert.deepEqual(
      second.result.steps.map((s) => s.status),
      ['skipped', 'passed'],
    );
    assert.deepEqual((await explained(second.result.job)).explanation, null);
    assert.match((await world.run(['explain', second.result.job])).stdout, /succeeded: there is nothing to explain/);
  });

  it('knows what the worker says of real endings, and prints nothing that a terminal would obey', async () => {
    const project = new TestProject(world.folder, {
      name: 'endings',
      steps: [{ name: 'one', shell: 'kill -9 $$' }],
    });
    const kinds: (string | undefined)[] = [];
    const run = async (step: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<void> => {
      project.change((parts) => ({ ...parts, ...more, steps: [{ name: 'one', ...step }] }));
      await world.runJson(['run', project.file, '--yes']);
      kinds.push((await explained()).explanation?.kind);
    };
    await run({ shell: 'kill -9 $$' });
    await run({ shell: 'sleep 100', timeoutMinutes: 0.02 });
    await run({ shell: 'true', gates: [{ type: 'file', path: 'nothing.bin' }] });
    await run({ module: 'lightning_of_nobody' });
    await run({ shell: 'sleep 100' }, { caps: { hours: 0.0005 } });
    assert.deepEqual(kinds, ['host-memory', 'step-timeout', 'gate', 'module-missing', 'cap']);

    const evil = String.raw`printf 'CUDA out of memory. \033]52;c;ZXZpbA==\007 \033[2J\n' >&2; exit 1`;
    await run({ shell: evil }, { caps: {} });
    const { stdout } = await world.run(['explain']);
    assert.match(stdout, /CUDA out of memory/);
    // eslint-disable-next-line no-control-regex -- these are what must not be there
    assert.doesNotMatch(stdout, /[\u001b\u0007]/);
  });

  it('says so when it recognises nothing', async () => {
    const project = new TestProject(world.folder, {
      name: 'riddle',
      steps: [{ name: 'one', shell: 'echo what is that; exit 3' }],
    });
    await world.runJson(['run', project.file, '--yes']);
    const { stdout, code } = await world.run(['explain']);
    assert.equal(code, 0);
    assert.match(stdout, /is failed\..*No known cause was recognised\.\nThe last lines of its step:\n {2}what is that/);
  });

  it('shows regions and radar as tables', async () => {
    const regions = await world.run(['regions']);
    assert.match(regions.stdout, /data center +volume +S3 +free now/);
    assert.match(regions.stdout, /Its region is for good; it can grow later, never shrink\./);
    const { stdout } = await world.run(['radar']);
    assert.match(
      stdout,
      /No pod runs\.[\s\S]*volume +where +size[\s\S]*tests +US-MD-1 +10 GB +\$0\.70\/month +\S+.*\n\nPods \$0\.00\/h, storage \$0\.70 a month\./,
    );
  });
});
