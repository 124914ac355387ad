import { Emitter, type Disposable } from './disposables.ts';

/** What is known of a list, and since when. */
export interface ListState<T> {
  /** The last good answer; kept when a later refresh fails, since an emptied list would hide a running bill. */
  items: T[] | undefined;
  /** When that answer came. */
  seen: Date | undefined;
  /** Why the latest refresh failed; undefined when it did not. */
  error: unknown;
}

/** A fetch under way, and whether one more was asked for meanwhile. */
interface Running {
  done: Promise<void>;
  abort: AbortController;
  again: boolean;
}

/** A list that is fetched again and again while somebody looks at it, one fetch at a time. */
export class PolledList<T> implements Disposable {
  readonly #load: (signal: AbortSignal) => Promise<T[]>;
  readonly #intervalMs: () => number;
  readonly #changed = new Emitter<ListState<T>>();
  readonly onDidChange = this.#changed.event;
  #state: ListState<T> = { items: undefined, seen: undefined, error: undefined };
  #visible = false;
  #enabled = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Running | undefined;
  #disposed = false;

  constructor(load: (signal: AbortSignal) => Promise<T[]>, intervalMs: () => number) {
    this.#load = load;
    this.#intervalMs = intervalMs;
  }

  get state(): ListState<T> {
    return this.#state;
  }

  /** Looking at the list fetches at once and then at intervals; looking away stops that. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    clearTimeout(this.#timer);
    if (visible) {
      void this.refresh();
    }
  }

  /**
   * Fetches now. While a fetch is under way, one more is remembered and starts when that has ended, since the
   * running one may have missed what its caller just changed.
   */
  async refresh(): Promise<void> {
    if (this.#disposed || !this.#enabled) {
      return;
    }
    if (this.#running !== undefined) {
      this.#running.again = true;
      return this.#running.done;
    }
    clearTimeout(this.#timer);
    const running: Running = { done: Promise.resolve(), abort: new AbortController(), again: false };
    this.#running = running;
    running.done = this.#fetchUntilCurrent(running);
    return running.done;
  }

  /**
   * Forgets everything, for another account; an answer that is under way is ignored. Only an enabled list fetches:
   * nothing is asked while nobody is signed in or the folder is not trusted.
   */
  restart(enabled: boolean): void {
    this.#enabled = enabled;
    this.#running?.abort.abort();
    this.#running = undefined;
    clearTimeout(this.#timer);
    this.#set({ items: undefined, seen: undefined, error: undefined });
    if (this.#visible) {
      void this.refresh();
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#running?.abort.abort();
    clearTimeout(this.#timer);
    this.#changed.dispose();
  }

  async #fetchUntilCurrent(running: Running): Promise<void> {
    await this.#fetch(running.abort.signal);
    if (running.again && !running.abort.signal.aborted) {
      running.again = false;
      return this.#fetchUntilCurrent(running);
    }
    if (this.#running === running) {
      this.#running = undefined;
      this.#schedule();
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    try {
      const items = await this.#load(signal);
      if (!signal.aborted) {
        this.#set({ items, seen: new Date(), error: undefined });
      }
    } catch (error) {
      if (!signal.aborted) {
        this.#set({ ...this.#state, error });
      }
    }
  }

  #schedule(): void {
    if (this.#visible && !this.#disposed) {
      this.#timer = setTimeout(() => void this.refresh(), this.#intervalMs());
    }
  }

  #set(state: ListState<T>): void {
    this.#state = state;
    this.#changed.fire(state);
  }
}
