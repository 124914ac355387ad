import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSandbox, type Sandbox } from '../../sandbox/index.ts';
import { RunPodClient } from '../../src/core/runpod/client.ts';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';
import { temporaryFolder } from './support/package.ts';

/** Files below a folder that contain a text. */
async function filesWith(text: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  const found = await Promise.all(
    files.map(async (f) => (await readFile(f).catch(() => Buffer.alloc(0))).includes(text)),
  );
  return files.filter((_, i) => found[i]);
}

describe('signing in to an address that is not RunPod’s own', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let fixture: Fixture;
  let editor: Editor;
  let host: string;

  before(async () => {
    sandbox = await startSandbox({ root: await temporaryFolder('api') });
    host = new URL(sandbox.restUrl).host;
    fixture = await makeFixture();
    const machineSettings = { ...fixture.machineSettings, 'runpodTrainer.restUrl': sandbox.restUrl };
    editor = await openEditor({ ...fixture, machineSettings, theme: 'light' });
    await editor.workbench.openContainer('RunPod');
  });
  after(async () => {
    await editor.close();
    await sandbox.close();
  });

  it('asks once before a key is sent there, and says what a refused key means (R9.6)', async () => {
    const { workbench } = editor;
    await workbench.welcomeButton('Pods', 'Sign In…');
    await workbench.dialog(`Send an API key to ${host}?`, `Use ${host}`);
    await workbench.type('Sign In to RunPod', 'rpa_WRONG');
    await workbench.until('the key to be refused', async () =>
      /Could not check the API key.*does not accept the API key/s.test(await workbench.inputMessage()),
    );
    const input = workbench.page.locator('.quick-input-widget:visible .quick-input-box input');
    assert.equal(await input.inputValue(), 'rpa_WRONG', 'what was typed stays');
    await workbench.page.locator('.quick-input-widget:visible [aria-label="Try Again"]').waitFor();
    assert.equal(await workbench.page.locator('.notification-toast').count(), 0);
    await workbench.screenshot('key-refused');
    await workbench.type('Sign In to RunPod', sandbox.key);
    await workbench.until('the Pods view to be signed in', async () =>
      (await workbench.welcome('Pods')).includes('No pod is running'),
    );
  });

  it('leaves the key in no setting, log or file (R9.6)', async () => {
    assert.deepEqual(await filesWith(sandbox.key, editor.userDataDir), []);
    assert.deepEqual(await filesWith(sandbox.key, fixture.folder), []);
  });

  it('says what a pod costs, and copies its id (R9.1)', async () => {
    const { workbench } = editor;
    const client = new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key });
    await client.pods.create({ name: 'forgotten', image: 'runpod/base:1.0.2', gpu: { id: 'NVIDIA GeForce RTX 4090' } });
    await workbench.runCommand('RunPod: Refresh');
    await workbench.waitForRow('Pods', 'forgotten');
    await workbench.until('the pod to run', async () =>
      (await workbench.treeRows('Pods')).some((row) => row.description.includes('running')),
    );
    await workbench.expandRow('Pods', 'forgotten');
    await workbench.screenshot('pod-light');
    await workbench.rowMenu('Pods', 'forgotten', 'Copy Id');
    const [{ id } = { id: '' }] = await client.pods.list();
    await workbench.statusItem(`Copied ${id}`);
    assert.equal(await workbench.page.evaluate('navigator.clipboard.readText()'), id);
  });

  it('stops a pod after saying what that means (R9.1)', async () => {
    const { workbench } = editor;
    const client = new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key });
    await workbench.rowMenu('Pods', 'forgotten', 'Stop Pod');
    assert.match(await workbench.dialogText('Stop Pod "forgotten"'), /container disk is wiped/);
    await workbench.dialog('Stop Pod "forgotten"', 'Stop Pod');
    await workbench.until('the pod to be stopped', async () =>
      (await workbench.treeRows('Pods')).some((row) => row.description.includes('exited')),
    );
    assert.equal((await client.pods.list())[0]?.status, 'EXITED');
  });

  it('terminates a pod after saying what that means (R9.1)', async () => {
    const { workbench } = editor;
    const client = new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key });
    await workbench.rowMenu('Pods', 'forgotten', 'Terminate Pod');
    const text = await workbench.dialogText('Terminate Pod "forgotten"');
    assert.match(text, /free here, \$0\.\d\d\/h on RunPod now and nothing afterwards/);
    assert.match(text, /no network volume/);
    await workbench.dialog('Terminate Pod "forgotten"', 'Terminate Pod');
    await workbench.until('the pod to be gone', async () =>
      (await workbench.welcome('Pods')).includes('No pod is running'),
    );
    assert.deepEqual(await client.pods.list(), []);
  });

  it('keeps what was seen last when RunPod does not answer (R9.1)', async () => {
    const { workbench } = editor;
    const client = new RunPodClient({ restUrl: sandbox.restUrl, apiKey: sandbox.key });
    await client.volumes.create({ name: 'precious', dataCenter: 'US-MD-1', size: 20 });
    await workbench.runCommand('RunPod: Refresh');
    await workbench.waitForRow('Volumes', 'precious');
    await sandbox.close();
    await workbench.until(
      'the Volumes view to say since when it is old',
      async () => (await workbench.view('Volumes').innerText()).includes('Last seen'),
      60_000,
    );
    await workbench.waitForRow('Volumes', 'precious');
    await workbench.until('the Pods view not to claim that nothing runs', async () =>
      (await workbench.welcome('Pods')).includes('RunPod did not answer'),
    );
    await workbench.screenshot('stale-light');
  });

  it('forgets the keys on signing out (R9.6)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Sign Out');
    await workbench.dialog(`Sign out of ${host}?`, 'Sign Out');
    await workbench.until('the Pods view to ask for a sign-in', async () =>
      (await workbench.welcome('Pods')).includes('Sign in to see your pods'),
    );
  });
});
