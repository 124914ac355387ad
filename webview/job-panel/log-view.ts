import type { PanelLog } from '../../src/messages/job-panel.ts';
import { parseLine, plainLine } from '../../src/messages/terminal-text.ts';
import { h, setText } from '../page/dom.ts';
import { LogLayout, textWidth } from './log-layout.ts';
import { LogLines } from './log-lines.ts';
import { columnsIn, marked, pieceElement } from './log-row.ts';
import { LogSearch } from './log-search.ts';
import { LogTools } from './log-tools.ts';

const rowHeight = 18;
/** Rows above and below what is seen, so that fast scrolling shows no holes. */
const spare = 30;

export interface LogViewOptions {
  copy: (text: string) => void;
  openWhole: () => void;
  /** A choice of the user that is worth keeping over a reload. */
  onWrap: (wrap: boolean) => void;
}

/** A log of any length of which only what is seen is in the page. Follows the end until the user scrolls up. */
export class LogView {
  readonly element: HTMLElement;
  readonly #options: LogViewOptions;
  readonly #lines = new LogLines();
  readonly #layout = new LogLayout();
  readonly #rows = new Map<number, HTMLElement>();
  readonly #scroller: HTMLElement;
  readonly #space: HTMLElement;
  readonly #window: HTMLElement;
  readonly #older: HTMLElement;
  readonly #olderText: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #tools: LogTools;
  readonly #search = new LogSearch();
  #follow = true;
  #wrap: boolean;
  /** Where the last scrolling ended, to tell up from down. */
  #seen = 0;
  /** The end has moved since it was last shown. */
  #grown = false;
  #frame = 0;

