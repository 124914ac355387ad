import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Editor, openEditor } from './support/editor.ts';
import { podRequest, smallCpu } from '../support/account.ts';
import { makeMoving, type Moving } from './support/moving.ts';
import type { Workbench } from './support/workbench.ts';

const plan = 'Transfer Plan';

/** Everything that the view of the plan says above its rows. */
function message(workbench: Workbench): Promise<string> {
  return workbench.view(plan).innerText();
}

/** Parts that S3 has taken of uploads that are not finished, by the extension's journals. */
async function partsTaken(home: string): Promise<number> {
  const folder = join(home, 'transfers');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.upload.jsonl'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('').split('"part":').length - 1;
}

async function planGone(workbench: Workbench): Promise<void> {
  await workbench.until('the plan to be gone', async () => (await workbench.view(plan).count()) === 0, 60_000);
}

describe('moving a project to its volume, over S3 and with no pod', function () {
  this.timeout(180_000);
  let moving: Moving;
  let editor: Editor;

  before(async () => {
    moving = await makeMoving();
    editor = await openEditor(moving.fixture);
    await editor.workbench.runCommand('RunPod: Start Local Sandbox');
    await editor.workbench.statusItem('Sandbox');
  });
  after(async () => {
    await editor.close();
    await moving.sandbox.close();
  });

  it('a plan says what would be sent, which way and why, before anything is (R2.1)', async () => {
    const { workbench } = editor;
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Plan Sync');
    await workbench.waitForRow(plan, 'Sends', 60_000);
    await workbench.until('the words over the plan', async () => (await message(workbench)).includes('over S3'));
    assert.match(await message(workbench), /6 files, 310 MB over S3 for free, .* US-MD-1 has the S3 API/s);
    const rows = await workbench.treeRows(plan);
    assert.ok(
      rows.some(({ label, description }) => label === 'data/songs.bin' && description === 'new · 310 MB'),
      JSON.stringify(rows),
    );
    await workbench.settle();
    await workbench.screenshot('transfer-plan');
  });

  it('a secret stops it until its file is allowed (R2.1)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Sync Now');
    assert.match(await workbench.notification('Nothing was sent'), /model\/hub\.py holds/);
    await workbench.clickRow(plan, 'model/hub.py');
    await workbench.statusItem('Ln 2, Col 1');
    await workbench.rowMenu(plan, 'model/hub.py', 'Allow This File');
    await workbench.until('the secret to be allowed', async () =>
      (await workbench.treeRows(plan)).every(({ label }) => label !== 'Secrets'),
    );
    assert.match(await readFile(moving.fixture.projectFile, 'utf8'), /"allowSecrets": \[\s*"model\/hub\.py"/);
  });

  it('another route can be chosen, with its reason and price in sight (R2.2)', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Choose Route…');
    await workbench.pickerTitled('Choose Route');
    await workbench.settle();
    await workbench.screenshot('transfer-routes');
    const offered = await workbench.page.locator('.quick-input-list').innerText();
    assert.match(offered, /Gateway, a small pod that is rented\s*free here, \$0\.\d\d\/h on RunPod/);
    await workbench.pick('Choose Route', /Gateway/);
    await workbench.until('the plan to go that way', async () => (await message(workbench)).includes('gateway'));
    await workbench.runCommand('RunPod: Sync Now');
    const text = await workbench.dialogText(/Rent a .* to sync whales\?/);
    assert.match(text, /terminated at once/);
    await workbench.dialog(/Rent a .* to sync whales\?/, 'Cancel');
    assert.deepEqual(await moving.client.pods.list(), []);
    await workbench.runCommand('RunPod: Choose Route…');
    await workbench.pick('Choose Route', /Let the Plan Choose/);
    await workbench.until('the plan to go over S3', async () => (await message(workbench)).includes('over S3'));
  });

  it('it can be cancelled in the middle of a file, and goes on there (R2.6, R2.8)', async () => {
    const { workbench } = editor;
    const { faults } = moving.sandbox.s3;
    // Every second part is held back.
    faults.slow(20_000, { operation: 'UploadPart', every: 2 });
    await workbench.runCommand('RunPod: Sync Now');
    const moved = /(1\d\d|2\d\d) MB of 310 MB · .*songs\.bin/s;
    await workbench.notification(moved, 60_000);
    await workbench.until('two parts to be taken', async () => (await partsTaken(moving.fixture.home)) >= 2, 20_000);
    await workbench.settle();
    await workbench.screenshot('transfer-progress');
    await workbench.notificationButton('Syncing whales', 'Cancel');
    await workbench.statusItem('Sync cancelled');
    await workbench.until('the plan to show what is left', async () => {
      const rows = await workbench.treeRows(plan);
      return rows.some(
        ({ label, description }) => label === 'Sends' && description === '1 file, 310 MB; 5 there already',
      );
    });
    faults.restore();
    faults.slow(5000, { operation: 'UploadPart' });
    await workbench.runCommand('RunPod: Sync Now');
    await workbench.notification(moved, 60_000);
    await workbench.settle();
    await workbench.screenshot('transfer-resumed');
    const done = workbench.page.locator('.statusbar-item', { hasText: /Synced 1 file/ }).first();
    await done.waitFor({ timeout: 60_000 });
    const [, sent = '999'] = /\((\d+) MB\)/.exec(await done.innerText()) ?? [];
    assert.ok(Number(sent) < 210, `${sent} MB of 310 were sent again`);
    await planGone(workbench);
    faults.restore();
    assert.equal((await stat(moving.there('data/songs.bin'))).size, moving.largeBytes);
  });

  it('a file that changed on both sides is left unless its box is checked (R2.5)', async () => {
    const { workbench } = editor;
    await writeFile(join(moving.fixture.folder, 'model', 'net.py'), 'layers = 12\n');
    await writeFile(moving.there('model/net.py'), 'layers = 4000  # tried on the pod\n');
    await workbench.runCommand('RunPod: Plan Sync…');
    await workbench.waitForRow(plan, 'Changed on Both Sides', 60_000);
    const row = workbench.treeRow(plan, 'model/net.py');
    assert.match(await row.innerText(), /stays: here 12 B, there 34 B/);
    await workbench.screenshot('transfer-conflict');
    await row.locator('.custom-view-tree-node-item-checkbox').click();
    await workbench.until('the row to say so', async () => (await row.innerText()).includes('replaces 34 B there'));
    await workbench.runCommand('RunPod: Sync Now');
    await workbench.statusItem('Synced 1 file (12 B)');
    await planGone(workbench);
    assert.equal(await readFile(moving.there('model/net.py'), 'utf8'), 'layers = 12\n');
  });

  it('the Volumes view shows, opens, downloads and uploads files with no pod (R2.8)', async () => {
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    await workbench.expandRow('Volumes', 'whales');
    await workbench.expandRow('Volumes', 'projects');
    await workbench.expandRow('Volumes', 'whales', 3);
    await workbench.rowMenu('Volumes', 'train.py', 'Open File from Volume');
    await workbench.until('the file to be open', async () =>
      (await workbench.editorText()).includes('import model.net'),
    );
    const target = join(moving.fixture.folder, 'copy of train.py');
    await workbench.rowMenu('Volumes', 'train.py', 'Download…');
    await workbench.type('Download train.py', target);
    await workbench.statusItem('Downloaded train.py');
    assert.match(await readFile(target, 'utf8'), /training/);
    const notes = join(moving.fixture.folder, 'notes');
    await mkdir(notes);
    await writeFile(join(notes, 'read me.txt'), 'one');
    await workbench.rowMenu('Volumes', 'projects', 'Upload Files Here…');
    await workbench.type('Upload Files to projects', join(notes, 'read me.txt'));
    await workbench.statusItem('Uploaded read me.txt (3 B)');
    await workbench.waitForRow('Volumes', 'read me.txt');
    await writeFile(join(notes, 'read me.txt'), 'two!');
    await workbench.rowMenu('Volumes', 'projects', 'Upload Files Here…');
    await workbench.type('Upload Files to projects', join(notes, 'read me.txt'));
    await workbench.dialog('Replace "read me.txt" on the volume?', 'Replace File');
    await workbench.statusItem('Uploaded read me.txt (4 B)');
    await workbench.screenshot('volume-over-s3');
  });

  it('a project is synced from the menu of its volume', async () => {
    const { workbench } = editor;
    await workbench.rowMenu('Volumes', 'whales', 'Sync Project Here');
    await workbench.statusItem('Everything was on the volume already');
    await planGone(workbench);
  });

  it('everything of a project comes home, and goes on after a cancel (R2.6)', async () => {
    const { workbench } = editor;
    const { faults } = moving.sandbox.s3;
    const chosen = join(moving.fixture.folder, '..', 'backups');
    await mkdir(chosen);
    faults.slow(20_000, { operation: 'GetObject', every: 3 });
    await workbench.rowMenu('Volumes', 'whales', 'Back Up Project…');
    await workbench.pickerTitled('Back Up Project');
    await workbench.settle();
    await workbench.screenshot('backup-folder');
    await workbench.pick('Back Up Project', /Another Folder/);
    await workbench.type('Back Up whales To', chosen);
    await workbench.notification(/Backing up whales/, 60_000);
    await workbench.notificationButton('Backing up whales', 'Cancel');
    await workbench.notification('The backup of whales was cancelled', 60_000);
    faults.restore();
    await workbench.notificationButton('The backup of whales was cancelled', 'Resume');
    const done = await workbench.notification(/whales is backed up in .*backups: /, 90_000);
    assert.match(done, /fetched over S3 now/);
    assert.equal((await stat(join(chosen, 'files', 'data', 'songs.bin'))).size, moving.largeBytes);
    await workbench.runCommand('Notifications: Clear All Notifications');
  });

  it('a folder is deleted after saying how much that is (R9.1)', async () => {
    const { workbench } = editor;
    await workbench.rowMenu('Volumes', 'data', 'Delete…');
    const text = await workbench.dialogText('Delete projects/whales/data on whales?');
    assert.match(text, /2 files, 310 MB\. This cannot be undone/);
    assert.match(text, /The next sync sends again/);
    await workbench.until('nothing beside the question', async () => (await workbench.notifications()).length === 0);
    await workbench.settle();
    await workbench.screenshot('volume-delete');
    await workbench.dialog('Delete projects/whales/data on whales?', 'Cancel');
    assert.equal((await stat(moving.there('data/songs.bin'))).size, moving.largeBytes);
    await workbench.rowMenu('Volumes', 'data', 'Delete…');
    await workbench.dialog('Delete projects/whales/data on whales?', 'Delete 2 Files');
    await workbench.statusItem('Deleted data (2 files, 310 MB)');
    await assert.rejects(stat(moving.there('data')), { code: 'ENOENT' });
    await workbench.until('the row to be gone', async () =>
      (await workbench.treeRows('Volumes')).every(({ label }) => label !== 'data'),
    );
  });

  it('a volume is moved to another data center, and the old one stays (R1.5)', async () => {
    const { workbench } = editor;
    await workbench.rowMenu('Volumes', 'whales', 'Move Volume…');
    await workbench.pickerTitled('Move Volume');
    // Away from everything that shows a hint.
    await workbench.page.mouse.move(660, 792);
    await workbench.until('no hint', async () => (await workbench.page.locator('.monaco-hover:visible').count()) === 0);
    await workbench.settle();
    await workbench.screenshot('move-where');
    await workbench.pick('Move Volume', 'EU-RO-1');
    await workbench.until('the ways', async () =>
      (await workbench.page.locator('.quick-input-list').innerText()).includes('Over S3, with no pod'),
    );
    await workbench.settle();
    await workbench.screenshot('move-way');
    await workbench.pick('Move Volume', 'Over S3, with no pod');
    const text = await workbench.dialogText('Move whales from US-MD-1 to EU-RO-1?');
    assert.match(text, /a new volume whales in EU-RO-1, 20 GB, free here, \$1\.40 a month on RunPod/);
    assert.match(text, /is kept as it is until you delete it yourself/);
    await workbench.settle();
    await workbench.screenshot('move-plan');
    await workbench.dialog('Move whales from US-MD-1 to EU-RO-1?', 'Move (free here, $1.40 a Month on RunPod)');
    const done = await workbench.notification(/whales is in EU-RO-1 now/, 90_000);
    assert.match(done, /The volume whales in US-MD-1 is still there \(free here, \$1\.40 a month on RunPod\)/);
    await workbench.screenshot('move-done');
    await workbench.notificationButton('whales is in EU-RO-1 now', 'Change Project File');
    await workbench.until('the project file to name it', async () =>
      /"name": "whales",\s*"dataCenter": "EU-RO-1"/.test(await readFile(moving.fixture.projectFile, 'utf8')),
    );
    const volumes = await moving.client.volumes.list();
    assert.deepEqual(volumes.map((volume) => volume.dataCenter).toSorted(), ['EU-RO-1', 'US-MD-1']);
    const there = volumes.find((volume) => volume.dataCenter === 'EU-RO-1');
    const moved = join(moving.sandbox.volumeDirectory(there?.id ?? ''), 'projects', 'whales', 'model', 'net.py');
    assert.equal(await readFile(moved, 'utf8'), 'layers = 12\n');
  });

  it('a volume is deleted by typing its name, and not while a pod has it (R9.1)', async () => {
    const { workbench } = editor;
    const { client } = moving;
    const [old] = (await client.volumes.list()).filter((volume) => volume.dataCenter === 'US-MD-1');
    assert.ok(old);
    const pod = await client.pods.create({ ...podRequest('user', old, ''), cpu: smallCpu });
    await workbench.rowMenu('Volumes', 'whales', 'Delete Volume…');
    await workbench.notification(/The volume whales was not deleted.*user has it/s);
    await workbench.runCommand('Notifications: Clear All Notifications');
    await client.pods.terminate(pod.id);
    await workbench.rowMenu('Volumes', 'whales', 'Delete Volume…');
    await workbench.until('the question', async () =>
      /Everything on it is lost for good.*ends what it costs: free here, \$1\.40 a month/s.test(
        await workbench.page.locator('.quick-input-widget').innerText(),
      ),
    );
    await workbench.settle();
    await workbench.screenshot('volume-delete-whole');
    await workbench.type('Delete Volume whales (US-MD-1, 20 GB)', 'whales');
    await workbench.statusItem('Deleted the volume whales in US-MD-1');
    assert.deepEqual(
      (await client.volumes.list()).map((volume) => volume.dataCenter),
      ['EU-RO-1'],
    );
  });
});

