/** Folds a letter to six bits, the same for both cases. */
const folded = (code: number): number => ((code >> 1) & 0x20) | (code & 0x1f);
/** Three letters. */
const bits = 0x3ffff;

/** Words that are looked for in a text all at once, in any case; none is shorter than three letters. */
export class Needles {
  readonly #words: readonly string[];
  /** By the last three letters that were seen: which words begin with them, from 1. */
  readonly #table = new Uint8Array(bits + 1);
  readonly #groups: string[][] = [];

  constructor(words: Iterable<string>) {
    this.#words = [...new Set(words)];
    for (const word of this.#words) {
      const at = [0, 1, 2].reduce((hash, k) => (hash << 6) | folded(word.charCodeAt(k)), 0);
      if (this.#table[at] === 0) {
        this.#table[at] = this.#groups.push([]);
      }
      this.#groups[(this.#table[at] ?? 1) - 1]?.push(word);
    }
  }

  /** Those of the words that are in the text. */
  in(text: string): ReadonlySet<string> {
    const found = new Set<string>();
    const table = this.#table;
    let hash = 0;
    for (let at = 0; at < text.length; at += 1) {
      hash = ((hash << 6) | folded(text.charCodeAt(at))) & bits;
      const group = table[hash] ?? 0;
      if (group !== 0) {
        for (const word of this.#groups[group - 1] ?? []) {
          if (!found.has(word) && text.slice(at - 2, at - 2 + word.length).toLowerCase() === word.toLowerCase()) {
            found.add(word);
          }
        }
      }
    }
    return found;
  }
}
