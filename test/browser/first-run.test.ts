import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';
import { launchText, startRun, startRunByKeyboard } from './support/launch.ts';
import type { Workbench } from './support/workbench.ts';

/** Waits until the group "Recent" of the Jobs view has this many jobs. */
async function recentJobs(workbench: Workbench, count: number): Promise<void> {
  await workbench.until(
    `${count} jobs under Recent`,
    async () =>
      (await workbench.treeRows('Jobs')).some((row) => row.label === 'Recent' && row.description === String(count)),
    90_000,
  );
}

/** The row of the gate that did not hold, as the Jobs view shows it. */
async function failedGate(workbench: Workbench): Promise<string> {
  let found = '';
  await workbench.until('the evidence of the failed gate', async () => {
    const row = (await workbench.treeRows('Jobs')).find((r) => / ✗ /.test(r.label));
    found = row === undefined ? '' : `${row.label} ${row.description}`;
    return row !== undefined;
  });
  return found;
}

describe('first run by mouse, in the sandbox', function () {
  this.timeout(180_000);
  let fixture: Fixture;
  let editor: Editor;

  before(async () => {
    fixture = await makeFixture();
    editor = await openEditor(fixture);
  });
  after(async () => {
    await editor.close();
    await fixture.endSandbox();
  });

  it('starts the sandbox from the empty Pods view and signs in to it (R9.7)', async () => {
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    await workbench.welcomeButton('Pods', 'Start Local Sandbox');
    await workbench.until('the Pods view to say that nothing runs', async () =>
      (await workbench.welcome('Pods')).includes('No pod is running'),
    );
    await workbench.statusItem('Sandbox');
    await workbench.screenshot('sandbox-started');
  });

  it('runs a pipeline after showing what it may cost, and shows steps and gates (R9.1, R4.2)', async () => {
    const { workbench } = editor;
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Run');
    const text = await launchText(workbench);
    assert.match(text, /tiny will be created: 10 GB in US-MD-1/);
    await workbench.screenshot('launch');
    await startRun(workbench);
    await workbench.waitForRow('Jobs', 'Running');
    await workbench.waitForRow('Pods', 'tiny');
    await workbench.statusItem(/1 pod · free here, \$\d/);
    await workbench.screenshot('job-running');
    await workbench.waitForRow('Jobs', 'Recent', 90_000);
    await workbench.expandRow('Jobs', 'tiny');
    await workbench.expandRow('Jobs', 'hello');
    await workbench.waitForRow('Jobs', /^\d+ bytes ✓ ≥ 5 bytes$/);
    await workbench.screenshot('job-succeeded');
    const steps = (await workbench.treeRows('Jobs')).filter((row) => row.level === 3);
    assert.deepEqual(
      steps.map((row) => [row.label, row.description.split(' · ')[0]]),
      [
        ['hello', 'passed'],
        ['done', 'passed'],
      ],
    );
    await workbench.waitForRow('Volumes', 'tiny');
    await workbench.until('the pod to be gone from the view', async () =>
      (await workbench.welcome('Pods')).includes('No pod is running'),
    );
  });

  it('stops at a gate that was broken in the editor and says what was seen (R3.2)', async () => {
    const { workbench } = editor;
    await workbench.overtype('minBytes', '5', '5000');
    await workbench.lens('Run');
    await startRun(workbench);
    await workbench.notification(/tiny failed/, 90_000);
    await workbench.waitForRow('Jobs', 'Needs Attention');
    assert.match(await failedGate(workbench), /^19 bytes ✗ ≥ 5000 bytes .*hello\.txt/);
    await workbench.screenshot('gate-failed');
    await workbench.rowMenu('Jobs', / ✗ /, 'Open in Project File');
    await workbench.statusItem(/\(\d+ selected\)/);
  });

  it('runs green again from that step after the gate is mended (R3.5)', async () => {
    const { workbench } = editor;
    await workbench.overtype('minBytes', '5000', '5');
    await workbench.lens('Run from here');
    await startRun(workbench);
    // The failure that this run has made good needs no attention any more.
    await recentJobs(workbench, 3);
    const groups = (await workbench.treeRows('Jobs')).filter((row) => row.level === 1).map((row) => row.label);
    assert.deepEqual(groups, ['Recent']);
    await workbench.until('its pod to be gone from the view', async () =>
      (await workbench.welcome('Pods')).includes('No pod is running'),
    );
    await workbench.screenshot('green-again');
  });

  it('runs a job again, takes it from the list and back, and grows its volume (R9.1, R1.4)', async () => {
    const { workbench } = editor;
    await workbench.rowMenu('Jobs', 'tiny', 'Run Again');
    assert.match(await launchText(workbench), /tiny/);
    await workbench.rowMenu('Jobs', 'tiny', 'Remove from List');
    await recentJobs(workbench, 2);
    await workbench.notificationButton('was removed from the list', 'Undo');
    await recentJobs(workbench, 3);
    await workbench.rowMenu('Volumes', 'tiny', 'Grow Volume');
    await workbench.type('Grow Volume tiny', '12');
    assert.match(await workbench.dialogText('Enlarge tiny?'), /A volume can grow, never shrink/);
    await workbench.dialog('Enlarge tiny?', 'Enlarge to 12 GB');
    await workbench.statusItem('tiny has 12 GB');
    await workbench.screenshot('jobs-and-volumes');
  });

  it('stops the sandbox and does not fall back to RunPod (R9.9)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Stop Local Sandbox');
    assert.match(await workbench.dialogText('Stop the sandbox?'), /Nothing runs in it/);
    await workbench.dialog('Stop the sandbox?', 'Stop Sandbox');
    await workbench.until('the Pods view to ask for a sign-in', async () =>
      (await workbench.welcome('Pods')).includes('Sign in to see your pods'),
    );
  });
});

