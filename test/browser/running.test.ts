import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';
import { startRun } from './support/launch.ts';

describe('while a job runs', function () {
  this.timeout(180_000);
  let fixture: Fixture;
  let editor: Editor;

  before(async () => {
    fixture = await makeFixture();
    await fixture.setLongStep(600);
    // A data center without S3, so that only the pod leads to the files.
    const text = await readFile(fixture.projectFile, 'utf8');
    await writeFile(fixture.projectFile, text.replace('US-MD-1', 'US-TX-3'));
    editor = await openEditor(fixture);
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    await workbench.runCommand('RunPod: Start Local Sandbox');
    await workbench.statusItem('Sandbox');
    await workbench.runCommand('RunPod: Run Pipeline…');
    await startRun(workbench);
    await workbench.until(
      'the step to run',
      async () =>
        (await workbench.treeRows('Jobs')).some((row) => row.label === 'long' && row.description.startsWith('running')),
      60_000,
    );
  });
  after(async () => {
    await editor.close();
    await fixture.endSandbox();
  });

  it('the Volumes view shows its files, and opens them read-only (R9.1)', async () => {
    const { workbench } = editor;
    await workbench.expandRow('Volumes', 'tiny');
    await workbench.expandRow('Volumes', 'projects');
    await workbench.expandRow('Volumes', 'tiny', 3);
    await workbench.rowMenu('Volumes', 'hello.py', 'Open File from Volume');
    await workbench.until('the file to be open', async () =>
      (await workbench.page.locator('.editor-instance .view-lines').first().innerText()).includes('hello'),
    );
    await workbench.page.keyboard.type('x');
    await workbench.until('the editor to refuse', async () =>
      (await workbench.page.locator('.monaco-editor-overlaymessage').innerText()).includes('read-only'),
    );
    await workbench.screenshot('volume-files');
  });

  it('downloads a file of the volume to where the user says (R9.1)', async () => {
    const { workbench } = editor;
    const target = join(fixture.folder, 'copy of hello.py');
    await workbench.rowMenu('Volumes', 'hello.py', 'Download');
    await workbench.type('Download hello.py', target);
    await workbench.statusItem('Downloaded hello.py');
    assert.equal(await readFile(target, 'utf8'), await readFile(join(fixture.folder, 'hello.py'), 'utf8'));
  });

  it('uploads to the volume and deletes on it through the pod, after saying what (R9.1)', async () => {
    const { workbench } = editor;
    const notes = join(fixture.folder, 'notes.txt');
    await writeFile(notes, 'one');
    await workbench.rowMenu('Volumes', 'projects', 'Upload Files Here…');
    await workbench.type('Upload Files to projects', notes);
    await workbench.statusItem('Uploaded notes.txt (3 B)');
    await workbench.waitForRow('Volumes', 'notes.txt');
    await workbench.rowMenu('Volumes', 'notes.txt', 'Delete…');
    const text = await workbench.dialogText('Delete projects/notes.txt on tiny?');
    assert.match(text, /1 file, 3 B\. This cannot be undone/);
    assert.match(text, /runs with this volume and may need it/);
    await workbench.dialog('Delete projects/notes.txt on tiny?', 'Delete File');
    await workbench.statusItem('Deleted notes.txt (1 file, 3 B)');
    await workbench.until('the row to be gone', async () =>
      (await workbench.treeRows('Volumes')).every(({ label }) => label !== 'notes.txt'),
    );
  });

  it('deletes nothing that a job needs (R9.1)', async () => {
    const { workbench } = editor;
    await workbench.expandRow('Volumes', '.runpod-trainer', 2);
    await workbench.rowMenu('Volumes', '.runpod-trainer', 'Delete…');
    await workbench.notification(/\.runpod-trainer was not deleted/);
    await workbench.expandRow('Volumes', 'jobs');
    await workbench.rowMenu('Volumes', /^tiny-/, 'Delete…');
    await workbench.notification(/Nothing says that this job has ended/);
    assert.equal(await workbench.page.locator('.monaco-dialog-box').count(), 0);
  });

  it('a project is backed up from the row of its job, while the list goes on (R2.6)', async () => {
    const { workbench } = editor;
    await workbench.rowMenu('Jobs', 'tiny', 'Back Up Project…');
    await workbench.pick('Back Up Project', /runpod-backup/);
    const done = await workbench.notification(/tiny is backed up in .*runpod-backup.tiny/, 60_000);
    assert.match(done, /fetched through a running pod/);
    const place = join(fixture.folder, 'runpod-backup', 'tiny');
    assert.match(await readFile(join(place, 'files', 'hello.py'), 'utf8'), /hello from the pod/);
    const { notRead } = JSON.parse(await readFile(join(place, 'BACKUP.json'), 'utf8')) as { notRead: string[] };
    // The job goes on writing while it is copied.
    const live = /stdout\.log|events\.jsonl|state\.json|metrics\.jsonl|watchdog\.log/;
    assert.deepEqual(
      notRead.filter((line) => !live.test(line)),
      [],
    );
    await workbench.notificationButton('is backed up', 'Open Folder');
    await workbench.page
      .locator('.explorer-folders-view .monaco-list-row', { hasText: 'runpod-backup' })
      .first()
      .waitFor();
    await workbench.openContainer('RunPod');
  });

  it('the connection doctor looks at every station of the way to the pod (R9.8)', async () => {
    const { workbench } = editor;
    await workbench.rowMenu('Pods', 'tiny', 'Connection Doctor');
    const frame = await workbench.frame('h1:has-text("Connection to tiny")');
    const report = await frame.locator('body').innerText();
    assert.match(report, /✓\sworks\s+SSH login/);
    assert.doesNotMatch(report, /undefined|\[object/);
    await workbench.screenshot('doctor');
  });

  it('a job opens in its panel, and attaching to one that is attached changes nothing (R3.4)', async () => {
    const { workbench } = editor;
    await workbench.rowMenu('Jobs', 'tiny', 'Attach to Job');
    await workbench.rowMenu('Jobs', 'tiny', 'Open Job Panel');
    await workbench.page.locator('.tab', { hasText: 'tiny' }).first().waitFor();
    const running = (await workbench.treeRows('Jobs')).find((row) => row.label === 'long');
    assert.match(running?.description ?? '', /^running/);
  });

  it('the status bar says what it costs and leads to what can be done (R9.1)', async () => {
    const { workbench } = editor;
    await workbench.statusItem(/1 pod · free here, \$0\.\d+\/h · \$[\d.]+ today on RunPod/);
    await workbench.page.locator('.statusbar-item', { hasText: '1 pod' }).first().click();
    await workbench.pickerTitled('What Runs');
    await workbench.settle();
    await workbench.screenshot('what-runs');
    await workbench.pick('What Runs', /Cancel tiny…/);
    await workbench.dialog('Cancel the job of tiny?', 'Cancel Job');
    await workbench.waitForRow('Jobs', 'Recent', 60_000);
    await workbench.until(
      'the status bar to be quiet',
      async () => (await workbench.page.locator('.statusbar-item', { hasText: '1 pod' }).count()) === 0,
    );
    await workbench.runCommand('RunPod: Show What Runs…');
    await workbench.statusItem('Nothing runs, so nothing costs by the hour');
  });

  it('results of a job that is over come home again, through a small pod that is asked about (R2.6)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Attach to Job');
    await workbench.statusItem('No job runs that this window could attach to');
    // What is here is not fetched again.
    await rm(join(fixture.folder, 'runpod-results'), { recursive: true, force: true });
    await workbench.runCommand('RunPod: Fetch Results…');
    await workbench.pick('Fetch Results', /tiny/);
    await workbench.dialog(/Rent a .*CPU pod.* to fetch the results of tiny\?/, 'Rent and Fetch');
    await workbench.until(
      'the files to be here',
      async () => (await workbench.page.locator('.statusbar-item', { hasText: /files in/ }).count()) > 0,
      60_000,
    );
    await workbench.rowMenu('Jobs', 'tiny', 'Open Results Folder');
    await workbench.page
      .locator('.explorer-folders-view .monaco-list-row', { hasText: 'runpod-results' })
      .first()
      .waitFor();
    await workbench.openContainer('RunPod');
  });

  it('the files are not shown any more when its pod is gone, and the view says why (R9.1)', async () => {
    const { workbench } = editor;
    await workbench.waitForRow('Volumes', 'Needs a running pod');
    await workbench.screenshot('volume-closed');
  });
});
