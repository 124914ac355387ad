import { byteText } from '../../words/index.ts';
import type { RouteKind } from './route.ts';
import type { TimeEstimate, TransferPlan } from './types.ts';
import { readLastKnown } from './last-transfer.ts';

/** How fast a route was the last time. */
export interface Rate {
  bytesPerSecond: number;
  /** ISO 8601. */
  at: string;
}

/** Bytes per second between which home and office lines lie: 10 and 200 Mbit/s upwards. */
const assumed = { slow: 1_250_000, fast: 25_000_000 };
/** Seconds that a small file costs beyond its bytes, several being under way at a time. */
const perFile: Record<RouteKind, { low: number; high: number }> = {
  s3: { low: 0.005, high: 0.06 },
  ssh: { low: 0.001, high: 0.03 },
  gateway: { low: 0.001, high: 0.03 },
};
/** Seconds until the first byte moves; a gateway pod has to start, on a cold host slowly. */
const startUp: Record<RouteKind, { low: number; high: number }> = {
  s3: { low: 1, high: 3 },
  ssh: { low: 2, high: 8 },
  gateway: { low: 45, high: 420 },
};

/** How long a transfer may take, from what the route did last time, else from stated assumptions. */
export function estimateTime(route: RouteKind, files: number, bytes: number, rate: Rate | undefined): TimeEstimate {
  if (files === 0 && route !== 'gateway') {
    return { lowSeconds: 0, highSeconds: startUp[route].high, basis: 'Nothing has to be sent.' };
  }
  if (files === 0) {
    return { lowSeconds: 0, highSeconds: 0, basis: 'Nothing has to be sent, so no pod is started.' };
  }
  const fast = rate === undefined ? assumed.fast : rate.bytesPerSecond * 1.25;
  const slow = rate === undefined ? assumed.slow : rate.bytesPerSecond / 2;
  const whole = (seconds: number): number => Math.max(1, Math.round(seconds));
  const line =
    rate === undefined
      ? 'Assumes a line of 10 to 200 Mbit/s upwards, for nothing was measured on this route yet'
      : `From ${byteText(rate.bytesPerSecond)}/s measured on this route at the last transfer (${rate.at})`;
  const start = route === 'gateway' ? ', and half a minute to seven minutes until the pod answers' : '';
  return {
    lowSeconds: whole(startUp[route].low + bytes / fast + files * perFile[route].low),
    highSeconds: whole(startUp[route].high + bytes / slow + files * perFile[route].high),
    basis: `${line}${start}.`,
  };
}

/** How long a job's own pod waits for its files: they reach it over SSH, whatever route the plan itself takes. */
export async function uploadWait(root: string, { totals }: Pick<TransferPlan, 'totals'>): Promise<TimeEstimate> {
  if (totals.files === 0) {
    return { lowSeconds: 0, highSeconds: 0, basis: 'Nothing has to be sent.' };
  }
  const known = await readLastKnown(root);
  return estimateTime('ssh', totals.files, totals.bytes, known?.rates.ssh);
}
