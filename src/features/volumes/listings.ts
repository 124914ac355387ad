import type { VolumeEntry } from '../../core/volumes/browse/pod-tree.ts';

export interface Listing {
  entries: VolumeEntry[];
  /** Entries that are not shown. */
  more: number;
}

interface Known {
  listing: Listing;
  /** When it was asked for, in ms of the monotonic clock; undefined when it may not be so any more. */
  at: number | undefined;
}

/**
 * Folders as they were seen last. They are answered at once and looked at again, so that rows stay in place and can be
 * used while the view refreshes; what differs then is told. A folder is asked for at most once an interval: files of a job
 * that runs differ at every look.
 */
export class Listings {
  readonly #ask: (volume: string, path: string) => Promise<Listing>;
  readonly #changed: () => void;
  readonly #intervalMs: () => number;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<Listing>>();

  /** @param changed told when a folder is not as it was answered */
  constructor(ask: (volume: string, path: string) => Promise<Listing>, changed: () => void, intervalMs: () => number) {
    this.#ask = ask;
    this.#changed = changed;
    this.#intervalMs = intervalMs;
  }

  /** What lies in a folder. Rejects as it cannot be listed now, also when it was before. */
  async of(volume: string, path: string): Promise<Listing> {
    const key = JSON.stringify([volume, path]);
    const known = this.#known.get(key);
    if (known?.at !== undefined && performance.now() - known.at < this.#intervalMs()) {
      return known.listing;
    }
    const isAsked = this.#asking.has(key);
    const asked = this.#asking.get(key) ?? this.#look(key, volume, path);
    if (known === undefined) {
      return asked;
    }
    if (!isAsked) {
      void asked.then(
        (now) => JSON.stringify(now) === JSON.stringify(known.listing) || this.#changed(),
        () => this.#changed(),
      );
    }
    return known.listing;
  }

  /** Somebody may have changed something: every folder is asked for again. */
  expire(): void {
    this.#asking.clear();
    this.#known.forEach((known) => (known.at = undefined));
  }

  /** For another account. */
  forget(): void {
    this.#asking.clear();
    this.#known.clear();
  }

  #look(key: string, volume: string, path: string): Promise<Listing> {
    const at = performance.now();
    const asked = this.#ask(volume, path);
    this.#asking.set(key, asked);
    /** One that was asked for before something changed must not stand for what is there since. */
    const isLatest = (): boolean => this.#asking.get(key) === asked;
    return asked.then(
      (listing) => {
        if (isLatest()) {
          this.#asking.delete(key);
          this.#known.set(key, { listing, at });
        }
        return listing;
      },
      (error: unknown) => {
        if (isLatest()) {
          this.#asking.delete(key);
          this.#known.delete(key);
        }
        throw error;
      },
    );
  }
}
