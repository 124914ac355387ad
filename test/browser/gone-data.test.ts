import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { JobRecords } from '../../src/core/journal/records.ts';
import { type Editor, openEditor } from './support/editor.ts';
import { launchText, startRun } from './support/launch.ts';
import { makeMoving, type Moving } from './support/moving.ts';

const plan = 'Transfer Plan';
const removed = '.runpod-trainer/removed/2026-11-28T10-00-00.000Z/model/old.py';
const job = 'whales-20261127-120000-ab12';

/** What is on the volume and not here, and what is here no more, in a real window (R2.5, R3.2). */
describe('data that is gone here, and results that did not come home', function () {
  this.timeout(180_000);
  let moving: Moving;
  let editor: Editor;

  before(async () => {
    moving = await makeMoving();
    const { fixture, sandbox, volume } = moving;
    const { folder, home, projectFile } = fixture;
    await rm(join(folder, 'data', 'songs.bin'));
    await writeFile(join(folder, 'data', 'rows.csv'), '1\n');
    const project = JSON.parse(await readFile(projectFile, 'utf8')) as { sync: object; target: object };
    const target = { ...project.target, image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404' };
    const more = { target, sync: { ...project.sync, allowSecrets: ['model/hub.py'] }, caps: { hours: 1 } };
    await writeFile(projectFile, `${JSON.stringify({ ...project, ...more }, null, 2)}\n`);
    const created = '2026-11-27T12:00:00.000Z';
    const pod = { id: 'gone', name: `rpt-${job}`, created, hardware: 'RTX 4090', costPerHour: 0.69 };
    const left = ['out/best.pt', 'out/last.pt'].map((path) => ({ path, reason: 'The disk is full.' }));
    await new JobRecords(home).create({
      ...{ schema: 1, job, project: 'whales', file: projectFile, root: folder, restUrl: sandbox.restUrl, pod },
      volume: { id: volume.id, name: volume.name, dataCenter: volume.dataCenter },
      remote: { mount: '/w', projectDir: '/w/p', jobDir: '/w/j', worker: '/w/w', python: 'python3' },
      ...{ onFinish: 'terminate', fetch: ['out/**'], into: 'runpod-results', phase: 'done', outcome: 'succeeded' },
      ...{ created, updated: created, podEnded: '2026-11-27T13:00:00.000Z' },
      fetched: { time: created, files: 3, bytes: 10 },
      notHome: { time: created, count: 2, left },
    });
    editor = await openEditor(fixture);
    await editor.workbench.runCommand('RunPod: Start Local Sandbox');
    await editor.workbench.statusItem('Sandbox');
    await editor.workbench.runCommand('RunPod: Sync Project Now');
    await editor.workbench.statusItem(/Synced \d files/);
  });
  after(async () => {
    await editor.close();
    await moving.sandbox.close();
  });

  it('a job whose results are not all here says so in its row (R3.2)', async () => {
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    await workbench.waitForRow('Jobs', 'whales');
    const rows = await workbench.treeRows('Jobs');
    assert.ok(
      rows.some(({ description }) => description.includes('2 results not here')),
      JSON.stringify(rows),
    );
  });

  it('the plan shows what is not here any more, and what a job does about it (R2.5)', async () => {
    const { workbench } = editor;
    const { folder } = moving.fixture;
    await rename(join(folder, 'data', 'labels.csv'), join(folder, 'labels.csv'));
    await rename(join(folder, 'model', 'loss.py'), join(folder, 'model', 'losses.py'));
    await workbench.runCommand('RunPod: Plan Sync…');
    await workbench.waitForRow(plan, 'data/labels.csv', 60_000);
    const rows = await workbench.treeRows(plan);
    const said = (label: string): string => rows.find((row) => row.label === label)?.description ?? '';
    assert.match(said('data/labels.csv'), /came under "sync\.data"/, JSON.stringify(rows));
    assert.match(said('model/loss.py'), /a job sets it aside · code/);
    await workbench.settle();
    await workbench.screenshot('gone-plan');
    await workbench.runCommand('RunPod: Close Plan');
  });

  it('a run asks about the data before anything is rented; the answer stands in the project file (R2.5)', async () => {
    const { workbench } = editor;
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Run');
    assert.match(await launchText(workbench), /asked about, since they are data: data\/labels\.csv/);
    await workbench.settle();
    await workbench.screenshot('gone-sheet');
    await startRun(workbench);
    const question = /1 data file \(.*\) on the volume is not part of this run any more/;
    const text = await workbench.dialogText(question);
    assert.match(text, /data\/labels\.csv/);
    assert.match(text, /no job removes data by itself/);
    assert.match(text, /set aside there for 7 days.*Nothing has been rented yet/s);
    await workbench.settle();
    await workbench.screenshot('gone-question');
    assert.deepEqual(await moving.client.pods.list(), []);
    await workbench.dialog(question, 'Keep There');
    await workbench.until('the answer in the project file', async () =>
      /"gone": \{\s*"keep": \[\s*"data\/labels\.csv"/.test(await readFile(moving.fixture.projectFile, 'utf8')),
    );
  });

  it('what a run has set aside is brought back by a command, over nothing that is here (R2.5)', async () => {
    const { workbench } = editor;
    const place = moving.there(removed);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, 'layers = 1\n');
    await workbench.runCommand('RunPod: Restore Removed Files…');
    await workbench.pick('Restore Removed Files', /model\/old\.py/);
    await workbench.settle();
    await workbench.screenshot('gone-restore');
    await workbench.page.keyboard.press('Enter');
    await workbench.notification('1 file brought back');
    assert.equal(await readFile(join(moving.fixture.folder, 'model', 'old.py'), 'utf8'), 'layers = 1\n');
  });
});
