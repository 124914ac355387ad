import { meteredCost } from '../caps/meter.ts';
import type { HelperPod, HelperPurpose } from '../journal/helpers.ts';
import type { JobRecord } from '../journal/records.ts';
import type { BillingRecord } from '../runpod/schemas.ts';
import { spanOf, within, type PodKnown, type PodSpan } from '../caps/span.ts';

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
  /** USD by the clock; null when the end of the pod is not known. */
  metered: number | null;
  /** USD on the bill so far; null when nothing is there. */
  billed: number | null;
  /** What counts: the bill when it is complete, else what is more. Null when neither is known. */
  dollars: number | null;
  basis: 'bill' | 'meter' | 'journal' | 'unknown';
}

/** Costs of a day of this computer's calendar or of a project. */
export interface CostGroup {
  /** `2026-11-22`, or the project's name. */
  key: string;
  jobs: number;
  /** USD that counts; jobs whose cost is not known are left out. */
  dollars: number;
  /** USD on the bill so far; null without a bill. */
  billed: number | null;
}

export interface HelperCosts {
  purpose: HelperPurpose;
  pods: number;
  /** USD that counts; pods whose cost is not known are left out. */
  dollars: number;
  /** USD on the bill so far; null without a bill. */
  billed: number | null;
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
  /** USD that counts, over all jobs. */
  total: number;
  bill: {
    /** When it was read; the bill lags behind by an unknown time. */
    asOf: string;
    /** First day that it covers. */
    since: string;
    /** USD for pods of the account that no job of this computer had. */
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

/** Pure: what the jobs have cost, from their records and the bill. `known` tells of a job's pod beyond its record. */
export function ledgerOf(
  records: readonly JobRecord[],
  known: (job: string) => PodKnown,
  bill: BillFacts | undefined,
  now = new Date(),
  helpers: readonly KnownHelper[] = [],
): Ledger {
  const spans = records.flatMap((record) => {
    const span = spanOf(record, known(record.job), now);
    return span === undefined ? [] : [{ record, span, running: isRunning(record, known(record.job)) }];
  });
  const shares = sharesOf(spans);
  const billedByPod = sumBy(bill?.pods ?? [], (r) => r.podId ?? '');
  const jobs = spans.map(({ record, span, running }) => {
    const share = shares.get(record.job) ?? 1;
    const ofPod = billedByPod.get(record.pod?.id ?? '');
    return costOfJob(record, span, running, ofPod === undefined ? null : ofPod * share, now);
  });
  const own = new Set([
    ...records.flatMap((r) => (r.pod === undefined ? [] : [r.pod.id])),
    ...helpers.map((h) => h.id),
  ]);
  return {
    currency: 'USD',
    at: now.toISOString(),
    jobs,
    days: daysOf(jobs, spans, bill, shares),
    projects: projectsOf(jobs, bill !== undefined),
    helpers: helperCosts(helpers, bill === undefined ? undefined : billedByPod, now),
    total: sum(jobs.map((j) => j.dollars ?? 0)),
    bill:
      bill === undefined
        ? null
        : {
            asOf: bill.asOf,
            since: bill.since,
            otherPods: sum([...billedByPod].filter(([id]) => !own.has(id)).map(([, amount]) => amount)),
            storage: bill.storage,
          },
  };
}

/** A helper pod, and whether it is there now. */
export type KnownHelper = HelperPod & { running: boolean | undefined };

function helperCosts(
  helpers: readonly KnownHelper[],
  billedByPod: ReadonlyMap<string, number> | undefined,
  now: Date,
): HelperCosts[] {
  const dollarsOf = (pod: KnownHelper): number => {
    const { ended, running } = pod;
    const billed = billedByPod?.get(pod.id) ?? 0;
    const settled = ended !== undefined && billed > 0 && now.getTime() - Date.parse(ended) > settledMs;
    // Where nobody saw the end only the bill knows it.
    const metered = ended === undefined && running !== true ? 0 : meteredCost(pod, ended ?? now);
    return settled ? billed : Math.max(billed, metered);
  };
  return [...new Set(helpers.map((h) => h.purpose))].sort().map((purpose) => {
    const own = helpers.filter((h) => h.purpose === purpose);
    return {
      purpose,
      pods: own.length,
      dollars: sum(own.map(dollarsOf)),
      billed: billedByPod === undefined ? null : sum(own.map((h) => billedByPod.get(h.id) ?? 0)),
    };
  });
}

interface Spanned {
  record: JobRecord;
  span: PodSpan;
  running: boolean;
}

function isRunning(record: JobRecord, { running }: PodKnown): boolean {
  return record.podEnded === undefined && running !== false;
}

function costOfJob(record: JobRecord, span: PodSpan, running: boolean, billed: number | null, now: Date): JobCost {
  const metered = span.dollars;
  const until = span.until;
  const settled = until !== undefined && span.basis === 'meter' && now.getTime() - until.getTime() > settledMs;
  // A meter that could not be read, or that only knows the least, gives way to the bill.
  const useBill = billed !== null && (settled || metered === null || billed >= metered);
  const dollars = useBill ? billed : metered;
  return {
    job: record.job,
    project: record.project,
    hardware: record.pod?.hardware ?? '',
    costPerHour: record.pod?.costPerHour ?? 0,
    started: span.from.toISOString(),
    ended: until?.toISOString() ?? null,
    running,
    seconds: span.seconds,
    metered,
    billed,
    dollars,
    basis: useBill ? 'bill' : span.basis,
  };
}

/** Several jobs may have had a pod one after the other: each gets its part of the pod's bill by its time. */
function sharesOf(spans: readonly Spanned[]): Map<string, number> {
  const whole = new Map<string, number>();
  for (const { record, span } of spans) {
    const id = record.pod?.id ?? '';
    whole.set(id, (whole.get(id) ?? 0) + span.seconds);
  }
  const count = (id: string): number => spans.filter((s) => s.record.pod?.id === id).length;
  return new Map(
    spans.map(({ record, span }) => {
      const id = record.pod?.id ?? '';
      const all = whole.get(id) ?? 0;
      return [record.job, all > 0 ? span.seconds / all : 1 / count(id)];
    }),
  );
}

function daysOf(
  jobs: readonly JobCost[],
  spans: readonly Spanned[],
  bill: BillFacts | undefined,
  shares: Map<string, number>,
): CostGroup[] {
  const days = new Map<string, CostGroup>();
  const dayOf = (key: string): CostGroup => {
    const found = days.get(key) ?? { key, jobs: 0, dollars: 0, billed: bill === undefined ? null : 0 };
    days.set(key, found);
    return found;
  };
  for (const [i, { record, span }] of spans.entries()) {
    const job = jobs[i];
    if (job === undefined || record.pod === undefined) {
      continue;
    }
    const lines = (bill?.pods ?? []).filter((r) => r.podId === record.pod?.id);
    const share = shares.get(record.job) ?? 1;
    for (const line of lines) {
      const day = dayOf(dayKey(new Date(line.startTime)));
      day.billed = (day.billed ?? 0) + (line.amounts.totalAmount ?? 0) * share;
    }
    // The parts of a job by day have the sum of the job, whichever source counts.
    const parts =
      job.basis === 'bill'
        ? lines.map((line) => ({ key: dayKey(new Date(line.startTime)), part: line.amounts.totalAmount ?? 0 }))
        : daysWithin(span, record.pod.costPerHour);
    const all = sum(parts.map((p) => p.part));
    for (const { key, part } of parts) {
      dayOf(key).dollars += all === 0 ? 0 : (part / all) * (job.dollars ?? 0);
    }
    for (const key of new Set(parts.map((p) => p.key))) {
      dayOf(key).jobs += 1;
    }
  }
  return [...days.values()].toSorted((a, b) => (a.key < b.key ? 1 : -1));
}

/** A span's USD by day of this computer's calendar. */
function daysWithin(span: PodSpan, costPerHour: number): { key: string; part: number }[] {
  const parts: { key: string; part: number }[] = [];
  const end = span.from.getTime() + span.seconds * 1000;
  for (let day = midnight(span.from); day.getTime() < end; day = nextDay(day)) {
    parts.push({ key: dayKey(day), part: within(span, costPerHour, day, nextDay(day)).dollars });
  }
  return parts;
}

function projectsOf(jobs: readonly JobCost[], hasBill: boolean): CostGroup[] {
  const names = [...new Set(jobs.map((j) => j.project))];
  return names
    .map((key) => {
      const own = jobs.filter((j) => j.project === key);
      return {
        key,
        jobs: own.length,
        dollars: sum(own.map((j) => j.dollars ?? 0)),
        billed: hasBill ? sum(own.map((j) => j.billed ?? 0)) : null,
      };
    })
    .toSorted((a, b) => b.dollars - a.dollars);
}

function sumBy(lines: readonly BillingRecord[], keyOf: (line: BillingRecord) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const line of lines) {
    sums.set(keyOf(line), (sums.get(keyOf(line)) ?? 0) + (line.amounts.totalAmount ?? 0));
  }
  return sums;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function midnight(time: Date): Date {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate());
}

function nextDay(day: Date): Date {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1);
}

function dayKey(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
