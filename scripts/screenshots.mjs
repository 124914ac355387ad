// `node scripts/screenshots.mjs [editor|transfer …] [theme …]`: makes pictures of docs/editor.md in a real VS Code
// with a real sandbox. Those of the guards, of moves and of the job panel are made by the browser tests (test-results/).
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEditor, themes } from '../test/browser/support/editor.ts';
import { makeFixture } from '../test/browser/support/fixture.ts';
import { startRun } from '../test/browser/support/launch.ts';
import { makeMoving } from '../test/browser/support/moving.ts';
import { root } from '../test/browser/support/package.ts';

const folder = join(root, 'docs', 'screenshots');

const train = `import pathlib, time
for step in range(600):
    print(f"step {step} loss {1 / (step + 1):.3f}", flush=True)
    time.sleep(1)
`;

/** A project whose second step goes on until it is cancelled. */
const project = (scriptField) => `// Fine-tunes a small model. Hover a field to see what it means.
{
  "version": 1,
  "name": "whales",
  "target": {
    "volume": { "name": "whales", "dataCenter": "US-MD-1", "size": 20 },
    "gpus": ["NVIDIA GeForce RTX 4090"],
    "image": "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
  },
  "sync": { "must": ["prepare.py", "train.py"] },
  "steps": [
    {
      "name": "prepare",
      "script": "prepare.py",
      "gates": [{ "type": "file", "path": "data/songs.txt", "minBytes": 5 }]
    },
    {
      "name": "train",
      "${scriptField}": "train.py",
      "gates": [{ "type": "metric", "name": "loss", "max": 0.5 }]
    },
    { "name": "report", "shell": "echo done", "gates": [] }
  ],
  "caps": { "hours": 2, "dollars": 3 }
}
`;

async function pictures(theme) {
  const fixture = await makeFixture();
  await writeFile(fixture.projectFile, project('script'));
  await writeFile(
    join(fixture.folder, 'prepare.py'),
    'import pathlib\npathlib.Path("data").mkdir(exist_ok=True)\npathlib.Path("data/songs.txt").write_text("a song\\n")\n',
  );
  await writeFile(join(fixture.folder, 'train.py'), train);
  const editor = await openEditor({
    ...fixture,
    theme,
    settings: { 'window.title': '${activeEditorShort}${separator}${rootName}' },
  });
  const { workbench } = editor;
  const shoot = async (name) => {
    await workbench.settle();
    await workbench.page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
  };
  try {
    await workbench.openContainer('RunPod');
    await workbench.welcome('Jobs');
    await workbench.welcome('Pods');
    await workbench.runCommand('RunPod: Get Started');
    await workbench.page.locator('.gettingStartedDetailsContent').waitFor();
    await workbench.page.getByText('Try it in the sandbox').first().waitFor();
    await shoot('first-look');
    await workbench.runCommand('View: Close All Editors');
    await workbench.runCommand('RunPod: Start Local Sandbox');
    await workbench.statusItem('Sandbox');
    await workbench.openFile('training.runpod.json');
    await workbench.runCommand('RunPod: Run Pipeline…');
    await startRun(workbench);
    await workbench.until(
      'the second step to run',
      async () =>
        (await workbench.treeRows('Jobs')).some((r) => r.label === 'train' && r.description.startsWith('running')),
      60_000,
    );
    await workbench.expandRow('Jobs', 'prepare');
    await workbench.expandRow('Volumes', 'whales');
    await workbench.expandRow('Volumes', 'projects');
    await workbench.expandRow('Volumes', 'whales', 3);
    await workbench.waitForRow('Volumes', 'train.py');
    await workbench.statusItem(/1 pod · /);
    await shoot('running');
    await writeFile(fixture.projectFile, project('scrip'));
    const squiggle = workbench.page.locator('.squiggly-error').first();
    await squiggle.waitFor();
    await workbench.page
      .locator('.view-line', { hasText: '"scrip"' })
      .locator('span > span', { hasText: 'scrip' })
      .first()
      .hover();
    await workbench.page.locator('.monaco-hover', { hasText: 'Did you mean "script"?' }).first().waitFor();
    await shoot('project-file');
    await writeFile(fixture.projectFile, project('script'));
    await workbench.rowMenu('Jobs', 'whales', 'Cancel Job');
    await workbench.dialog('Cancel the job of whales?', 'Cancel Job');
    await workbench.waitForRow('Jobs', 'Recent', 60_000);
  } finally {
    await editor.close();
    await fixture.endSandbox();
  }
}

/** A transfer plan, a sync in the middle of a large file, and the same after it was cancelled and started again. */
async function transferPictures(theme) {
  const moving = await makeMoving();
  const { faults } = moving.sandbox.s3;
  const editor = await openEditor({ ...moving.fixture, theme });
  const { workbench } = editor;
  const shoot = async (name) => {
    await workbench.settle();
    await workbench.page.screenshot({ path: join(folder, `transfer-${name}-${theme}.png`) });
  };
  const moved = /(1\d\d|2\d\d) MB of 310 MB · \d.*songs\.bin/s;
  try {
    await workbench.runCommand('RunPod: Start Local Sandbox');
    await workbench.statusItem('Sandbox');
    await workbench.openFile('training.runpod.json');
    await workbench.lens('Plan Sync');
    await workbench.waitForRow('Transfer Plan', 'Sends', 60_000);
    await workbench.until(
      'the message to be gone',
      async () => (await workbench.page.locator('.notification-toast:visible').count()) === 0,
    );
    await workbench.openFile('training.runpod.json');
    await shoot('plan');
    await workbench.rowMenu('Transfer Plan', 'model/hub.py', 'Allow This File');
    await workbench.until('the secret to be allowed', async () =>
      (await workbench.treeRows('Transfer Plan')).every(({ label }) => label !== 'Secrets'),
    );
    faults.slow(20_000, { operation: 'UploadPart', every: 2 });
    await workbench.runCommand('RunPod: Sync Now');
    await workbench.notification(moved, 60_000);
    await shoot('progress');
    await workbench.notificationButton('Syncing whales', 'Cancel');
    await workbench.statusItem('Sync cancelled');
    faults.restore();
    faults.slow(4000, { operation: 'UploadPart', every: 2 });
    await workbench.waitForRow('Transfer Plan', 'data/songs.bin', 60_000);
    await workbench.runCommand('RunPod: Sync Now');
    await workbench.notification(moved, 60_000);
    await shoot('resumed');
  } finally {
    faults.restore();
    await editor.close();
    await moving.sandbox.close();
  }
}

const sets = { editor: pictures, transfer: transferPictures };
await mkdir(folder, { recursive: true });
const names = process.argv.slice(2);
const chosen = (all) => (names.some((name) => name in all) ? names.filter((name) => name in all) : Object.keys(all));
for (const theme of chosen(themes)) {
  for (const set of chosen(sets)) {
    await sets[set](theme);
  }
}
