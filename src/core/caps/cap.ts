import { UserError } from '../errors.ts';
import { count, dollars, duration, roughly } from '../words/index.ts';
import type { Project } from '../project/schema.ts';

export type Caps = Project['caps'];

/** What the caps of the day leave of it; null where no cap limits it. */
export interface DayLeft {
  dollars: number | null;
  /** Hours of pods. */
  hours: number | null;
}

export const wholeDay: DayLeft = { dollars: null, hours: null };

/**
 * From the moment at which the keeper finds the cap reached to the end of the pod, in seconds: it looks every second,
 * gives worker and step 30 s to end and their last words until 40 s, and its call takes a moment; the start of the worker
 * is in it too. The pod has to be paid
 * for during all of it, so a cap in dollars is reached this long before the money is spent.
 */
export const endSeconds = 45;

/** The most that a pod is promised to cost, and until when. */
export interface CapPromise {
  /** ISO time by this computer's clock; null when no cap limits the job's time. */
  stopsBy: string | null;
  /** USD, from the first second of the pod; null when nothing limits it or the price is not known. */
  mostDollars: number | null;
}

/**
 * The caps of one job while its pod is rented. Dollars and the hours of the day count from the moment at which the pod
 * was rented, since that is when money begins to flow; the job's own hours count from its start.
 */
export class PodCaps {
  readonly #caps: Caps;
  readonly #costPerHour: number | null;
  readonly #left: DayLeft;
  readonly #wall = Date.now();
  readonly #steady = performance.now();
  #granted: { seconds: number | null; after: number; at: number } | undefined;

  /** `costPerHour` in USD; with null no cap in dollars can hold. */
  constructor(caps: Caps, costPerHour: number | null, left: DayLeft = wholeDay) {
    this.#caps = caps;
    this.#costPerHour = costPerHour;
    this.#left = left;
  }

