import assert from 'node:assert/strict';
import { fundsOf } from '../../../src/core/costs/account-costs.ts';
import { dayOf, spent, stretchesOf, type JobFacts, type PodFacts } from '../../../src/core/caps/stretches.ts';
import { ledgerOf, type BillFacts, type Ledger } from '../../../src/core/costs/ledger.ts';
import type { HelperPod } from '../../../src/core/journal/helpers.ts';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import { podSchema } from '../../../src/core/runpod/schemas.ts';
import { at, job, line, pod } from './records.ts';

const noon = new Date(at(12));
const nextWeek = new Date(2026, 10, 27);
const ledger = (jobs: (JobRecord | JobFacts)[], billed?: BillFacts, now = noon, more: Partial<PodFacts> = {}): Ledger =>
  ledgerOf(
    {
      jobs: jobs.map((one) => ('record' in one ? one : { record: one })),
      ...{ helpers: [], listed: [], now, ...more },
    },
    billed,
  );
const bill = (...pods: BillFacts['pods']): BillFacts => ({ asOf: at(12), since: at(0), pods, storage: 0.5 });

describe('the ledger (R4.2)', () => {
  it('counts by the meter until the bill of a pod is complete, so that the day has one number everywhere', () => {
    for (const billed of [1.2, 2.1]) {
      const now = ledger([job('a')], bill(line('pod-a', 9, billed))).jobs[0];
      assert.deepEqual([now?.metered, now?.billed, now?.dollars, now?.basis], [2, billed, 2, 'meter']);
      const later = ledger([job('a')], bill(line('pod-a', 9, billed)), nextWeek).jobs[0];
      assert.deepEqual([later?.dollars, later?.basis], [billed, 'bill']);
    }
  });

  it('tells helper pods by what they were for, and not as pods that nobody here had', () => {
    const helper = (id: string, purpose: 'fetch' | 'sync' | 'move', ended?: string): HelperPod => ({
      ...{ schema: 1, id, name: id, purpose, restUrl: '', hardware: 'CPU pod', costPerHour: 1, created: at(9) },
      ...{ ended, client: { pid: 1 }, project: purpose === 'move' ? undefined : 'songs' },
    });
    const helpers = [
      helper('a', 'fetch', at(10)),
      helper('b', 'sync', at(11)),
      helper('c', 'sync'),
      helper('m', 'move', at(10)),
    ];
    const lines = bill(line('a', 9, 0.8), line('c', 9, 0.3), line('stranger', 9, 5));
    const told = ledger([job('x')], lines, noon, { helpers });
    assert.deepEqual(told.helpers, [
      { purpose: 'fetch', pods: 1, dollars: 1, mostDollars: 1, billed: 0.8 },
      { purpose: 'move', pods: 1, dollars: 1, mostDollars: 1, billed: 0 },
      // Nobody saw the end of one: the bill is the least, the time until it was found gone the most.
      { purpose: 'sync', pods: 2, dollars: 2.3, mostDollars: 5, billed: 0.3 },
    ]);
    assert.equal(told.bill?.otherPods, 5);
    assert.deepEqual(
      told.projects.map(({ key, dollars }) => [key, Number(dollars.toFixed(6))]),
      [
        ['', 6],
        ['songs', 5.3],
      ],
      'what was rented for a project is the project’s',
    );
  });

  it('without a bill everything is by the meter', () => {
    const told = ledger([job('a'), job('b', { project: 'other' })]);
    assert.equal(told.bill, null);
    assert.equal(told.total, 4);
    assert.deepEqual(told.projects, [
      { key: 'songs', jobs: 1, dollars: 2, mostDollars: 2, billed: null },
      { key: 'other', jobs: 1, dollars: 2, mostDollars: 2, billed: null },
    ]);
  });

  it('splits a job at midnight, with the sum of the job', () => {
    const over = job('night', { pod: pod('pod-night', at(23)), podEnded: at(26) });
    const { days, total } = ledger([over], undefined, nextWeek);
    assert.deepEqual(
      days.map((d) => [d.key, d.jobs, Number(d.dollars.toFixed(6))]),
      [
        ['2026-11-21', 1, 4],
        ['2026-11-20', 1, 2],
      ],
    );
    assert.equal(total, 6);
  });

  it('days by the bill are those of the bill', () => {
    const over = job('night', { pod: pod('pod-night', at(23)), podEnded: at(24, 30) });
    const { days } = ledger([over], bill(line('pod-night', 23, 1.5), line('pod-night', 24, 0.5)), nextWeek);
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
    const { jobs, total } = ledger([second, job('a')], bill(line('pod-a', 9, 8)), nextWeek);
    assert.deepEqual(
      jobs.map((j) => j.dollars),
      [6, 2],
    );
    assert.equal(total, 8);
  });

  it('a job that runs counts until now; of one whose end nobody saw the least and the most are told', () => {
    const open = job('a', { podEnded: undefined, outcome: undefined, phase: 'run' });
    const there = podSchema.parse({ id: 'pod-a', name: 'x', status: 'RUNNING', cost: 2 });
    const running = ledger([open], undefined, noon, { listed: [there] }).jobs[0];
    assert.deepEqual([running?.running, running?.metered, running?.mostDollars], [true, 6, 6]);
    const lost = ledger([{ record: open, heard: new Date(at(10)) }]);
    assert.deepEqual(
      [lost.jobs[0]?.dollars, lost.jobs[0]?.mostDollars, lost.jobs[0]?.basis, lost.total, lost.mostTotal],
      [2, 6, 'unseen', 2, 6],
    );
    const told = ledger([{ record: open, finished: at(9, 30) }]).jobs[0];
    assert.ok(told?.metered && told.metered > 1 && told.metered < 1.02, 'the journal tells when its keeper ended it');
    const billed = ledger([open], bill(line('pod-a', 9, 0.7))).jobs[0];
    assert.deepEqual([billed?.dollars, billed?.basis], [0.7, 'bill']);
  });

  it('works with a wrong clock: the clock of the pod is the least, and the bill counts', () => {
    for (const created of [at(11), new Date(2020, 0, 1).toISOString(), at(9, 45)]) {
      const wrong = { record: job('a', { pod: pod('pod-a', created) }), jobSeconds: 1800 };
      const metered = ledger([wrong]);
      assert.deepEqual([metered.jobs[0]?.dollars, metered.jobs[0]?.basis], [1, 'journal'], created);
      assert.equal(metered.days.reduce((sum, d) => sum + d.dollars, 0).toFixed(6), '1.000000');
      const billed = ledger([wrong], bill(line('pod-a', 9, 1.1)));
      const day = billed.days.find(({ key }) => key === '2026-11-20');
      assert.deepEqual([billed.total, day?.dollars], [1.1, 1.1]);
    }
    const nothing = ledger([job('a', { pod: pod('pod-a', at(11)) })]).jobs[0];
    assert.deepEqual([nothing?.dollars, nothing?.basis], [null, 'unknown']);
  });

  it('names what nothing of this computer had, there now or only on the bill', () => {
    const listed = [podSchema.parse({ id: 'y', name: 'y', status: 'RUNNING', cost: 1, createdAt: at(11) })];
    const told = ledger([job('a')], bill(line('pod-a', 9, 2), line('stranger', 9, 3)), noon, { listed });
    assert.deepEqual(told.others, { pods: 2, dollars: 4, mostDollars: 4, billed: 3 });
    assert.equal(told.bill?.otherPods, 3);
    assert.equal(told.bill.storage, 0.5);
    assert.equal(ledger([job('a', { pod: undefined })]).jobs.length, 0);
  });

  it('the sums by day, by project and over all are one sum, and the day’s is that of its caps', () => {
    const listed = [podSchema.parse({ id: 'y', name: 'y', status: 'RUNNING', cost: 1, createdAt: at(-3) })];
    const helpers: HelperPod[] = [
      {
        ...{ schema: 1, id: 'h', name: 'h', purpose: 'sync', project: 'songs', restUrl: '', hardware: '' },
        ...{ costPerHour: 1, created: at(-1), ended: at(2), client: { pid: 1 } },
      },
    ];
    const jobs = [
      job('a'),
      job('b', { pod: pod('pod-a', at(10)), podEnded: at(11) }),
      job('c', { podEnded: undefined }),
    ];
    for (const billed of [undefined, bill(line('pod-a', 9, 2), line('stranger', -2, 3))]) {
      const told = ledger(jobs, billed, noon, { helpers, listed });
      for (const groups of [told.days, told.projects]) {
        assert.equal(groups.reduce((sum, g) => sum + g.dollars, 0).toFixed(6), told.total.toFixed(6));
        assert.equal(groups.reduce((sum, g) => sum + g.mostDollars, 0).toFixed(6), told.mostTotal.toFixed(6));
      }
      const facts = { jobs: jobs.map((record) => ({ record })), helpers, listed, now: noon };
      const today = spent(stretchesOf(facts), dayOf(noon));
      assert.deepEqual([told.today.dollars, told.today.mostDollars], [today.dollars, today.mostDollars]);
    }
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
