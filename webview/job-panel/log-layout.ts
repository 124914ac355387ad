/** Where the lines of a log lie, in rows of one height. Without wrapping a line is a row; with it, as many as it fills. */
export class LogLayout {
  #ends: number[] = [];
  #columns = 0;
  #count = 0;

  /** @param columns characters in a row; 0 does not wrap */
  reset(columns: number): void {
    this.#columns = columns;
    this.#ends = [];
    this.#count = 0;
  }

  get columns(): number {
    return this.#columns;
  }

  add(width: number): void {
    this.#count++;
    if (this.#columns > 0) {
      this.#ends.push((this.#ends.at(-1) ?? 0) + Math.max(1, Math.ceil(width / this.#columns)));
    }
  }

  get rows(): number {
    return this.#columns > 0 ? (this.#ends.at(-1) ?? 0) : this.#count;
  }

  /** First row of a line. */
  rowOf(line: number): number {
    return this.#columns > 0 ? (line === 0 ? 0 : (this.#ends[line - 1] ?? this.rows)) : line;
  }

  /** The line that a row belongs to. */
  lineAt(row: number): number {
    if (this.#columns === 0) {
      return Math.max(0, Math.min(this.#count - 1, Math.floor(row)));
    }
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0) > row) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return Math.max(0, low);
  }
}

/** Columns that a text takes in a monospaced font: wide characters of East Asia and pictures take two. */
export function textWidth(text: string): number {
  let width = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 9) {
      width += 7;
    } else if (code >= 0x1100 && !(code >= 0x2000 && code <= 0x2dff) && !(code >= 0xd800 && code <= 0xdfff)) {
      width++;
    }
  }
  return width;
}
