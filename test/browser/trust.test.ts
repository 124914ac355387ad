import assert from 'node:assert/strict';
import { startSandbox, type Sandbox } from '../../sandbox/index.ts';
import { type Editor, openEditor } from './support/editor.ts';
import { makeFixture } from './support/fixture.ts';
import { temporaryFolder } from './support/package.ts';

describe('a folder that is not trusted (R9.9)', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let editor: Editor;
  const requests: string[] = [];

  before(async () => {
    sandbox = await startSandbox({ root: await temporaryFolder('api'), log: (line) => requests.push(line) });
    const fixture = await makeFixture();
    const machineSettings = { ...fixture.machineSettings, 'runpodTrainer.restUrl': sandbox.restUrl };
    editor = await openEditor({ ...fixture, machineSettings, trust: true, theme: 'contrast' });
  });
  after(async () => {
    await editor.close();
    await sandbox.close();
  });

  it('is shown and checked, but nothing connects', async () => {
    const { workbench } = editor;
    await workbench.statusItem('Restricted Mode');
    await workbench.openContainer('RunPod');
    assert.match(await workbench.welcome('Pods'), /not trusted/);
    assert.match(await workbench.welcome('Volumes'), /not trusted/);
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Check');
    await workbench.statusItem('no problems found');
    await workbench.screenshot('untrusted-contrast');
  });

  it('offers nothing that runs, connects or spends', async () => {
    const { workbench } = editor;
    for (const title of ['Run Pipeline…', 'Sign In…', 'Start Local Sandbox', 'Terminate Pod…']) {
      assert.equal(await workbench.hasCommand(`RunPod: ${title}`), false, title);
    }
    await workbench.lens('Run');
    assert.match(await workbench.notification('This folder is not trusted'), /spend money/);
    assert.deepEqual(requests, []);
  });

  it('works in full once it is trusted', async () => {
    const { workbench } = editor;
    await workbench.notificationButton('This folder is not trusted', 'Manage Trust');
    await workbench.page
      .locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ })
      .first()
      .click();
    await workbench.until('the Pods view to offer a sign-in', async () =>
      (await workbench.welcome('Pods')).includes('Sign in to see your pods'),
    );
    assert.ok(await workbench.hasCommand('RunPod: Run Pipeline…'));
  });
});
