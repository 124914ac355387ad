import type { Clock } from '../clock.ts';
import { amount, isStorage, type Charge, type Ledger, type MeterKind } from '../ledger.ts';
import { Problem } from '../problem.ts';

const sizes = ['hour', 'day', 'week', 'month', 'year'] as const;
type BucketSize = (typeof sizes)[number];

/** Start of the bucket that holds the time, in UTC; weeks begin on Monday. */
function bucketStart(time: number, size: BucketSize): number {
  const date = new Date(time);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (size === 'hour') return Date.UTC(year, month, day, date.getUTCHours());
  if (size === 'day') return Date.UTC(year, month, day);
  if (size === 'week') return Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7));
  return size === 'month' ? Date.UTC(year, month) : Date.UTC(year, 0);
}

function shift(start: number, size: BucketSize, by: number): number {
  const date = new Date(start);
  if (size === 'hour') date.setUTCHours(date.getUTCHours() + by);
  else if (size === 'day') date.setUTCDate(date.getUTCDate() + by);
  else if (size === 'week') date.setUTCDate(date.getUTCDate() + 7 * by);
  else if (size === 'month') date.setUTCMonth(date.getUTCMonth() + by);
  else date.setUTCFullYear(date.getUTCFullYear() + by);
  return date.getTime();
}

interface Window {
  start: number;
  end: number;
  size: BucketSize;
}

function invalid(name: string, text: string): Problem {
  return new Problem(422, 'Request validation failed.', { errors: [`$.query.${name}: ${text}`] });
}

function time(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(value)) throw invalid(name, `'${text}' is not valid date-time`);
  return value;
}

function windowOf(query: URLSearchParams, now: number): Window {
  const size = (query.get('bucketSize') ?? 'day') as BucketSize;
  if (!sizes.includes(size))
    throw invalid('bucketSize', `value must be one of ${sizes.map((one) => `'${one}'`).join(', ')}`);
  const [from, to, lastN] = [time(query, 'startTime'), time(query, 'endTime'), query.get('lastN')];
  if (lastN !== null) {
    if (!/^[1-9]\d{0,4}$/.test(lastN)) throw invalid('lastN', 'minimum: want 1');
    if (from !== undefined || to !== undefined) {
      throw new Problem(400, 'lastN and startTime/endTime are mutually exclusive');
    }
    const current = bucketStart(now, size);
    return { start: shift(current, size, 1 - Number(lastN)), end: shift(current, size, 1), size };
  }
  const end = to ?? now;
  const start = bucketStart(from ?? now - 30 * 86_400_000, size);
  const endStart = bucketStart(end, size);
  if (end <= start) throw new Problem(400, 'endTime must be after startTime');
  return { start, end: endStart === end ? end : shift(endStart, size, 1), size };
}

/** Cuts charges at bucket borders: USD by bucket start, resource and kind. */
function spread(charges: Charge[], window: Window): Map<number, Map<string, Map<MeterKind, number>>> {
  const buckets = new Map<number, Map<string, Map<MeterKind, number>>>();
  for (const charge of charges) {
    let from = Math.max(charge.start, window.start);
    const to = Math.min(charge.end, window.end);
    while (from < to) {
      const bucket = bucketStart(from, window.size);
      const cut = Math.min(to, shift(bucket, window.size, 1));
      const resources = buckets.get(bucket) ?? new Map<string, Map<MeterKind, number>>();
      const kinds = resources.get(charge.resource) ?? new Map<MeterKind, number>();
      kinds.set(charge.kind, (kinds.get(charge.kind) ?? 0) + amount({ ...charge, start: from, end: cut }));
      resources.set(charge.resource, kinds);
      buckets.set(bucket, resources);
      from = cut;
    }
  }
  return buckets;
}

type Amounts = Record<string, number>;

function total(rows: Amounts[], empty: Amounts): Amounts {
  const sum = { ...empty };
  for (const row of rows) for (const key of Object.keys(empty)) sum[key] = (sum[key] ?? 0) + (row[key] ?? 0);
  return sum;
}

const podAmounts = (kinds: Map<MeterKind, number>): Amounts => {
  const [gpuAmount, cpuAmount] = [kinds.get('gpu') ?? 0, kinds.get('cpu') ?? 0];
  return { totalAmount: gpuAmount + cpuAmount, gpuAmount, cpuAmount, diskAmount: 0 };
};

