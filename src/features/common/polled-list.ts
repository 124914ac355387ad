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

/** What a fetch found; `seen` where another window has asked, and it is older than now. */
export type Loaded<T> = T[] | { items: T[]; seen: Date };

/** How often a list is fetched while nobody looks at it. */
export interface Pace {
  everyMs: () => number;
  /** An answer that another window had may be so old; as `everyMs` unless told. */
  maxAgeMs?: () => number;
}

/** A fetch under way, and whether one more was asked for meanwhile. */
interface Running {
  done: Promise<void>;
  abort: AbortController;
  maxAgeMs: number;
  again: boolean;
}

/** An answer of another window may be about to be too old; nobody waits for less than this, in ms. */
const leastMs = 250;

/** A list that is fetched again and again while somebody looks at it, one fetch at a time. */
export class PolledList<T> implements Disposable {
  readonly #load: (signal: AbortSignal, maxAgeMs: number) => Promise<Loaded<T>>;
  readonly #intervalMs: () => number;
  readonly #changed = new Emitter<ListState<T>>();
  readonly onDidChange = this.#changed.event;
  #state: ListState<T> = { items: undefined, seen: undefined, error: undefined };
  #visible = false;
  #background: Pace | undefined;
  #enabled = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Running | undefined;
  #disposed = false;

  /**
   * @param load may answer what somebody else was told, if that is not older than `maxAgeMs`
   * @param intervalMs pause between two fetches while somebody looks
   */
  constructor(load: (signal: AbortSignal, maxAgeMs: number) => Promise<Loaded<T>>, intervalMs: () => number) {
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
      void this.refresh(this.#intervalMs());
    } else {
      this.#schedule();
    }
  }

  /** Goes on fetching at this pace while nobody looks; the first fetch comes after one interval. */
  setBackground(pace: Pace | undefined): void {
    if (pace !== this.#background) {
      this.#background = pace;
      clearTimeout(this.#timer);
      this.#schedule();
    }
  }

  /**
   * Fetches now; what others were told may do if it is not older than this. While a fetch is under way, one more is
   * remembered and starts when that has ended, since the running one may have missed what its caller just changed.
   */
  async refresh(maxAgeMs = 0): Promise<void> {
    if (this.#disposed || !this.#enabled) {
      return;
    }
    if (this.#running !== undefined) {
      this.#running.again ||= maxAgeMs === 0;
      return this.#running.done;
    }
    clearTimeout(this.#timer);
    const running: Running = { done: Promise.resolve(), abort: new AbortController(), maxAgeMs, again: false };
    this.#running = running;
    running.done = this.#fetchUntilCurrent(running);
    return running.done;
  }

  /** Fetches unless an answer that is younger than this is known or a fetch is under way; waits for that one then. */
  async ensure(maxAgeMs: number): Promise<void> {
    const age = this.#state.seen === undefined ? Infinity : Date.now() - this.#state.seen.getTime();
    await (this.#running === undefined ? age > maxAgeMs && this.refresh(maxAgeMs) : this.#running.done);
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
      void this.refresh(this.#intervalMs());
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
    const { signal } = running.abort;
    try {
      await this.#fetch(signal, running.maxAgeMs);
      while (running.again && !signal.aborted) {
        running.again = false;
        await this.#fetch(signal, 0);
      }
    } finally {
      if (this.#running === running) {
        this.#running = undefined;
        this.#schedule();
      }
    }
  }

  async #fetch(signal: AbortSignal, maxAgeMs: number): Promise<void> {
    try {
      const loaded = await this.#load(signal, maxAgeMs);
      const { items, seen } = Array.isArray(loaded) ? { items: loaded, seen: new Date() } : loaded;
      if (!signal.aborted) {
        this.#set({ items, seen, error: undefined });
      }
    } catch (error) {
      if (!signal.aborted) {
        this.#set({ ...this.#state, error });
      }
    }
  }

  #schedule(): void {
    const pace = this.#visible ? { everyMs: this.#intervalMs } : this.#background;
    if (pace === undefined || !this.#enabled || this.#disposed || this.#running !== undefined) {
      return;
    }
    const every = pace.everyMs();
    const maxAge = pace.maxAgeMs?.() ?? every;
    const { seen, error } = this.#state;
    // What another window was told gets old sooner.
    const age = seen === undefined || error !== undefined ? 0 : Math.max(0, Date.now() - seen.getTime());
    const ms = Math.min(every, Math.max(maxAge - age, leastMs));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(maxAge), ms);
  }

  #set(state: ListState<T>): void {
    this.#state = state;
    this.#changed.fire(state);
  }
}
