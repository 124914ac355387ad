import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import { root } from './package.ts';

/** Milliseconds that anything may take unless told. */
export const patience = 20_000;

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

/** Runs in the page; counts what only a hand on a mouse makes. */
const countMouse = `
  globalThis.mouseUsed = 0;
  for (const kind of ['pointerdown', 'mousedown', 'wheel', 'contextmenu']) {
    addEventListener(kind, (event) => { if (event.isTrusted) globalThis.mouseUsed += 1; }, true);
  }
`;

/** A pattern for the whole of a text. */
export function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

/** The part of a page's elements that is used in the page. */
interface Clickable {
  wasHit?: boolean;
  addEventListener(kind: string, listener: () => void, options: { once: boolean; capture: boolean }): void;
}

/** Runs in the page: an element remembers that an event came to it. */
function remember(element: unknown, kind: string): void {
  const clickable = element as Clickable;
  clickable.wasHit = false;
  clickable.addEventListener(kind, () => (clickable.wasHit = true), { once: true, capture: true });
}

/** Runs in the page. */
function wasHit(element: unknown): boolean {
  return (element as Clickable).wasHit === true;
}

/** What is true of everything in a window. Every failure says what was on the screen and leaves a picture in test-results/. */
export class Screen {
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
      'Promise.all(document.getAnimations().map((a) => a.effect?.getTiming().iterations === Infinity || a.finished.catch(() => undefined)))',
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

  /**
   * Clicks, and looks whether what was meant got it: VS Code draws its lists, lenses and buttons anew at any time, and
   * an element that goes away between press and release gets no click.
   */
  protected async hit(target: Locator, button: 'left' | 'right' = 'left'): Promise<void> {
    const deadline = Date.now() + patience;
    while (Date.now() < deadline) {
      const element = await target.elementHandle({ timeout: patience });
      await element.evaluate(remember, button === 'left' ? 'click' : 'contextmenu');
      // A click that took too long may have come; only what the element says counts.
      await element.click({ button, timeout: 5000 }).catch(() => undefined);
      // A page that is gone has been left by the click.
      if (await element.evaluate(wasHit).catch(() => true)) {
        return;
      }
    }
    throw new Error('no click reached it');
  }

  protected async act<T>(what: string, action: () => Promise<T>): Promise<T> {
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
}
