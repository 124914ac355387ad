import { h, setAttributes, setText } from '../page/dom.ts';
import { icon, type IconName } from '../page/icons.ts';

export interface LogToolsOptions {
  /** The text to find has changed. */
  onQuery: (query: string) => void;
  /** To the next match, or with -1 to the one before. */
  onMove: (by: 1 | -1) => void;
  /** The search is over; the focus belongs to the log again. */
  onLeave: () => void;
  onFollow: () => void;
  onWrap: () => void;
  copy: () => void;
  openWhole: () => void;
}

/** The bar above a log: what is found in it, and how it is shown. */
export class LogTools {
  readonly element: HTMLElement;
  readonly #options: LogToolsOptions;
  readonly #search = h('input', {
    type: 'search',
    class: 'log-search',
    placeholder: 'Find in log',
    'aria-label': 'Find in log',
    spellcheck: 'false',
  });
  readonly #count = h('span', { class: 'log-count', role: 'status' });
  readonly #follow: HTMLButtonElement;
  readonly #wrap: HTMLButtonElement;

  constructor(options: LogToolsOptions) {
    this.#options = options;
    this.#follow = toolButton('tail', 'Follow the end of the log', options.onFollow);
    this.#wrap = toolButton('wrap', 'Wrap long lines', options.onWrap);
    this.element = h(
      'div',
      { class: 'log-tools', role: 'toolbar', 'aria-label': 'Log' },
      this.#search,
      this.#count,
      toolButton('up', 'Previous match (Shift+Enter)', () => options.onMove(-1)),
      toolButton('down', 'Next match (Enter)', () => options.onMove(1)),
      h('span', { class: 'grow' }),
      this.#follow,
      this.#wrap,
      toolButton('copy', 'Copy the selection, or the whole log', options.copy),
      toolButton('file', 'Open the whole log in an editor', options.openWhole),
    );
    this.#search.addEventListener('input', () => options.onQuery(this.#search.value));
    this.#search.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** Whether the user is about to search. */
  get searching(): boolean {
    return document.activeElement === this.#search;
  }

  focus(): void {
    this.#search.focus();
    this.#search.select();
  }

  showToggles(follow: boolean, wrap: boolean): void {
    setAttributes(this.#follow, { 'aria-pressed': String(follow) });
    setAttributes(this.#wrap, { 'aria-pressed': String(wrap) });
  }

  showCount(text: string): void {
    setText(this.#count, text);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Enter') {
      event.preventDefault();
      this.#options.onMove(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      this.#search.value = '';
      this.#options.onLeave();
    }
  }
}

function toolButton(name: IconName, label: string, act: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'tool', 'aria-label': label, title: label });
  button.append(icon(name));
  button.addEventListener('click', act);
  return button;
}
