import { h } from './dom.ts';

/** Tabs by the usual rules: one stop of the Tab key, arrows switch, Home and End go to the ends. */
export class Tabs<T extends string> {
  readonly list: HTMLElement;
  readonly panels: HTMLElement;
  readonly #onPick: (name: T) => void;
  readonly #names: T[];
  readonly #tabs = new Map<T, HTMLElement>();
  readonly #pages = new Map<T, HTMLElement>();

  #selected: T | undefined;

  /** @param onPick the user chose a tab */
  constructor(label: string, pages: Record<T, { title: string; content: HTMLElement }>, onPick: (name: T) => void) {
    this.#onPick = onPick;
    this.#names = Object.keys(pages) as T[];
    this.list = h('div', { class: 'tabs', role: 'tablist', 'aria-label': label });
    this.panels = h('div', { class: 'tab-panels' });
    for (const name of this.#names) {
      const { title, content } = pages[name];
      const tab = h(
        'button',
        { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}` },
        title,
      );
      const page = h(
        'div',
        { role: 'tabpanel', id: `panel-${name}`, class: `panel-${name}`, 'aria-labelledby': `tab-${name}` },
        content,
      );
      tab.addEventListener('click', () => onPick(name));
      this.#tabs.set(name, tab);
      this.#pages.set(name, page);
      this.list.append(tab);
      this.panels.append(page);
    }
    this.list.addEventListener('keydown', (event) => this.#onKey(event));
  }

  get selected(): T | undefined {
    return this.#selected;
  }

  show(selected: T): void {
    this.#selected = selected;
    for (const name of this.#names) {
      const tab = this.#tabs.get(name);
      tab?.setAttribute('aria-selected', String(name === selected));
      tab?.setAttribute('tabindex', name === selected ? '0' : '-1');
      this.#pages.get(name)?.toggleAttribute('hidden', name !== selected);
    }
  }

  /** Takes a tab away that has nothing to show, or brings it back. */
  offer(name: T, there: boolean): void {
    this.#tabs.get(name)?.toggleAttribute('hidden', !there);
  }

  #onKey(event: KeyboardEvent): void {
    const names = this.#names.filter((name) => this.#tabs.get(name)?.hasAttribute('hidden') === false);
    const at = names.findIndex((name) => this.#tabs.get(name) === document.activeElement);
    const count = names.length;
    const to = { ArrowRight: (at + 1) % count, ArrowLeft: (at - 1 + count) % count, Home: 0, End: count - 1 }[
      event.key
    ];
    const name = to === undefined || at < 0 ? undefined : names[to];
    if (name !== undefined) {
      event.preventDefault();
      this.#onPick(name);
      this.#tabs.get(name)?.focus();
    }
  }
}
