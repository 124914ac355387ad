import type { HelperPurpose } from '../journal/helper-use.ts';
import type { HelperPod } from '../journal/helpers.ts';
import { helperName, helperVariable, podName, projectVariable } from '../journal/id.ts';
import type { JobRecord } from '../journal/records.ts';
import type { Pod } from '../runpod/schemas.ts';
import { metered, mostPerHour, soundPrice } from '../words/index.ts';

/** What a stretch of a pod's time was for. */
export type Use =
  | { of: 'job'; job: string; project: string }
  | { of: 'helper'; purpose: HelperPurpose; project: string | null }
  /** Nothing that this computer knows of: a pod of another computer, or not of this product. */
  | { of: 'other'; project: string | null };

/** A stretch of a pod's time that is paid for. Those of one pod never overlap, so no second is counted twice. */
export interface Stretch {
  /** Id of the pod. */
  pod: string;
  use: Use;
  /** In ms, as all times here. */
  from: number;
  /** Until when it was there for this for certain; the present where it still is. */
  until: number;
  /** Until when it can have been there: later than `until` where nobody saw its end. */
  latest: number;
  /** USD; null where nobody tells. */
  costPerHour: number | null;
  /**
   * `seen`: both ends are known, or it goes on. `journal`: the clock of this computer was wrong, so the pod's own steady
   * clock is taken, a lower bound. `unseen`: nobody saw the end. `unknown`: nothing can be said.
   */
  basis: 'seen' | 'journal' | 'unseen' | 'unknown';
  /** Whether the pod is still there for it. */
  goesOn: boolean;
  /** What the caps let it come to, while it goes on. */
  promise?: Promised | undefined;
}

interface Promised {
  stopsBy: number | null;
  /** USD, from the first second of this job on the pod. */
  mostDollars: number | null;
}

/** A job's record, and what its journal tells of its pod. */
export interface JobFacts {
  record: JobRecord;
  /** When its journal says that the job had ended, by the pod's clock. */
  finished?: string | undefined;
  /** Seconds that the job took by the pod's own steady clock: the pod lived at least that long. */
  jobSeconds?: number | undefined;
  /** When this computer last heard of it. */
  heard?: Date | undefined;
}

/** All that this computer knows of pods; no network. */
export interface PodFacts {
  jobs: readonly JobFacts[];
  helpers: readonly HelperPod[];
  /** What the API has just listed; undefined where nobody has asked. */
  listed: readonly Pod[] | undefined;
  now: Date;
}

type NotedPod = NonNullable<JobRecord['pod']>;

/** The keeper ends a pod 15 s after its job, and its call takes a moment too. */
const afterJobMs = 25_000;
/** A pod that was just rented may not be in a list yet. */
export const youngMs = 600_000;
/** A longer time is a clock that was wrong rather than a pod. */
const longestMs = 45 * 86_400_000;

/** What somebody says of a pod, whatever others say of it. */
interface Claim extends Stretch {
  /** Whether its end is certain: it cannot be moved by what came after. */
  ended: boolean;
}

/**
 * Whose every second of every pod was: the one calculation that all sums of money and all hours of pods are taken from.
 * A pod that several used, one after the other, is shared among them; while it was kept between two it was the first's.
 */
export function stretchesOf(facts: PodFacts): Stretch[] {
  const { jobs, helpers, listed = [], now } = facts;
  const there = new Map(listed.filter(isPaid).map((pod) => [pod.id, pod]));
  const noted = new Set(helpers.map((h) => h.id));
  const claims = [
    ...jobs.flatMap((job) => ofJob(job, facts, there, noted)),
    ...helpers.flatMap((helper) => ofHelper(helper, facts, there)),
  ];
  const known = new Set(claims.map(({ pod }) => pod));
  claims.push(...[...there.values()].filter(({ id }) => !known.has(id)).map((pod) => ofOther(pod, now)));
  const byPod = new Map<string, Claim[]>();
  for (const claim of claims) {
    byPod.set(claim.pod, [...(byPod.get(claim.pod) ?? []), claim]);
  }
  return [...byPod.values()].flatMap(shared);
}

