import { keptLines, type LogLine, type PanelLog } from '../../src/messages/job-panel.ts';
import { plainLine } from '../../src/messages/terminal-text.ts';

/** The lines of one log that the page has, each with its place in the whole log. */
export class LogLines {
  #lines: LogLine[] = [];
  #first = 0;

  get first(): number {
    return this.#first;
  }

  get length(): number {
    return this.#lines.length;
  }

  /** @param index from 0 in what is here */
  at(index: number): LogLine | undefined {
    return this.#lines[index];
  }

  clear(): void {
    this.#lines = [];
    this.#first = 0;
  }

  /** Takes a message; answers how many lines were dropped at the head, or -1 when it begins anew. */
  take({ from, first, lines }: Pick<PanelLog, 'from' | 'first' | 'lines'>): number {
    const next = this.#first + this.#lines.length;
    const anew = from !== next;
    if (anew) {
      this.#lines = [];
      this.#first = from;
    }
    for (const line of lines) {
      this.#lines.push(line);
    }
    // The sender keeps an eighth more before it cuts; here too the cut is made seldom.
    const excess = Math.max(first - this.#first, this.#lines.length - Math.ceil(keptLines * 1.125));
    if (excess > 0) {
      this.#lines = this.#lines.slice(excess);
      this.#first += excess;
    }
    return anew ? -1 : Math.max(0, excess);
  }

  text(from = 0, to = this.#lines.length): string {
    return this.#lines
      .slice(from, to)
      .map((line) => plainLine(line.text))
      .join('\n');
  }

  /** Places (from 0 in what is here) of the lines that contain a text, whatever its case; not more than `most`. */
  find(text: string, most: number): number[] {
    const wanted = text.toLowerCase();
    const hits: number[] = [];
    for (let i = 0; wanted !== '' && i < this.#lines.length && hits.length < most; i++) {
      if (
        plainLine(this.#lines[i]?.text ?? '')
          .toLowerCase()
          .includes(wanted)
      ) {
        hits.push(i);
      }
    }
    return hits;
  }
}
