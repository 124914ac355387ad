import assert from 'node:assert/strict';
import { estimate, recordSentence, type EstimateFacts, type StepFacts } from '../../../src/core/costs/estimate.ts';

const step = (name: string, more: Partial<StepFacts> = {}): StepFacts => ({
  name,
  earlier: [],
  sameHardware: true,
  timeoutSeconds: null,
  skipped: false,
  ...more,
});
const facts = (more: Partial<EstimateFacts> = {}): EstimateFacts => ({
  steps: [step('train', { earlier: [3600, 3500, 3700] })],
  prices: [2],
  boots: [180, 200, 220],
  transfer: null,
  storage: null,
  fetches: false,
  mostDollars: null,
  record: undefined,
  free: false,
  ...more,
});
const says = (more: Partial<EstimateFacts>): string => estimate(facts(more)).assumptions.join('\n');

describe('the estimate before a run (R4.2)', () => {
  it('is the time of pod, steps and end at the price, as a range', () => {
    const { low, likely, high, currency, seconds, text } = estimate(facts());
    assert.equal(currency, 'USD');
    assert.deepEqual(seconds, { low: 3500 + 180 + 15, likely: 3600 + 200 + 25, high: 4372 });
    assert.equal(low, (seconds.low / 3600) * 2);
    assert.ok(likely !== null && high !== null && low < likely && likely < high);
    assert.equal(text, 'about $2.13 ($2.05 to $2.43)');
  });

  it('names what it rests on', () => {
    const text = estimate(facts({ boots: [] })).assumptions.join('\n');
    assert.match(text, /^train takes as long as in earlier jobs\.$/m);
    assert.match(text, /^The pod takes 2 to 6 minutes .*none was rented from here yet\.$/m);
    assert.match(text, /^The pod's price: \$2\.00\/h\.$/m);
    assert.match(
      says({ transfer: { lowSeconds: 60, highSeconds: 600 } }),
      /upload, for which the pod waits, takes 1 min to 10 min/,
    );
    assert.match(says({ storage: { perMonth: 7, isNew: true } }), /new volume from now on: \$7\.00 a month/);
    assert.match(says({ prices: [2, 4] }), /\$2\.00\/h to \$4\.00\/h, most likely \$2\.00\/h/);
  });

  it('knows a pod that is there already: nothing has to start, and what is kept goes on costing', () => {
    const { seconds, assumptions } = estimate(facts({ reused: 'rpt-songs', keeps: true, fetches: true }));
    assert.ok(seconds.low < 3500 + 60 && (seconds.likely ?? Infinity) < 3600 + 200, JSON.stringify(seconds));
    assert.match(assumptions.join('\n'), /idle pod rpt-songs is used again, so none has to start/);
    assert.match(assumptions.join('\n'), /kept after the job and goes on costing its price/);
    assert.doesNotMatch(assumptions.join('\n'), /The pod takes|The pod ends/);
  });

  it('without history says that it does not know, and makes no middle of a time limit', () => {
    const limited = estimate(facts({ steps: [step('train', { timeoutSeconds: 3600 })] }));
    assert.deepEqual([limited.likely, limited.seconds.likely], [null, null]);
    assert.ok(limited.high !== null && limited.high > 2 && limited.low < 0.2);
    assert.match(limited.text, /^not known; at most \$2\.\d\d$/);
    const open = estimate(facts({ steps: [step('train'), step('eval', { earlier: [60] })] }));
    assert.deepEqual([open.likely, open.high], [null, null]);
    assert.equal(open.text, 'not known, and no cap limits it');
    assert.match(
      open.assumptions.join('\n'),
      /train never passed here and has no "timeoutMinutes": how long it takes is not known/,
    );
    for (const timeoutSeconds of [null, 60]) {
      const capped = estimate(facts({ steps: [step('train', { timeoutSeconds })], mostDollars: 3 }));
      assert.deepEqual([capped.likely, capped.high], [null, 3]);
      assert.equal(capped.text, 'not known; at most $3.00', 'the bound is that of the caps, wherever it is told');
    }
    const free = estimate(facts({ steps: [step('train')], mostDollars: 3, free: true }));
    assert.equal(free.text, 'free here, at most $3.00 on RunPod');
  });

  it('never goes beyond the cap', () => {
    const { low, likely, high, assumptions } = estimate(facts({ mostDollars: 1 }));
    assert.deepEqual([low, likely, high], [1, 1, 1]);
    assert.match(assumptions.join('\n'), /The caps end the job at \$1\.00\./);
  });

  it('counts the steps that will run, and says which are skipped', () => {
    const steps = [step('one', { earlier: [1000], skipped: true }), step('two', { earlier: [1000] })];
    const { seconds, assumptions } = estimate(facts({ steps }));
    assert.deepEqual([seconds.low, seconds.likely], [1195, 1225]);
    assert.match(assumptions.join('\n'), /one passed before and is skipped: nothing is known to have changed\./);
    assert.match(assumptions.join('\n'), /two takes as long as in earlier jobs/);
  });

  it('reaches from a skip to a run where only the volume knows which it is (R3.8)', () => {
    const two = step('two', { earlier: [1000] });
    const range = (one: object): number[] => {
      const { low, likely, high } = estimate(facts({ steps: [step('one', { earlier: [500], ...one }), two] })).seconds;
      return [low, likely ?? NaN, high ?? NaN];
    };
    const [skipped, ran] = [range({ skipped: true }), range({})];
    assert.deepEqual(range({ skipped: true, unsure: true }), [skipped[0], skipped[1], ran[2]]);
    assert.deepEqual(range({ unsure: true }), [skipped[0], ran[1], ran[2]]);
  });

  it('other hardware makes the range wider', () => {
    const { seconds } = estimate(facts({ steps: [step('train', { earlier: [1000, 1000], sameHardware: false })] }));
    assert.equal(seconds.low, 500 + 195);
    assert.equal(seconds.high, 2200 + 242 + 60);
  });

  it('without a price only the time', () => {
    const { low, likely, high, seconds, assumptions } = estimate(facts({ prices: [null] }));
    assert.deepEqual([low, likely, high], [0, null, null]);
    assert.ok(seconds.likely !== null);
    assert.match(assumptions.join('\n'), /does not tell the price/);
  });

  it('tells its own error', () => {
    assert.equal(recordSentence({ count: 5, error: 0.123 }), 'The last 5 estimates were 12 % too low.');
    assert.equal(recordSentence({ count: 1, error: -0.3 }), 'The last estimate was 30 % too high.');
    assert.equal(recordSentence({ count: 2, error: 0.001 }), 'The last 2 estimates were right.');
    assert.match(says({ record: { count: 5, error: 0.12 } }), /The last 5 estimates were 12 % too low\./);
  });
});