/** Whether a pod costs its hourly price. */
export function isPaid({ status }: Pick<Pod, 'status'>): boolean {
  return status !== 'EXITED' && status !== 'TERMINATED' && status !== 'ERROR';
}

function ofJob(
  { record, finished, jobSeconds, heard }: JobFacts,
  facts: PodFacts,
  there: ReadonlyMap<string, Pod>,
  helpers: ReadonlySet<string>,
): Claim[] {
  // A client that was killed may not have noted its pod, nor a helper that it rented.
  const named = [...there.values()].find(({ name }) => name === podName(record.job));
  const pod = record.pod ?? (named && asNoted(named, record));
  const { job, project } = record;
  const { now } = facts;
  const fetching = [...there.values()]
    .filter(({ id, name }) => name === helperName(job) && !helpers.has(id))
    .map((helper) => ({ ...ofOther(helper, now), use: { of: 'helper' as const, purpose: 'fetch' as const, project } }));
  if (pod === undefined) {
    return fetching;
  }
  const { cap, reserved } = record;
  const promised = cap ?? reserved;
  const stopsBy = msOf(promised?.stopsBy);
  const claim = claimed({
    pod: pod.id,
    use: { of: 'job', job, project },
    from: Date.parse(pod.created),
    costPerHour: pod.costPerHour,
    ended: msOf(record.podEnded),
    finished: msOf(finished),
    keeps: record.onFinish === 'keep',
    heard: heard?.getTime() ?? null,
    // Nobody who could end the pod alone was there where the cap is not armed.
    bound: Math.min(msOf(record.goneBy) ?? Infinity, cap?.armed === false ? Infinity : (stopsBy ?? Infinity)),
    open: record.phase !== 'done',
    there: isThere(pod, facts, there),
    jobMs: (jobSeconds ?? 0) * 1000,
    now: now.getTime(),
  });
  const promise = promised && { stopsBy, mostDollars: promised.mostDollars };
  return [{ ...claim, ...(promise !== undefined && claim.goesOn && { promise }) }, ...fetching];
}

function asNoted(
  { id, createdAt, cost }: Pod,
  { created }: JobRecord,
): Pick<NotedPod, 'id' | 'created' | 'costPerHour'> {
  return { id, created: createdAt ?? created, costPerHour: cost ?? 0 };
}

function ofHelper(helper: HelperPod, facts: PodFacts, there: ReadonlyMap<string, Pod>): Claim[] {
  const { id, purpose, project = null, costPerHour, created, ended, goneBy } = helper;
  return [
    claimed({
      pod: id,
      use: { of: 'helper', purpose, project },
      from: Date.parse(created),
      costPerHour,
      ended: msOf(ended),
      finished: null,
      keeps: false,
      heard: null,
      bound: msOf(goneBy) ?? Infinity,
      open: true,
      there: isThere(helper, facts, there),
      jobMs: 0,
      now: facts.now.getTime(),
    }),
  ];
}

/** Whether the API lists a pod; undefined where that cannot be said. */
function isThere(
  { id, created }: { id: string; created: string },
  { listed, now }: PodFacts,
  there: ReadonlyMap<string, Pod>,
): boolean | undefined {
  const age = now.getTime() - Date.parse(created);
  const isUnheard = listed?.every((pod) => pod.id !== id) === true && age < youngMs;
  return listed === undefined || isUnheard ? undefined : there.has(id);
}

function ofOther(pod: Pod, now: Date): Claim {
  const began = msOf(pod.createdAt ?? pod.startedAt) ?? now.getTime();
  const project = pod.env[projectVariable] ?? null;
  const purpose = pod.env[helperVariable];
  return {
    pod: pod.id,
    // A move is of a volume, whatever its pod is named after.
    use: { of: 'other', project: purpose === 'move' ? null : project },
    from: Math.min(began, now.getTime()),
    until: now.getTime(),
    latest: now.getTime(),
    costPerHour: soundPrice(pod.cost),
    basis: 'seen',
    goesOn: true,
    ended: false,
  };
}