describe('a volume that S3 does not reach yet', function () {
  this.timeout(120_000);
  let moving: Moving;
  let editor: Editor;

  before(async () => {
    moving = await makeMoving();
    const { fixture, sandbox, client } = moving;
    await client.volumes.create({ name: 'far', dataCenter: 'CA-MTL-1', size: 10 });
    const machineSettings = {
      ...fixture.machineSettings,
      'runpodTrainer.restUrl': sandbox.restUrl,
      'runpodTrainer.s3Endpoints': { 'US-MD-1': sandbox.s3Url },
    };
    editor = await openEditor({ ...fixture, machineSettings, theme: 'light' });
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    await workbench.welcomeButton('Pods', 'Sign In…');
    const { host } = new URL(sandbox.restUrl);
    await workbench.dialog(`Send an API key to ${host}?`, `Use ${host}`);
    await workbench.type('Sign In to RunPod', sandbox.key);
  });
  after(async () => {
    await editor.close();
    await moving.sandbox.close();
  });

  it('says why its files are not shown, and what helps (R2.8)', async () => {
    const { workbench } = editor;
    await workbench.expandRow('Volumes', 'far');
    await workbench.waitForRow('Volumes', 'Needs a running pod');
    await workbench.expandRow('Volumes', 'whales');
    await workbench.waitForRow('Volumes', 'Needs S3 keys or a running pod');
    await workbench.screenshot('volume-without-keys');
  });

  it('is opened by the S3 keys, at the address of the setting (R2.2)', async () => {
    const { workbench } = editor;
    await mkdir(moving.there(''), { recursive: true });
    await workbench.clickRow('Volumes', 'Set S3 Keys…');
    await workbench.type('Set S3 Keys', moving.sandbox.s3Keys.accessKeyId);
    await workbench.type('Set S3 Keys', moving.sandbox.s3Keys.secretAccessKey);
    await workbench.statusItem('S3 keys kept');
    await workbench.waitForRow('Volumes', 'projects');
  });
});
