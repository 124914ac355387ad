import {
  dayOf,
  soFar,
  spent,
  stretchesOf,
  type JobFacts,
  type PodFacts,
  type Spent,
  type Stretch,
} from '../caps/stretches.ts';
import type { Asker } from '../journal/asker.ts';
import type { HelperPurpose } from '../journal/helper-use.ts';
import type { BillingRecord } from '../runpod/schemas.ts';

/** What something has cost, in USD. */
export interface Amount {
  /** What counts; where nobody saw the end of a pod it is the least. */
  dollars: number;
  /** With what can have been spent where nobody saw the end. */
  mostDollars: number;
  /** On the bill so far; null without a bill. */
  billed: number | null;
}

/** What one job has cost. */
export interface JobCost {
  job: string;
  project: string;
  hardware: string;
  costPerHour: number;
  started: string;
  /** Null while it runs, or when the end is not known. */
  ended: string | null;
  running: boolean;
  /** Seconds that the pod was rented for it. */
  seconds: number;
  /** USD by the clock; null when nothing can be said, and the least when nobody saw the end. */
  metered: number | null;
  /** USD on the bill so far; null when nothing is there. */
  billed: number | null;
  /** What counts: the bill when it is complete or the meter does not know, else the meter. Null when neither is known. */
  dollars: number | null;
  /** The most that it can be; null like `dollars`. */
  mostDollars: number | null;
  basis: 'bill' | 'meter' | 'journal' | 'unseen' | 'unknown';
  /** Who asked for it; null where an earlier release did not note it. */
  askedBy: Asker | null;
}

/** Costs of a day of this computer's calendar or of a project. */
export interface CostGroup extends Amount {
  /** `2026-11-22`, or the project's name, which is empty for what belongs to none. */
  key: string;
  jobs: number;
}

export interface HelperCosts extends Amount {
  purpose: HelperPurpose;
  pods: number;
}

export interface Ledger {
  currency: 'USD';
  /** ISO time. */
  at: string;
  jobs: JobCost[];
  days: CostGroup[];
  projects: CostGroup[];
  /** Pods that this computer rented beside those of jobs, by what they were for. */
  helpers: HelperCosts[];
  /** Pods that nothing of this computer had: those that are there now by the meter, those that are gone by the bill. */
  others: Amount & { pods: number };
  /** Of this day, the same number in every list, and what its caps are judged by. */
  today: Amount & { jobs: number };
  /** USD that counts, over everything. */
  total: number;
  mostTotal: number;
  bill: {
    /** When it was read; the bill lags behind by an unknown time. */
    asOf: string;
    /** First day that it covers. */
    since: string;
    /** USD for pods of the account that nothing of this computer had. */
    otherPods: number;
    /** USD for network volumes. */
    storage: number | null;
  } | null;
}

/** The account's bill of pods by the hour, and of volumes. */
export interface BillFacts {
  asOf: string;
  since: string;
  pods: readonly BillingRecord[];
  storage: number | null;
}

/** The bill of a pod counts as complete so long after the end of the pod. */
const settledMs = 24 * 3_600_000;

/** What one stretch of a pod's time counts as, by the day. */
interface Counted extends Amount {
  stretch: Stretch;
  basis: JobCost['basis'];
  days: { key: string; dollars: number; mostDollars: number; billed: number }[];
}

