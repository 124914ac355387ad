import type { Isolation } from '../../sandbox/index.ts';

/** Where a job is when a fault comes, in order. */
export const phases = ['provision', 'wait', 'transfer', 'start', 'run', 'gate', 'fetch', 'end'] as const;
export type Phase = (typeof phases)[number];

/**
 * What goes wrong. Every kind is taken from what users of such systems met; the numbers are those of the list of cases
 * in docs/reliability.md.
 */
export const kinds = [
  'client-kill',
  'worker-kill',
  'watchdog-kill',
  'both-kill',
  'oom',
  'cut',
  'freeze',
  'long-freeze',
  'stop',
  'delete',
  'host-loss',
  'container-crash',
  'api-down',
  'answer-lost',
] as const;
export type Kind = (typeof kinds)[number];

export interface Fault {
  phase: Phase;
  kind: Kind;
  /** Ms after the phase was seen to begin. */
  delayMs: number;
  /** Ms that a disturbance lasts, where it ends by itself. */
  lengthMs: number;
}

export interface Schedule {
  seed: number;
  isolation: Isolation;
  faults: Fault[];
}

const onThePod: Phase[] = ['start', 'run', 'gate', 'fetch', 'end'];
const withAPod: Phase[] = ['wait', 'transfer', ...onThePod];

/** The phases in which a fault of a kind makes sense. */
export const placesOf: Record<Kind, readonly Phase[]> = {
  'client-kill': phases,
  'worker-kill': ['start', 'run', 'gate'],
  'watchdog-kill': onThePod,
  'both-kill': ['run', 'gate'],
  oom: ['run'],
  cut: withAPod,
  freeze: withAPod,
  'long-freeze': ['transfer', 'run', 'fetch'],
  stop: withAPod,
  delete: withAPod,
  'host-loss': withAPod,
  'container-crash': withAPod,
  'api-down': phases,
  'answer-lost': ['provision', 'end'],
};

/** Long freezes outlast the client's patience of 15 s and cost time, so they are rare. */
const weights: Partial<Record<Kind, number>> = { 'client-kill': 4, 'long-freeze': 0.3, 'answer-lost': 1 };
const defaultWeight = 2;

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

/** The schedule of a seed: one to three faults, in the order of their phases. */
export function scheduleOf(seed: number, isolations: readonly Isolation[]): Schedule {
  const random = numbers(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const count = 1 + Math.floor(random() * 3);
  const faults = Array.from({ length: count }, () => {
    const kind = pickKind(random());
    return makeFault(kind, pick(placesOf[kind]), random);
  });
  faults.sort((a, b) => phases.indexOf(a.phase) - phases.indexOf(b.phase));
  return { seed, isolation: pick(isolations), faults };
}

/** One fault alone. */
export function makeFault(kind: Kind, phase: Phase, random: () => number): Fault {
  const lengthMs = kind === 'long-freeze' ? 17_000 + random() * 3000 : 200 + random() ** 2 * 2500;
  return { phase, kind, delayMs: Math.round(random() ** 2 * 400), lengthMs: Math.round(lengthMs) };
}

function pickKind(random: number): Kind {
  const total = kinds.reduce((sum, kind) => sum + (weights[kind] ?? defaultWeight), 0);
  let left = random * total;
  for (const kind of kinds) {
    left -= weights[kind] ?? defaultWeight;
    if (left < 0) return kind;
  }
  return 'cut';
}

export function describeSchedule({ seed, isolation, faults }: Schedule): string {
  const list = faults.map((f) => `${f.kind} in ${f.phase} +${f.delayMs} ms (${f.lengthMs} ms)`);
  return `seed ${seed}, ${isolation}: ${list.join('; ')}`;
}
