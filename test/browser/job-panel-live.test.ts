import assert from 'node:assert/strict';
import { cutLinks } from './panel/pod-link.ts';
import { PanelPage } from './panel/panel-page.ts';
import { hostileLines } from './panel/rainbow.ts';
import { endTraining, writeTraining } from './panel/training-project.ts';
import { type Editor, openEditor } from './support/editor.ts';
import { type Fixture, makeFixture } from './support/fixture.ts';
import { cancelLaunch, launchText, startRun } from './support/launch.ts';

describe('the job panel during a run in the sandbox (R9.4)', function () {
  this.timeout(180_000);
  let fixture: Fixture;
  let editor: Editor;
  let panel: PanelPage;

  before(async () => {
    fixture = await makeFixture();
    await writeTraining(fixture);
    // What is typed here must not reach the disk: it would be a change while the run uploads it.
    editor = await openEditor({ ...fixture, settings: { 'files.autoSave': 'off' } });
    const { workbench } = editor;
    await workbench.openContainer('RunPod');
    await workbench.runCommand('RunPod: Start Local Sandbox');
    await workbench.statusItem('Sandbox');
    await workbench.openFile('hello.py');
  });
  after(async () => {
    await editor.close();
    await fixture.endSandbox();
  });

  it('opens by itself beside the editor in which the user goes on typing, and follows the running step', async () => {
    const { workbench } = editor;
    await workbench.runCommand('RunPod: Run Pipeline…');
    await startRun(workbench);
    const column = (index: number): string => `.editor-group-container >> nth=${index} >> .tab`;
    await workbench.page.locator(column(0), { hasText: 'hello.py' }).waitFor();
    await workbench.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
    const typed = '# typed while the panel opened';
    await workbench.page.keyboard.press('ControlOrMeta+Home');
    await workbench.page.keyboard.type(typed, { delay: 50 });
    await workbench.page.locator(column(1), { hasText: 'tiny' }).waitFor();
    assert.ok((await workbench.editorText()).includes(typed), await workbench.editorText());
    panel = await PanelPage.of(workbench);
    await panel.until('the step train to be shown', (t) => t.selected === 'train' && t.tab === 'Log', 60_000);
    await panel.logLine(/^step 3 loss 0\.5000$/);
    const { status, steps } = await panel.text();
    assert.equal(status, 'Running train, step 2 of 4');
    assert.match(steps[1] ?? '', /^passed \| hello \| pod .*out\/hello\.txt.* bytes/);
    assert.match(steps[3] ?? '', /^waiting \| check/);
    assert.match(
      await panel.frame.locator('.facts').innerText(),
      /so far[\s\S]*Stops by \d\d:\d\d at the latest, free here, at most \$/,
    );
    await workbench.screenshot('panel-live');
  });

  it('shows hostile lines as text and obeys none of them (security rule 6)', async () => {
    await panel.frame.locator('.log').evaluate((log) => ((log as unknown as { scrollTop: number }).scrollTop = 0));
    const first = await panel.logLine(/onerror/);
    assert.equal(first, hostileLines[0]);
    assert.equal(await panel.logLine(/click me/), 'click me  after');
    assert.match(await panel.logLine(/invoice/), /^invoice\ufffdgpj\.exe red &amp; <b>not bold<\/b>$/);
    assert.equal(await panel.frame.locator('.log :is(img, a, b, script)').count(), 0);
    assert.equal(await panel.frame.locator('.log .fg1').first().innerText(), 'red');
    assert.notEqual(await panel.frame.evaluate('document.title'), 'owned');
  });

  it('lets nothing load or run but its own script and style (security rule 10)', async () => {
    const policy = await panel.frame.locator('meta[http-equiv=Content-Security-Policy]').getAttribute('content');
    assert.match(
      policy ?? '',
      /^default-src 'none'; style-src [^;]+; script-src 'nonce-[\w-]{24}'; form-action 'none'; base-uri 'none'$/,
    );
    const ran = await panel.frame.evaluate<boolean>(`(() => {
      const script = document.createElement('script');
      script.textContent = 'globalThis.owned = true';
      document.body.append(script);
      script.remove();
      return 'owned' in globalThis;
    })()`);
    assert.equal(ran, false);
  });

  it('draws the metrics with their last values', async () => {
    await panel.pickTab('Metrics');
    const card = panel.frame.locator('.chart-card', { hasText: 'loss' });
    await card.locator('.chart-line').waitFor();
    // The first values are 2 and 1.
    await editor.workbench.until('a chart whose last value is below 1', async () =>
      /^loss: \d+ values, from .* to 2, last 0\.\d+$/.test(
        (await card.locator('svg').getAttribute('aria-label')) ?? '',
      ),
    );
    await panel.pickTab('Log');
  });

  it('is complete again when it was hidden', async () => {
    const { workbench } = editor;
    await workbench.page.locator('.tab', { hasText: 'tiny' }).first().click();
    await workbench.openFile('hello.py');
    await workbench.until('the page of the panel to be gone', async () => {
      const counts = await Promise.all(
        workbench.page.frames().map((f) =>
          f
            .locator('.timeline')
            .count()
            .catch(() => 0),
        ),
      );
      return counts.every((n) => n === 0);
    });
    await workbench.page.locator('.tab', { hasText: 'tiny' }).first().click();
    panel = await PanelPage.of(workbench);
    await panel.until('the running step', (t) => t.selected === 'train' && t.tab === 'Log');
    await panel.logLine(/^step \d+ loss/);
    assert.equal(await panel.frame.locator('.log-older').isVisible(), false);
  });

  it('shows the same in a second window', async () => {
    const second = await editor.openWindow(fixture.folder);
    await second.openContainer('RunPod');
    await second.clickRow('Jobs', 'tiny');
    const other = await PanelPage.of(second);
    await other.logLine(/^step \d+ loss/);
    const here = await panel.text();
    assert.deepEqual(await other.text(), here);
    await second.page.close();
  });

  it('says that the link is lost, keeps what it shows, and goes on when the link is back', async () => {
    const { workbench } = editor;
    const before = (await panel.text()).steps;
    const mend = cutLinks(fixture.home);
    try {
      const bar = panel.frame.locator('.bar-link');
      await bar.waitFor();
      assert.match(await bar.innerText(), /^Last seen .* ago, reconnecting… the job does not need this link$/);
      assert.deepEqual((await panel.text()).steps, before);
      await workbench.screenshot('panel-lost-link');
    } finally {
      mend();
    }
    await panel.frame.locator('.bar-link').waitFor({ state: 'hidden', timeout: 60_000 });
  });

  it('shows everything again after a reload of the window', async () => {
    const { workbench } = editor;
    await workbench.reload();
    const ready = Date.now();
    panel = await PanelPage.of(workbench);
    await panel.until('the steps', (t) => t.steps.length === 5);
    await panel.logLine(/^step \d+ loss/);
    process.stdout.write(`      complete ${Date.now() - ready} ms after the workbench was there\n`);
  });

  it('turns to the gate that did not hold, with its evidence', async () => {
    const { workbench } = editor;
    await endTraining(fixture);
    await panel.until('the failed step', (t) => t.status.startsWith('Failed at check'), 90_000);
    await panel.until('its details', (t) => t.selected === 'check' && t.tab === 'Details');
    const card = panel.frame.locator('.gate-card-failed');
    assert.match(await card.innerText(), /out\/hello\.txt[\s\S]*Expected\s+>= 5000 bytes\s+Seen\s+19 bytes/);
    assert.match(await card.locator('pre').innerText(), /"out\/hello\.txt"/);
    await workbench.screenshot('panel-failed-gate');
  });

  it('offers what can be done about it', async () => {
    const { workbench } = editor;
    await panel.frame.locator('[data-action=rerun]').waitFor({ timeout: 60_000 });
    await panel.frame.locator('[data-action=openResults]').waitFor();
    await panel.frame.locator('[data-action=rerun]').click();
    assert.match(await launchText(workbench), /Run tiny/);
    await cancelLaunch(workbench);
    panel = await PanelPage.of(workbench);
    await panel.pickStep('train');
    await panel.frame.locator('[aria-label="Open the whole log in an editor"]').click();
    await workbench.page.locator('.tab', { hasText: 'train.log' }).waitFor();
    await workbench.until(
      'the log in the editor',
      async () => (await workbench.page.locator('.editor-instance .view-lines', { hasText: 'loss' }).count()) > 0,
    );
  });
});