const volumeAmounts = (kinds: Map<MeterKind, number>): Amounts => {
  const [standardAmount, highPerformanceAmount] = [kinds.get('standard') ?? 0, kinds.get('highPerformance') ?? 0];
  return { totalAmount: standardAmount + highPerformanceAmount, standardAmount, highPerformanceAmount };
};

const allAmounts = (kinds: Map<MeterKind, number>): Amounts => ({
  totalAmount: [...kinds.values()].reduce((sum, value) => sum + value, 0),
  podGpuAmount: kinds.get('gpu') ?? 0,
  podCpuAmount: kinds.get('cpu') ?? 0,
  podDiskAmount: 0,
  serverlessGpuAmount: kinds.get('serverlessGpu') ?? 0,
  serverlessCpuAmount: kinds.get('serverlessCpu') ?? 0,
  serverlessDiskAmount: 0,
  serverlessFeeAmount: 0,
  storageStandardAmount: kinds.get('standard') ?? 0,
  storageHighPerformanceAmount: kinds.get('highPerformance') ?? 0,
  endpointAmount: 0,
  clusterGpuAmount: 0,
  clusterDiskAmount: 0,
  clusterNetworkingAmount: 0,
});

/** The billing routes, computed from the ledger. */
export class Billing {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #billRunningPods: boolean;

  constructor(ledger: Ledger, clock: Clock, billRunningPods: boolean) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#billRunningPods = billRunningPods;
  }

  #charges(): Charge[] {
    const { closed, running } = this.#ledger.charges();
    return [...closed, ...running.filter((charge) => this.#billRunningPods || isStorage(charge.kind))];
  }

  all(query: URLSearchParams): unknown {
    const window = windowOf(query, this.#clock.now());
    const rows = [...spread(this.#charges(), window)].map(([bucket, resources]) => {
      const merged = new Map<MeterKind, number>();
      for (const kinds of resources.values()) {
        for (const [kind, usd] of kinds) merged.set(kind, (merged.get(kind) ?? 0) + usd);
      }
      return { ...this.#range(bucket, window), ...allAmounts(merged) };
    });
    return this.#answer(rows, window, allAmounts(new Map()), {}, {});
  }

  pods(query: URLSearchParams): unknown {
    return this.#perResource(query, 'podId', 'uniquePodCount', ['gpu', 'cpu'], podAmounts);
  }

  volumes(query: URLSearchParams): unknown {
    const kinds: MeterKind[] = ['standard', 'highPerformance'];
    return this.#perResource(query, 'networkVolumeId', 'uniqueNetworkVolumeCount', kinds, volumeAmounts);
  }

  #perResource(
    query: URLSearchParams,
    idName: 'podId' | 'networkVolumeId',
    countName: string,
    kinds: MeterKind[],
    amounts: (kinds: Map<MeterKind, number>) => Amounts,
  ): unknown {
    const window = windowOf(query, this.#clock.now());
    const filter = query.get(idName);
    const charges = this.#charges().filter(
      (charge) => kinds.includes(charge.kind) && (filter === null || charge.resource === filter),
    );
    const rows = [...spread(charges, window)].flatMap(([bucket, resources]) =>
      [...resources].map(([resource, byKind]) => ({
        ...this.#range(bucket, window),
        [idName]: resource,
        ...amounts(byKind),
      })),
    );
    const unique = new Set(charges.map((charge) => charge.resource)).size;
    return this.#answer(rows, window, amounts(new Map()), { [idName]: filter }, { [countName]: unique });
  }

  #range(bucket: number, window: Window): { startTime: string; endTime: string } {
    return {
      startTime: new Date(bucket).toISOString(),
      endTime: new Date(shift(bucket, window.size, 1)).toISOString(),
    };
  }

  #answer(rows: object[], window: Window, empty: Amounts, query: object, counts: object): unknown {
    const records = rows as (Amounts & { startTime: string })[];
    return {
      records: [...records].sort((a, b) => a.startTime.localeCompare(b.startTime)),
      metadata: {
        query: {
          startTime: new Date(window.start).toISOString(),
          endTime: new Date(window.end).toISOString(),
          bucketSize: window.size,
          ...query,
        },
        recordCount: records.length,
        ...counts,
        totals: total(records, empty),
      },
    };
  }
}