/** Pure: what everything has cost, from what is known here of pods and from the bill. */
export function ledgerOf(facts: PodFacts, bill?: BillFacts): Ledger {
  const now = facts.now.getTime();
  const stretches = soFar(stretchesOf(facts));
  const whole = new Map<string, number>();
  const uses = new Map<string, number>();
  for (const stretch of stretches) {
    whole.set(stretch.pod, (whole.get(stretch.pod) ?? 0) + lengthOf(stretch));
    uses.set(stretch.pod, (uses.get(stretch.pod) ?? 0) + 1);
  }
  const counted = stretches.map((stretch) => {
    const all = whole.get(stretch.pod) ?? 0;
    const share = all > 0 ? lengthOf(stretch) / all : 1 / (uses.get(stretch.pod) ?? 1);
    const lines = bill?.pods.filter((line) => line.podId === stretch.pod);
    return count(stretch, lines, share, now);
  });
  // Pods of which only the bill knows belong to nobody here.
  const known = new Set(stretches.map(({ pod }) => pod));
  const unknown = (bill?.pods ?? []).filter(({ podId }) => !known.has(podId ?? ''));
  const elsewhere = sumOf(unknown.map(amountOf));
  const others = counted.filter(({ stretch }) => stretch.use.of === 'other');
  const sum = added(counted, bill !== undefined);
  const days = daysOf(counted, unknown, bill !== undefined);
  const day = dayOf(facts.now).key;
  return {
    currency: 'USD',
    at: facts.now.toISOString(),
    jobs: facts.jobs.flatMap((job) => costOfJob(job, counted)),
    days,
    projects: projectsOf(counted, elsewhere, bill !== undefined),
    helpers: helpersOf(counted, bill !== undefined),
    others: {
      ...withBilled(added(others, bill !== undefined), elsewhere),
      pods: new Set([...others.map(({ stretch }) => stretch.pod), ...unknown.map(({ podId }) => podId)]).size,
    },
    today: days.find(({ key }) => key === day) ?? {
      dollars: 0,
      mostDollars: 0,
      billed: bill === undefined ? null : 0,
      jobs: 0,
    },
    total: sum.dollars + elsewhere,
    mostTotal: sum.mostDollars + elsewhere,
    bill:
      bill === undefined
        ? null
        : {
            asOf: bill.asOf,
            since: bill.since,
            otherPods: elsewhere + sumOf(others.map(({ billed }) => billed ?? 0)),
            storage: bill.storage,
          },
  };
}

function lengthOf({ from, until }: Stretch): number {
  return until - from;
}

function count(stretch: Stretch, lines: readonly BillingRecord[] | undefined, share: number, now: number): Counted {
  const { from, latest, basis, goesOn } = stretch;
  const meter = spent([stretch]);
  const billed = lines === undefined || lines.length === 0 ? null : sumOf(lines.map(amountOf)) * share;
  const settled = !goesOn && basis === 'seen' && now - latest > settledMs;
  // What the meter does not know, or only the least of, gives way to the bill.
  const useBill = billed !== null && (settled || basis === 'unknown' || (basis !== 'seen' && billed >= meter.dollars));
  const dollars = useBill ? billed : meter.dollars;
  const mostDollars = useBill && (settled || basis !== 'unseen') ? dollars : Math.max(dollars, meter.mostDollars);
  const parts = useBill
    ? (lines ?? []).map((line) => ({ key: keyOf(line), part: amountOf(line) }))
    : partsOf(stretch).map(({ key, spent: part }) => ({ key, part: part.seconds }));
  const all = sumOf(parts.map(({ part }) => part));
  const least = parts.map(({ key, part }) => ({ key, dollars: all === 0 ? 0 : (part / all) * dollars, billed: 0 }));
  const more = partsOf(stretch);
  const over = sumOf(more.map(({ spent: { mostDollars: most, dollars: own } }) => most - own));
  const begin = dayOf(new Date(from)).key;
  return {
    stretch,
    dollars,
    mostDollars,
    billed,
    basis: useBill ? 'bill' : basis === 'seen' ? 'meter' : basis,
    days: [
      { key: begin, dollars: 0, mostDollars: 0, billed: 0 },
      ...least.map((part) => ({ ...part, mostDollars: part.dollars })),
      ...(lines ?? []).map((line) => ({
        ...{ key: keyOf(line), dollars: 0, mostDollars: 0 },
        billed: amountOf(line) * share,
      })),
      ...more.map(({ key, spent: { mostDollars: most, dollars: own } }) => ({
        ...{ key, dollars: 0, billed: 0 },
        mostDollars: over === 0 ? 0 : ((most - own) / over) * (mostDollars - dollars),
      })),
    ],
  };
}

/** A stretch by day of this computer's calendar. */
function partsOf(stretch: Stretch): { key: string; spent: Spent }[] {
  const parts: { key: string; spent: Spent }[] = [];
  for (let day = dayOf(new Date(stretch.from)); day.from < stretch.latest; day = dayOf(new Date(day.to))) {
    parts.push({ key: day.key, spent: spent([stretch], day) });
  }
  return parts;
}

