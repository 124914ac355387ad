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
  readonly #backgroundMs: () => number;
  readonly #changed = new Emitter<ListState<T>>();
  readonly onDidChange = this.#changed.event;
  #state: ListState<T> = { items: undefined, seen: undefined, error: undefined };
  #visible = false;
  #background = false;
  #enabled = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Running | undefined;
  #disposed = false;

  /**
   * @param intervalMs pause between two fetches while somebody looks
   * @param backgroundMs the same while nobody looks, and it was asked for
   */
  constructor(load: (signal: AbortSignal) => Promise<T[]>, intervalMs: () => number, backgroundMs = intervalMs) {
    this.#load = load;
    this.#intervalMs = intervalMs;
    this.#backgroundMs = backgroundMs;
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
    } else {
      this.#schedule();
    }
  }

  /** Goes on fetching, slowly, while nobody looks; the first fetch comes after one interval. */
  setBackground(background: boolean): void {
    if (background !== this.#background) {
      this.#background = background;
      clearTimeout(this.#timer);
      this.#schedule();
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

  /** Fetches unless an answer that is younger than this is known or a fetch is under way; waits for that one then. */
  async ensure(maxAgeMs: number): Promise<void> {
    const age = this.#state.seen === undefined ? Infinity : Date.now() - this.#state.seen.getTime();
    await (this.#running === undefined ? age > maxAgeMs && this.refresh() : this.#running.done);
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
    } else {
      this.#schedule();
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
    const wanted = this.#visible || this.#background;
    if (wanted && this.#enabled && !this.#disposed && this.#running === undefined) {
      const ms = this.#visible ? this.#intervalMs() : this.#backgroundMs();
      this.#timer = setTimeout(() => void this.refresh(), ms);
    }
  }

  #set(state: ListState<T>): void {
    this.#state = state;
    this.#changed.fire(state);
  }
}
