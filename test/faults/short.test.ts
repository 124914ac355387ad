import assert from 'node:assert/strict';
import os from 'node:os';
import { isolations } from '../integration/sandbox/harness.ts';
import { play, type Played } from './play.ts';
import { describeSchedule, kinds, makeFault, numbers, placesOf, scheduleOf, type Schedule } from './schedule.ts';

/** Each kind of fault once, alone, in a phase that is another one for every kind. */
const single = kinds.map((kind, index): Schedule => {
  const random = numbers(index);
  const places = placesOf[kind];
  const fault = makeFault(kind, places[index % places.length] ?? 'run', random);
  return { seed: -index - 1, isolation: isolations[index % isolations.length] ?? 'plain', faults: [fault] };
});
const mixed = Array.from({ length: 8 }, (_, index) => scheduleOf(index + 1, isolations));
/** Schedules that once found a fault, again and again. */
const once = [1419, 1495].map((seed) => scheduleOf(seed, isolations));
// The one that only waits goes first, so that others use the time.
const schedules = [...single, ...mixed, ...once].sort((a, b) => length(b) - length(a));

function length(schedule: Schedule): number {
  return Math.max(...schedule.faults.map((f) => f.lengthMs));
}

describe('faults: whatever happens, the truth is told and nothing is lost (R3.4, R4.3)', function () {
  this.timeout(300_000);
  const played = new Map<Schedule, Promise<Played>>();

  before(() => {
    const waiting = [...schedules];
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

  for (const schedule of schedules) {
    it(describeSchedule(schedule), async () => {
      const result = await played.get(schedule);
      assert.ok(result);
      assert.deepEqual(result.violations, [], result.trace);
    });
  }
});
