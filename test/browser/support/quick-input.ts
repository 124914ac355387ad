import type { Locator } from 'playwright-core';
import { exactly, patience, Screen } from './screen.ts';

const widget = '.quick-input-widget:visible';

/** Runs in the page. A panel's page keeps the keys that it gets, so it must not have the focus. */
const leavePanels = `document.activeElement?.tagName === 'IFRAME' && document.activeElement.blur()`;

/** The palette and the other lists and boxes at the top of a window, all by keyboard unless a click is meant. */
export class QuickInput extends Screen {
  /**
   * Runs a command through the palette; the title is as the user reads it, with its category. The palette does not
   * look again while it is open, and closes when something else takes the focus: it is opened anew then.
   */
  async runCommand(title: string): Promise<void> {
    await this.act(`command "${title}"`, () => this.#choose('F1', `>${title}`, title));
  }

  /** Opens a file of the workspace by name. */
  async openFile(name: string): Promise<void> {
    await this.act(`to open ${name}`, async () => {
      await this.#choose('ControlOrMeta+P', name, name);
      await this.page.locator(`.tabs-container .tab.active[data-resource-name="${name}"]`).first().waitFor();
      await this.editorWithFocus().waitFor();
    });
  }

  async goToLine(line: number): Promise<void> {
    await this.act(`to go to line ${line}`, async () => {
      const input = await this.#openBox('Control+G');
      await this.page.keyboard.type(String(line));
      await input.press('Enter');
      await input.waitFor({ state: 'hidden' });
      await this.editorWithFocus().waitFor();
    });
  }

  /** Whether the palette offers a command now. */
  async hasCommand(title: string): Promise<boolean> {
    return this.act(`the palette to answer for "${title}"`, async () => {
      const input = await this.#openBox('F1');
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
      await this.hit(this.rowInPicker(item));
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

  protected editorWithFocus(): Locator {
    return this.page
      .locator('.editor-instance .monaco-editor.focused, .editor-instance .monaco-editor:focus-within')
      .first();
  }

  protected rowInPicker(label: string | RegExp): Locator {
    const name = typeof label === 'string' ? exactly(label) : label;
    const rows = this.page.locator('.quick-input-widget:visible .quick-input-list .monaco-list-row');
    return rows
      .filter({ has: this.page.locator('.quick-input-list-label .label-name, .label-name').filter({ hasText: name }) })
      .first();
  }

  /** Opens a box by its key, and once more when something else took the focus meanwhile. */
  async #openBox(key: string): Promise<Locator> {
    const input = this.page.locator(`${widget} .quick-input-box input`);
    const deadline = Date.now() + patience;
    for (;;) {
      await this.page.evaluate(leavePanels);
      await this.page.keyboard.press(key);
      try {
        await input.waitFor({ timeout: 2000 });
        return input;
      } catch (error) {
        if (Date.now() > deadline) {
          throw error;
        }
      }
    }
  }

  /** Types into a box, goes to the row with this label and takes it. */
  async #choose(key: string, text: string, label: string): Promise<void> {
    const deadline = Date.now() + patience;
    for (;;) {
      const input = await this.#openBox(key);
      try {
        await input.fill(text, { timeout: 2000 });
        await this.rowInPicker(label).waitFor({ timeout: 3000 });
        await this.#focusRow(input, label);
        await input.press('Enter', { timeout: 2000 });
        break;
      } catch (error) {
        if (Date.now() > deadline) {
          throw error;
        }
        await this.page.keyboard.press('Escape');
      }
    }
    await this.until(
      'the list to take the choice',
      async () =>
        (await this.page
          .locator(`${widget} .quick-input-box input`)
          .inputValue({ timeout: 500 })
          .catch(() => '')) !== text,
    );
  }

  async #focusRow(input: Locator, label: string): Promise<void> {
    const focused = this.page.locator(`${widget} .quick-input-list .monaco-list-row.focused .label-name`).first();
    const rows = await this.page.locator(`${widget} .quick-input-list .monaco-list-row`).count();
    for (let at = 0; at <= rows; at++) {
      if (exactly(label).test(((await focused.textContent({ timeout: 2000 })) ?? '').trim())) {
        return;
      }
      await input.press('ArrowDown', { timeout: 2000 });
    }
    throw new Error(`"${label}" does not get the focus`);
  }
}
