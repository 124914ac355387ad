import assert from 'node:assert/strict';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';

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
    const text = await workbench.dialogText('Run tiny on a pod?');
    assert.match(text, /tiny will be created: 10 GB in US-MD-1/);
    await workbench.screenshot('launch');
    await workbench.dialog('Run tiny on a pod?', 'Start for at Most');
    await workbench.waitForRow('Jobs', 'Running');
    await workbench.waitForRow('Pods', 'tiny');
    await workbench.screenshot('job-running');
    await workbench.waitForRow('Jobs', 'Recent', 90_000);
    await workbench.expandRow('Jobs', 'tiny');
    await workbench.expandRow('Jobs', 'hello');
    await workbench.waitForRow('Jobs', /hello\.txt/);
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

  it('stops at a gate that does not hold and says what was seen (R3.2)', async () => {
    const { workbench } = editor;
    await fixture.setGate(5000);
    await workbench.lens('Run');
    await workbench.dialog('Run tiny on a pod?', 'Start for at Most');
    await workbench.notification(/tiny failed/, 90_000);
    await workbench.waitForRow('Jobs', 'Needs Attention');
    await workbench.screenshot('gate-failed');
  });

  it('runs green again after the gate is mended (R3.5)', async () => {
    const { workbench } = editor;
    await fixture.setGate(5);
    await workbench.lens('Run');
    await workbench.dialog('Run tiny on a pod?', 'Start for at Most');
    await workbench.until(
      'two jobs under Recent',
      async () => {
        const rows = await workbench.treeRows('Jobs');
        return rows.some((row) => row.label === 'Recent' && row.description === '2');
      },
      90_000,
    );
    await workbench.screenshot('green-again');
  });

  it('stops the sandbox and does not fall back to RunPod (R9.9)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Stop Local Sandbox');
    await workbench.dialog('Stop the sandbox?', 'Stop Sandbox');
    await workbench.until('the Pods view to ask for a sign-in', async () =>
      (await workbench.welcome('Pods')).includes('Sign in to see your pods'),
    );
  });
});
