import { h } from './dom.ts';
import { icon, type IconName } from './icons.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'calm' | 'busy';

/** An icon in the color of a state; `label` says the state where no text does. */
export function mark(name: IconName, tone: Tone, label?: string): HTMLElement {
  return h('span', { class: `tone-${tone}` }, icon(name, label) as unknown as HTMLElement);
}

export interface ButtonOptions {
  /** A secondary button unless told. */
  primary?: boolean;
  /** What a screen reader says where the text alone is not enough. */
  label?: string;
  disabled?: boolean;
  /** A name by which the focus finds its button again after the page was drawn anew. */
  key?: string;
}

export function button(text: string, act: () => void, options: ButtonOptions = {}): HTMLElement {
  const element = document.createElement('vscode-button');
  element.toggleAttribute('secondary', options.primary !== true);
  element.toggleAttribute('disabled', options.disabled === true);
  element.textContent = text;
  if (options.label !== undefined) {
    element.setAttribute('aria-label', options.label);
  }
  if (options.key !== undefined) {
    element.dataset['key'] = options.key;
  }
  element.addEventListener('click', act);
  return element;
}

/** A box with an icon: something went wrong or needs attention. */
export function note(tone: 'bad' | 'warn', text: string): HTMLElement {
  return h('div', { class: `note note-${tone}` }, mark('error', tone), h('span', {}, text));
}

export function facts(rows: readonly { name: string; text: string }[]): HTMLElement {
  return h('dl', {}, ...rows.flatMap(({ name, text }) => [h('dt', {}, name), h('dd', {}, text)]));
}

export interface Column {
  title: string;
  /** A column without a title still says what it holds. */
  spoken?: string;
}

/** A table with a name; cells are text or what is built for them. */
export function table(
  label: string,
  columns: readonly string[],
  rows: readonly (readonly (string | HTMLElement)[])[],
): HTMLElement {
  return h(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': label },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...columns.map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {}, ...rows.map((cells) => h('tr', {}, ...cells.map((cell) => h('td', {}, cell))))),
    ),
  );
}

/** What the user opened or shut, by its key: it stays so when the page is drawn anew. */
const openedByHand = new Map<string, boolean>();

/** Something that opens under a line; `key` is its name on the page. */
export function disclosure(
  key: string,
  title: string,
  content: readonly (Node | string)[],
  { kind }: { kind?: string } = {},
): HTMLElement {
  const summary = h('summary', { 'data-key': key }, title);
  const element = h('details', { class: kind, open: openedByHand.get(key) ?? false }, summary, ...content);
  summary.addEventListener('click', () => openedByHand.set(key, !element.open));
  return element;
}

/** Replaces what is in an element, and puts the focus back on the control that had it. */
export function redraw(element: HTMLElement, children: (Node | string)[]): void {
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && element.contains(focused) ? focused.dataset['key'] : undefined;
  element.replaceChildren(...children);
  if (key !== undefined) {
    element.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }
}
