import type { EstimateRecord } from '../caps/estimates-file.ts';
import { dollars, priced, pricePerHour, pricePerMonth, roughly } from '../words/index.ts';

/** A range, in seconds or USD. `likely` and `high` are null where nobody can say. */
export interface Range {
  low: number;
  likely: number | null;
  high: number | null;
}

/** What a run will cost, before anything is rented. */
export interface Estimate extends Range {
  currency: 'USD';
  /** How long the pod is rented, in seconds. */
  seconds: Range;
  /** Sentences: what the range rests on. */
  assumptions: string[];
  /** For people: `about $3.10 ($2.40 to $4.00)`, or `not known; at most $6.00`. */
  text: string;
}

/** What is known of a step on the pod before it runs. */
export interface StepFacts {
  name: string;
  /** Seconds of earlier runs that passed, the newest first. */
  earlier: number[];
  /** Whether those ran on the hardware that is wanted now. */
  sameHardware: boolean;
  timeoutSeconds: number | null;
  /** Nothing that is known here changed since it passed, so it will be skipped. */
  skipped: boolean;
  /** Only the volume knows whether it is so: a skipped step may run, one that runs may be skipped. */
  unsure?: boolean | undefined;
}

export interface EstimateFacts {
  steps: StepFacts[];
  /** USD per hour of what may be rented, the preferred first; null where the price is not known. */
  prices: (number | null)[];
  /** Seconds from renting to the job's first event in earlier jobs, uploads included. */
  boots: number[];
  /** The pod that is there already and is used: nothing has to start. */
  reused?: string | undefined;
  /** Seconds of the upload while the pod waits; null when it waits for none, or when that is not known. */
  transfer: { lowSeconds: number; highSeconds: number } | null;
  /** The project's volume: USD per month, and whether it is made for this run. */
  storage: { perMonth: number; isNew: boolean } | null;
  /** Whether results are fetched at the end, while the pod waits. */
  fetches: boolean;
  /** Whether the pod goes on after the job. */
  keeps?: boolean | undefined;
  /** USD that the caps allow at most; null without a cap. */
  mostDollars: number | null;
  /** How wrong the estimates before this one were. */
  record: EstimateRecord | undefined;
  /** Whether nothing of it is charged. */
  free: boolean;
}

/** A host of average speed pulls an image and starts sshd within this time, in seconds. */
const usualBoot = { low: 120, likely: 240, high: 360 };
/** Until a job starts on a pod that answers. */
const reusedBoot = { low: 2, likely: 15, high: 60 };
/** From the job's end to the pod's: the keeper waits 15 s; fetching results takes longer. */
const tail = { low: 15, likely: 25, high: 60 };
const fetching = { likely: 20, high: 300 };
/** Other hardware may be this much faster or slower. */
const otherHardware = { low: 0.5, high: 2 };
const hoursPerMonth = 730;

/** Pure: the same facts give the same estimate. */
export function estimate(facts: EstimateFacts): Estimate {
  const assumptions: string[] = [];
  const steps = stepRange(facts.steps, assumptions);
  const boot = bootRange(facts, assumptions);
  const upload = { low: facts.transfer?.lowSeconds ?? 0, high: facts.transfer?.highSeconds ?? 0 };
  if (upload.high > 0) {
    assumptions.push(`The upload, for which the pod waits, takes ${spread(upload.low, upload.high)}.`);
  }
  const home = facts.fetches ? fetching : { likely: 0, high: 0 };
  assumptions.push(
    facts.keeps === true
      ? 'The pod is kept after the job and goes on costing its price, which is not in the estimate.'
      : facts.fetches
        ? 'The pod ends up to a minute after the job, or when the results are here; five minutes are thought of for them at most.'
        : 'The pod ends 15 seconds to a minute after the job.',
  );
  const seconds: Range = {
    low: steps.low + boot.low + upload.low + tail.low,
    likely: plus(steps.likely, boot.likely + (upload.low + upload.high) / 2 + tail.likely + home.likely),
    high: plus(steps.high, boot.high + upload.high + tail.high + home.high),
  };
  const cost = moneyRange(seconds, facts, assumptions);
  if (facts.record !== undefined) {
    assumptions.push(recordSentence(facts.record));
  }
  return { ...cost, currency: 'USD', seconds, assumptions, text: rangeText(cost, facts) };
}

function stepRange(steps: StepFacts[], assumptions: string[]): Range {
  const parts = steps.filter((s) => !s.skipped).map((step) => ({ step, ...rangeOf(step) }));
  const maybe = steps.filter((s) => s.skipped && s.unsure === true);
  const names = (which: (part: (typeof parts)[number]) => boolean): string[] =>
    parts.filter(which).map((p) => p.step.name);
  const known = names((p) => p.step.earlier.length > 0);
  const limited = names((p) => p.step.earlier.length === 0 && p.step.timeoutSeconds !== null);
  const unknown = names((p) => p.likely === null && p.high === null);
  const other = names((p) => p.step.earlier.length > 0 && !p.step.sameHardware);
  const skipped = steps.filter((s) => s.skipped && s.unsure !== true).map((s) => s.name);
  const says = (list: string[], one: string, many: string): string[] =>
    list.length === 0 ? [] : [`${list.join(', ')} ${list.length === 1 ? one : many}`];
  assumptions.push(
    ...says(known, 'takes as long as in earlier jobs.', 'take as long as in earlier jobs.'),
    ...says(
      other,
      'ran on other hardware then: half to twice the time.',
      'ran on other hardware then: half to twice the time.',
    ),
    ...says(
      limited,
      'never passed here: its time limit is the most that is known.',
      'never passed here: their time limits are the most that is known.',
    ),
    ...says(
      unknown,
      'never passed here and has no "timeoutMinutes": how long it takes is not known.',
      'never passed here and have no "timeoutMinutes": how long they take is not known.',
    ),
    ...says(
      skipped,
      'passed before and is skipped: nothing is known to have changed.',
      'passed before and are skipped: nothing is known to have changed.',
    ),
    ...says(
      maybe.map((s) => s.name),
      'passed before and is skipped if its outputs are still there as they were left; else it costs more, as its earlier runs did.',
      'passed before and are skipped if their outputs are still there as they were left; else it costs more, as their earlier runs did.',
    ),
    ...says(
      parts.filter(({ step }) => step.unsure === true).map(({ step }) => step.name),
      'may be skipped, which is not known: it is counted as a run.',
      'may be skipped, which is not known: they are counted as runs.',
    ),
  );
  const high = maybe.reduce<number | null>((sum, step) => plus(sum, rangeOf(step).high), 0);
  return parts.reduce<Range>(
    (sum, part) => ({
      low: sum.low + (part.step.unsure === true ? 0 : part.low),
      likely: plus(sum.likely, part.likely),
      high: plus(sum.high, part.high),
    }),
    { low: 0, likely: 0, high },
  );
}

