import type { VolumeEntry } from '../../core/volumes/browse/pod-tree.ts';

export interface Listing {
  entries: VolumeEntry[];
  /** Entries that are not shown. */
  more: number;
}

/**
 * Folders as they were seen last. They are answered at once and looked at again, so that rows stay in place and can be
 * used while the view refreshes; what differs then is told.
 */
export class Listings {
  readonly #ask: (volume: string, path: string) => Promise<Listing>;
  readonly #changed: () => void;
  readonly #known = new Map<string, Listing>();

  /** @param changed told when a folder is not as it was answered */
  constructor(ask: (volume: string, path: string) => Promise<Listing>, changed: () => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  /** What lies in a folder. Rejects as it cannot be listed now, also when it was before. */
  async of(volume: string, path: string): Promise<Listing> {
    const key = JSON.stringify([volume, path]);
    const known = this.#known.get(key);
    const asked = this.#look(key, volume, path);
    if (known === undefined) {
      return asked;
    }
    void asked.then(
      (now) => JSON.stringify(now) === JSON.stringify(known) || this.#changed(),
      () => this.#changed(),
    );
    return known;
  }

  /** For another account. */
  forget(): void {
    this.#known.clear();
  }

  async #look(key: string, volume: string, path: string): Promise<Listing> {
    try {
      const listing = await this.#ask(volume, path);
      this.#known.set(key, listing);
      return listing;
    } catch (error) {
      this.#known.delete(key);
      throw error;
    }
  }
}
