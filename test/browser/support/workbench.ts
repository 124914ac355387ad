import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import { root } from './package.ts';

const patience = 20_000;

/** Runs in the page. */
const keepNotifications = `
  globalThis.notificationsSeen = [];
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      const text = node instanceof Element && node.querySelector('.notification-list-item-message')?.textContent;
      if (text && !globalThis.notificationsSeen.includes(text)) {
        globalThis.notificationsSeen.push(text);
      }
    }
  }).observe(document, { childList: true, subtree: true });
`;

/** Reads a tree in the page; as text, because the types of a page are not those of Node. */
const readTree = (view: string): string => `
  [...document.querySelectorAll('.sidebar .pane')]
    .filter((p) => p.querySelector('.pane-header .title')?.textContent.toLowerCase() === ${JSON.stringify(view.toLowerCase())})
    .flatMap((pane) => [...pane.querySelectorAll('.monaco-list-row[role=treeitem]')])
    .map((row) => ({
      label: row.querySelector('.label-name')?.textContent ?? '',
      description: row.querySelector('.label-description')?.textContent ?? '',
      level: Number(row.getAttribute('aria-level')),
    }))`;

/** A pattern for the whole of a text. */
function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

export interface TreeRow {
  label: string;
  description: string;
  level: number;
}

/** Runs in the page; counts what only a hand on a mouse makes. */
const countMouse = `
  globalThis.mouseUsed = 0;
  for (const kind of ['pointerdown', 'mousedown', 'wheel', 'contextmenu']) {
    addEventListener(kind, (event) => { if (event.isTrusted) globalThis.mouseUsed += 1; }, true);
  }
`;