function costOfJob({ record }: JobFacts, counted: readonly Counted[]): JobCost[] {
  const own = counted.filter(({ stretch: { use } }) => use.of === 'job' && use.job === record.job);
  const [first] = own;
  const last = own.at(-1);
  if (first === undefined || last === undefined) {
    return [];
  }
  const { stretch } = last;
  const meter = own.map((part) => spent([part.stretch]));
  const isUnknown = own.every(({ basis }) => basis === 'unknown');
  const bills = own.flatMap(({ billed }) => (billed === null ? [] : [billed]));
  const sum = added(own, true);
  return [
    {
      job: record.job,
      project: record.project,
      hardware: record.pod?.hardware ?? '',
      costPerHour: stretch.costPerHour ?? 0,
      started: new Date(first.stretch.from).toISOString(),
      ended: stretch.goesOn || stretch.basis !== 'seen' ? null : new Date(stretch.until).toISOString(),
      running: stretch.goesOn,
      seconds: sumOf(meter.map(({ seconds }) => seconds)),
      metered: own.every((part) => part.stretch.basis === 'unknown') ? null : sumOf(meter.map((m) => m.dollars)),
      billed: bills.length === 0 ? null : sumOf(bills),
      dollars: isUnknown ? null : sum.dollars,
      mostDollars: isUnknown ? null : sum.mostDollars,
      basis: last.basis,
      askedBy: record.askedBy ?? null,
    },
  ];
}

function daysOf(counted: readonly Counted[], unknown: readonly BillingRecord[], hasBill: boolean): CostGroup[] {
  const days = new Map<string, CostGroup & { uses: Set<string> }>();
  const dayAt = (key: string): CostGroup & { uses: Set<string> } => {
    const found = days.get(key) ?? {
      ...{ key, jobs: 0, dollars: 0, mostDollars: 0, billed: hasBill ? 0 : null, uses: new Set<string>() },
    };
    days.set(key, found);
    return found;
  };
  for (const { stretch, days: parts } of counted) {
    for (const { key, ...part } of parts) {
      const day = dayAt(key);
      day.dollars += part.dollars;
      day.mostDollars += part.mostDollars;
      day.billed = hasBill ? (day.billed ?? 0) + part.billed : null;
      // A day on which nothing of it was counted is none of its days.
      if (stretch.use.of === 'job' && (part.dollars > 0 || part.mostDollars > 0 || lengthOf(stretch) === 0)) {
        day.uses.add(stretch.use.job);
      }
    }
  }
  for (const line of unknown) {
    const day = dayAt(keyOf(line));
    day.dollars += amountOf(line);
    day.mostDollars += amountOf(line);
    day.billed = (day.billed ?? 0) + amountOf(line);
  }
  return [...days.values()]
    .map(({ uses, ...day }) => ({ ...day, jobs: uses.size }))
    .filter(({ jobs, mostDollars, billed }) => jobs > 0 || mostDollars > 0 || (billed ?? 0) > 0)
    .toSorted((a, b) => (a.key < b.key ? 1 : -1));
}

function projectsOf(counted: readonly Counted[], elsewhere: number, hasBill: boolean): CostGroup[] {
  const names = new Set(counted.map(({ stretch }) => stretch.use.project ?? ''));
  if (elsewhere > 0) {
    names.add('');
  }
  return [...names]
    .map((key) => {
      const own = counted.filter(({ stretch }) => (stretch.use.project ?? '') === key);
      const jobs = new Set(own.flatMap(({ stretch: { use } }) => (use.of === 'job' ? [use.job] : []))).size;
      return { key, jobs, ...withBilled(added(own, hasBill), key === '' ? elsewhere : 0) };
    })
    .toSorted((a, b) => b.dollars - a.dollars);
}

function helpersOf(counted: readonly Counted[], hasBill: boolean): HelperCosts[] {
  const purposes = new Set(counted.flatMap(({ stretch: { use } }) => (use.of === 'helper' ? [use.purpose] : [])));
  return [...purposes].sort().map((purpose) => {
    const own = counted.filter(({ stretch: { use } }) => use.of === 'helper' && use.purpose === purpose);
    return { purpose, pods: new Set(own.map(({ stretch }) => stretch.pod)).size, ...added(own, hasBill) };
  });
}

function added(amounts: readonly Amount[], hasBill: boolean): Amount {
  return {
    dollars: sumOf(amounts.map(({ dollars }) => dollars)),
    mostDollars: sumOf(amounts.map(({ mostDollars }) => mostDollars)),
    billed: hasBill ? sumOf(amounts.map(({ billed }) => billed ?? 0)) : null,
  };
}

function withBilled({ dollars, mostDollars, billed }: Amount, more: number): Amount {
  return { dollars: dollars + more, mostDollars: mostDollars + more, billed: billed === null ? null : billed + more };
}

function amountOf({ amounts }: BillingRecord): number {
  return amounts.totalAmount ?? 0;
}

function keyOf({ startTime }: BillingRecord): string {
  return dayOf(new Date(startTime)).key;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
