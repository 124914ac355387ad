import type { PriceLens } from './lenses.ts';

/** A project file as the editor shows it. */
export interface PricedText {
  uri: string;
  file: string;
  text: string;
  /** Changed since it was saved. */
  dirty: boolean;
}

/** Prices and stock change within minutes. */
const priceMs = 120_000;
/** A price takes up to three requests of the 60 that an account has a minute, which its jobs need too. */
const pauseMs = 15_000;

/**
 * The last price of every project file; nobody waits for one. It is asked for saved texts only and once in a pause for
 * each file, so that neither typing nor saving by itself uses up the requests of an account.
 */
export class KnownPrices {
  readonly #ask: (file: string, text: string) => Promise<PriceLens | undefined>;
  readonly #changed: () => void;
  readonly #prices = new Map<string, { of: string; at: number; price: PriceLens | undefined }>();
  readonly #later = new Map<string, NodeJS.Timeout>();

  /** `changed` is called when a price is another one, or when one that had to wait may be asked for. */
  constructor(ask: (file: string, text: string) => Promise<PriceLens | undefined>, changed: () => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  /** The last price known at once, perhaps that of an earlier text; asks for a newer one where it may. */
  of({ uri, file, text, dirty }: PricedText, restUrl: string): PriceLens | undefined {
    const of = `${restUrl}\n${text}`;
    const known = this.#prices.get(uri);
    const age = Date.now() - (known?.at ?? -Infinity);
    if (dirty || (known?.of === of && age <= priceMs)) {
      return known?.price;
    }
    if (age < pauseMs) {
      if (!this.#later.has(uri)) {
        const again = (): void => {
          this.#later.delete(uri);
          this.#changed();
        };
        this.#later.set(uri, setTimeout(again, pauseMs - age));
      }
      return known?.price;
    }
    const asked = { of, at: Date.now(), price: known?.price };
    this.#prices.set(uri, asked);
    void this.#ask(file, text).then((price) => {
      const differs = JSON.stringify(asked.price) !== JSON.stringify(price);
      if (this.#prices.get(uri) === asked && differs) {
        asked.price = price;
        this.#changed();
      }
    });
    return asked.price;
  }

  dispose(): void {
    for (const timer of this.#later.values()) {
      clearTimeout(timer);
    }
    this.#later.clear();
  }
}
