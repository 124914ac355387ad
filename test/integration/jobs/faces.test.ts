import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Installation } from '../../../src/core/home/installation.ts';
import { cancelJob } from '../../../src/core/jobs/cancel.ts';
import { fetchLater } from '../../../src/core/jobs/fetch-later.ts';
import { planRun } from '../../../src/core/jobs/plan.ts';
import type { JobResult } from '../../../src/core/jobs/conclude.ts';
import { follow } from '../../../src/core/jobs/follow.ts';
import { runJob, type RunOptions } from '../../../src/core/jobs/run.ts';
import { resultsFolder, type JobRecord } from '../../../src/core/journal/records.ts';
import type { RunEvent } from '../../../src/core/journal/run-event.ts';
import { loadProject } from '../../../src/core/project/load.ts';
import { generateKeyPair } from '../../../src/core/ssh/index.ts';
import { Account } from '../../../src/features/account/account.ts';
import { Credentials } from '../../../src/features/account/credentials.ts';
import { editorInstallation } from '../../../src/features/account/installation.ts';
import { MachineMemory } from '../../../src/features/account/machine-memory.ts';
import { Secret } from '../../../src/features/common/secret.ts';
import { FakeMemory, FakeSecrets } from '../../support/memory.ts';
import { until } from '../../support/wait.ts';
import { dist, nothingRuns, python, World, type Cli, type Result } from './harness.ts';
import { TestProject, untilGo } from './projects.ts';

/** The editor beside the terminals of a home: all of it but the windows. */
class Editor {
  readonly secrets = new FakeSecrets();
  /** What it was told of its jobs. */
  readonly heard: RunEvent[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async installation(): Promise<Installation> {
    const { sandbox, home } = this.#world;
    const credentials = new Credentials(this.secrets);
    await credentials.setApiKey(sandbox.restUrl, new Secret(sandbox.key));
    const memory = new FakeMemory();
    const account = new Account({
      credentials,
      memory,
      ownMemory: new MachineMemory(memory, home),
      restUrl: () => sandbox.restUrl,
      folder: () => 'file:///work',
      trusted: () => true,
    });
    await account.approve(sandbox.restUrl);
    await account.reload();
    const settings = { endKeySecret: undefined };
    const pythons = { current: () => Promise.resolve({ path: python, from: 'setting' as const }) };
    const s3 = () => ({ endpoints: {}, keys: () => Promise.resolve(undefined) });
    const workerFile = path.join(dist, 'worker.pyz');
    return editorInstallation({ account, credentials, settings, python: pythons, s3, workerFile }, home);
  }

  get options(): RunOptions {
    return { onEvent: (event) => void this.heard.push(event) };
  }

  async start(project: TestProject, installation?: Installation): Promise<JobResult> {
    const here = installation ?? (await this.installation());
    const plan = await planRun(here.client, await loadProject(project.file), { secret: () => undefined });
    return runJob(here, plan, { ...this.options, detach: true });
  }

  async attach(record: JobRecord): Promise<JobResult> {
    return follow(await this.installation(), record, this.options);
  }

  async cancel(record: JobRecord): Promise<JobResult | undefined> {
    return cancelJob(await this.installation(), record, this.options);
  }

  async fetch(record: JobRecord): Promise<JobRecord> {
    const confirm = (): never => assert.fail('the pod is there, so none is rented');
    return (await fetchLater(await this.installation(), record, { ...this.options, confirm })).record;
  }

  said(line: string): boolean {
    return this.heard.some((e) => e.type === 'job' && e.event.type === 'log' && e.event.lines.includes(line));
  }

  get warnings(): string[] {
    return this.heard.filter((e) => e.type === 'warning').map((e) => e.text);
  }
}

function waiting(world: World, name: string, more: Record<string, unknown> = {}): TestProject {
  return new TestProject(world.folder, {
    name,
    steps: [{ name: 'wait', shell: `echo kept > out.txt; ${untilGo}`, gates: [{ type: 'file', path: 'go' }] }],
    onFinish: { fetch: ['out.txt'] },
    ...more,
  });
}

const jobIn = (text: string): string => /runpod-trainer attach ([\w-]+)/.exec(text)?.[1] ?? assert.fail(text);
const out = (record: JobRecord): string => readFileSync(path.join(resultsFolder(record), 'out.txt'), 'utf8');

describe('terminal and editor on one home (R3.4)', () => {
  let world: World;
  before(async () => {
    world = await World.open();
  });
  after(() => world.close());

  describe('a job that a terminal started', () => {
    let editor: Editor;
    let project: TestProject;
    let record: JobRecord;
    let attached: Promise<JobResult>;
    before(async () => {
      editor = new Editor(world);
      project = waiting(world, 'of-terminal');
      const { code, stdout, stderr } = await world.run(['run', project.file, '--yes', '--detach']);
      assert.equal(code, 0, stdout + stderr);
      record = world.record(jobIn(stdout));
    });

    it('is attached from the editor', async () => {
      attached = editor.attach(record);
      await until('the editor hears the job', () => editor.said('line 50'), 30_000);
    });

    it('is fetched from the editor', async () => {
      await editor.fetch(record);
      assert.equal(out(record), 'kept\n');
    });

    it('keeps the editor from starting the project a second time', async () => {
      const asked = world.podsAsked();
      await assert.rejects(editor.start(project), { code: 'job-running', message: new RegExp(record.job) });
      assert.equal(world.podsAsked(), asked);
    });

    it('is cancelled from the editor: the step is interrupted and the pod ends', async () => {
      const result = await editor.cancel(record);
      assert.equal(result?.outcome, 'cancelled');
      assert.equal((await attached).outcome, 'cancelled');
      const { outcome, phase, podEnded } = world.record(record.job);
      assert.deepEqual([outcome, phase, podEnded !== undefined], ['cancelled', 'done', true]);
      assert.deepEqual(await world.pods(), []);
      assert.deepEqual(
        editor.warnings.filter((text) => text.includes('does not answer')),
        [],
      );
      await nothingRuns(record.job);
    });
  });

  describe('a job that the editor started', () => {
    let project: TestProject;
    let record: JobRecord;
    let attached: Cli;
    before(async () => {
      project = waiting(world, 'of-editor');
      ({ record } = await new Editor(world).start(project));
    });

    it('is attached from a terminal', async () => {
      attached = world.start(['attach', record.job, '--json']);
      await attached.says('line 50');
    });

    it('is fetched from a terminal', async () => {
      const { code, stdout, stderr } = await world.run(['fetch', record.job]);
      assert.equal(code, 0, stdout + stderr);
      assert.equal(out(record), 'kept\n');
    });

    it('keeps a terminal from starting the project a second time', async () => {
      const asked = world.podsAsked();
      const { code, stderr } = await world.run(['run', project.file, '--yes']);
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`${record.job} of this project is still running`));
      assert.equal(world.podsAsked(), asked);
    });

    it('is cancelled from a terminal: the step is interrupted and the pod ends', async () => {
      const { code, stdout, stderr } = await world.run(['cancel', record.job]);
      assert.equal(code, 0, stdout + stderr);
      assert.doesNotMatch(stdout + stderr, /does not answer/);
      await attached.ended;
      assert.equal((attached.told().findLast((t) => t.type === 'result') as Result).outcome, 'cancelled');
      assert.deepEqual(await world.pods(), []);
      await nothingRuns(record.job);
    });
  });

