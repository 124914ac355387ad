import assert from 'node:assert/strict';
import {
  backoffMs,
  defaultRetryLimits,
  exhaustedMs,
  nextDelayMs,
  rateWindows,
  retryAfterMs,
  type Attempt,
} from '../../../src/core/runpod/backoff.ts';

const now = Date.parse('2026-09-01T10:00:00Z');
const attempt = (fields: Partial<Attempt>): Attempt => ({
  number: 1,
  status: 503,
  headers: {},
  repeatable: true,
  ...fields,
});
const delay = (fields: Partial<Attempt>, random = 0) => nextDelayMs(attempt(fields), now, random);

describe('backoff', () => {
  it('doubles, stays between half and the whole, and is capped', () => {
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => backoffMs(n, 1)),
      [500, 1000, 2000, 4000],
    );
    assert.equal(backoffMs(1, 0), 250);
    assert.equal(backoffMs(30, 1), defaultRetryLimits.maxDelayMs);
  });

  it('reads Retry-After as seconds or as a date', () => {
    assert.equal(retryAfterMs('12', now), 12_000);
    assert.equal(retryAfterMs(' 0 ', now), 0);
    assert.equal(retryAfterMs('Tue, 01 Sep 2026 10:00:30 GMT', now), 30_000);
    assert.equal(retryAfterMs('Tue, 01 Sep 2026 09:00:00 GMT', now), 0);
    for (const nonsense of [undefined, '', 'soon', '1.5', '-3', 'Tue, nonsense']) {
      assert.equal(retryAfterMs(nonsense, now), undefined, nonsense);
    }
  });

  it('reads RateLimit windows and waits for all that are used up', () => {
    const header = '"minute";r=0;t=12, "hour";r=2800;t=1812, "day";r=49500;t=45012';
    assert.deepEqual(rateWindows(header)[1], { name: 'hour', remaining: 2800, resetMs: 1_812_000 });
    assert.equal(exhaustedMs(header), 12_000);
    assert.equal(exhaustedMs('"minute";r=0;t=12, "hour";r=0;t=60'), 60_000);
    assert.equal(exhaustedMs('"minute";r=1;t=12'), 0);
    for (const nonsense of [undefined, '', '"minute"', '"minute";r=x;t=1', ';;,,']) {
      assert.deepEqual(rateWindows(nonsense), [], nonsense);
    }
  });

  it('repeats 5xx and lost answers only where repeating is harmless', () => {
    for (const status of [500, 502, 503, 504, 524, undefined]) {
      assert.equal(delay({ status }), 250, `${status ?? 'lost'}`);
      assert.equal(delay({ status, repeatable: false }), undefined, `${status ?? 'lost'}`);
    }
  });

  it('repeats 429 for every request, after the time that the server names', () => {
    for (const repeatable of [true, false]) {
      assert.equal(delay({ status: 429, repeatable }), 250);
      assert.equal(delay({ status: 429, repeatable, headers: { 'retry-after': '7' } }), 7_000);
      assert.equal(delay({ status: 429, repeatable, headers: { ratelimit: '"minute";r=0;t=9' } }), 9_000);
    }
    assert.equal(delay({ status: 429, headers: { 'retry-after': '7' } }, 1), 7_500);
    assert.equal(delay({ status: 503, headers: { 'retry-after': '3' } }), 3_000);
  });

  it('fails at once when the server asks for a longer wait than a person would accept', () => {
    assert.equal(delay({ status: 429, headers: { 'retry-after': '3600' } }), undefined);
  });

  it('never repeats what will be refused again', () => {
    for (const status of [200, 400, 401, 402, 403, 404, 409, 410, 413, 422]) {
      assert.equal(delay({ status }), undefined, `${status}`);
    }
  });

  it('stops after the last attempt', () => {
    assert.notEqual(delay({ number: defaultRetryLimits.attempts - 1 }), undefined);
    assert.equal(delay({ number: defaultRetryLimits.attempts }), undefined);
  });
});