function rangeOf({ earlier, sameHardware, timeoutSeconds }: StepFacts): Range {
  if (earlier.length === 0) {
    // A limit says nothing of how long it takes.
    return { low: 0, likely: null, high: timeoutSeconds };
  }
  const scale = sameHardware ? { low: 1, high: 1 } : otherHardware;
  const low = Math.min(...earlier) * scale.low;
  // One run tells nothing of how much they differ.
  const longest = Math.max(...earlier) * scale.high * (earlier.length === 1 ? 1.25 : 1.1);
  const limit = timeoutSeconds ?? Infinity;
  return { low, likely: Math.min(median(earlier), limit), high: Math.min(longest, limit) };
}

function bootRange(
  { boots, reused }: EstimateFacts,
  assumptions: string[],
): { low: number; likely: number; high: number } {
  if (reused !== undefined) {
    assumptions.push(
      `The idle pod ${reused} is used again, so none has to start; what it cost until then is not in it.`,
    );
    return reusedBoot;
  }
  if (boots.length === 0) {
    assumptions.push('The pod takes 2 to 6 minutes to pull its image and start; none was rented from here yet.');
    return usualBoot;
  }
  const [low, high] = [Math.min(...boots), Math.max(...boots) * (boots.length < 3 ? 1.5 : 1.1)];
  const from = boots.length === 1 ? 'the last job' : `the last ${boots.length} jobs`;
  assumptions.push(`The pod takes ${spread(low, high)} from renting to the job's start, as in ${from} there.`);
  return { low, likely: median(boots), high };
}

function moneyRange(seconds: Range, facts: EstimateFacts, assumptions: string[]): Range {
  const prices = facts.prices.filter((p) => p !== null);
  const [first] = prices;
  if (first === undefined) {
    assumptions.push('RunPod does not tell the price, so only the time is estimated.');
    return { low: 0, likely: null, high: facts.mostDollars };
  }
  const [least, most] = [Math.min(...prices), Math.max(...prices)];
  assumptions.push(
    least === most
      ? `The pod's price: ${pricePerHour(first, facts.free)}.`
      : `The pod's price: ${priced(`${pricePerHour(least, false)} to ${pricePerHour(most, false)}, most likely ${pricePerHour(first, false)}`, facts.free)}.`,
  );
  const stored = (facts.storage?.perMonth ?? 0) / hoursPerMonth;
  const cost = (time: number | null, price: number): number | null =>
    time === null ? null : (time / 3600) * (price + stored);
  if (facts.storage !== null && facts.storage.perMonth > 0) {
    const month = pricePerMonth(facts.storage.perMonth, facts.free);
    assumptions.push(
      facts.storage.isNew
        ? `The new volume from now on: ${month}; only its share during the job is in the estimate.`
        : `The volume, anyway: ${month}; only its share during the job is in the estimate.`,
    );
  }
  const range = {
    low: cost(seconds.low, least) ?? 0,
    likely: cost(seconds.likely, first),
    high: cost(seconds.high, most),
  };
  const cap = facts.mostDollars;
  if (cap !== null && range.likely === null) {
    // One bound, wherever it is told: that of the caps.
    return { ...range, low: Math.min(range.low, cap), high: cap };
  }
  if (cap === null || (range.high !== null && range.high <= cap)) {
    return range;
  }
  assumptions.push(`The caps end the job at ${dollars(cap)}.`);
  return {
    low: Math.min(range.low, cap),
    likely: range.likely === null ? null : Math.min(range.likely, cap),
    high: cap,
  };
}

/** `The last 5 estimates were 12 % too low.` */
export function recordSentence({ count, error }: EstimateRecord): string {
  const share = Math.round(Math.abs(error) * 100);
  const which = count === 1 ? 'The last estimate was' : `The last ${count} estimates were`;
  return share === 0 ? `${which} right.` : `${which} ${share} % too ${error > 0 ? 'low' : 'high'}.`;
}

function rangeText({ low, likely, high }: Range, { free }: EstimateFacts): string {
  if (likely !== null) {
    const range = high === null ? '' : ` (${dollars(low)} to ${dollars(high)})`;
    return priced(`about ${dollars(likely)}${range}`, free);
  }
  if (high === null) {
    return 'not known, and no cap limits it';
  }
  // What is free here is known.
  const most = `at most ${dollars(high)}`;
  return free ? priced(most, free) : `not known; ${most}`;
}

function spread(low: number, high: number): string {
  const [from, to] = [roughly(low), roughly(high)];
  return from === to ? `about ${from}` : `${from} to ${to}`;
}

function plus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
