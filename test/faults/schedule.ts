import type { Isolation } from '../../sandbox/index.ts';

/** Where a job is when a fault comes, in order. */
export const phases = ['provision', 'wait', 'transfer', 'start', 'run', 'gate', 'fetch', 'end'] as const;
export type Phase = (typeof phases)[number];

const withAPod: readonly Phase[] = ['wait', 'transfer', 'start', 'run', 'gate', 'fetch', 'end'];
const withAWorker: readonly Phase[] = ['transfer', 'start', 'run', 'gate', 'fetch', 'end'];
const preparing: readonly Phase[] = ['provision', 'wait', 'transfer', 'start'];

interface KindOfFault {
  /** The phases in which it makes sense. */
  places: readonly Phase[];
  /** How often it is drawn; 2 unless told. What costs much time is drawn less. */
  weight?: number;
  /** The longest time that it lasts, in ms, where it ends by itself; 2700 unless told. */
  longestMs?: number;
  /** It needs the right to mount. */
  root?: true;
}

/** What goes wrong. Every kind is taken from what users of such systems met (docs/reliability.md). */
const table = {
  'client-kill': { places: phases, weight: 3 },
  'client-term': { places: phases, weight: 1 },
  'client-int': { places: phases, weight: 1 },
  'client-hup': { places: phases },
  /** Nobody reads any more what it says. */
  'client-pipe': { places: phases },
  /** The client is killed and never comes back, sometimes with a fault of the pod (`along`). */
  'laptop-off': { places: phases, weight: 3 },
  'second-start': { places: preparing },
  /** The second start comes from another laptop. */
  'second-home': { places: preparing },
  'worker-kill': { places: ['start', 'run', 'gate'] },
  'keeper-kill': { places: withAWorker },
  'both-kill': { places: ['run', 'gate'] },
  /** What `kill -9 -1` of a step leaves: nothing but the container's first process. */
  'kill-all': { places: ['start', 'run', 'gate', 'end'] },
  oom: { places: ['run'], weight: 1 },
  'container-crash': { places: withAPod },
  cut: { places: withAPod },
  freeze: { places: withAPod },
  'long-freeze': { places: ['transfer', 'run', 'fetch'], weight: 0.3, longestMs: 20_000 },
  stop: { places: withAPod, weight: 1 },
  delete: { places: withAPod, weight: 1 },
  'host-loss': { places: withAPod },
  'api-down': { places: phases },
  'answer-lost': { places: ['provision', 'end'], weight: 1 },
  /** Deletions are answered as done and are not. */
  'end-undone': { places: ['run', 'fetch', 'end'] },
  /** Something between answers 404 for the API. */
  'bare-404': { places: withAPod },
  'disk-full': { places: withAWorker, longestMs: 8000, root: true },
  'volume-full': { places: withAWorker, longestMs: 8000, root: true },
  'volume-broken': { places: withAWorker, longestMs: 4000, root: true },
  'fsync-fails': { places: withAWorker, longestMs: 4000, root: true },
  'volume-hangs': { places: withAWorker, longestMs: 8000, root: true },
  /** For as long as the schedule lasts. */
  'smi-hangs': { places: ['start'], weight: 0.5 },
} as const satisfies Record<string, KindOfFault>;
export type Kind = keyof typeof table;
export const kinds = Object.keys(table) as Kind[];

const kindOf = (kind: Kind): KindOfFault => table[kind];
export const placesOf = (kind: Kind): readonly Phase[] => kindOf(kind).places;
/** Whether a machine needs the right to mount for it. */
export const needsRoot = (kind: Kind): boolean => kindOf(kind).root === true;

/** What may befall a pod in the moment in which its client goes for ever. */
const alongWith = ['keeper-kill', 'both-kill', 'kill-all', 'container-crash'] as const satisfies readonly Kind[];
export type Along = (typeof alongWith)[number];

export interface Fault {
  phase: Phase;
  kind: Kind;
  /** Ms after the phase was seen to begin. */
  delayMs: number;
  /** Ms that a disturbance lasts, where it ends by itself. */
  lengthMs: number;
  along?: Along;
}

export interface Schedule {
  seed: number;
  isolation: Isolation;
  /** Whether ending, closing and stall take as long as they do for users. */
  defaultTimings: boolean;
  faults: Fault[];
}

/** For so long a link may be silent before it counts as lost. */
export const silenceMs = 15_000;

/** Whether the user may not notice anything of it but time (R3.4): the job goes on, and its client with it. */
export function isNoEvent({ faults }: Schedule): boolean {
  return faults.every(
    ({ kind, phase, lengthMs }) => (kind === 'cut' || kind === 'freeze') && phase !== 'end' && lengthMs < silenceMs,
  );
}

export function has({ faults }: Schedule, ...some: Kind[]): boolean {
  return faults.some(({ kind }) => some.includes(kind));
}

/** Numbers between 0 and 1 that a seed decides (mulberry32). */
export function numbers(seed: number): () => number {
  let state = (seed * 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The schedule of a seed: one to three faults, in the order of their phases. One of 50 has the default timings. */
export function scheduleOf(seed: number, isolations: readonly Isolation[]): Schedule {
  const random = numbers(seed);
  const count = 1 + Math.floor(random() * 3);
  const faults = Array.from({ length: count }, () => {
    const kind = pickKind(random());
    return makeFault(kind, pick(placesOf(kind), random), random);
  });
  return { seed, isolation: pick(isolations, random), defaultTimings: seed % 50 === 0, faults: inOrder(faults) };
}

export function inOrder(faults: Fault[]): Fault[] {
  return faults.toSorted((a, b) => phases.indexOf(a.phase) - phases.indexOf(b.phase));
}

/** A fault of a kind; in one of its phases, unless told which. */
export function makeFault(kind: Kind, phase: Phase | undefined, random: () => number): Fault {
  const { places, longestMs = 2700 } = kindOf(kind);
  const lengthMs = kind === 'long-freeze' ? 17_000 + random() * 3000 : 200 + random() ** 2 * (longestMs - 200);
  const fault: Fault = {
    phase: phase ?? pick(places, random),
    kind,
    delayMs: Math.round(random() ** 2 * 400),
    lengthMs: Math.round(lengthMs),
  };
  const alone = random() < 0.4;
  return kind === 'laptop-off' && !alone ? { ...fault, along: pick(alongWith, random) } : fault;
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** As an ordinary user a schedule has other faults where some need root. */
const drawn = kinds.filter((kind) => !needsRoot(kind) || process.getuid?.() === 0);

function pickKind(random: number): Kind {
  const weight = (kind: Kind): number => kindOf(kind).weight ?? 2;
  let left = random * drawn.reduce((sum, kind) => sum + weight(kind), 0);
  for (const kind of drawn) {
    left -= weight(kind);
    if (left < 0) return kind;
  }
  return 'cut';
}

export const placeOf = ({ kind, along, phase }: Fault): string =>
  `${kind}${along === undefined ? '' : `+${along}`}/${phase}`;

export function describeSchedule({ seed, isolation, defaultTimings, faults }: Schedule): string {
  const list = faults.map(
    (f) =>
      `${f.kind}${f.along === undefined ? '' : ` with ${f.along}`} in ${f.phase} +${f.delayMs} ms (${f.lengthMs} ms)`,
  );
  return `seed ${seed}, ${isolation}${defaultTimings ? ', default timings' : ''}: ${list.join('; ')}`;
}