  it('a job that an editor of before rented with a key of its own is attached from both', async () => {
    const editor = new Editor(world);
    const stored = generateKeyPair('stored');
    const { record } = await editor.start(waiting(world, 'of-before'), {
      ...(await editor.installation()),
      key: stored,
    });
    editor.secrets.values.set('sshKey', JSON.stringify(stored));
    const attached = editor.attach(record);
    await until('the editor hears the job', () => editor.said('line 50'), 30_000);
    assert.equal(editor.secrets.values.has('sshKey'), false, 'it has moved');
    const terminal = world.start(['attach', record.job, '--json']);
    await terminal.says('line 50');
    writeFileSync(path.join(await world.volume('tests'), 'projects', 'of-before', 'go'), 'go\n');
    assert.equal((await attached).outcome, 'succeeded');
    assert.equal((await terminal.ended).code, 0);
  });

  it('a job that is cancelled from the other side while its local steps run rents no pod', async () => {
    const editor = new Editor(world);
    const project = waiting(world, 'local', {
      steps: [
        { name: 'here', where: 'local', shell: untilGo },
        { name: 'there', shell: 'true' },
      ],
    });
    const asked = world.podsAsked();
    const run = world.start(['run', project.file, '--yes', '--json']);
    await run.says('line 50');
    const record = world.records().find((r) => r.project === 'local') ?? assert.fail();
    assert.equal((await editor.cancel(record))?.outcome, 'cancelled');
    project.write('go', '');
    const { code, stderr } = await run.ended;
    assert.equal(code, 4, stderr);
    assert.equal(world.podsAsked(), asked);
    const now = world.record(record.job);
    assert.deepEqual([now.outcome, now.phase, now.pod], ['cancelled', 'done', undefined]);
  });
});
