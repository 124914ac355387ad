import assert from 'node:assert/strict';
import {
  dayLeft,
  dayShort,
  endSeconds,
  mostDollarsOf,
  PodCaps,
  rentSeconds,
  wholeDay,
} from '../../../src/core/caps/cap.ts';
import { capOwners, capSentence } from '../../../src/core/caps/sentence.ts';
import type { CapKey } from '../../../src/core/journal/events.ts';
import { CapTimer } from '../../../src/core/caps/cap.ts';
import { UserError } from '../../../src/core/errors.ts';
import { until } from '../../support/wait.ts';

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof UserError && error.code === wanted;

describe('caps of a pod (R4.3)', () => {
  it('dollars count from the first second of the pod and pay for its end too', () => {
    const caps = new PodCaps({ dollars: 2 }, 4);
    const seconds = caps.grant() ?? 0;
    assert.ok(seconds <= 1800 - endSeconds && seconds >= 1800 - endSeconds - 2, String(seconds));
    const { mostDollars, stopsBy } = caps.promise();
    assert.ok(mostDollars !== null && mostDollars <= 2 && mostDollars > 1.99);
    assert.ok(Math.abs(Date.parse(stopsBy ?? '') - Date.now() - (seconds + endSeconds) * 1000) < 1000);
  });

  it('the tighter of time, money and what is left of the day', () => {
    assert.equal(new PodCaps({ hours: 1, dollars: 100 }, 1).grant(), 3600);
    const left = { dollars: 0.5, hours: null };
    assert.ok(Math.abs((new PodCaps({ hours: 10, dollars: 100 }, 1, left).grant() ?? 0) - (1800 - endSeconds)) <= 1);
    assert.ok(Math.abs((new PodCaps({}, null, { dollars: null, hours: 2 }).grant() ?? 0) - (7200 - endSeconds)) <= 1);
  });

  it('without a cap, or with one in dollars and an unknown price, nothing is promised', () => {
    for (const caps of [new PodCaps({}, 1), new PodCaps({ dollars: 1 }, null)]) {
      assert.equal(caps.left(), null);
      assert.equal(caps.grant(), null);
      assert.deepEqual(caps.promise(), { stopsBy: null, mostDollars: null });
    }
  });

  it('a cap that was used up before the start is an error that says so', () => {
    assert.throws(() => new PodCaps({ dollars: 0.0001 }, 1).grant(), code('cap-spent'));
  });

  it('the day: what is left, or a refusal', () => {
    const caps = { dollarsPerDay: 5, hoursPerDay: 8 };
    assert.deepEqual(dayLeft(caps, { dollars: 3, hours: 2 }), { dollars: 2, hours: 6 });
    assert.deepEqual(dayLeft({}, { dollars: 300, hours: 20 }), wholeDay);
    assert.throws(() => dayLeft(caps, { dollars: 5, hours: 2 }), code('cap-day'));
    assert.throws(() => dayLeft(caps, { dollars: 1, hours: 9 }), /8 hours of pods a day, 9\.0 are used/);
  });

  it('the most that it can cost, before the start', () => {
    assert.equal(mostDollarsOf({ dollars: 3 }, 2, wholeDay, 600), 3);
    assert.equal(mostDollarsOf({ dollars: 3 }, 2, { dollars: 1, hours: null }, 600), 1);
    assert.equal(
      mostDollarsOf({ hours: 1 }, 2, wholeDay, 600)?.toFixed(4),
      (((4200 + endSeconds) / 3600) * 2).toFixed(4),
    );
    assert.equal(mostDollarsOf({}, 2, wholeDay, 600), null);
    assert.equal(mostDollarsOf({ dollars: 3 }, null, wholeDay, 600), null);
    assert.equal(rentSeconds({ hours: 1 }, 2, wholeDay), null, 'hours of the job count from its start');
  });

  it('ends the preparation at the cap, and not when it was stopped', async () => {
    const timer = new CapTimer(undefined);
    timer.start(new PodCaps({ dollars: 0.0001 }, 1));
    await until('the timer', () => timer.signal.aborted);
    assert.equal(timer.reason?.code, 'cap-spent');
    const caller = new AbortController();
    const other = new CapTimer(caller.signal);
    other.start(new PodCaps({ dollars: 1 }, 1));
    other.stop();
    caller.abort();
    assert.ok(other.signal.aborted);
    assert.equal(other.reason, undefined);
  });
});

