import type { LogLines } from './log-lines.ts';

const mostHits = 10_000;

/** What is looked for in a log, where it was found, and at which of these places the user is. */
export class LogSearch {
  #query = '';
  #hits: number[] = [];
  #at = -1;
  /** How many lines were searched, when there are older ones that were not. */
  #newest: number | undefined;

  get query(): string {
    return this.#query;
  }

  /** Index of the line of the present match; undefined when there is none. */
  get line(): number | undefined {
    return this.#hits[this.#at];
  }

  get found(): boolean {
    return this.#hits.length > 0;
  }

  /** `3 of 17`, or nothing while nothing is looked for. */
  get count(): string {
    if (this.#query === '') {
      return '';
    }
    const total = this.#hits.length === mostHits ? `${mostHits}+` : String(this.#hits.length);
    const where = this.#newest === undefined ? '' : ` in the newest ${this.#newest.toLocaleString('en')} lines`;
    return this.found ? `${this.#at + 1} of ${total}` : `No match${where}`;
  }

  /** Another log: the query stays. */
  clear(): void {
    this.#hits = [];
    this.#at = -1;
  }

  /** Looks for a text from the line `from` on. */
  start(lines: LogLines, query: string, from: number): void {
    this.#query = query;
    this.#look(lines);
    this.#at = this.found
      ? Math.max(
          0,
          this.#hits.findIndex((line) => line >= from),
        )
      : -1;
  }

  /** Looks again in lines that have changed, and stays at the present match while that is there. */
  again(lines: LogLines): void {
    const { line } = this;
    this.#look(lines);
    this.#at = line === undefined ? -1 : this.#hits.indexOf(line);
  }

  #look(lines: LogLines): void {
    this.#hits = lines.find(this.#query, mostHits);
    this.#newest = lines.first === 0 ? undefined : lines.length;
  }

  /** Ends the search. */
  stop(): void {
    this.#query = '';
    this.clear();
  }

  move(by: number): void {
    this.#at = (this.#at + by + this.#hits.length) % this.#hits.length;
  }

  first(): void {
    this.#at = 0;
  }
}
