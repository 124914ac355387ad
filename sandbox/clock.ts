/** Time as the meter sees it; tests may push it forward to make money and windows pass. */
export class Clock {
  #offset = 0;

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** The time as RFC 3339 text. */
  iso(): string {
    return new Date(this.now()).toISOString();
  }

  /** Lets the given seconds pass at once. */
  advance(seconds: number): void {
    this.#offset += seconds * 1000;
  }
}
