import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';

describe('commands of the palette (R9.2)', function () {
  this.timeout(120_000);
  let fixture: Fixture;
  let editor: Editor;

  before(async () => {
    fixture = await makeFixture();
    editor = await openEditor(fixture);
    await editor.workbench.openContainer('RunPod');
  });
  after(async () => {
    await editor.close();
    await fixture.endSandbox();
  });

  it('keep S3 keys and secrets of steps without showing them (R9.6)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Set S3 Keys…');
    await workbench.type('Set S3 Keys', 'user_abc');
    await workbench.type('Set S3 Keys', 'rps_CANARY');
    await workbench.statusItem('S3 keys kept');
    await workbench.runCommand('RunPod: Set Secret…');
    await workbench.type('Set Secret', '1 bad name');
    await workbench.until('the name to be refused', async () =>
      (await workbench.inputMessage()).includes('Letters, digits'),
    );
    await workbench.type('Set Secret', 'WANDB_API_KEY');
    await workbench.type('Set Secret', 'wandb_CANARY');
    await workbench.statusItem('Kept WANDB_API_KEY');
    assert.doesNotMatch(await workbench.page.locator('body').innerText(), /CANARY/);
  });

  it('show the logs', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Show Log');
    await workbench.page.locator('.panel .part.panel, .part.panel').first().waitFor();
    await workbench.runCommand('RunPod: Show Job Log');
    await workbench.until('the job log to be chosen', async () =>
      (await workbench.page.locator('.part.panel').innerText()).includes('RunPod Jobs'),
    );
  });

  it('show which Python the folder has and take another one (R9.2)', async () => {
    const { workbench } = editor;
    const environment = join(fixture.folder, '.venv');
    await mkdir(join(environment, 'bin'), { recursive: true });
    await writeFile(join(environment, 'pyvenv.cfg'), '');
    await symlink(process.env['RUNPOD_TRAINER_PYTHON'] ?? '/usr/bin/python3', join(environment, 'bin', 'python'));
    const inFolder = new RegExp(join('.venv', 'bin', 'python'));
    const inUse = async (): Promise<string> => {
      await workbench.runCommand('RunPod: Choose Python…');
      await workbench.pickerTitled('Choose the Python for Steps on This Machine');
      return (await workbench.page.locator('.quick-input-widget:visible input').getAttribute('placeholder')) ?? '';
    };
    assert.match(await inUse(), inFolder, 'an environment of the folder is used unasked');
    await workbench.pick('Choose the Python', /^python3$/);
    assert.match(await inUse(), /^python3 is used now/);
    await workbench.pick('Choose the Python', /Decide by Itself/);
    assert.match(await inUse(), inFolder);
    await workbench.page.keyboard.press('Escape');
  });

  it('say quietly that there is nothing to do, and what is missing when they cannot do anything', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Cancel Job…');
    await workbench.statusItem('No job is running');
    await workbench.runCommand('RunPod: Open Results Folder');
    await workbench.statusItem('No results have been brought home yet');
    assert.equal(await workbench.page.locator('.notification-toast').count(), 0);
    await workbench.runCommand('RunPod: Run Pipeline…');
    assert.match(await workbench.notification('You are not signed in'), /local sandbox/);
    const offers = workbench.page.locator('.notification-toast .monaco-button');
    assert.deepEqual(await offers.allInnerTexts(), ['Sign In…', 'Start Local Sandbox']);
  });

  it('open a copy of the sample, signed in to the sandbox (R9.2, R9.7)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Try the Sample Project…');
    await workbench.page.locator('.quick-input-widget', { hasText: 'Rainbow' }).waitFor();
    await workbench.page.keyboard.press('Escape');
    const sandbox = join(dirname(fixture.folder), 'home', 'sandbox');
    assert.ok(!existsSync(sandbox), 'who gives up has started nothing');
    await workbench.runCommand('RunPod: Try the Sample Project…');
    await workbench.pick('Try the Sample Project', /Rainbow/);
    await workbench.until('the sample to be open', async () =>
      (await workbench.page.title()).includes('runpod-trainer-sample'),
    );
    await workbench.waitUntilReady();
    await workbench.statusItem('Sandbox');
    const copy = join(dirname(fixture.folder), 'runpod-trainer-sample');
    assert.ok(existsSync(join(copy, 'training.runpod.json')));
    assert.ok(!existsSync(join(copy, 'staged_raw_material')), 'nothing that runs make');
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Check');
    await workbench.statusItem('no problems found');
    await workbench.runCommand('RunPod: Restore Removed Files…');
    await workbench.statusItem('Nothing is set aside');
    await workbench.screenshot('sample');
  });
});
