import assert from 'node:assert/strict';
import { fundsOf } from '../../../src/core/costs/account-costs.ts';
import { ledgerOf, type BillFacts, type KnownHelper } from '../../../src/core/costs/ledger.ts';
import type { PodKnown } from '../../../src/core/caps/span.ts';
import { at, job, line, pod } from './records.ts';

const noon = new Date(at(12));
const nextWeek = new Date(2026, 10, 27);
const unknown = (): PodKnown => ({ running: false });
const bill = (...pods: BillFacts['pods']): BillFacts => ({ asOf: at(12), since: at(0), pods, storage: 0.5 });

describe('the ledger (R4.2)', () => {
  it('counts by the meter until the bill of a pod is complete, and by what is more until then', () => {
    const lagging = ledgerOf([job('a')], unknown, bill(line('pod-a', 9, 1.2)), noon).jobs[0];
    assert.deepEqual([lagging?.metered, lagging?.billed, lagging?.dollars, lagging?.basis], [2, 1.2, 2, 'meter']);
    const more = ledgerOf([job('a')], unknown, bill(line('pod-a', 9, 2.1)), noon).jobs[0];
    assert.deepEqual([more?.dollars, more?.basis], [2.1, 'bill']);
    const later = ledgerOf([job('a')], unknown, bill(line('pod-a', 9, 1.2)), nextWeek).jobs[0];
    assert.deepEqual([later?.dollars, later?.basis], [1.2, 'bill']);
  });

  it('tells helper pods by what they were for, and not as pods that nobody here had', () => {
    const helper = (id: string, purpose: 'fetch' | 'sync', ended?: string): KnownHelper => ({
      ...{ schema: 1, id, name: id, purpose, restUrl: '', hardware: 'CPU pod', costPerHour: 1, created: at(9) },
      ...{ ended, client: { pid: 1 }, running: false },
    });
    const helpers = [helper('a', 'fetch', at(10)), helper('b', 'sync', at(11)), helper('c', 'sync')];
    const lines = bill(line('a', 9, 0.8), line('c', 9, 0.3), line('stranger', 9, 5));
    const { helpers: told, bill: billed } = ledgerOf([], unknown, lines, noon, helpers);
    assert.deepEqual(told, [
      { purpose: 'fetch', pods: 1, dollars: 1, billed: 0.8 },
      { purpose: 'sync', pods: 2, dollars: 2.3, billed: 0.3 },
    ]);
    assert.equal(billed?.otherPods, 5);
  });

  it('without a bill everything is by the meter', () => {
    const ledger = ledgerOf([job('a'), job('b', { project: 'other' })], unknown, undefined, noon);
    assert.equal(ledger.bill, null);
    assert.equal(ledger.total, 4);
    assert.deepEqual(ledger.projects, [
      { key: 'songs', jobs: 1, dollars: 2, billed: null },
      { key: 'other', jobs: 1, dollars: 2, billed: null },
    ]);
  });

  it('splits a job at midnight, with the sum of the job', () => {
    const over = job('night', { pod: pod('pod-night', at(23)), podEnded: at(26) });
    const { days, total } = ledgerOf([over], unknown, undefined, nextWeek);
    assert.deepEqual(
      days.map((d) => [d.key, Number(d.dollars.toFixed(6))]),
      [
        ['2026-11-21', 4],
        ['2026-11-20', 2],
      ],
    );
    assert.equal(total, 6);
  });

  it('days by the bill are those of the bill', () => {
    const over = job('night', { pod: pod('pod-night', at(23)), podEnded: at(24, 30) });
    const { days } = ledgerOf([over], unknown, bill(line('pod-night', 23, 1.5), line('pod-night', 24, 0.5)), nextWeek);
    assert.deepEqual(
      days.map((d) => [d.key, d.jobs, d.dollars, d.billed]),
      [
        ['2026-11-21', 1, 0.5, 0.5],
        ['2026-11-20', 1, 1.5, 1.5],
      ],
    );
  });

  it('shares the bill of a pod that two jobs had, one after the other', () => {
    const second = job('b', { pod: pod('pod-a', at(10)), podEnded: at(13) });
    const { jobs, total } = ledgerOf([second, job('a')], unknown, bill(line('pod-a', 9, 8)), nextWeek);
    assert.deepEqual(
      jobs.map((j) => j.dollars),
      [6, 2],
    );
    assert.equal(total, 8);
  });

  it('a job that runs counts until now; one whose end nobody saw is not made up', () => {
    const open = job('a', { podEnded: undefined, outcome: undefined });
    const running = ledgerOf([open], () => ({ running: true }), undefined, noon).jobs[0];
    assert.deepEqual([running?.running, running?.metered], [true, 6]);
    const lost = ledgerOf([open], unknown, undefined, noon);
    assert.deepEqual([lost.jobs[0]?.dollars, lost.jobs[0]?.basis, lost.total], [null, 'unknown', 0]);
    const told = ledgerOf([open], () => ({ running: false, finished: at(9, 30) }), undefined, noon).jobs[0];
    assert.ok(told?.metered && told.metered > 1 && told.metered < 1.02, 'the journal tells when its keeper ended it');
    const billed = ledgerOf([open], unknown, bill(line('pod-a', 9, 0.7)), noon).jobs[0];
    assert.deepEqual([billed?.dollars, billed?.basis], [0.7, 'bill']);
  });

  it('works with a wrong clock: the clock of the pod is the least, and the bill counts', () => {
    const known = (): PodKnown => ({ running: false, jobSeconds: 1800 });
    for (const created of [at(11), new Date(2020, 0, 1).toISOString(), at(9, 45)]) {
      const wrong = job('a', { pod: pod('pod-a', created) });
      const metered = ledgerOf([wrong], known, undefined, noon);
      assert.deepEqual([metered.jobs[0]?.dollars, metered.jobs[0]?.basis], [1, 'journal'], created);
      assert.equal(metered.days.reduce((sum, d) => sum + d.dollars, 0).toFixed(6), '1.000000');
      const billed = ledgerOf([wrong], known, bill(line('pod-a', 9, 1.1)), noon);
      assert.deepEqual([billed.total, billed.days[0]?.key, billed.days[0]?.dollars], [1.1, '2026-11-20', 1.1]);
    }
  });

  it('names what no job of this computer had', () => {
    const ledger = ledgerOf([job('a')], unknown, bill(line('pod-a', 9, 2), line('stranger', 9, 3)), noon);
    assert.equal(ledger.bill?.otherPods, 3);
    assert.equal(ledger.bill.storage, 0.5);
    assert.equal(ledgerOf([job('a', { pod: undefined })], unknown, undefined, noon).jobs.length, 0);
  });
});

describe('the balance (R4.4)', () => {
  it('warns when it does not last', () => {
    assert.deepEqual(fundsOf(100, 2), { balance: 100, burn: 2, hoursLeft: 50, warning: null });
    assert.match(fundsOf(10, 2).warning ?? '', /The balance is \$10\.00, which lasts 5 h \(\$2\.00\/h\)\./);
    assert.match(fundsOf(-0.1, 0).warning ?? '', /used up/);
    assert.deepEqual(fundsOf(5, 0), { balance: 5, burn: 0, hoursLeft: null, warning: null });
  });
});
