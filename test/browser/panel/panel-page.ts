import type { Frame } from 'playwright-core';
import type { Workbench } from '../support/workbench.ts';
import { seriousProblems } from './page-checks.ts';

/** What a person reads in the panel, without what ticks. */
export interface PanelText {
  title: string;
  status: string;
  steps: string[];
  selected: string;
  tab: string;
}

/** Runs in the page. */
const readPanel = `({
  title: document.querySelector('h1')?.textContent ?? '',
  status: document.querySelector('.job-status')?.textContent ?? '',
  steps: [...document.querySelectorAll('.step')].map((row) => {
    const copy = row.cloneNode(true);
    copy.querySelector('.step-time')?.remove();
    const mark = row.querySelector('.step-mark title')?.textContent ?? '';
    return [mark, ...[...copy.querySelectorAll('.step-name, .step-where, .step-note, .gate')].map((e) => e.textContent)].join(' | ');
  }),
  selected: document.querySelector('.step[aria-selected=true]')?.getAttribute('data-step') ?? '',
  tab: document.querySelector('[role=tab][aria-selected=true]')?.textContent ?? '',
})`;

/** The lines of the log that are in the page now, with their numbers. */
const readLog = `[...document.querySelectorAll('.log-row')].map((row) =>
  row.querySelector('.log-number').dataset.n + ' ' + row.querySelector('.log-text').textContent)`;

/** Drives the job panel inside a window. */
export class PanelPage {
  readonly frame: Frame;
  readonly #workbench: Workbench;

  private constructor(workbench: Workbench, frame: Frame) {
    this.#workbench = workbench;
    this.frame = frame;
  }

  /** The panel that is visible; a hidden one has no page. */
  static async of(workbench: Workbench): Promise<PanelPage> {
    return new PanelPage(workbench, await workbench.frame('.content:not([hidden]) .timeline'));
  }

  async text(): Promise<PanelText> {
    return this.frame.evaluate<PanelText>(readPanel);
  }

  async logLines(): Promise<string[]> {
    return this.frame.evaluate<string[]>(readLog);
  }

  async until(what: string, condition: (text: PanelText) => boolean, timeout?: number): Promise<void> {
    await this.#workbench.until(what, async () => condition(await this.text()), timeout);
  }

  /** Waits until a line that matches is in the part of the log that is seen; answers it without its number. */
  async logLine(text: RegExp, timeout?: number): Promise<string> {
    let found = '';
    await this.#workbench.until(
      `a log line ${String(text)}`,
      async () => {
        found = (await this.logLines()).map((l) => l.replace(/^\d+ /, '')).find((l) => text.test(l)) ?? '';
        return found !== '';
      },
      timeout,
    );
    return found;
  }

  async pickStep(name: string): Promise<void> {
    await this.frame.locator(`.step[data-step="${name}"]`).click();
  }

  async pickTab(title: string): Promise<void> {
    await this.frame.locator('[role=tab]', { hasText: title }).click();
  }

  /** The text of what has the focus: its label, else its content. */
  async focused(): Promise<string> {
    return this.frame.evaluate<string>(
      `(() => { const e = document.activeElement; return (e?.getAttribute('aria-label') ?? e?.textContent ?? '').trim(); })()`,
    );
  }

  /** What axe finds, as `impact: rule: where`; only what it calls serious or critical. */
  seriousProblems(): Promise<string[]> {
    return seriousProblems(this.frame);
  }
}
