import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  cost,
  forPrice,
  ageText,
  byteText,
  count,
  dollars,
  duration,
  jobTimeText,
  notPassed,
  pricePerHour,
  pricePerMonth,
  reasonText,
  roughly,
} from '../../../src/core/words/index.ts';

describe('the phrasebook', () => {
  it('tells money in cents, and below ten of them in two digits that mean something', () => {
    const cases: [number, string][] = [
      [0, '$0.00'],
      [0.0000016, '$0.000002'],
      [0.0000001, '$0.00'],
      [0.00004, '$0.00004'],
      [0.0031, '$0.0031'],
      [0.00312, '$0.0031'],
      [0.001, '$0.001'],
      [0.04, '$0.04'],
      [0.042, '$0.042'],
      [0.0949, '$0.095'],
      [0.3, '$0.30'],
      [1.266, '$1.27'],
      [12, '$12.00'],
      [-3, '-$3.00'],
    ];
    assert.deepEqual(
      cases.map(([amount]) => dollars(amount)),
      cases.map(([, text]) => text),
    );
  });

  it('tells prices exactly, and that one is not known', () => {
    assert.deepEqual(
      [2.69, 0.035, 0.07, 0, null, undefined].map((price) => pricePerHour(price, false)),
      ['$2.69/h', '$0.035/h', '$0.07/h', '$0.00/h', 'price unknown', 'price unknown'],
    );
    assert.deepEqual(
      [1.4, null].map((price) => pricePerMonth(price, false)),
      ['$1.40 a month', 'price unknown'],
    );
  });

  it('says of every price in the sandbox that it is free here, and what RunPod takes (R9.7)', () => {
    assert.equal(pricePerHour(0.69, true), 'free here, $0.69/h on RunPod');
    assert.equal(pricePerMonth(1.4, true), 'free here, $1.40 a month on RunPod');
    assert.equal(cost(0.0031, true), 'free here, $0.0031 on RunPod');
    assert.equal(cost(0.0031, false), '$0.0031');
    assert.equal(pricePerHour(null, true), 'free here');
    assert.equal(forPrice('about $0.03', true), '(free here, about $0.03 on RunPod)');
    assert.equal(forPrice('about $0.03', false), 'for about $0.03');
  });

  it('tells times in two units at most, without a second one that is 0', () => {
    const cases: [number, string][] = [
      [NaN, '<1 s'],
      [0.2, '<1 s'],
      [1, '1 s'],
      [45, '45 s'],
      [59.6, '1 min'],
      [75, '1 min 15 s'],
      [240, '4 min'],
      [3599, '59 min 59 s'],
      [3601, '1 h'],
      [7200, '2 h'],
      [7800, '2 h 10 min'],
      [86_399, '23 h 59 min'],
      [273_600, '3 d 4 h'],
    ];
    assert.deepEqual(
      cases.map(([seconds]) => duration(seconds)),
      cases.map(([, text]) => text),
    );
  });

  it('tells what is only expected in coarser steps', () => {
    const seen = [0.2, 45, 59.7, 75, 100, 3650, 90_000, 277_000].map(roughly);
    assert.deepEqual(seen, ['<1 s', '45 s', '1 min', '1 min', '2 min', '1 h 1 min', '1 d 1 h', '3 d 5 h']);
    assert.equal(ageText(null, '2026-01-01T00:00:00Z'), '');
    assert.equal(ageText('2026-01-01T00:00:00Z', '2026-01-01T00:01:15Z'), '1 min 15 s');
  });

  it('tells sizes with at most three digits, none of them a zero after the point', () => {
    const seen = [0, 999, 1000, 1549, 99_940, 99_960, 999_499, 999_500, 1.5e9, 2e12, 3e15].map(byteText);
    assert.deepEqual(seen, [
      '0 B',
      '999 B',
      '1 KB',
      '1.5 KB',
      '99.9 KB',
      '100 KB',
      '999 KB',
      '1 MB',
      '1.5 GB',
      '2 TB',
      '3000 TB',
    ]);
  });

  it('counts', () => {
    assert.deepEqual(
      [0, 1, 1327].map((n) => count(n, 'file')),
      ['0 files', '1 file', '1,327 files'],
    );
  });

  it('labels the lengths of a job, and leaves out what nobody saw', () => {
    const pod = { since: 0, until: 860_000 };
    assert.equal(
      jobTimeText({ started: 100_000, seconds: 723, goesOn: false, pod }, 9e9),
      'job 12 min 3 s, pod 14 min 20 s',
    );
    assert.equal(
      jobTimeText({ started: 100_000, goesOn: true, pod: { since: 0 } }, 160_000),
      'job 1 min, pod 2 min 40 s',
    );
    assert.equal(jobTimeText({ goesOn: true, pod: { since: 0 } }, 60_000), 'pod 1 min', 'before its first step');
    assert.equal(jobTimeText({ started: 5, goesOn: false, pod: { since: 0 } }, 9e9), '', 'its end was not seen');
    assert.equal(jobTimeText({ started: 0, seconds: 30, goesOn: false }, 9e9), 'job 30 s', 'on this machine only');
  });

  it('leaves out of the reasons of a step what is no news, in the words of the worker', () => {
    assert.equal(reasonText([notPassed]), '');
    assert.equal(reasonText(['asked for', notPassed, 'code a.py changed']), ': asked for; code a.py changed');
    const worker = readFileSync(
      new URL('../../../gpu-worker/runpod_trainer_worker/resume/reasons.py', import.meta.url),
      'utf8',
    );
    assert.match(worker, new RegExp(`^NOT_PASSED = "${notPassed}"$`, 'm'));
  });
});