interface Known {
  pod: string;
  use: Use;
  from: number;
  costPerHour: number;
  ended: number | null;
  finished: number | null;
  /** Whether its pod outlives the job. */
  keeps: boolean;
  heard: number | null;
  /** The pod was gone by then in any case. */
  bound: number;
  /** Whether somebody may still be at work with it. */
  open: boolean;
  /** Whether the API lists it; undefined where nobody has asked. */
  there: boolean | undefined;
  jobMs: number;
  now: number;
}

function claimed(known: Known): Claim {
  const { pod, use, from } = known;
  const common = { pod, use, from, costPerHour: soundPrice(known.costPerHour) };
  // Of a damaged journal nothing is believed.
  const jobMs = known.jobMs >= 0 && known.jobMs <= longestMs ? known.jobMs : 0;
  const end = endOf({ ...known, jobMs });
  const length = end.until - from;
  if (length >= 0 && length <= longestMs && length >= jobMs) {
    return { ...common, ...end, latest: Math.min(Math.max(end.latest, end.until), from + longestMs) };
  }
  // A clock was wrong. Where the pod told how long its job took, it was there for so long at least.
  const begin = Number.isNaN(from) ? known.now : from;
  const told = begin + jobMs;
  const basis = jobMs > 0 ? ('journal' as const) : ('unknown' as const);
  return { ...common, from: begin, until: told, latest: told, basis, goesOn: end.goesOn, ended: end.ended };
}

function endOf(known: Known): Pick<Claim, 'until' | 'latest' | 'basis' | 'goesOn' | 'ended'> {
  const { ended, finished, keeps, there, open, heard, bound, from, now } = known;
  const seen = (at: number): ReturnType<typeof endOf> => ({
    ...{ until: at, latest: at, basis: 'seen', goesOn: false, ended: true },
  });
  if (ended !== null) {
    return seen(ended);
  }
  // A kept pod costs on after its job: what it came to by now is no bound.
  if (there === true || (there === undefined && (open || (keeps && now < bound)))) {
    return { until: now, latest: now, basis: 'seen', goesOn: true, ended: there === true };
  }
  if (finished !== null && !keeps) {
    // Its keeper has ended it.
    return seen(finished + afterJobMs);
  }
  // The job's own length needs no clock of this computer.
  const least = Math.max(from, Math.min(now, Math.max(finished ?? from, heard ?? from, from + known.jobMs)));
  return { until: least, latest: Math.min(now, bound), basis: 'unseen', goesOn: false, ended: false };
}

/** Shares a pod's time out among those that claim it: of several at one moment it is that one's who came last. */
function shared(claims: readonly Claim[]): Stretch[] {
  const sorted = claims.toSorted((a, b) => a.from - b.from);
  const whole = sorted.map((claim, i) => {
    const next = sorted[i + 1];
    // Who came later knows better than who only guesses.
    return next === undefined || claim.ended ? claim : { ...claim, until: Math.min(claim.until, next.from) };
  });
  const end = Math.max(...whole.map(({ until }) => until));
  const holder = whole.findLast(({ until }) => until === end);
  const edges = [...new Set(whole.flatMap(({ from, until }) => [from, until]))].sort((a, b) => a - b);
  const stretches: Stretch[] = [];
  for (const [i, until] of edges.slice(1).entries()) {
    const from = edges[i] ?? until;
    const owner = ownerOf(whole, from, until);
    const last = stretches.at(-1);
    if (last !== undefined && last.use === owner?.use && last.until === from) {
      last.until = last.latest = until;
    } else if (owner !== undefined) {
      stretches.push(stretchOf(owner, from, until));
    }
  }
  for (const claim of whole.filter(({ use }) => !stretches.some((one) => one.use === use))) {
    stretches.push(stretchOf(claim, claim.from, claim.from));
  }
  for (const stretch of stretches) {
    if (stretch.use !== holder?.use || stretch.until !== end) {
      // What came after it tells when it was over.
      stretch.basis = stretch.basis === 'unseen' ? 'seen' : stretch.basis;
    } else {
      const { latest, goesOn, promise } = holder;
      Object.assign(stretch, { latest: Math.max(latest, end), goesOn, ...(goesOn && { promise }) });
    }
  }
  return stretches;
}

