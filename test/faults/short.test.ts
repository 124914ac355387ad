import assert from 'node:assert/strict';
import os from 'node:os';
import { isolations, isRoot } from '../integration/sandbox/harness.ts';
import { play, type Played } from './play.ts';
import {
  describeSchedule,
  inOrder,
  kinds,
  makeFault,
  needsRoot,
  numbers,
  placesOf,
  scheduleOf,
  type Kind,
  type Phase,
  type Schedule,
} from './schedule.ts';

let own = 0;
/** A schedule of these faults; an omitted phase is another one for every schedule. */
function scheduleWith(...faults: (readonly [Kind, Phase?])[]): Schedule {
  own += 1;
  const random = numbers(own);
  const made = faults.map(([kind, phase]) =>
    makeFault(kind, phase ?? placesOf(kind)[own % placesOf(kind).length], random),
  );
  const isolation = isolations[own % isolations.length] ?? 'plain';
  return { seed: -own, isolation, defaultTimings: false, faults: inOrder(made) };
}

const possible = kinds.filter((kind) => isRoot || !needsRoot(kind));
const half = Math.ceil(possible.length / 2);
const groups: Record<string, Schedule[]> = {
  // Two in a schedule: one that ends a client, and one that harms its pod, its disks or the API.
  'every kind of fault': possible.slice(0, half).map((kind, i) => {
    const second = possible[half + i];
    return scheduleWith([kind], ...(second === undefined ? [] : [[second] as const]));
  }),
  'a link that is cut for a moment is no event': [
    scheduleWith(['cut', 'wait'], ['freeze', 'transfer'], ['cut', 'run']),
    scheduleWith(['cut', 'transfer'], ['cut', 'start'], ['freeze', 'fetch']),
    scheduleWith(['freeze', 'start'], ['cut', 'gate'], ['cut', 'fetch']),
  ],
  'two starts at one moment': [scheduleWith(['second-start', 'provision']), scheduleWith(['second-home', 'provision'])],
  'what once went wrong': [
    scheduleWith(['host-loss', 'start']),
    scheduleWith(['client-kill', 'fetch'], ['container-crash', 'fetch']),
  ],
  'schedules of a seed': Array.from({ length: 4 }, (_, index) => scheduleOf(index + 1, isolations)),
};

/** Those that only wait go first, so that others use the time. */
function length({ faults }: Schedule): number {
  return Math.max(...faults.map((f) => (f.kind === 'laptop-off' || f.kind === 'smi-hangs' ? 20_000 : f.lengthMs)));
}

describe('faults: whatever happens, the truth is told, nothing is lost and the pod ends (R3.4, R4.3, R4.5, R4.7)', function () {
  // The first test may wait for schedules that others began earlier.
  this.timeout(900_000);
  const played = new Map<Schedule, Promise<Played>>();

  before(() => {
    const waiting = Object.values(groups)
      .flat()
      .sort((a, b) => length(b) - length(a));
    const lanes = Array.from({ length: Math.min(4, os.availableParallelism() + 2) }, () => Promise.resolve());
    for (let at = 0; waiting.length > 0; at = (at + 1) % lanes.length) {
      const schedule = waiting.shift();
      if (schedule === undefined) break;
      // Each lane plays one after another; what it came to is looked at by the schedule's own test.
      const result = (lanes[at] ?? Promise.resolve()).then(() => play(schedule));
      lanes[at] = result.then(
        () => undefined,
        () => undefined,
      );
      played.set(schedule, result);
    }
  });

  for (const [name, schedules] of Object.entries(groups)) {
    describe(name, () => {
      for (const schedule of schedules) {
        it(describeSchedule(schedule), async () => {
          const result = await played.get(schedule);
          assert.ok(result);
          assert.deepEqual(result.violations, [], result.trace);
        });
      }
    });
  }
});