describe('first run by keyboard alone, in the sandbox (R9.2)', function () {
  this.timeout(180_000);
  let fixture: Fixture;
  let editor: Editor;

  before(async () => {
    fixture = await makeFixture();
    editor = await openEditor(fixture);
  });
  after(async () => {
    await editor.close();
    await fixture.endSandbox();
  });

  /** Goes to the line of the gate's smallest size, and writes another number. */
  async function changeGate(from: string, to: string): Promise<void> {
    const { workbench } = editor;
    const { keyboard } = workbench.page;
    const line =
      readFileSync(fixture.projectFile, 'utf8')
        .split('\n')
        .findIndex((l) => l.includes('minBytes')) + 1;
    await workbench.openFile('training.runpod.json');
    await workbench.goToLine(line);
    await keyboard.press('End');
    for (let i = 0; i < from.length; i++) {
      await keyboard.press('Backspace');
    }
    await keyboard.type(to);
    await workbench.until(
      `the gate to ask for ${to}`,
      async () => /"minBytes": (\d+)\b/.exec(await workbench.editorText())?.[1] === to,
    );
  }

  it('starts the sandbox and runs green', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Start Local Sandbox');
    await workbench.statusItem('Sandbox');
    await workbench.openFile('training.runpod.json');
    await workbench.runCommand('RunPod: Run Pipeline…');
    await startRunByKeyboard(workbench);
    await workbench.runCommand('RunPod: Focus on Jobs View');
    await recentJobs(workbench, 1);
  });

  it('breaks a gate, reads the evidence, mends it and runs green again', async () => {
    const { workbench } = editor;
    await changeGate('5', '5000');
    await workbench.runCommand('RunPod: Run Pipeline…');
    await startRunByKeyboard(workbench);
    await workbench.notification(/tiny failed/, 90_000);
    await failedGate(workbench);
    await workbench.runCommand('RunPod: Focus on Jobs View');
    await workbench.keyToRow(/✗ ≥ 5000 bytes.*hello\.txt/);
    await workbench.screenshot('keyboard-gate-failed');
    await changeGate('5000', '5');
    await workbench.runCommand('RunPod: Run Pipeline…');
    await startRunByKeyboard(workbench);
    await recentJobs(workbench, 3);
  });

  it('never needed the mouse', async () => {
    assert.equal(await editor.workbench.mouseUsed(), 0);
  });
});
