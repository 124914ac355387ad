import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Frame } from 'playwright-core';
import { startSandbox, type Sandbox } from '../../sandbox/index.ts';
import { RunPodClient } from '../../src/core/runpod/client.ts';
import { seriousProblems } from './panel/page-checks.ts';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';
import { cancelLaunch, launchSheet, startRun } from './support/launch.ts';
import { temporaryFolder } from './support/package.ts';

const gpu = 'NVIDIA GeForce RTX 4090';

/** Needs more memory than the GPU has with a batch of 8, and works with one of 4. */
const train = `import pathlib, sys
batch = int(sys.argv[sys.argv.index("--batch-size") + 1])
pathlib.Path("out").mkdir(exist_ok=True)
if batch > 4:
    print("step 1 of 40")
    sys.exit("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.64 GiB of which 1.12 GiB is free.")
pathlib.Path("out/model.txt").write_text("trained")
`;

interface Project {
  sync: Record<string, string[]>;
  steps: object[];
}

describe('launch sheet and overview (R4)', function () {
  this.timeout(180_000);
  let sandbox: Sandbox;
  let client: RunPodClient;
  let fixture: Fixture;
  let editor: Editor;

  before(async () => {
    sandbox = await startSandbox({ root: await temporaryFolder('api') });
    client = new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key });
    await client.pods.create({ name: 'weekend-notebook', image: 'runpod/base:1.0.2', gpu: { id: gpu } });
    fixture = await makeFixture();
    await writeFile(join(fixture.folder, 'train.py'), train);
    const project = JSON.parse(await readFile(fixture.projectFile, 'utf8')) as Project;
    project.sync = { must: ['hello.py', 'train.py'], data: ['data/base.parquet'] };
    project.steps = [
      { name: 'hello', script: 'hello.py', gates: [{ type: 'file', path: 'out/hello.txt', minBytes: 5 }] },
      {
        name: 'train',
        script: 'train.py',
        args: ['--batch-size', '8'],
        timeoutMinutes: 30,
        gates: [{ type: 'file', path: 'out/model.txt' }],
      },
    ];
    await writeFile(fixture.projectFile, `${JSON.stringify(project, null, 2)}\n`);
    const machineSettings = {
      ...fixture.machineSettings,
      'runpodTrainer.restUrl': sandbox.restUrl,
      'runpodTrainer.s3Endpoints': { 'US-MD-1': sandbox.s3Url },
    };
    const settings = { 'runpodTrainer.backgroundRefreshSeconds': 30 };
    editor = await openEditor({ ...fixture, machineSettings, settings });
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    const { host } = new URL(sandbox.restUrl);
    await workbench.welcomeButton('Pods', 'Sign In…');
    await workbench.dialog(`Send an API key to ${host}?`, `Use ${host}`);
    await workbench.type('Sign In to RunPod', sandbox.key);
  });
  after(async () => {
    await editor.close();
    await sandbox.close();
  });

  /** A picture of the window in each theme; it ends in the dark one. */
  const pictures = async (name: string): Promise<void> => {
    const { workbench } = editor;
    // Away from everything that shows a hint.
    await workbench.page.mouse.move(660, 792);
    for (const [theme, label] of [
      ['contrast', 'Dark High Contrast'],
      ['light', 'Light Modern'],
      ['dark', 'Dark Modern'],
    ] as const) {
      await setTheme(label);
      await workbench.settle();
      await workbench.screenshot(`guards-${name}-${theme}`);
    }
  };
  const setTheme = async (label: string): Promise<void> => {
    const { workbench } = editor;
    const { page } = workbench;
    await workbench.runCommand('Preferences: Color Theme');
    const input = page.locator('.quick-input-widget:visible .quick-input-box input');
    await input.fill(label);
    await page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().waitFor();
    await input.press('Enter');
    await input.waitFor({ state: 'hidden' });
  };
  /** The overview at a tab, when it is no longer looking. */
  const overview = async (tab: 'regions' | 'costs' | 'radar'): Promise<Frame> => {
    const frame = await editor.workbench.frame(`.overview #tab-${tab}[aria-selected=true]`);
    await frame.locator(`#panel-${tab} vscode-button[data-key="again-${tab}"]:not([disabled])`).waitFor();
    return frame;
  };
  const serve = async (name: string, min: number): Promise<void> => {
    const body = {
      name,
      type: 'QUEUE',
      image: 'example/chat:1',
      gpu: { pools: ['ADA_24'] },
      workers: { min, max: 3 },
      scaling: { type: 'QUEUE_DELAY', queueDelay: 4 },
    };
    const headers = { authorization: `Bearer ${sandbox.key}`, 'content-type': 'application/json' };
    const url = `${sandbox.restUrl}/serverless`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 201);
  };
  /** At 600 px nothing stands beyond the edge of the page. */
  const fitsNarrowWindow = async (frame: Frame): Promise<void> => {
    const { page } = editor.workbench;
    await editor.workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    await page.setViewportSize({ width: 600, height: 800 });
    const beyond = `[...document.querySelectorAll('main *')]
      .filter((e) => !e.closest('.wide, .spoken') && e.getBoundingClientRect().right > innerWidth + 1)
      .map((e) => e.tagName + '.' + e.className)`;
    await editor.workbench.until(
      'nothing to be cut off',
      async () => (await frame.evaluate<string[]>(beyond)).length === 0,
    );
    await page.setViewportSize({ width: 1280, height: 800 });
    await editor.workbench.runCommand('View: Toggle Primary Side Bar Visibility');
  };

  it('say once after the sign-in that something costs money that no job needs, and end it (R4.5)', async () => {
    const { workbench } = editor;
    const text = await workbench.notification('no job of this computer needs');
    assert.match(
      text,
      /1 pod that no job of this computer needs \(free here, \$0\.74\/h on RunPod\): weekend-notebook/,
    );
    await workbench.notificationButton('no job of this computer needs', 'Show');
    const frame = await overview('radar');
    assert.match(await frame.locator('.pod').innerText(), /weekend-notebook[\s\S]*RTX 4090[\s\S]*Not of this product/);
    assert.deepEqual(await seriousProblems(frame), []);
    await pictures('unused');
    await frame.locator('.pod vscode-button').click();
    assert.match(await workbench.dialogText('Stop Pod "weekend-notebook"'), /what is in its container is lost/);
    await workbench.dialog('Stop Pod "weekend-notebook"', 'Stop Pod');
    await workbench.until('the pod to be stopped', async () => (await client.pods.list())[0]?.status === 'EXITED');
    await workbench.until('the page to say so', async () =>
      (await frame.locator('#panel-radar').innerText()).includes('Nothing runs that no job of this computer needs'),
    );
    await fitsNarrowWindow(frame);
    await workbench.runCommand('RunPod: Find Unused Resources');
    assert.match(await (await overview('radar')).locator('.pod').innerText(), /exited/);
  });

  it('show what would make a run fail before anything is rented, where it stands (R4.1, R4.2)', async () => {
    const { workbench } = editor;
    sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'NONE');
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Run');
    const frame = await launchSheet(workbench);
    const errors = await frame.locator('.finding-error h3').allInnerTexts();
    assert.ok(
      errors.some((e) => e.includes('data/base.parquet')),
      errors.join(' | '),
    );
    assert.ok(
      errors.some((e) => /RTX 4090/.test(e)),
      errors.join(' | '),
    );
    assert.equal(await frame.locator('.start[disabled]').count(), 1);
    assert.match(await frame.locator('.blocked').innerText(), /2 errors have to be corrected first/);
    const text = await frame.locator('.sheet').innerText();
    assert.match(text, /RTX 4090\s*free here, \$0\.74\/h on RunPod\s*none free/);
    assert.match(text, /tiny will be created: 10 GB in US-MD-1 for good/);
    assert.match(text, /Stops after 1 h; free here, at most \$0\.\d\d on RunPod/);
    assert.deepEqual(await seriousProblems(frame), []);
    await pictures('checklist');
    await fitsNarrowWindow(frame);
    await workbench.statusItem(/^\s*2\s*$|2 /);
    await frame.locator('.finding-error', { hasText: 'parquet' }).locator('[data-key^=show]').click();
    await workbench.until('the place in the project file', async () =>
      (await workbench.page.locator('.editor-instance .view-lines').last().innerText()).includes('base.parquet'),
    );
    assert.deepEqual(await client.volumes.list(), []);
  });

  it('turn green when that is mended, and start (R4.1, R4.2)', async () => {
    const { workbench } = editor;
    await mkdir(join(fixture.folder, 'data'));
    const python = String(fixture.machineSettings['runpodTrainer.python']);
    const write =
      "import pyarrow as a, pyarrow.parquet as p; p.write_table(a.table({'n': list(range(64))}), 'data/base.parquet')";
    await promisify(execFile)(python, ['-c', write], { cwd: fixture.folder });
    sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'HIGH');
    const frame = await workbench.frame('.sheet');
    await frame.locator('[data-key=assumptions]').click();
    await frame.locator('[data-key=again]').click();
    await frame.locator('.start:not([disabled])').waitFor();
    assert.ok(
      (await frame.locator('details', { has: frame.locator('[data-key=assumptions]') }).getAttribute('open')) !== null,
    );
    assert.equal(await frame.locator('.finding-error').count(), 0);
    await frame.locator('vscode-button', { hasText: 'Set minCuda to 12.8' }).click();
    await workbench.until('the project file to be changed', async () =>
      (await readFile(fixture.projectFile, 'utf8')).includes('"minCuda": "12.8"'),
    );
    await workbench.until('nothing to be wrong', async () =>
      (await frame.locator('.sum').innerText()).startsWith('Nothing is wrong'),
    );
    await workbench.page.locator('.tab', { hasText: 'Run tiny' }).first().click();
    await workbench.runCommand('View: Close Editors in Other Groups');
    await launchSheet(workbench);
    await pictures('launch');
    await startRun(workbench);
    await workbench.notification(/tiny failed/, 90_000);
  });

  it('explain a failure, make the change and go on from the step (R4.6)', async () => {
    const { workbench } = editor;
    await workbench.notificationButton(/tiny failed/, 'Explain Failure…');
    const page = await workbench.frame('.explanation vscode-button');
    const text = await page.locator('.explanation').innerText();
    assert.match(text, /GPU's memory/);
    assert.match(text, /Tried to allocate 2\.50 GiB/);
    assert.match(text, /from 8 to 4[\s\S]*In the project file: steps\[1\]\.args\[1\]/);
    assert.deepEqual(await seriousProblems(page), []);
    await workbench.settle();
    await workbench.screenshot('guards-explain-dark');
    assert.equal(await page.locator('.explanation vscode-button:not([secondary])').innerText(), 'Apply and Resume…');
    await page.locator('.explanation vscode-button', { hasText: 'Apply and Resume…' }).click();
    const frame = await launchSheet(workbench);
    assert.match(
      await frame.locator('.part-steps').innerText(),
      /From step\s*train\s*hello\s*is skipped.*\s*train\s*will run/,
    );
    const project = JSON.parse(await readFile(fixture.projectFile, 'utf8')) as { steps: { args?: string[] }[] };
    assert.deepEqual(project.steps[1]?.args, ['--batch-size', '4']);
    await startRun(workbench);
    await workbench.waitForRow('Jobs', 'Recent', 90_000);
  });

  it('explain a job of the list as well', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Explain Failure…');
    await workbench.pick('Explain Failure', 'tiny');
    const page = await workbench.frame('.explanation vscode-button');
    assert.match(await page.locator('.explanation').innerText(), /GPU's memory/);
    await workbench.runCommand('View: Close All Editors');
  });

  it('show costs per job, day and project beside the bill, and the balance (R4.3)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Show Costs');
    const frame = await overview('costs');
    const text = await frame.locator('#panel-costs').innerText();
    assert.match(text, /Today\s+free here, \$0\.\d+ on RunPod\s+2 jobs/);
    assert.match(text, /Balance\s+\$(100|99)\.\d\d/);
    assert.equal(await frame.locator('[aria-label="Per job"] tbody tr').count(), 2);
    assert.match(await frame.locator('[aria-label="Per project"]').innerText(), /tiny\s+2/);
    assert.deepEqual(await seriousProblems(frame), []);
    await pictures('costs');
    await fitsNarrowWindow(frame);
  });

  it('rank regions with a reason, and say when something is free again (R4.4)', async () => {
    const { workbench } = editor;
    sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'NONE');
    await workbench.openFile('training.runpod.json');
    await workbench.runCommand('RunPod: Choose Region…');
    const frame = await overview('regions');
    const first = await frame.locator('.region').first().innerText();
    assert.match(
      first,
      /US-MD-1[\s\S]*your volume is here[\s\S]*Your volume tiny is here; nothing that the project wants is free/,
    );
    assert.match(await frame.locator('.blocked').innerText(), /Nothing that is wanted is free in US-MD-1/);
    assert.deepEqual(await seriousProblems(frame), []);
    await pictures('regions');
    await fitsNarrowWindow(frame);
    await frame.locator('[data-key=wait]').click();
    await workbench.notification('Waiting for stock in US-MD-1');
    sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'HIGH');
    assert.match(
      await workbench.notification('is in stock in US-MD-1', 60_000),
      /RTX 4090 is in stock in US-MD-1 \(free here, \$0\.74\/h on RunPod\)/,
    );
    await workbench.notificationButton('is in stock in US-MD-1', 'Run Pipeline…');
    await cancelLaunch(workbench);
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Check');
    await workbench.statusItem('no problems found');
    await cancelLaunch(workbench);
  });

  it('offer a smoke run on the cheapest GPU that will do, also when the wanted one is gone (R4.1)', async () => {
    const { workbench } = editor;
    sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'NONE');
    sandbox.stock.set({ gpu: 'NVIDIA RTX A5000', dataCenter: 'US-MD-1' }, 'HIGH');
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Run');
    const frame = await launchSheet(workbench);
    assert.equal(await frame.locator('.start[disabled]').count(), 1);
    const price = await frame.locator('.smoke-price').innerText();
    assert.match(
      price,
      /Smoke run: (about|at most) \d+ (s|min).* on RTX A5000, free here, at most \$0\.\d+ on RunPod: every step/,
    );
    assert.deepEqual(await seriousProblems(frame), []);
    await pictures('smoke');
    await frame.locator('.smoke:not([disabled])').click();
    await workbench.until('the sheet to say that it goes on', async () =>
      (await frame.locator('.started').innerText()).includes('The smoke run was started'),
    );
    await workbench.waitForRow('Jobs', 'tiny-smoke');
    await workbench.until(
      'the smoke run to pass',
      async () =>
        (await workbench.treeRows('Jobs')).some(
          ({ label, description }) => label === 'tiny-smoke' && description.startsWith('succeeded'),
        ),
      90_000,
    );
    sandbox.stock.set({ gpu: 'NVIDIA RTX A5000', dataCenter: 'US-MD-1' }, 'NONE');
    await frame.locator('.finding-error', { hasText: 'RTX 4090' }).locator('[data-key^=fix]').click();
    await workbench.pickerTitled('Move Volume');
    await workbench.page.keyboard.press('Escape');
    sandbox.stock.set({ gpu, dataCenter: 'US-MD-1' }, 'HIGH');
    await workbench.runCommand('View: Close All Editors');
  });

  it('create a volume after saying that its region is for good (R4.4)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Choose Region…');
    const frame = await overview('regions');
    await frame.locator('.region', { hasText: 'EU-RO-1' }).locator('vscode-button').click();
    await workbench.type('Create Volume', 'second');
    await workbench.type('Create Volume', '12');
    assert.match(await workbench.dialogText('Create the volume second'), /Its region is for good/);
    await workbench.dialog('Create the volume second', 'Create Volume');
    await workbench.waitForRow('Volumes', 'second');
    const made = (await client.volumes.list()).find((v) => v.name === 'second');
    assert.deepEqual([made?.dataCenter, made?.size], ['EU-RO-1', 12]);
    await workbench.runCommand('RunPod: Create Volume…');
    await workbench.pick('Create Volume', 'EU-RO-1');
    await workbench.type('Create Volume', 'third');
    await workbench.type('Create Volume', '10');
    await workbench.dialog('Create the volume third', 'Cancel');
    assert.equal((await client.volumes.list()).length, 2);
  });

  it('show endpoints and what jobs of another computer left, and save what they cost after a yes (R4.5)', async () => {
    const { workbench } = editor;
    const volume = (await client.volumes.list()).find((v) => v.name === 'tiny');
    assert.ok(volume);
    const [over, busy] = ['words-20261121-080000-abcd', 'words-20261122-080000-efgh'];
    for (const job of [over, busy]) {
      const pod = await client.pods.create({
        name: `rpt-${job}`,
        image: 'runpod/base:1.0.2',
        cpu: { id: 'cpu5c', vcpuCount: 2 },
        disk: 20,
        env: { RUNPOD_TRAINER_JOB: job, RUNPOD_TRAINER_PROJECT: 'words' },
        mounts: { network: [{ volumeId: volume.id, path: '/workspace' }] },
      });
      const folder = join(sandbox.volumeDirectory(volume.id), '.runpod-trainer/jobs', job);
      await mkdir(folder, { recursive: true });
      const finished = new Date(Date.now() - 3.01 * 3_600_000).toISOString();
      const state =
        job === over
          ? { status: 'succeeded', updated: finished, finished }
          : { status: 'running', updated: new Date().toISOString() };
      await writeFile(
        join(folder, 'state.json'),
        JSON.stringify({ schema: 1, job, project: 'words', podId: pod.id, ...state }),
      );
    }
    await serve('chat', 1);
    await serve('nightly', 0);

    await workbench.runCommand('RunPod: Find Unused Resources');
    let frame = await overview('radar');
    const page = frame.locator('#panel-radar');
    assert.match(await page.innerText(), /the volume tiny stand could not be looked up: this computer has no S3 keys/);
    await workbench.runCommand('RunPod: Set S3 Keys…');
    await workbench.type('Set S3 Keys', sandbox.s3Keys.accessKeyId);
    await workbench.type('Set S3 Keys', sandbox.s3Keys.secretAccessKey);
    await workbench.runCommand('RunPod: Find Unused Resources');
    await workbench.until('the jobs on the volume to be read', async () =>
      /Its job has ended \(succeeded\) 3 h( 1 min)? ago\./.test(await page.innerText()),
    );
    frame = await overview('radar');
    const card = (name: string) => frame.locator('.pod', { hasText: name });
    assert.doesNotMatch(await page.innerText(), /could not be looked up/);
    assert.match(await card(busy).innerText(), /Another computer's: words, running/);
    assert.equal(await card(busy).locator('.tone-good').count(), 1);
    assert.match(
      await card('chat').innerText(),
      /free here, \$1\.116\/h on RunPod[\s\S]*1 worker stands by \(free here, \$1\.116\/h on RunPod\), also while no request runs/,
    );
    assert.match(await card('nightly').innerText(), /\$0\.00\/h[\s\S]*It costs nothing while no request runs/);
    assert.match(
      await page.locator('.note').innerText(),
      /1 pod and 1 endpoint that no job of this computer needs \(free here, \$1\.186\/h on RunPod\)/,
    );
    assert.deepEqual(await seriousProblems(frame), []);
    await workbench.runCommand('View: Close Editors in Other Groups');
    await pictures('endpoints');
    await card('chat').locator('vscode-button').click();
    assert.match(await workbench.dialogText('Scale to Zero "chat"'), /answers nothing until somebody raises/);
    await workbench.dialog('Scale to Zero "chat"', 'Scale to Zero');
    await workbench.until('the endpoint to have no workers', async () => {
      const chat = (await client.serverless.list()).find((e) => e.name === 'chat');
      return chat?.workers.min === 0 && chat.workers.max === 0;
    });
    await workbench.until('the page to say so', async () =>
      (await card('chat').innerText()).includes('It has no workers and costs nothing'),
    );
    await card(over).locator('vscode-button').click();
    await workbench.dialog(`Terminate Pod "rpt-${over}"`, 'Terminate Pod');
    await workbench.until('the pod to be gone', async () =>
      (await client.pods.list()).every((p) => p.name !== `rpt-${over}` || p.status === 'TERMINATED'),
    );
    await workbench.until('the page to be calm', async () =>
      (await page.innerText()).includes('Nothing runs that no job of this computer needs'),
    );
    await fitsNarrowWindow(frame);
  });
});