/** Drives one window. Every failure says what was on the screen and leaves a picture in test-results/. */
export class Workbench {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(patience);
  }

  /** Toasts hide after a while; what they said is kept in the page for failures. */
  async watchNotifications(): Promise<void> {
    await this.page.addInitScript({ content: keepNotifications + countMouse });
  }

  /** How often the mouse was used in this window. */
  mouseUsed(): Promise<number> {
    return this.page.evaluate(() => (globalThis as { mouseUsed?: number }).mouseUsed ?? -1);
  }

  async waitUntilReady(): Promise<void> {
    await this.act('the workbench to appear', async () => {
      await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
      await this.page.locator('.monaco-workbench .activitybar .action-item').first().waitFor({ timeout: 60_000 });
    });
  }

  /**
   * Runs a command through the palette; the title is as the user reads it, with its category. The palette does not
   * look again while it is open, so it is opened anew for a command that becomes available a moment later.
   */
  async runCommand(title: string): Promise<void> {
    await this.act(`command "${title}"`, async () => {
      const deadline = Date.now() + patience;
      for (;;) {
        await this.page.keyboard.press('F1');
        const input = this.page.locator('.quick-input-widget:visible .quick-input-box input');
        await input.waitFor();
        await input.fill(`>${title}`);
        try {
          await this.rowInPicker(title).click({ timeout: 3000 });
          return;
        } catch (error) {
          if (Date.now() > deadline) {
            throw error;
          }
          await this.page.keyboard.press('Escape');
        }
      }
    });
  }

  /** Runs a command through the palette without the mouse. */
  async keyCommand(title: string): Promise<void> {
    await this.act(`command "${title}" by keyboard`, async () => {
      const deadline = Date.now() + patience;
      for (;;) {
        await this.page.keyboard.press('F1');
        await this.page.locator('.quick-input-widget:visible .quick-input-box input').waitFor();
        await this.page.keyboard.type(title);
        try {
          await this.focusedRow(title).waitFor({ timeout: 3000 });
          await this.page.keyboard.press('Enter');
          return;
        } catch (error) {
          if (Date.now() > deadline) {
            throw error;
          }
          await this.page.keyboard.press('Escape');
        }
      }
    });
  }

  /** Opens a file of the workspace by name without the mouse. */
  async keyOpenFile(name: string): Promise<void> {
    await this.act(`to open ${name} by keyboard`, async () => {
      await this.page.keyboard.press('ControlOrMeta+P');
      await this.page.locator('.quick-input-widget:visible .quick-input-box input').waitFor();
      await this.page.keyboard.type(name);
      await this.focusedRow(name).waitFor();
      await this.page.keyboard.press('Enter');
      await this.page.locator(`.tabs-container .tab.active[data-resource-name="${name}"]`).waitFor();
      await this.editorWithFocus().waitFor();
    });
  }

  async keyGoToLine(line: number): Promise<void> {
    await this.act(`to go to line ${line} by keyboard`, async () => {
      const input = this.page.locator('.quick-input-widget:visible .quick-input-box input');
      await this.page.keyboard.press('Control+G');
      await input.waitFor();
      await this.page.keyboard.type(String(line));
      await this.page.keyboard.press('Enter');
      await input.waitFor({ state: 'hidden' });
      await this.editorWithFocus().waitFor();
    });
  }

  /** The visible lines of the active editor, with plain spaces. */
  async editorText(): Promise<string> {
    return (await this.page.locator('.editor-instance .view-lines').first().innerText()).replace(/[^\S\n]/g, ' ');
  }

  /** Answers the modal dialog with this text by Enter, after its focus is on the button. */
  async keyDialog(text: string | RegExp, button: string): Promise<void> {
    await this.act(`the button "${button}" of a dialog with "${String(text)}" by keyboard`, async () => {
      const box = this.page.locator('.monaco-dialog-box', { hasText: text });
      const wanted = box.locator('.monaco-button:focus', { hasText: button });
      await box.waitFor();
      for (let tries = 0; (await wanted.count()) === 0 && tries < 5; tries++) {
        await this.page.keyboard.press('Tab');
      }
      await wanted.waitFor();
      await this.page.keyboard.press('Enter');
      await box.waitFor({ state: 'hidden' });
    });
  }

  /** Moves down in the focused tree until a row is reached whose name and description match, as a screen reader says it. */
  async keyToRow(text: RegExp): Promise<void> {
    await this.act(`a row with ${String(text)} by keyboard`, async () => {
      await this.page.keyboard.press('Home');
      const focused = this.page.locator('.sidebar .monaco-list-row.focused');
      for (let tries = 0; tries < 60; tries++) {
        if (text.test((await focused.first().innerText()).replace(/\s+/g, ' '))) {
          return;
        }
        await this.page.keyboard.press('ArrowDown');
      }
      throw new Error('not among 60 rows');
    });
  }

  /** Whether the palette offers a command now. */
  async hasCommand(title: string): Promise<boolean> {
    return this.act(`the palette to answer for "${title}"`, async () => {
      await this.page.keyboard.press('F1');
      const input = this.page.locator('.quick-input-widget:visible .quick-input-box input');
      await input.waitFor();
      await input.fill(`>${title}`);
      // Filtering is done when the rows are about this text, or when there are none.
      const rows = this.page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row');
      await rows
        .filter({ hasText: /No matching|RunPod|similar/ })
        .first()
        .waitFor();
      const found = (await this.rowInPicker(title).count()) > 0;
      await this.page.keyboard.press('Escape');
      await input.waitFor({ state: 'hidden' });
      return found;
    });
  }

  /** Chooses an entry of the quick pick with this title. */
  async pick(title: string, item: string | RegExp): Promise<void> {
    await this.act(`"${String(item)}" in the list "${title}"`, async () => {
      await this.pickerTitled(title);
      await this.rowInPicker(item).click();
    });
  }

  /** Answers the input box with this title. */
  async type(title: string, value: string): Promise<void> {
    await this.act(`an answer to "${title}"`, async () => {
      await this.pickerTitled(title);
      const input = this.page.locator('.quick-input-widget:visible .quick-input-box input');
      // A file dialog puts its own value in after it has opened.
      for (let tries = 0; tries < 10; tries++) {
        await input.fill(value);
        await this.page.waitForTimeout(200);
        if ((await input.inputValue()) === value) {
          break;
        }
      }
      await input.press('Enter');
      // The next box may have the same title, so this one has to be over, or has to complain about the value.
      const message = this.page.locator('.quick-input-widget:visible .quick-input-message');
      const before = await message.innerText().catch(() => '');
      const taken = async (): Promise<boolean> =>
        (await input.inputValue({ timeout: 1000 }).catch(() => '')) !== value ||
        (await message.innerText({ timeout: 1000 }).catch(() => '')) !== before;
      for (const deadline = Date.now() + 5000; Date.now() < deadline && !(await taken());) {
        await this.page.waitForTimeout(50);
      }
    });
  }

  /** The complaint under an input box. */
  async inputMessage(): Promise<string> {
    return (await this.page.locator('.quick-input-widget:visible .quick-input-message').innerText()).trim();
  }

  /** Waits until an input box or quick pick with this title is open. */
  async pickerTitled(title: string): Promise<void> {
    await this.page.locator('.quick-input-widget:visible .quick-input-title', { hasText: title }).first().waitFor();
  }

  /** Waits for a notification that contains the text and answers its full text. */
  async notification(text: string | RegExp, timeout = patience): Promise<string> {
    return this.act(`a notification with "${String(text)}"`, async () => {
      const found = this.toast(text).locator('.notification-list-item-message').first();
      await found.waitFor({ timeout });
      return found.innerText();
    });
  }

  /** Clicks a button of the notification that contains the text. */
  async notificationButton(text: string | RegExp, button: string): Promise<void> {
    await this.act(`the button "${button}" of a notification with "${String(text)}"`, async () => {
      await this.toast(text).locator('.monaco-button', { hasText: button }).first().click();
    });
  }

  async notifications(): Promise<string[]> {
    return this.page.locator('.notification-toast:visible .notification-list-item-message').allInnerTexts();
  }

  /** Clicks a button of the modal dialog that contains the text. */
  async dialog(text: string | RegExp, button: string): Promise<void> {
    await this.act(`the button "${button}" of a dialog with "${String(text)}"`, async () => {
      const box = this.page.locator('.monaco-dialog-box', { hasText: text });
      await box.locator('.monaco-button', { hasText: button }).click();
      await box.waitFor({ state: 'hidden' });
    });
  }

  /** Everything that the modal dialog with this text says. */
  async dialogText(text: string | RegExp): Promise<string> {
    return this.act(`a dialog with "${String(text)}"`, async () => {
      const box = this.page.locator('.monaco-dialog-box', { hasText: text });
      await box.waitFor();
      return box.innerText();
    });
  }

  /** Waits for an entry of the status bar. */
  async statusItem(text: string | RegExp): Promise<void> {
    await this.act(`"${String(text)}" in the status bar`, () =>
      this.page.locator('.statusbar-item', { hasText: text }).first().waitFor(),
    );
  }

  /** Clicks the first code lens with this title in the active editor. */
  async lens(title: string): Promise<void> {
    await this.act(`the code lens "${title}"`, () =>
      this.page
        .locator('.codelens-decoration a', { hasText: new RegExp(`^\\s*${title}\\s*$`) })
        .first()
        .click(),
    );
  }

  /** Double-clicks a token of a line of the active editor and types over it. */
  async overtype(line: string | RegExp, token: string, by: string): Promise<void> {
    await this.act(`to overtype ${token} with ${by}`, async () => {
      const row = this.page.locator('.editor-instance .view-line', { hasText: line }).first();
      await row
        .locator('span > span', { hasText: exactly(token) })
        .first()
        .dblclick();
      await this.page.keyboard.type(by);
    });
  }

  /** Opens a view container of the activity bar. */
  async openContainer(name: string): Promise<void> {
    await this.act(`the view container "${name}"`, async () => {
      const tab = this.page.locator(`.activitybar .action-item [aria-label^="${name}"]`).first();
      await tab.waitFor();
      if ((await tab.locator('xpath=..').getAttribute('class'))?.includes('checked') !== true) {
        await tab.click();
      }
      await this.page.locator('.sidebar .composite.title', { hasText: name }).waitFor();
    });
  }

  /** The pane of a view in the side bar. */
  view(name: string): Locator {
    return this.page.locator('.sidebar .pane', {
      has: this.page.locator('.pane-header .title', { hasText: new RegExp(`^${name}$`, 'i') }),
    });
  }

  async treeRows(view: string): Promise<TreeRow[]> {
    return this.page.evaluate<TreeRow[]>(readTree(view));
  }

  /** The row of a tree whose label is or matches the text; `level` counts from 1 where several are called alike. */
  treeRow(view: string, label: string | RegExp, level?: number): Locator {
    const name = typeof label === 'string' ? exactly(label) : label;
    return this.view(view)
      .locator(`.monaco-list-row[role=treeitem]${level === undefined ? '' : `[aria-level="${level}"]`}`, {
        has: this.page.locator('.label-name', { hasText: name }),
      })
      .first();
  }

  async waitForRow(view: string, label: string | RegExp, timeout = patience): Promise<void> {
    await this.act(`a row "${String(label)}" in the view ${view}`, () =>
      this.treeRow(view, label).waitFor({ timeout }),
    );
  }

  async expandRow(view: string, label: string | RegExp, level?: number): Promise<void> {
    await this.act(`to expand "${String(label)}" in the view ${view}`, async () => {
      const row = this.treeRow(view, label, level);
      await row.waitFor();
      if ((await row.getAttribute('aria-expanded')) === 'false') {
        await row.locator('.monaco-tl-twistie').click();
      }
      await row.and(this.page.locator('[aria-expanded=true]')).waitFor();
    });
  }

  async clickRow(view: string, label: string | RegExp): Promise<void> {
    await this.act(`to click "${String(label)}" in the view ${view}`, () => this.treeRow(view, label).click());
  }

  /** Clicks an inline action of a row. */
  async rowAction(view: string, label: string | RegExp, action: string): Promise<void> {
    await this.act(`the action "${action}" of "${String(label)}" in the view ${view}`, async () => {
      const row = this.treeRow(view, label);
      await row.hover();
      await row.locator(`.actions .action-label[aria-label^="${action}"]`).click();
    });
  }

  /** Chooses an entry of a row's context menu. */
  async rowMenu(view: string, label: string | RegExp, entry: string): Promise<void> {
    await this.act(`"${entry}" in the menu of "${String(label)}" in the view ${view}`, async () => {
      await this.treeRow(view, label).click({ button: 'right' });
      const item = this.page.locator('.context-view .action-menu-item', { hasText: entry }).first();
      await item.waitFor();
      // A menu that has just opened takes a click for the end of the one that opened it.
      for (let tries = 0; tries < 10 && (await item.isVisible()); tries++) {
        await item.click({ timeout: 2000 }).catch(() => undefined);
        await item.waitFor({ state: 'hidden', timeout: 500 }).catch(() => undefined);
      }
      await item.waitFor({ state: 'hidden' });
    });
  }

  /** The text that a view shows instead of rows. */
  async welcome(view: string): Promise<string> {
    const content = this.view(view).locator('.welcome-view-content');
    await this.act(`the welcome text of the view ${view}`, () => content.waitFor());
    return content.innerText();
  }

  async welcomeButton(view: string, button: string): Promise<void> {
    await this.act(`the button "${button}" of the view ${view}`, async () => {
      await this.view(view).locator('.welcome-view-content .monaco-button', { hasText: button }).click();
    });
  }

  /** Opens a file of the workspace by name. */
  async openFile(name: string): Promise<void> {
    await this.act(`to open ${name}`, async () => {
      await this.page.keyboard.press('ControlOrMeta+P');
      const input = this.page.locator('.quick-input-widget:visible .quick-input-box input');
      await input.waitFor();
      await input.fill(name);
      await this.rowInPicker(name).click();
      await this.page.locator(`.tabs-container .tab[data-resource-name="${name}"]`).waitFor();
    });
  }

  /** A webview's or notebook output's frame whose document holds an element that matches. */
  async frame(selector: string): Promise<Frame> {
    return this.act(`a frame with ${selector}`, async () => {
      const deadline = Date.now() + patience;
      while (Date.now() < deadline) {
        for (const frame of this.page.frames()) {
          if (
            (await frame
              .locator(selector)
              .count()
              .catch(() => 0)) > 0
          ) {
            return frame;
          }
        }
        await this.page.waitForTimeout(100);
      }
      throw new Error(`no frame among ${this.page.frames().length}`);
    });
  }

  /** Waits until a condition about the page holds; the picture of the page belongs to the failure. */
  async until(what: string, condition: () => Promise<boolean>, timeout = patience): Promise<void> {
    await this.act(what, async () => {
      const deadline = Date.now() + timeout;
      while (!(await condition())) {
        if (Date.now() > deadline) {
          throw new Error(`not within ${timeout / 1000} s`);
        }
        await this.page.waitForTimeout(100);
      }
    });
  }

  /** Waits until nothing moves any more, so that a picture shows no half of a transition. */
  async settle(): Promise<void> {
    await this.page.evaluate(
      'Promise.all(document.getAnimations().map((a) => a.effect?.getTiming().iterations === Infinity || a.finished))',
    );
  }

  async screenshot(name: string): Promise<string> {
    const folder = join(root, 'test-results');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${name.replace(/[^\w.-]+/g, '-').slice(0, 80)}.png`);
    await this.page.screenshot({ path });
    return path;
  }

  /** In words, what a person would see: lists, notifications, dialogs, views, editors. */
  async describe(): Promise<string> {
    const texts = async (what: string, selector: string): Promise<string> => {
      const found = await this.page
        .locator(`${selector}:visible`)
        .allInnerTexts()
        .catch(() => []);
      return found.length === 0 ? '' : `${what}: ${found.map((t) => JSON.stringify(t.slice(0, 400))).join(', ')}`;
    };
    const parts = await Promise.all([
      texts('list or input', '.quick-input-widget'),
      texts('dialog', '.monaco-dialog-box'),
      texts('notifications', '.notification-toast'),
      texts('views', '.sidebar .pane'),
      texts('editors', '.tabs-container .tab'),
    ]);
    const seen = await this.page.evaluate(
      () => (globalThis as { notificationsSeen?: string[] }).notificationsSeen ?? [],
    );
    parts.push(seen.length === 0 ? '' : `notifications so far: ${seen.map((t) => JSON.stringify(t)).join(', ')}`);
    return parts.filter(Boolean).join('\n') || 'nothing to be read';
  }

  private async act<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      const picture = await this.screenshot(`failed-${what}`).catch(() => 'no picture');
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      const seen = await this.describe().catch(() => 'the page is gone');
      throw new Error(`Waited in vain for ${what}: ${why}\nOn the screen:\n${seen}\nPicture: ${picture}`, {
        cause: error,
      });
    }
  }

  private editorWithFocus(): Locator {
    return this.page
      .locator('.editor-instance .monaco-editor.focused, .editor-instance .monaco-editor:focus-within')
      .first();
  }

  private focusedRow(label: string): Locator {
    return this.page
      .locator('.quick-input-widget:visible .quick-input-list .monaco-list-row.focused')
      .filter({ has: this.page.locator('.label-name', { hasText: exactly(label) }) })
      .first();
  }

  private rowInPicker(label: string | RegExp): Locator {
    const name = typeof label === 'string' ? exactly(label) : label;
    const rows = this.page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row');
    return rows
      .filter({ has: this.page.locator('.quick-input-list-label .label-name, .label-name').filter({ hasText: name }) })
      .first();
  }

  private toast(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast:visible', { hasText: text }).first();
  }
}