describe('the sentence about caps (R4.3)', () => {
  const now = new Date(2026, 10, 20, 12);
  const promise = { stopsBy: new Date(2026, 10, 20, 14, 19, 20).toISOString(), mostDollars: 5.991 };

  it('says until when and how much, never too little', () => {
    assert.equal(
      capSentence({ ...promise, armed: true }, now),
      'It will have stopped by 14:20, for at most $6.00, also while this computer is off.',
    );
    assert.match(capSentence({ ...promise, armed: true }, new Date(2026, 10, 19, 12)), /by 14:20 on .*20/);
  });

  it('says when no cap holds without this computer, and why', () => {
    const text = capSentence({ ...promise, armed: false, detail: 'The key is refused.' }, now);
    assert.equal(
      text,
      'No cap holds while this computer is off: The key is refused. With it on and connected, the job will have stopped by 14:20, for at most $6.00.',
    );
  });

  it('says when there is no cap', () => {
    const none = { stopsBy: null, mostDollars: null };
    assert.match(capSentence({ ...none, armed: true }, now), /^No cap limits this job; its pod ends itself/);
    assert.match(
      capSentence({ ...none, armed: false }, now),
      /No cap limits this job either: it goes on until its end/,
    );
  });

  it('names the owners and which are armed', () => {
    assert.deepEqual(
      capOwners({ ...promise, armed: false, detail: 'Refused.' }).map((o) => [o.id, o.armed]),
      [
        ['pod', false],
        ['computer', true],
      ],
    );
    assert.match(capOwners({ ...promise, armed: true })[0]?.text ?? '', /also while this computer is off/);
  });

  describe('with the keys on the pod', () => {
    const own = (state: string): CapKey => ({ owner: 'pod-key', state, detail: `Own: ${state}.` });
    const user = (state: string): CapKey => ({ owner: 'user-key', state, detail: `User: ${state}.` });
    const say = (...keys: CapKey[]): string => {
      const armed = keys.some((k) => k.state === 'armed');
      return capSentence({ ...promise, armed, detail: keys.map((k) => k.detail).join(' '), keys }, now);
    };

    it('names those that are armed, and what is wrong with the others', () => {
      assert.match(say(own('armed')), /computer is off\. The keeper on the pod ends it with the pod's own key\.$/);
      assert.match(say(own('armed'), user('armed')), /own key, or else with the key of your secret\.$/);
      assert.match(say(own('armed'), user('missing')), /with the pod's own key\. User: missing\.$/);
      assert.match(say(own('refused'), user('armed')), /off\. .* with the key of your secret\. Own: refused\.$/);
      assert.deepEqual(
        capOwners({ ...promise, armed: true, keys: [own('refused'), user('armed')] }).map((o) => [o.id, o.armed]),
        [
          ['pod', false],
          ['user-key', true],
          ['computer', true],
        ],
      );
    });

    it('tell how to make a key of one’s own only where one would help', () => {
      const way = /make a restricted key in the RunPod console with the right to write pods and nothing else/;
      assert.match(say(own('refused')), way);
      assert.match(say(own('missing')), way);
      assert.doesNotMatch(say(own('unknown')), way);
      assert.doesNotMatch(say(own('refused'), user('missing')), way);
      assert.doesNotMatch(capSentence({ ...promise, armed: false, detail: 'Refused.' }, now), way);
    });
  });
});

describe("what is left of a day's cap, for a run that is expected to come to so much (R4.3)", () => {
  const caps = { dollarsPerDay: 5, hoursPerDay: 4 };
  const expected = (
    dollars: number | null,
    hours: number | null,
  ): { dollars: number | null; seconds: number | null } => ({
    dollars,
    seconds: hours === null ? null : hours * 3600,
  });

  it('is told where it is too little, of money and of hours, and of nothing else', () => {
    const left = { dollars: 2, hours: 1 };
    assert.equal(dayShort(caps, left, expected(2, 1)), undefined);
    assert.equal(dayShort(caps, left, expected(null, null)), undefined, 'what is not known is not guessed');
    assert.match(dayShort(caps, left, expected(3, 1))?.what ?? '', /Of today's \$5\.00 \$2\.00 are left.*cost \$3\.00/);
    const hours = dayShort(caps, left, expected(1, 2));
    assert.match(hours?.what ?? '', /Of today's 4 hours of pods 1 h are left.*take 2 h/);
    assert.equal(hours?.cap, 'hoursPerDay');
  });
});