  constructor(options: LogViewOptions, wrap: boolean) {
    this.#options = options;
    this.#wrap = wrap;
    this.#tools = new LogTools({
      onQuery: (query) => this.#find(query),
      onMove: (by) => this.#move(by),
      onLeave: () => this.#leaveSearch(),
      onFollow: () => this.#setFollow(!this.#follow),
      onWrap: () => this.#setWrap(!this.#wrap),
      copy: () => this.#copy(),
      openWhole: options.openWhole,
    });
    this.#olderText = h('span');
    const olderLink = h('button', { type: 'button', class: 'link' }, 'Open the whole log');
    olderLink.addEventListener('click', options.openWhole);
    this.#older = h('p', { class: 'log-older', hidden: true }, this.#olderText, ' ', olderLink);
    this.#empty = h('p', { class: 'empty' });
    this.#window = h('div', { class: 'log-window' });
    this.#space = h('div', { class: 'log-space' }, this.#window);
    this.#scroller = h('div', { class: 'log', tabindex: '0', role: 'region', 'aria-label': 'Log' }, this.#space);
    this.element = h('div', { class: 'log-view' }, this.#tools.element, this.#older, this.#empty, this.#scroller);
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#measure()).observe(this.#scroller);
    this.#showToggles();
  }

  /** Another step's log; empty until its lines come. */
  show(label: string): void {
    this.#lines.clear();
    this.#forgetRows();
    this.#search.clear();
    this.#tools.showCount(this.#search.count);
    this.#follow = true;
    this.#scroller.setAttribute('aria-label', label);
    this.#relayout();
    this.#showToggles();
  }

  /** What is said while there is no line. */
  setEmptyText(text: string): void {
    setText(this.#empty, text);
  }

  append(message: PanelLog): void {
    this.#grown = true;
    const before = this.#lines.length;
    const dropped = this.#lines.take(message);
    if (dropped !== 0) {
      this.#forgetRows();
      const kept = this.#layout.rows;
      this.#relayout();
      // What the user reads stays where it is although lines above it are gone.
      this.#scroller.scrollTop -= dropped > 0 ? Math.max(0, kept - this.#layout.rows) * rowHeight : 0;
    } else {
      for (let i = before; i < this.#lines.length; i++) {
        this.#layout.add(this.#widthAt(i));
      }
    }
    if (this.#search.query !== '') {
      this.#findAgain();
    }
    this.#schedule();
  }

  /** Makes the lines that are seen again, for colors that were computed. */
  repaint(): void {
    this.#forgetRows();
    this.#schedule();
  }

  focusSearch(): void {
    this.#tools.focus();
  }

  #widthAt(index: number): number {
    return this.#wrap ? textWidth(plainLine(this.#lines.at(index)?.text ?? '')) : 0;
  }

  #measure(): void {
    if (this.#wrap && columnsIn(this.#window, this.#scroller.clientWidth) !== this.#layout.columns) {
      this.#relayout();
    }
    this.#grown = true;
    this.#schedule();
  }

  #relayout(): void {
    this.#grown = true;
    this.#layout.reset(this.#wrap ? columnsIn(this.#window, this.#scroller.clientWidth) : 0);
    for (let i = 0; i < this.#lines.length; i++) {
      this.#layout.add(this.#widthAt(i));
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#render();
      });
    }
  }

  #render(): void {
    const { length, first } = this.#lines;
    this.#empty.hidden = length > 0;
    this.#scroller.hidden = length === 0;
    this.#older.hidden = first === 0;
    const [newest, older] = [length, first].map((count) => count.toLocaleString('en'));
    setText(this.#olderText, `The newest ${newest} lines; ${older} older ones are recorded, and not searched here.`);
    this.#space.style.height = `${this.#layout.rows * rowHeight}px`;
    this.#scroller.classList.toggle('wrapped', this.#wrap);
    // Only when there is something new: else this would hold back a user who begins to scroll up.
    if (this.#follow && this.#grown) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
      this.#seen = this.#scroller.scrollTop;
    }
    this.#grown = false;
    const top = this.#scroller.scrollTop;
    const lastRow = Math.ceil((top + this.#scroller.clientHeight) / rowHeight) + spare;
    const from = this.#layout.lineAt(Math.max(0, Math.floor(top / rowHeight) - spare));
    const to = length === 0 ? 0 : Math.min(length, this.#layout.lineAt(Math.min(lastRow, this.#layout.rows - 1)) + 1);
    this.#window.style.transform = `translateY(${this.#layout.rowOf(from) * rowHeight}px)`;
    this.#fill(from, to);
  }

  /** Puts lines in the page and takes others out, without touching those that stay: a selection survives. */
  #fill(from: number, to: number): void {
    const offset = this.#lines.first;
    for (const [line, row] of this.#rows) {
      if (line < offset + from || line >= offset + to) {
        row.remove();
        this.#rows.delete(line);
      }
    }
    let after: ChildNode | null = this.#window.firstChild;
    for (let i = from; i < to; i++) {
      const known = this.#rows.get(offset + i);
      const row = known ?? this.#row(i);
      if (known === undefined) {
        this.#rows.set(offset + i, row);
        this.#window.insertBefore(row, after);
      }
      after = row.nextSibling;
    }
  }

  #row(index: number): HTMLElement {
    const line = this.#lines.at(index);
    const pieces = parseLine(line?.text ?? '');
    const current = this.#search.line === index;
    return h(
      'div',
      { class: `log-row${line?.err === true ? ' err' : ''}${current ? ' current' : ''}` },
      h('span', { class: 'log-number', 'data-n': String(this.#lines.first + index + 1) }),
      h('span', { class: 'log-text' }, ...marked(pieces, this.#search.query).map(pieceElement)),
    );
  }

  #forgetRows(): void {
    this.#rows.clear();
    this.#window.replaceChildren();
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const left = scrollHeight - clientHeight - scrollTop;
    // The smallest step up is meant, as a slow scroll begins with one; a log that was cut stays at its very end.
    if (this.#follow && scrollTop < this.#seen && left > 2) {
      this.#follow = false;
      this.#showToggles();
    } else if (!this.#follow && left < rowHeight && scrollTop > this.#seen) {
      this.#follow = true;
      this.#showToggles();
    }
    this.#seen = scrollTop;
    this.#schedule();
  }

  #setFollow(follow: boolean): void {
    this.#grown = true;
    this.#follow = follow;
    this.#showToggles();
    this.#schedule();
  }

  #setWrap(wrap: boolean): void {
    this.#wrap = wrap;
    this.#options.onWrap(wrap);
    this.#forgetRows();
    this.#relayout();
    this.#showToggles();
  }

  #showToggles(): void {
    this.#tools.showToggles(this.#follow, this.#wrap);
  }

  /** Finds from what is seen on, and goes there. */
  #find(query: string): void {
    const seen = this.#layout.lineAt(Math.floor(this.#scroller.scrollTop / rowHeight));
    this.#search.start(this.#lines, query, seen);
    this.#showHit();
  }

  #findAgain(): void {
    this.#search.again(this.#lines);
    // The first match may come after its text was typed.
    if (this.#search.line === undefined && this.#search.found && this.#tools.searching) {
      this.#search.first();
      this.#showHit();
    } else {
      this.#tools.showCount(this.#search.count);
    }
  }

  #move(by: 1 | -1): void {
    if (this.#search.found) {
      this.#search.move(by);
      this.#showHit();
    }
  }

  #leaveSearch(): void {
    this.#search.stop();
    this.#showHit();
    this.#scroller.focus();
  }

  #showHit(): void {
    this.#goToHit();
    this.#forgetRows();
    this.#tools.showCount(this.#search.count);
    this.#schedule();
  }

  #goToHit(): void {
    const { line } = this.#search;
    if (line === undefined) {
      return;
    }
    this.#follow = false;
    this.#showToggles();
    const row = this.#layout.rowOf(line) * rowHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    if (row < scrollTop || row + rowHeight > scrollTop + clientHeight) {
      this.#scroller.scrollTop = row - clientHeight / 2;
    }
  }

  #copy(): void {
    const selected = document.getSelection()?.toString() ?? '';
    this.#options.copy(selected === '' ? this.#lines.text() : selected);
  }
}
