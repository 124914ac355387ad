import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { limits } from '../../../src/core/contract.ts';
import {
  delayMs,
  firstLink,
  linkPatienceMinutes,
  nextLink,
  type Link,
  type LinkEvent,
} from '../../../src/core/pods/link-state.ts';

/** A small generator of pseudo-random numbers, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const failed = (now: number, random = 0.5): LinkEvent => ({ type: 'failed', now, random });
const refused = (now: number): LinkEvent => ({ type: 'refused', now, random: 0.5 });
const run = (link: Link, ...events: LinkEvent[]): Link => events.reduce(nextLink, link);

/** Any event at all, with time that never goes back. */
function anyEvent(random: () => number, now: number): LinkEvent {
  const pick = Math.floor(random() * 20);
  if (pick < 6) return { type: 'connected', now };
  if (pick < 13) return failed(now, random());
  if (pick < 15) return { type: 'refused', now, random: random() };
  return pick < 19 ? { type: 'waited' } : { type: 'pod-gone' };
}

/** Calls `check` for every step of many random histories. */
function histories(check: (before: Link, event: LinkEvent, after: Link, now: number) => void): void {
  for (let seed = 1; seed <= 2000; seed += 1) {
    const random = numbers(seed);
    let now = 0;
    let link = firstLink(random() < 0.5, now);
    for (let step = 0; step < 40; step += 1) {
      now += Math.floor(random() * 40_000);
      const event = anyEvent(random, now);
      const after = nextLink(link, event);
      check(link, event, after, now);
      link = after;
    }
  }
}

describe('reconnecting (R3.4)', () => {
  it('tries at once, then waits 1, 2, 4, 8 s', () => {
    let link = firstLink(false, 0);
    const pauses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      assert.equal(link.at, 'lost');
      link = nextLink(link, failed(0));
      assert.ok(link.at === 'waiting');
      pauses.push(link.until / 1000);
      link = nextLink(link, { type: 'waited' });
    }
    assert.deepEqual(pauses, [1, 2, 4, 8, 8, 8, 8, 8]);
  });

  it('varies each pause by a quarter', () => {
    assert.deepEqual([delayMs(2, 0), delayMs(2, 1)], [3000, 5000]);
    assert.deepEqual([delayMs(99, 0), delayMs(99, 1)], [6_000, 10_000]);
  });

  it('begins with short pauses again after a link that held, not after one that broke at once', () => {
    const tired: Link = { at: 'lost', since: 0, attempt: 4, refusals: 0, down: 50_000 };
    const held = run(tired, { type: 'connected', now: 0 }, failed(30_000));
    assert.deepEqual(held, {
      at: 'waiting',
      since: 30_000,
      until: 31_000,
      attempt: 1,
      refusals: 0,
      down: 0,
    });
    const flapping = run(tired, { type: 'connected', now: 0 }, failed(29_999));
    assert.deepEqual(flapping, {
      at: 'waiting',
      since: 29_999,
      until: 29_999 + 8_000,
      attempt: 5,
      refusals: 0,
      down: 79_999,
    });
  });

  it('gives up on the fourth refused login in a row; a failure of another kind begins the count anew', () => {
    const thrice = [refused(0), { type: 'waited' }, refused(0), { type: 'waited' }, refused(0)] as const;
    const third = run(firstLink(false, 0), ...thrice);
    assert.equal(third.at, 'waiting');
    assert.deepEqual(run(third, { type: 'waited' }, refused(0)), { at: 'gone', why: 'refused' });
    assert.equal(run(third, { type: 'waited' }, failed(0), { type: 'waited' }, refused(0)).at, 'waiting');
  });

  it('never leaves `gone`, whatever happens', () => {
    histories((before, _, after) => {
      if (before.at === 'gone') {
        assert.equal(after, before);
      }
    });
  });

  it('is live only by connecting, and loses a link only by an event that says so', () => {
    histories((before, event, after) => {
      if (after.at === 'live' && before.at !== 'live') {
        assert.deepEqual([before.at, event.type], ['lost', 'connected']);
      }
      if (before.at === 'live' && after.at !== 'live') {
        assert.ok(['failed', 'refused', 'pod-gone'].includes(event.type));
      }
    });
  });

  it('always waits after a failure, at least 0.75 s and at most 10 s, and is never two tries away from one', () => {
    histories((before, event, after, now) => {
      if ((event.type === 'failed' || event.type === 'refused') && before.at !== 'waiting' && after.at === 'waiting') {
        assert.ok(after.until - now >= 750 && after.until - now <= 10_000);
      }
      if (before.at !== 'gone' && event.type === 'failed') {
        assert.equal(after.at, 'waiting');
      }
      if (before.at === 'waiting' && after.at === 'lost') {
        assert.equal(event.type, 'waited');
      }
    });
  });

  it('counts the time without a good link, but not the sleep of this computer', () => {
    let link = firstLink(true, 0);
    link = nextLink(link, failed(100_000));
    assert.ok(link.at === 'waiting' && link.down === 0, 'it was good');
    link = run(link, { type: 'waited' }, failed(103_000), { type: 'waited' });
    assert.ok(link.at === 'lost' && link.down === 3_000);
    link = nextLink(link, failed(3_700_000));
    assert.ok(link.at === 'waiting' && link.down === 123_000, 'an hour asleep is one long try');
    link = run(link, { type: 'waited' }, { type: 'connected', now: 3_701_000 }, failed(3_705_000));
    assert.ok(link.at === 'waiting' && link.down === 128_000, 'a link that breaks at once is none');
  });

  it('waits longer and longer while nothing holds', () => {
    histories((before, event, after) => {
      const held = before.at === 'live' && event.type === 'failed' && event.now - before.since >= 30_000;
      if (before.at !== 'gone' && after.at !== 'gone' && !held && event.type !== 'refused') {
        assert.ok(after.attempt >= before.attempt);
      }
    });
  });

  it('is as patient as is stated, and less than the pod is (R4.3)', () => {
    const text = readFileSync(path.resolve(import.meta.dirname, '../../../docs/reliability.md'), 'utf8');
    assert.match(text, new RegExp(`no good link for ${linkPatienceMinutes} minutes`));
    assert.ok(linkPatienceMinutes + 2 < limits.guardMinutes, 'the pod still waits when the client gives up');
    // From the last sign of a client to the end of a pod whose job is over: the lease, then nobody fetches, one look.
    assert.ok(limits.leaseSeconds + limits.endAfterSeconds + 1 <= 60);
    // A link that was down for half a minute, and the longest pause before the next try.
    const renewed = limits.leaseSeconds / 8;
    assert.ok(30 + delayMs(99, 1) / 1000 < limits.leaseSeconds - renewed + limits.endAfterSeconds);
  });
});
