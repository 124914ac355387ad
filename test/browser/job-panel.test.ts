import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PanelPage } from './panel/panel-page.ts';
import { failAtGate, trainingJob } from './panel/rainbow.ts';
import { RecordedJob } from './panel/recorded-job.ts';
import { type Editor, openEditor } from './support/editor.ts';
import { temporaryFolder } from './support/package.ts';

/** The project of the job, as far as its failure is looked at. */
const project = {
  version: 1,
  name: 'rainbow',
  target: { volume: { name: 'rainbow', dataCenter: 'US-MD-1', size: 20 }, gpus: ['NVIDIA L4'], image: 'x:1' },
  sync: { must: ['nothing/'] },
  steps: [
    {
      name: 'phase_2',
      shell: 'true',
      gates: [
        { type: 'rows', path: 'eval.parquet', min: 500 },
        { type: 'distinct', path: 'eval.parquet', column: 'color', count: 8 },
      ],
    },
  ],
};

/** As the list of themes calls them. */
const themeLabels = {
  dark: 'Dark Modern',
  light: 'Light Modern',
  contrast: 'Dark High Contrast',
  contrastLight: 'Light High Contrast',
};

describe('the job panel of a recorded job (R9.4)', function () {
  this.timeout(120_000);
  let editor: Editor;
  let panel: PanelPage;
  let job: RecordedJob;
  let home: string;
  let folder: string;

  before(async () => {
    const base = await temporaryFolder('panel');
    folder = join(base, 'rainbow');
    home = join(base, 'home');
    await mkdir(folder);
    const file = join(folder, 'training.runpod.json');
    await writeFile(file, `${JSON.stringify(project, null, 2)}\n`);
    // Nobody has changed it since the job ended.
    const before = new Date(Date.now() - 86_400_000);
    await utimes(file, before, before);
    job = await trainingJob(home, folder);
    editor = await openEditor({ folder, env: { RUNPOD_TRAINER_HOME: home } });
    await editor.workbench.openContainer('RunPod');
    await editor.workbench.clickRow('Jobs', 'rainbow');
    panel = await PanelPage.of(editor.workbench);
    await panel.logLine(/^step +3000 /);
  });
  after(() => editor.close());

  const setTheme = async (label: string): Promise<void> => {
    const { page } = editor.workbench;
    await editor.workbench.runCommand('Preferences: Color Theme');
    const input = page.locator('.quick-input-widget:visible .quick-input-box input');
    await input.fill(label);
    await page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().waitFor();
    await input.press('Enter');
    await input.waitFor({ state: 'hidden' });
  };
  const background = (): Promise<string> =>
    panel.frame.evaluate<string>('getComputedStyle(document.body).backgroundColor');

  it('says that this window is not attached', async () => {
    assert.match(await panel.frame.locator('.bar-link').innerText(), /not attached/);
    assert.equal(await panel.frame.locator('[data-action=attach]').count(), 1);
  });

  it('is walked through by keyboard alone', async () => {
    const { page } = editor.workbench;
    await panel.frame.locator('.timeline').focus();
    await page.keyboard.press('Home');
    assert.equal((await panel.text()).selected, '');
    await page.keyboard.press('ArrowDown');
    assert.equal((await panel.text()).selected, 'manifest');
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowUp');
    assert.equal((await panel.text()).selected, 'phase_2');
    await panel.logLine(/loss/);
    await page.keyboard.press('Tab');
    assert.equal(await panel.focused(), 'Log');
    await page.keyboard.press('ArrowRight');
    assert.deepEqual([await panel.focused(), (await panel.text()).tab], ['Metrics', 'Metrics']);
    await page.keyboard.press('End');
    assert.equal((await panel.text()).tab, 'Details');
    await page.keyboard.press('Home');
    await page.keyboard.press('Tab');
    assert.equal(await panel.focused(), 'Find in log');
    const reached: string[] = [];
    for (let i = 0; i < 7; i++) {
      await page.keyboard.press('Tab');
      reached.push(await panel.focused());
    }
    assert.ok(
      reached.every((label) => label !== ''),
      reached.join(' | '),
    );
    assert.ok(reached.includes('Log of phase_2'), reached.join(' | '));
  });

  it('finds text in the log with Ctrl+F, forwards and back', async () => {
    const { page } = editor.workbench;
    await panel.frame.locator('.timeline').focus();
    await page.keyboard.press('ControlOrMeta+F');
    assert.equal(await panel.focused(), 'Find in log');
    await page.keyboard.type('step   100');
    await editor.workbench.until(
      'a match',
      async () => (await panel.frame.locator('.log-count').innerText()) === '1 of 1',
    );
    assert.equal(await panel.frame.locator('.log-row.current mark').innerText(), 'step   100');
    await panel.frame.locator('.log-search').fill('LOSS');
    await editor.workbench.until('matches', async () =>
      /^\d+ of 150$/.test(await panel.frame.locator('.log-count').innerText()),
    );
    const at = async (): Promise<number> => Number.parseInt(await panel.frame.locator('.log-count').innerText(), 10);
    const first = await at();
    await page.keyboard.press('Enter');
    assert.equal(await at(), (first % 150) + 1);
    await page.keyboard.press('Shift+Enter');
    assert.equal(await at(), first);
    await page.keyboard.press('Escape');
    assert.equal(await panel.frame.locator('.log mark').count(), 0);
  });

  it('follows the end of the log, until the user scrolls up', async () => {
    const follow = panel.frame.locator('[aria-label="Follow the end of the log"]');
    assert.equal(await follow.getAttribute('aria-pressed'), 'false');
    await follow.click();
    await panel.logLine(/^step +3000 /);
    await panel.frame.locator('.log').focus();
    await editor.workbench.page.keyboard.press('PageUp');
    await editor.workbench.until('not to follow', async () => (await follow.getAttribute('aria-pressed')) === 'false');
    await editor.workbench.page.keyboard.press('End');
    await editor.workbench.until('to follow', async () => (await follow.getAttribute('aria-pressed')) === 'true');
  });

  it('wraps long lines when asked to', async () => {
    const overflow = (): Promise<number> =>
      panel.frame.evaluate<number>(
        `(() => { const log = document.querySelector('.log'); return log.scrollWidth - log.clientWidth; })()`,
      );
    const wrap = panel.frame.locator('[aria-label="Wrap long lines"]');
    await panel.frame.locator('.log').evaluate((log) => ((log as unknown as { scrollTop: number }).scrollTop = 0));
    await panel.logLine(/onerror/);
    assert.ok((await overflow()) > 0);
    await wrap.click();
    await editor.workbench.until('no line to be cut off', async () => (await overflow()) === 0);
    await wrap.click();
    await panel.frame.locator('[aria-label="Follow the end of the log"]').click();
    await panel.logLine(/^step +3000 /);
  });

  for (const [name, theme] of Object.entries(themeLabels)) {
    it(`is painted anew and has no serious accessibility problem in the theme ${theme}`, async () => {
      const before = await background();
      await setTheme(theme);
      if (name !== 'dark') {
        await editor.workbench.until('another background', async () => (await background()) !== before);
      }
      for (const tab of ['Metrics', 'Details', 'Log']) {
        await panel.pickTab(tab);
        assert.deepEqual(await panel.seriousProblems(), [], `${theme}, ${tab}`);
        await editor.workbench.screenshot(`panel-${name}-${tab.toLowerCase()}`);
      }
    });
  }

  it('shows the steps of the plan while the pod starts, and moves none of its buttons (R9.4)', async () => {
    const { workbench } = editor;
    const steps = [
      { name: 'manifest', where: 'local' as const },
      { name: 'train', where: 'pod' as const },
    ];
    const early = new RecordedJob(
      home,
      { name: 'whales-in-eight-colors', root: folder },
      { job: 'whales-20261122-093012-k3f9', phase: 'check', steps },
      1,
    );
    await early.save();
    await workbench.clickRow('Jobs', 'whales-in-eight-colors');
    await workbench.page.locator('.tab.active', { hasText: 'whales-in-eight-colors' }).waitFor();
    const starting = await PanelPage.of(workbench);
    const corners = new Set<string>();
    for (const [phase, words] of [
      ['pod', 'Renting a pod'],
      ['wait', 'Waiting for the pod'],
      ['transfer', 'Uploading'],
      ['start', 'Starting'],
      ['run', 'Running'],
    ] as const) {
      await early.save({ phase });
      await starting.until(words, (t) => t.status === words);
      assert.deepEqual(
        (await starting.text()).steps.slice(1).map((row) => row.split(' | ').slice(0, 2)),
        steps.map(({ name }) => ['waiting', name]),
      );
      const places = ['[data-action=cancel]', '.facts', '.timeline'].map((what) =>
        starting.frame.locator(what).boundingBox(),
      );
      corners.add(JSON.stringify(await Promise.all(places)));
    }
    assert.equal(corners.size, 1, [...corners].join('\n'));
    await workbench.screenshot('panel-starting');
    await early.save({ phase: 'done', outcome: 'cancelled' });
    await workbench.clickRow('Jobs', 'rainbow');
    panel = await PanelPage.of(workbench);
    await panel.logLine(/^step +3000 /);
  });

  it('works at 600 px and at a zoom of 200 %: nothing is cut off', async () => {
    const { page } = editor.workbench;
    await setTheme(themeLabels.dark);
    await page.keyboard.press('ControlOrMeta+B');
    await page.setViewportSize({ width: 600, height: 800 });
    await editor.workbench.until('one column', async () => {
      const columns = await panel.frame.evaluate<string>(
        `getComputedStyle(document.querySelector('.content')).display`,
      );
      return columns === 'flex';
    });
    const overflow = await panel.frame.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    assert.ok(overflow <= 0, `${overflow} px too wide`);
    await panel.logLine(/loss/);
    await editor.workbench.screenshot('panel-600px');
    await page.setViewportSize({ width: 640, height: 400 });
    const hidden = await panel.frame.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    assert.ok(hidden <= 0, `${hidden} px too wide`);
    await panel.frame.locator('.log').scrollIntoViewIfNeeded();
    await panel.logLine(/loss/);
    await editor.workbench.screenshot('panel-zoom-200');
    // As wide as a column beside an editor at 200 %.
    await page.setViewportSize({ width: 258, height: 700 });
    await editor.workbench.until('a narrow page', async () => (await panel.frame.evaluate<number>('innerWidth')) < 240);
    const cut = await panel.frame.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    assert.ok(cut <= 0, `${cut} px too wide`);
    await editor.workbench.screenshot('panel-210px');
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('says what is known of a job that was lost with its pod, and offers what helps (R9.1)', async () => {
    const { workbench } = editor;
    await workbench.page.keyboard.press('ControlOrMeta+B');
    const reason = 'Its pod is gone, and nobody here heard how the job ended.';
    await job.save({ outcome: 'lost', phase: 'done', reason });
    await panel.until('the end', (t) => t.status === 'Lost, its pod is gone');
    assert.match(await panel.frame.locator('.step[data-step=phase_2]').innerText(), /Nobody here heard how it ended/);
    assert.equal(await panel.frame.locator('.bar-link').isVisible(), false);
    for (const action of ['explain', 'fetch', 'resume', 'rerun']) {
      assert.ok(await panel.frame.locator(`[data-action=${action}]`).isVisible(), action);
    }
    await workbench.treeRow('Jobs', 'rainbow').and(workbench.page.locator('[aria-label*="its pod is gone"]')).waitFor();
    for (const [name, theme] of [
      ['light', themeLabels.light],
      ['dark', themeLabels.dark],
    ] as const) {
      await setTheme(theme);
      assert.deepEqual(await panel.seriousProblems(), [], theme);
      await workbench.screenshot(`panel-lost-${name}`);
    }
    await job.save({ outcome: undefined, phase: 'run', reason: undefined });
    await panel.until('the job again', (t) => !t.status.startsWith('Lost'));
  });

  it('turns to what needs attention when the job fails, unless a step was picked', async () => {
    await failAtGate(job);
    await panel.until('the failure', (t) => t.status === 'Failed at phase_2');
    await panel.pickTab('Details');
    assert.match(await panel.frame.locator('.gate-card').first().innerText(), /missing Green/);
    assert.match(await panel.frame.locator('.spoken').innerText(), /Job failed at phase_2/);
    await editor.workbench.screenshot('panel-failed');
  });

  it('explains a failure beside the log, and puts nothing first that would fail again (R4.6)', async () => {
    const { workbench } = editor;
    await panel.frame.locator('[data-action=explain]').click();
    const explained = panel.frame.locator('.explanation');
    await explained.locator('vscode-button').first().waitFor();
    const text = await explained.innerText();
    assert.equal(text.split('missing').length + text.split('lacks').length - 2, 1, `it says more than once: ${text}`);
    const first = explained.locator('vscode-button:not([secondary])');
    assert.equal(await first.innerText(), 'Show Gate in Project File');
    assert.match(text, /Nothing of the project has changed/);
    assert.equal(await panel.frame.locator('.finding').isVisible(), false);
    for (const [name, theme] of Object.entries(themeLabels)) {
      await setTheme(theme);
      assert.deepEqual(await panel.seriousProblems(), [], theme);
      const fill = (button: string): Promise<string> =>
        panel.frame.evaluate<string>(
          `getComputedStyle(document.querySelector('.explanation ${button}').shadowRoot.querySelector('.base')).backgroundColor`,
        );
      assert.notEqual(await fill('vscode-button:not([secondary])'), await fill('vscode-button[secondary]'), theme);
      await workbench.screenshot(`panel-explain-${name}`);
    }
    await setTheme(themeLabels.dark);
    await panel.pickTab('Log');
    assert.equal((await panel.text()).tab, 'Log');
    await panel.pickTab('Explain Failure');
    await first.click();
    await workbench.page.locator('.tab.active', { hasText: 'training.runpod.json' }).waitFor();
    await workbench.until('the gate to be selected', async () =>
      /distinct/.test(await workbench.page.locator('.editor-instance .view-lines').innerText()),
    );
    await workbench.page.locator('.tab', { hasText: 'rainbow' }).first().click();
    panel = await PanelPage.of(workbench);
  });

  it('writes the log of a long run without slowing down, and keeps its newest lines', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`);
    for (let i = 0; i < 400; i++) {
      await job.add(2300, { type: 'log', step: 'export', stream: 'out', lines });
    }
    await panel.pickStep('export');
    await panel.pickTab('Log');
    await panel.frame.locator('.log-older').waitFor({ timeout: 30_000 });
    await editor.workbench.until('the last line', async () => (await panel.logLines()).at(-1) === '200000 line 499');
    assert.ok((await panel.logLines()).length < 200);
    assert.match(await panel.frame.locator('.log-older').innerText(), /older ones are recorded, and not searched/);
    await panel.frame.locator('.log-search').fill('no such words');
    await editor.workbench.until('what was searched', async () =>
      /^No match in the newest [\d,]+ lines$/.test(await panel.frame.locator('.log-count').innerText()),
    );
  });
});
