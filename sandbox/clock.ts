/** Time as the meter sees it; tests may push it forward to make money and windows pass. */
export class Clock {
  #offset = 0;
  #skew = 0;

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** The time as answers tell it, RFC 3339 text. */
  iso(): string {
    return new Date(this.now() + this.#skew).toISOString();
  }

  /** Lets the times of answers to come be wrong by so many minutes; meters go on as before. */
  skew(minutes: number): void {
    this.#skew = minutes * 60_000;
  }

  /** Lets the given seconds pass at once. */
  advance(seconds: number): void {
    this.#offset += seconds * 1000;
  }
}
