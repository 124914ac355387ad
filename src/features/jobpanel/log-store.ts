import { caps, keptLines, type LogLine } from '../../messages/job-panel.ts';

/** Characters that are kept of a step's log, so that long lines do not fill the memory either. */
const keptChars = 8_000_000;

/** The newest lines of one step's log. Lines have their place in the whole log, from 0. */
export class StepLog {
  #lines: LogLine[] = [];
  #first = 0;
  #chars = 0;
  readonly #limits: { lines: number; chars: number };

  constructor(limits = { lines: keptLines, chars: keptChars }) {
    this.#limits = limits;
  }

  /** Place of the oldest line that is kept. */
  get first(): number {
    return this.#first;
  }

  /** Place of the next line. */
  get end(): number {
    return this.#first + this.#lines.length;
  }

  add(texts: readonly string[], err: boolean): void {
    for (const text of texts) {
      const line = { text: text.length > caps.line ? text.slice(0, caps.line) : text, err };
      this.#lines.push(line);
      this.#chars += line.text.length;
    }
    const { lines, chars } = this.#limits;
    // An eighth more than the limit may lie here, since each cut copies what stays.
    if (this.#lines.length > lines * 1.125 || this.#chars > chars) {
      this.#cut(lines, chars);
    }
  }

  /** Lines from a place on, as many as one message may carry. */
  batch(from: number): { from: number; lines: LogLine[] } {
    const start = Math.max(from, this.#first);
    const lines: LogLine[] = [];
    let chars = 0;
    for (let i = start - this.#first; i < this.#lines.length && lines.length < caps.logLines; i++) {
      const line = this.#lines[i];
      if (line === undefined || chars + line.text.length > caps.logChars) {
        break;
      }
      chars += line.text.length;
      lines.push(line);
    }
    return { from: start, lines };
  }

  #cut(lines: number, chars: number): void {
    let drop = Math.max(0, this.#lines.length - lines);
    let left = this.#chars - this.#lines.slice(0, drop).reduce((sum, l) => sum + l.text.length, 0);
    while (left > chars * 0.875 && drop < this.#lines.length) {
      left -= this.#lines[drop]?.text.length ?? 0;
      drop++;
    }
    this.#lines = this.#lines.slice(drop);
    this.#first += drop;
    this.#chars = left;
  }
}
