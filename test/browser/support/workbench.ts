import { exactly, patience } from './screen.ts';
import type { Locator } from 'playwright-core';
import { Views } from './views.ts';

/** Drives one window. */
export class Workbench extends Views {
  /** Loads the window anew as its user would: VS Code saves first what it has to remember. */
  async reload(): Promise<void> {
    const loaded = this.page.waitForEvent('load', { timeout: 60_000 });
    await this.runCommand('Developer: Reload Window');
    await loaded;
    await this.waitUntilReady();
  }

  async waitUntilReady(): Promise<void> {
    await this.act('the workbench to appear', async () => {
      await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
      await this.page.locator('.monaco-workbench .activitybar .action-item').first().waitFor({ timeout: 60_000 });
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
      await this.hit(this.toast(text).locator('.monaco-button', { hasText: button }).first());
    });
  }

  async notifications(): Promise<string[]> {
    return this.page.locator('.notification-toast:visible .notification-list-item-message').allInnerTexts();
  }

  /** Clicks a button of the modal dialog that contains the text. */
  async dialog(text: string | RegExp, button: string): Promise<void> {
    await this.act(`the button "${button}" of a dialog with "${String(text)}"`, async () => {
      const box = this.page.locator('.monaco-dialog-box', { hasText: text });
      await this.hit(box.locator('.monaco-button', { hasText: button }).first());
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

  /** Clicks the first code lens with this title. */
  async lens(title: string): Promise<void> {
    await this.act(`the code lens "${title}"`, () =>
      this.hit(this.page.locator('.codelens-decoration a', { hasText: new RegExp(`^\\s*${title}\\s*$`) }).first()),
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

  private toast(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast:visible', { hasText: text }).first();
  }
}
