export type Point = readonly [x: number, y: number | null];

export interface Scale {
  min: number;
  max: number;
  /** Round values inside or at the ends, ascending. */
  ticks: number[];
}

/** A range with round ends that holds all values; a single value gets room on both sides. */
export function scaleOf(values: readonly number[], wanted = 4): Scale {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (low > high) {
    return { min: 0, max: 1, ticks: [0, 1] };
  }
  if (low === high) {
    const room = Math.abs(low) * 0.1 || 1;
    low -= room;
    high += room;
  }
  const step = roundStep((high - low) / wanted);
  // Numbers at the ends of what a computer can hold have no round steps.
  if (!Number.isFinite(step) || step === 0) {
    return { min: low, max: high, ticks: [low, high] };
  }
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: Math.min(20, last - first + 1) }, (_, i) => clean((first + i) * step));
  return { min: ticks[0] ?? low, max: ticks.at(-1) ?? high, ticks };
}

/** 1, 2 or 5 times a power of ten, not below `rough`. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const parts = rough / power;
  return power * (parts <= 1 ? 1 : parts <= 2 ? 2 : parts <= 5 ? 5 : 10);
}

/** Takes away what binary fractions leave behind: 0.30000000000000004. */
function clean(n: number): number {
  return Number(n.toPrecision(12));
}

/** SVG path through the points; a gap where y is no number. */
export function linePath(points: readonly Point[], x: (n: number) => number, y: (n: number) => number): string {
  const parts: string[] = [];
  let pen = 'M';
  for (const [px, py] of points) {
    if (py === null) {
      pen = 'M';
    } else {
      parts.push(`${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`);
      pen = 'L';
    }
  }
  return parts.join('');
}
