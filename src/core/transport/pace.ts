const windowMs = 5000;
/** A rate over less time than this jumps about. */
const leastMs = 500;

/** At first what is there already is counted at once; that is no pace. */
const settleMs = 300;

export interface PaceNow {
  /** Over the last few seconds; undefined until there is one. */
  bytesPerSecond: number | undefined;
  /** Undefined while nobody can say. */
  secondsLeft: number | undefined;
}

/** How fast a transfer is, and how long it may still take. */
export class Pace {
  #samples: { ms: number; bytes: number }[] = [];
  #begun: number | undefined;

  /** Takes in how far the transfer is; `ms` is any clock that does not jump. */
  at(bytes: number, bytesTotal: number, ms = performance.now()): PaceNow {
    this.#begun ??= ms;
    const before = ms - this.#begun < settleMs ? [] : this.#samples.filter((sample) => ms - sample.ms <= windowMs);
    this.#samples = [...before, { ms, bytes }];
    const first = this.#samples[0] ?? { ms, bytes };
    const elapsed = ms - first.ms;
    if (elapsed < leastMs) {
      return { bytesPerSecond: undefined, secondsLeft: undefined };
    }
    // Bytes of an attempt that came to nothing are taken back.
    const bytesPerSecond = (Math.max(0, bytes - first.bytes) / elapsed) * 1000;
    const left = Math.max(0, bytesTotal - bytes);
    return { bytesPerSecond, secondsLeft: bytesPerSecond === 0 ? undefined : left / bytesPerSecond };
  }
}