  /** Seconds since the pod was rented. A computer that slept counts, a clock that was set back does not. */
  rented(): number {
    return Math.max(performance.now() - this.#steady, Date.now() - this.#wall) / 1000;
  }

  /** Seconds until the end of the pod has to begin, whatever it does; null when only the job's hours limit it. */
  left(): number | null {
    const total = rentSeconds(this.#caps, this.#costPerHour, this.#left);
    return total === null ? null : total - Math.min(endSeconds, total / 2) - this.rented();
  }

  /**
   * Seconds that a job which starts now may take; null without a cap.
   * @throws UserError `cap-spent` when what came before the start has used the caps up.
   */
  grant(): number | null {
    const left = this.left();
    if (left !== null && left < 1) {
      throw this.spent();
    }
    const byTime = this.#caps.hours === undefined ? Infinity : this.#caps.hours * 3600;
    const least = Math.min(byTime, left ?? Infinity);
    const seconds = Number.isFinite(least) ? Math.max(1, Math.floor(least)) : null;
    this.#granted = { seconds, after: this.rented(), at: Date.now() };
    return seconds;
  }

  /** The most that the pod can come to when its start takes `beforeSeconds`; for the caps of the day, before the grant. */
  reservation(beforeSeconds: number): CapPromise {
    const seconds = mostSeconds(this.#caps, this.#costPerHour, this.#left, beforeSeconds);
    return {
      stopsBy: Number.isFinite(seconds) ? new Date(this.#wall + seconds * 1000).toISOString() : null,
      mostDollars: mostDollarsOf(this.#caps, this.#costPerHour, this.#left, beforeSeconds),
    };
  }

  /** What holds for a job that was granted its time. */
  promise(): CapPromise {
    const granted = this.#granted;
    if (granted?.seconds == null) {
      return { stopsBy: null, mostDollars: null };
    }
    const seconds = granted.after + granted.seconds + endSeconds;
    return {
      stopsBy: new Date(granted.at + (granted.seconds + endSeconds) * 1000).toISOString(),
      mostDollars: this.#costPerHour === null ? null : (seconds / 3600) * this.#costPerHour,
    };
  }

  /** Why a job cannot start any more. */
  spent(): UserError {
    return new UserError('cap-spent', {
      what: `The cap was reached after ${duration(this.rented())}, before the job could start.`,
      why: 'A cap in dollars counts from the moment at which the pod is rented; its start and the upload have used it up.',
      next: 'What was uploaded is on the volume and is not sent again. Raise "caps.dollars", or a cap of the day.',
    });
  }
}

/** Seconds for which the money and the day allow a pod; null without such a cap. */
export function rentSeconds(caps: Caps, costPerHour: number | null, left: DayLeft): number | null {
  const money = Math.min(caps.dollars ?? Infinity, left.dollars ?? Infinity);
  const byMoney = costPerHour === null || costPerHour <= 0 ? Infinity : (money / costPerHour) * 3600;
  const seconds = Math.min(byMoney, left.hours === null ? Infinity : left.hours * 3600);
  return Number.isFinite(seconds) ? seconds : null;
}

/** Seconds that a pod can be there by the caps, its start included; Infinity when no cap limits it. */
function mostSeconds(caps: Caps, costPerHour: number | null, left: DayLeft, beforeSeconds: number): number {
  const byHours = caps.hours === undefined ? Infinity : caps.hours * 3600 + beforeSeconds + endSeconds;
  return Math.min(rentSeconds(caps, costPerHour, left) ?? Infinity, byHours);
}

/** USD that a pod at this price can cost by the caps; null when no cap limits it. `beforeSeconds` is its start. */
export function mostDollarsOf(
  caps: Caps,
  costPerHour: number | null,
  left: DayLeft,
  beforeSeconds: number,
): number | null {
  if (costPerHour === null) {
    return null;
  }
  const seconds = mostSeconds(caps, costPerHour, left, beforeSeconds);
  return Number.isFinite(seconds) ? (seconds / 3600) * costPerHour : null;
}

/**
 * What is left of the day when so much was spent or is promised to running jobs already.
 * @throws UserError `cap-day` when nothing is left.
 */
export function dayLeft(caps: Caps, today: { dollars: number; hours: number }): DayLeft {
  const { dollarsPerDay, hoursPerDay } = caps;
  const left = {
    dollars: dollarsPerDay === undefined ? null : dollarsPerDay - today.dollars,
    hours: hoursPerDay === undefined ? null : hoursPerDay - today.hours,
  };
  const over =
    left.dollars !== null && left.dollars <= 0
      ? `of ${dollars(dollarsPerDay ?? 0)} a day, ${dollars(today.dollars)} are spent or promised to jobs that run`
      : left.hours !== null && left.hours <= 0
        ? `of ${count(hoursPerDay ?? 0, 'hour')} of pods a day, ${today.hours.toFixed(1)} are used or promised to jobs that run`
        : undefined;
  if (over !== undefined) {
    throw new UserError('cap-day', {
      what: `The project's cap for today is used up: ${over}.`,
      why: 'The project file limits what its pods may cost in one day, from midnight to midnight of this computer.',
      next: `Nothing was rented. Start tomorrow, or raise "caps.${left.dollars !== null && left.dollars <= 0 ? 'dollarsPerDay' : 'hoursPerDay'}".`,
    });
  }
  return left;
}

/** Sentences, and the cap that they are about. */
export interface DayShort {
  what: string;
  why: string;
  next: string;
  cap: 'dollarsPerDay' | 'hoursPerDay';
}

/**
 * Why a run that is expected to come to so much is ended by what is left of the day; undefined where it is not, or nobody
 * can say. USD and seconds.
 */
export function dayShort(
  { dollarsPerDay, hoursPerDay }: Caps,
  left: DayLeft,
  expected: { dollars: number | null; seconds: number | null },
): DayShort | undefined {
  const text = (has: string, rest: string, needs: string, cap: DayShort['cap']): DayShort => ({
    what: `Of today's ${has} ${rest} are left, but the run is expected to ${needs}.`,
    why: 'The job gets what is left, and is ended when that is spent.',
    next: `Raise "caps.${cap}" or start tomorrow; what was done is kept and skipped the next time.`,
    cap,
  });
  if (left.dollars !== null && expected.dollars !== null && left.dollars < expected.dollars) {
    const needs = `cost ${dollars(expected.dollars)}`;
    return text(dollars(dollarsPerDay ?? 0), dollars(left.dollars), needs, 'dollarsPerDay');
  }
  if (left.hours !== null && expected.seconds !== null && left.hours * 3600 < expected.seconds) {
    const needs = `take ${roughly(expected.seconds)}`;
    return text(`${count(hoursPerDay ?? 0, 'hour')} of pods`, roughly(left.hours * 3600), needs, 'hoursPerDay');
  }
  return undefined;
}

/** Longest wait of a timer. */
const longestMs = 2 ** 31 - 1;

/** Stops the preparation of a job when its pod has cost what the cap allows, before a keeper is there to do it. */
export class CapTimer {
  /** Aborts with the caller's signal, or at the cap. */
  readonly signal: AbortSignal;
  /** Why it aborted at the cap; undefined otherwise. */
  reason: UserError | undefined;
  readonly #limit = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal === undefined ? this.#limit.signal : AbortSignal.any([signal, this.#limit.signal]);
  }

  start(caps: PodCaps): void {
    this.stop();
    const left = caps.left();
    if (left === null) {
      return;
    }
    if (left <= 0) {
      this.reason = caps.spent();
      this.#limit.abort();
      return;
    }
    this.#timer = setTimeout(() => this.start(caps), Math.min(left * 1000, longestMs));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
