import assert from 'node:assert/strict';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';

describe('a job that outlives the window (R3.4)', function () {
  this.timeout(120_000);
  let fixture: Fixture;
  let editor: Editor;

  before(async () => {
    fixture = await makeFixture();
    await fixture.setLongStep(600);
    editor = await openEditor(fixture);
  });
  after(async () => {
    await editor.close();
    await fixture.endSandbox();
  });

  it('is shown again within 3 s after a reload', async () => {
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    await workbench.runCommand('RunPod: Start Local Sandbox');
    await workbench.statusItem('Sandbox');
    await workbench.runCommand('RunPod: Run Pipeline…');
    await workbench.dialog('Run tiny on a pod?', 'Start for at Most');
    const running = async (): Promise<boolean> =>
      (await workbench.treeRows('Jobs')).some((row) => row.label === 'long' && row.description.startsWith('running'));
    await workbench.until('the step to run', running, 60_000);
    await workbench.page.reload();
    await workbench.waitUntilReady();
    // The extension is there when its status entry is; what comes before is VS Code's own start.
    await workbench.statusItem('Sandbox');
    const from = Date.now();
    await workbench.until('the job to be shown again', running);
    assert.ok(Date.now() - from < 3000, `took ${Date.now() - from} ms`);
  });

  it('is seen alike in a second window', async () => {
    const second = await editor.openWindow(fixture.folder);
    await second.openContainer('RunPod');
    await second.waitForRow('Jobs', 'long');
    const texts = (rows: { label: string; description: string }[]): string[] =>
      rows.map((row) => `${row.label} ${row.description.replace(/ · (<?\$[\d.]+|<?\d+ (s|min))/g, '')}`);
    assert.deepEqual(texts(await second.treeRows('Jobs')), texts(await editor.workbench.treeRows('Jobs')));
    await second.page.close();
  });

  it('is cancelled from its row; the pod ends', async () => {
    const { workbench } = editor;
    await workbench.rowAction('Jobs', 'tiny', 'Cancel Job');
    await workbench.dialog('Cancel the job of tiny?', 'Cancel Job');
    await workbench.waitForRow('Jobs', 'Recent', 60_000);
    assert.ok((await workbench.treeRows('Jobs')).some((row) => row.description.startsWith('cancelled')));
    await workbench.until(
      'the pod to be gone',
      async () => (await workbench.welcome('Pods')).includes('No pod is running'),
      30_000,
    );
  });
});
