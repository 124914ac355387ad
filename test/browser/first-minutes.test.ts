import assert from 'node:assert/strict';
import { globSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';
import { launchSheet } from './support/launch.ts';
import type { Workbench } from './support/workbench.ts';

/** What a newcomer may be asked to do between an empty folder and a sample that runs. */
const most = { clicks: 8, questions: 1 };

/** The part of an element of the walkthrough that is used in the page. */
interface Step {
  dataset: { doneStepId: string };
}

/** Two clicks in VS Code's own page: it stays open over the window. */
async function trust({ page }: Workbench): Promise<void> {
  await page
    .locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ })
    .first()
    .click();
  const close = page.locator(
    '.monaco-modal-editor-block .codicon-close, .modal-editor-action-container .codicon-close',
  );
  await close.first().click();
  await page.locator('.workspace-trust-editor').waitFor({ state: 'hidden' });
}

describe('the first ten minutes (R9.2)', function () {
  this.timeout(180_000);
  let fixture: Fixture;
  let editor: Editor;
  let folder: string;
  const did = { clicks: 0, questions: 0 };
  const click = async (work: Promise<unknown>): Promise<void> => {
    did.clicks += 1;
    await work;
  };

  before(async () => {
    fixture = await makeFixture();
    folder = join(fixture.home, '..', 'empty');
    await mkdir(folder);
    editor = await openEditor({ ...fixture, folder, trust: true });
  });
  after(async () => {
    await editor.close();
    await fixture.endSandbox();
  });

  it('in a folder that is not trusted, only what works is offered, and the trust (R9.9)', async () => {
    const { workbench } = editor;
    await click(workbench.openContainer('RunPod'));
    for (const view of ['Jobs', 'Pods', 'Volumes']) {
      const text = await workbench.welcome(view);
      assert.match(text, /not trusted/, view);
      assert.doesNotMatch(text, /Try the Sample|Create Project File|Run Pipeline|Sign In/, view);
    }
    await workbench.screenshot('first-minutes-restricted');
    await click(workbench.welcomeButton('Jobs', 'Manage Trust'));
    await trust(workbench);
    did.clicks += 2;
    await workbench.until('the Jobs view to offer the sample', async () =>
      (await workbench.welcome('Jobs')).includes('Try the Sample Project'),
    );
  });

  it('the sample comes into the empty folder, with its project file open and the next step said', async () => {
    const { workbench } = editor;
    await click(workbench.welcomeButton('Jobs', 'Try the Sample Project'));
    did.questions += 1;
    await click(workbench.pick('Try the Sample Project', /Tiny/));
    await workbench.until(
      'the project file to be open',
      async () => (await workbench.page.locator('.tab.active[data-resource-name="training.runpod.json"]').count()) > 0,
    );
    assert.match(await workbench.notification('The sample is ready'), /Run it: in the sandbox it is free/);
    assert.ok(readdirSync(folder).includes('train.py'));
    await workbench.until('the Jobs view to say that the project file is there', async () =>
      (await workbench.welcome('Jobs')).includes('The project file is there'),
    );
    await workbench.statusItem('Sandbox');
    await workbench.screenshot('first-minutes-sample');
  });

  it('it runs after one look at what it does here and costs, without another question', async () => {
    const { workbench } = editor;
    await click(workbench.notificationButton('The sample is ready', 'Run Pipeline…'));
    const frame = await launchSheet(workbench);
    const text = await frame.locator('.sheet').innerText();
    assert.match(text, /The start runs these commands of the project file here:\s*points\s*points\.py/);
    assert.match(text, /free here/);
    await workbench.screenshot('first-minutes-sheet');
    await click(frame.locator('.start:not([disabled])').click());
    await workbench.waitForRow('Jobs', 'Running');
    assert.equal(await workbench.page.locator('.monaco-dialog-box').count(), 0, 'no question after the start');
    assert.ok(
      did.clicks <= most.clicks && did.questions <= most.questions,
      `${did.clicks} clicks, ${did.questions} questions`,
    );
  });

  it('it ends green, and its results are here', async () => {
    const { workbench } = editor;
    await workbench.waitForRow('Jobs', 'Recent', 90_000);
    await workbench.expandRow('Jobs', 'tiny');
    const found = (): string[] => globSync(join(folder, 'runpod-results', '*', 'out', 'report.md'));
    await workbench.until('the report to be here', () => Promise.resolve(found().length > 0));
    assert.match(readFileSync(found()[0] ?? '', 'utf8'), /Found y = 3\.0/);
    await workbench.screenshot('first-minutes-green');
  });

  it('the walkthrough shows as done what has succeeded, and nothing else', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Get Started');
    const done = workbench.page.locator('.gettingStartedDetailsContent [data-done-step-id][aria-checked=true]');
    const ids = (): Promise<string[]> =>
      done.evaluateAll((all) => (all as unknown as Step[]).map((one) => one.dataset.doneStepId.split('#')[2] ?? ''));
    await workbench.until('two steps to be done', async () => (await ids()).length > 1);
    await workbench.screenshot('first-minutes-walkthrough');
    assert.deepEqual([...new Set(await ids())], ['sandbox', 'run']);
  });

  it('a second window knows the sandbox that runs', async () => {
    const second = await editor.openWindow(fixture.folder);
    await second.openContainer('RunPod');
    await second.welcomeButton('Pods', 'Manage Trust');
    await trust(second);
    await second.until('the Pods view to tell of the sandbox', async () =>
      (await second.welcome('Pods')).includes('A local sandbox is running'),
    );
    await second.welcomeButton('Pods', 'Use the Sandbox Here');
    await second.statusItem('Sandbox');
    await second.page.close();
  });
});