/** Whose a pod was between two moments. Where nobody claims it, it was kept by who had it before. */
function ownerOf(claims: readonly Claim[], from: number, until: number): Claim | undefined {
  const begun = claims.filter((claim) => claim.from <= from);
  const own = begun.findLast((claim) => claim.until >= until);
  if (own !== undefined) {
    return own;
  }
  const before = begun.at(-1);
  const isClock = before === undefined || before.basis === 'journal' || before.basis === 'unknown';
  return isClock || until - before.from > longestMs ? undefined : before;
}

function stretchOf({ pod, use, costPerHour, basis }: Claim, from: number, until: number): Stretch {
  return { pod, use, from, until, latest: until, costPerHour, basis, goesOn: false };
}

function msOf(iso: string | null | undefined): number | null {
  const ms = iso == null ? NaN : Date.parse(iso);
  return Number.isNaN(ms) ? null : ms;
}

/** From one moment until before another, in ms. */
export interface Window {
  from: number;
  to: number;
}

export const ever: Window = { from: -Infinity, to: Infinity };

/** A day of this computer's calendar, from midnight to midnight: 23 or 25 hours where the clock is changed. */
export function dayOf(time: Date): Window & { key: string } {
  const [year, month, day] = [time.getFullYear(), time.getMonth(), time.getDate()];
  const two = (value: number): string => String(value).padStart(2, '0');
  return {
    key: `${year}-${two(month + 1)}-${two(day)}`,
    from: new Date(year, month, day).getTime(),
    to: new Date(year, month, day + 1).getTime(),
  };
}

/** What stretches come to; USD. */
export interface Spent {
  seconds: number;
  dollars: number;
  /** With what is promised to what goes on, and what may have been where nobody saw the end. */
  mostSeconds: number;
  mostDollars: number;
}

/** What has been of them, without what the caps promise of what is to come. */
export function soFar(stretches: readonly Stretch[]): Stretch[] {
  return stretches.map((stretch) => ({ ...stretch, promise: undefined }));
}

/** What these stretches come to within a window. The sum over windows that follow each other is that of all of them. */
export function spent(stretches: readonly Stretch[], window: Window = ever): Spent {
  const sum: Spent = { seconds: 0, dollars: 0, mostSeconds: 0, mostDollars: 0 };
  for (const stretch of stretches) {
    const { from, until, latest, promise, costPerHour } = stretch;
    const price = costPerHour ?? 0;
    const own = within(from, until, window);
    const stopsBy = Math.min(promise?.stopsBy ?? latest, from + longestMs);
    const most = within(from, Math.max(latest, stopsBy), window);
    sum.seconds += own / 1000;
    sum.dollars += metered(own, price);
    sum.mostSeconds += Math.max(own, most) / 1000;
    sum.mostDollars += Math.max(metered(own, price), promisedIn(stretch, metered(most, price), window));
  }
  return sum;
}

/** USD that may be spent in a window: what is promised for all of it, less what went before. */
function promisedIn({ from, until, promise, costPerHour }: Stretch, byTime: number, window: Window): number {
  if (promise?.mostDollars == null) {
    return byTime;
  }
  const before = within(from, until, { from: -Infinity, to: window.from });
  const left = Math.max(0, promise.mostDollars - metered(before, costPerHour ?? 0));
  // Without a time by which it stops all of it may be spent as long as it goes on, though no more than the window takes.
  const whole = Math.min(window.to, from + longestMs) - Math.max(window.from, from);
  return Math.min(promise.stopsBy === null ? metered(whole, costPerHour ?? mostPerHour) : byTime, left);
}

function within(from: number, until: number, window: Window): number {
  return Math.max(0, Math.min(until, window.to) - Math.max(from, window.from));
}
