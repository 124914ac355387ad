import type { JobRecord } from '../journal/records.ts';
import { meteredCost } from './meter.ts';

/** What is known of a job's pod beyond its record. */
export interface PodKnown {
  /** Whether the API lists the pod as alive; undefined when nobody has asked. */
  running: boolean | undefined;
  /** When its journal says that the job had ended, by the pod's clock. */
  finished?: string | undefined;
  /** Seconds that the job took by the pod's own steady clock: the pod lived at least that long. */
  jobSeconds?: number | undefined;
}

/** The time in which a job had its pod, and what that cost by the meter. */
export interface PodSpan {
  from: Date;
  /** Undefined while it runs. */
  until: Date | undefined;
  seconds: number;
  /** USD; null when the end of the pod is not known. */
  dollars: number | null;
  /** `journal`: the clock of this computer was wrong, so the pod's own steady clock is taken: a lower bound. */
  basis: 'meter' | 'journal' | 'unknown';
}

/** The keeper ends a pod 15 s after its job, its call takes a moment too. */
const afterJobMs = 25_000;
/** A longer time is a clock that was wrong rather than a pod. */
const longestSeconds = 45 * 86_400;

/** Undefined for a job that had no pod. */
export function spanOf(record: JobRecord, known: PodKnown, now = new Date()): PodSpan | undefined {
  const { pod } = record;
  if (pod === undefined) {
    return undefined;
  }
  const from = new Date(pod.created);
  const until = endOf(record, known);
  const end = until ?? (known.running === false ? undefined : now);
  const seconds = end === undefined ? NaN : (end.getTime() - from.getTime()) / 1000;
  const { jobSeconds } = known;
  const wrong = Number.isNaN(seconds) || seconds < 0 || seconds > longestSeconds || seconds < (jobSeconds ?? 0);
  if (!wrong) {
    return { from, until, seconds, dollars: meteredCost(pod, end), basis: 'meter' };
  }
  if (jobSeconds === undefined) {
    return { from, until, seconds: 0, dollars: null, basis: 'unknown' };
  }
  return { from, until, seconds: jobSeconds, dollars: (jobSeconds / 3600) * pod.costPerHour, basis: 'journal' };
}

/** When the pod ended, as well as it is known: a client saw it, or the journal tells when its keeper ended it. */
function endOf(record: JobRecord, { running, finished }: PodKnown): Date | undefined {
  if (record.podEnded !== undefined) {
    return new Date(record.podEnded);
  }
  return running === false && finished !== undefined ? new Date(Date.parse(finished) + afterJobMs) : undefined;
}

/** USD and hours of a span between two moments. */
export function within(span: PodSpan, costPerHour: number, from: Date, to: Date): { dollars: number; hours: number } {
  if (span.basis === 'unknown') {
    return { dollars: 0, hours: 0 };
  }
  const begin = Math.max(span.from.getTime(), from.getTime());
  const end = Math.min(span.from.getTime() + span.seconds * 1000, to.getTime());
  const hours = Math.max(0, end - begin) / 3_600_000;
  return { dollars: hours * costPerHour, hours };
}
