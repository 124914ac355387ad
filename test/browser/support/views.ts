import type { Locator } from 'playwright-core';
import { QuickInput } from './quick-input.ts';
import { exactly, patience } from './screen.ts';

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

export interface TreeRow {
  label: string;
  description: string;
  level: number;
}

/** The side bar: views, their rows, and what they say when there are none. */
export class Views extends QuickInput {
  /** Opens a view container of the activity bar. */
  async openContainer(name: string): Promise<void> {
    await this.act(`the view container "${name}"`, async () => {
      const tab = this.page.locator(`.activitybar .action-item [aria-label^="${name}"]`).first();
      await tab.waitFor();
      if ((await tab.locator('xpath=..').getAttribute('class'))?.includes('checked') !== true) {
        await this.hit(tab);
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
        await this.hit(row.locator('.monaco-tl-twistie'));
      }
      await row.and(this.page.locator('[aria-expanded=true]')).waitFor();
    });
  }

  async clickRow(view: string, label: string | RegExp): Promise<void> {
    await this.act(`to click "${String(label)}" in the view ${view}`, () => this.hit(this.treeRow(view, label)));
  }

  /**
   * Chooses an entry of a row's menu. What a row shows on hover is in its menu too, and stays there when the list is
   * drawn anew. The entry is taken by Enter: a menu that has just opened does not hear the mouse yet.
   */
  async rowMenu(view: string, label: string | RegExp, entry: string): Promise<void> {
    await this.act(`"${entry}" in the menu of "${String(label)}" in the view ${view}`, async () => {
      await this.hit(this.treeRow(view, label), 'right');
      const item = this.page.locator('.context-view .action-item', {
        has: this.page.locator('.action-menu-item', { hasText: entry }),
      });
      await item.first().hover();
      await item.and(this.page.locator('.focused')).first().waitFor();
      await this.page.keyboard.press('Enter');
      await item.first().waitFor({ state: 'hidden' });
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

  /** The text that a view shows instead of rows. */
  async welcome(view: string): Promise<string> {
    const content = this.view(view).locator('.welcome-view-content');
    await this.act(`the welcome text of the view ${view}`, () => content.waitFor());
    return content.innerText();
  }

  async welcomeButton(view: string, button: string): Promise<void> {
    await this.act(`the button "${button}" of the view ${view}`, async () => {
      await this.hit(this.view(view).locator('.welcome-view-content .monaco-button', { hasText: button }).first());
    });
  }
}
