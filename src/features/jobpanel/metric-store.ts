import { caps, type Series } from '../../messages/job-panel.ts';

type Point = [x: number, y: number | null];

/** Names that count progress: the first one that a report has is x. */
const counters = ['step', 'global_step', 'iteration', 'batch', 'epoch'];

interface Kept {
  points: Point[];
  count: number;
  last: number | null;
  notFinite: number;
}

/** The metrics that one step reported, thinned so that a night of them stays small and no spike is lost. */
export class StepMetrics {
  readonly #series = new Map<string, Kept>();
  readonly #refused = new Set<string>();
  #x: string | null | undefined;

  /** @param seconds since the step began, x where the reports do not count anything themselves */
  add(values: Readonly<Record<string, number | null>>, seconds: number): void {
    this.#x ??= counters.find((name) => typeof values[name] === 'number') ?? null;
    const counted = this.#x === null ? undefined : values[this.#x];
    const x = this.#x === null ? Math.max(0, seconds) : typeof counted === 'number' ? counted : undefined;
    for (const [name, y] of Object.entries(values)) {
      if (name !== this.#x) {
        this.#add(name.slice(0, caps.name), x, y);
      }
    }
  }

  get x(): string | null {
    return this.#x ?? null;
  }

  get more(): number {
    return this.#refused.size;
  }

  get empty(): boolean {
    return this.#series.size === 0;
  }

  series(): Series[] {
    return [...this.#series].map(([name, kept]) => ({ name, ...kept }));
  }

  #add(name: string, x: number | undefined, y: number | null): void {
    let kept = this.#series.get(name);
    if (kept === undefined) {
      if (this.#series.size >= caps.series) {
        if (this.#refused.size < 1000) {
          this.#refused.add(name);
        }
        return;
      }
      kept = { points: [], count: 0, last: null, notFinite: 0 };
      this.#series.set(name, kept);
    }
    kept.count++;
    kept.last = y;
    kept.notFinite += y === null ? 1 : 0;
    // A report that lacks the counter belongs to the place of the one before it.
    kept.points.push([x ?? kept.points.at(-1)?.[0] ?? 0, y]);
    if (kept.points.length > caps.points) {
      kept.points = thinned(kept.points);
    }
  }
}

/** Of every eight points the lowest, the highest and the first that is no number, in their order. */
export function thinned(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let at = 0; at < points.length; at += 8) {
    const group = points.slice(at, at + 8);
    const finite = group.filter((p) => p[1] !== null);
    const sorted = finite.toSorted((a, b) => (a[1] ?? 0) - (b[1] ?? 0));
    const chosen = new Set([sorted[0], sorted.at(-1), group.find((p) => p[1] === null)]);
    kept.push(...group.filter((p) => chosen.has(p)));
  }
  return kept;
}
