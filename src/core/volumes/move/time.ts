import type { VolumeSize } from './size.ts';
import type { MovePod, MoveWay } from './way.ts';

/** How long a move may take, on assumptions that `basis` states; a sentence. */
export interface MoveTime {
  lowSeconds: number;
  highSeconds: number;
  basis: string;
}

/** Seconds until both pods answer, on cold hosts slowly. */
const pods = { low: 45, high: 420 };
/** Bytes per second. Each volume is read once more to compare them. */
const rates: Record<MoveWay, { slow: number; fast: number; line: string }> = {
  'pod-to-pod': { slow: 15e6, fast: 200e6, line: 'a line of 15 to 200 MB/s between the data centers' },
  'this-machine': { slow: 1.25e6, fast: 25e6, line: 'a line of 10 to 200 Mbit/s at this machine' },
  s3: { slow: 0.6e6, fast: 12e6, line: 'a line of 10 to 200 Mbit/s at this machine, which every byte passes twice' },
};
const reading = { slow: 80e6, fast: 500e6 };

/** Null where nobody knows how much there is. */
export function moveTime(way: MoveWay, size: VolumeSize | null): MoveTime | null {
  if (size === null) {
    return null;
  }
  const { slow, fast, line } = rates[way];
  const start = way === 's3' ? { low: 2, high: 10 } : pods;
  const started = way === 's3' ? '' : ', and half a minute to seven minutes until the pods answer';
  return {
    lowSeconds: Math.round(start.low + size.bytes / fast + size.bytes / reading.fast),
    highSeconds: Math.round(start.high + size.bytes / slow + size.bytes / reading.slow),
    basis: `Assumes that all of it has to be sent, ${line}${started}.`,
  };
}

/** USD that the pods cost at most in that time; null where a price or the time is not known. */
export function movePodsCost(rented: readonly MovePod[], time: MoveTime | null): number | null {
  const perHour = rented.reduce<number | null>(
    (sum, { costPerHour }) => (sum === null || costPerHour === null ? null : sum + costPerHour),
    0,
  );
  return perHour === null || time === null ? null : (perHour * time.highSeconds) / 3600;
}
