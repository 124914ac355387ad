import type { Disposable } from '../common/disposables.ts';

/** Does something once when nobody has touched anything for a while, however often it was asked for meanwhile. */
export class AfterPause implements Disposable {
  readonly #work: () => void;
  readonly #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(work: () => void, pauseMs: number) {
    this.#work = work;
    this.#pauseMs = pauseMs;
  }

  /** There is something to do after the pause. */
  ask(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#work();
    }, this.#pauseMs);
  }

  /** Somebody is still at it: what is to be done waits for another pause. */
  putOff(): void {
    if (this.#timer !== undefined) {
      this.ask();
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
