import type { LogLines } from './log-lines.ts';

const mostHits = 10_000;

/** What is looked for in a log, where it was found, and at which of these places the user is. */
export class LogSearch {
  #query = '';
  #hits: number[] = [];
  #at = -1;

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
    return this.found ? `${this.#at + 1} of ${total}` : 'No match';
  }

  /** Another log: the query stays. */
  clear(): void {
    this.#hits = [];
    this.#at = -1;
  }

  /** Looks for a text from the line `from` on. */
  start(lines: LogLines, query: string, from: number): void {
    this.#query = query;
    this.#hits = lines.find(query, mostHits);
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
    this.#hits = lines.find(this.#query, mostHits);
    this.#at = line === undefined ? -1 : this.#hits.indexOf(line);
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
