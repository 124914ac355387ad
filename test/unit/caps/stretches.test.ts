import assert from 'node:assert/strict';
import { reportOf } from '../../../src/core/caps/meter.ts';
import {
  dayOf,
  spent,
  stretchesOf,
  type JobFacts,
  type PodFacts,
  type Stretch,
} from '../../../src/core/caps/stretches.ts';
import type { HelperPod } from '../../../src/core/journal/helpers.ts';
import { helperVariable, jobVariable, projectVariable } from '../../../src/core/journal/id.ts';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import { podSchema, type Pod } from '../../../src/core/runpod/schemas.ts';
import { ledgerOf } from '../../../src/core/costs/ledger.ts';
import { seeded, type Random } from '../../support/random.ts';
import { at, job, pod } from '../costs/records.ts';

const noon = new Date(at(12));
const hour = 3_600_000;

const listed = (id: string, more: object = {}): Pod =>
  podSchema.parse({ id, name: id, status: 'RUNNING', cost: 2, createdAt: at(9), startedAt: at(9), ...more });
const helper = (id: string, more: Partial<HelperPod> = {}): HelperPod => ({
  ...{ schema: 1, id, name: id, purpose: 'sync', project: 'songs', restUrl: '', hardware: 'CPU pod', costPerHour: 1 },
  ...{ created: at(9), client: { pid: 1 } },
  ...more,
});
const open = (name: string, more: Partial<JobRecord> = {}): JobRecord =>
  job(name, { podEnded: undefined, outcome: undefined, phase: 'run', ...more });
const look = (jobs: (JobRecord | JobFacts)[], more: Partial<PodFacts> = {}): Stretch[] =>
  stretchesOf({
    jobs: jobs.map((one) => ('record' in one ? one : { record: one })),
    ...{ helpers: [], listed: [], now: noon },
    ...more,
  });
const hoursOf = (stretches: readonly Stretch[], name: string): number =>
  spent(stretches.filter(({ use }) => use.of === 'job' && use.job === name)).seconds / 3600;

describe('whose every second of a pod was (R4.2)', () => {
  it('a pod that two jobs had, one after the other, is shared and counted once', () => {
    // What a later job writes when it takes a pod over.
    const first = job('a', { podEnded: at(10) });
    const second = job('b', { pod: pod('pod-a', at(10)), podEnded: at(11) });
    for (const records of [
      [first, second],
      [second, first],
    ]) {
      const stretches = look(records);
      assert.deepEqual([hoursOf(stretches, 'a'), hoursOf(stretches, 'b')], [1, 1]);
      assert.equal(spent(stretches).dollars, 4);
    }
  });

  it('a pod that was kept between two jobs was paid for by the first meanwhile', () => {
    const stretches = look([
      job('a', { onFinish: 'keep', podEnded: at(9, 30) }),
      job('b', { pod: pod('pod-a', at(10)), podEnded: at(11) }),
    ]);
    assert.deepEqual([hoursOf(stretches, 'a'), hoursOf(stretches, 'b')], [1, 1]);
  });

  it('a job that was refused the pod of another one leaves it with that one', () => {
    const stretches = look([open('a'), job('b', { pod: pod('pod-a', at(10)), podEnded: at(10, 30) })], {
      listed: [listed('pod-a')],
    });
    assert.deepEqual([hoursOf(stretches, 'a'), hoursOf(stretches, 'b')], [2.5, 0.5]);
    assert.equal(spent(stretches).seconds, 3 * 3600);
  });

  it('a pod whose end nobody saw: until it was last heard of for certain, at most until it was found gone', () => {
    const told = { record: open('a', { outcome: 'lost', phase: 'done' }), heard: new Date(at(9, 30)) };
    const [seen] = look([told]);
    assert.equal(seen?.basis, 'unseen');
    assert.deepEqual([spent([seen]).dollars, spent([seen]).mostDollars], [1, 6]);
    const found = { ...told, record: { ...told.record, goneBy: at(10) } };
    assert.deepEqual(spent(look([found])), { seconds: 1800, dollars: 1, mostSeconds: 3600, mostDollars: 2 });
    const later = look([found], { now: new Date(at(60)) });
    assert.equal(spent(later).mostDollars, 2, 'what was found gone does not grow');
  });

  it('at most until its cap, where its keeper could end it; else nobody knows', () => {
    const cap = { stopsBy: at(11), mostDollars: 4, armed: true, text: '' };
    assert.equal(spent(look([open('a', { cap })])).mostDollars, 4);
    assert.equal(spent(look([open('a', { cap: { ...cap, armed: false } })])).mostDollars, 6);
    const reserved = { stopsBy: at(10), mostDollars: 2 };
    assert.equal(spent(look([open('a', { phase: 'wait', reserved })])).mostDollars, 2, 'its reservation counts');
  });

  it('the end that the journal tells is its keeper’s, but for a pod that was to be kept', () => {
    const finished = at(10);
    assert.equal(spent(look([{ record: open('a'), finished }])).seconds, 3625);
    const kept = spent(look([{ record: open('a', { onFinish: 'keep' }), finished }]));
    assert.deepEqual([kept.seconds, kept.mostSeconds], [3600, 3 * 3600]);
  });

  it('a kept pod costs on after its job: what it came to so far is called no bound', () => {
    const record = open('a', { onFinish: 'keep', phase: 'done', outcome: 'succeeded' });
    const [stretch] = look([{ record, finished: at(10) }], { listed: undefined });
    assert.deepEqual([stretch?.basis, stretch?.goesOn], ['seen', true]);
    assert.equal(reportOf(look([{ record, finished: at(10) }], { listed: undefined }), 'a').atMost, undefined);
    const gone = look([{ record: { ...record, goneBy: at(11) }, finished: at(10) }], { listed: undefined });
    assert.deepEqual([gone[0]?.basis, spent(gone).mostSeconds], ['unseen', 2 * 3600]);
  });

  it('a job that goes on counts until now, and at most what it was promised', () => {
    const cap = { stopsBy: at(20), mostDollars: 7, armed: true, text: '' };
    const running = spent(look([open('a', { cap })], { listed: [listed('pod-a')] }));
    assert.deepEqual([running.dollars, running.mostDollars, running.mostSeconds], [6, 7, 11 * 3600]);
  });

  it('nobody has asked: what goes on counts until now, what is done is not made up', () => {
    assert.equal(spent(look([open('a')], { listed: undefined })).dollars, 6);
    const done = spent(look([open('a', { phase: 'done' })], { listed: undefined }));
    assert.deepEqual([done.dollars, done.mostDollars], [0, 6]);
  });

  it('a stopped pod costs no hourly price', () => {
    const stopped = look([open('a', { goneBy: at(11) })], { listed: [listed('pod-a', { status: 'EXITED' })] });
    assert.deepEqual([spent(stopped).dollars, spent(stopped).mostDollars], [0, 4]);
    assert.deepEqual(look([], { listed: [listed('x', { status: 'EXITED' })] }), []);
  });

  it('knows the pods of sync, backup, move, fetch and verify, and those that other computers rented for it', () => {
    const sync = look([], { helpers: [helper('h', { ended: at(10) })] });
    assert.deepEqual(sync[0]?.use, { of: 'helper', purpose: 'sync', project: 'songs' });
    assert.equal(spent(sync).dollars, 1);
    const env = { [projectVariable]: 'songs', [helperVariable]: 'backup' };
    const [other] = look([], { listed: [listed('x', { env })] });
    assert.deepEqual(other?.use, { of: 'other', project: 'songs' });
    const fetching = listed('f', { name: 'rpt-a-fetch', cost: 1 });
    const own = look([job('a')], { listed: [fetching] });
    assert.deepEqual(
      own.map(({ use }) => use.of).sort(),
      ['helper', 'job'],
      'also one that a killed client did not note',
    );
  });

  it('pods of other computers count while they are there, by the price and the time that the API tells', () => {
    const env = { [jobVariable]: 'j', [projectVariable]: 'songs' };
    const stretches = look([open('a')], {
      listed: [listed('pod-a'), listed('x', { env }), listed('y', { cost: null })],
    });
    assert.equal(spent(stretches.filter(({ pod: id }) => id === 'x')).dollars, 6);
    assert.equal(stretches.find(({ pod: id }) => id === 'y')?.costPerHour, null);
  });

  it('a pod that a killed client had no time to write down is its job’s', () => {
    const left = { ...open('a', { phase: 'pod' }), pod: undefined };
    const [stretch] = look([left], { listed: [listed('new', { name: 'rpt-a' })] });
    assert.deepEqual([stretch?.use.of, stretch?.pod], ['job', 'new']);
  });

  it('a clock that was wrong: the pod’s own steady clock is the least', () => {
    for (const created of [at(11), new Date(2020, 0, 1).toISOString(), at(9, 45)]) {
      const [stretch] = look([{ record: job('a', { pod: pod('pod-a', created) }), jobSeconds: 1800 }]);
      assert.deepEqual([stretch?.basis, spent([stretch as Stretch]).seconds], ['journal', 1800], created);
    }
    const [nothing] = look([job('a', { pod: pod('pod-a', at(11)) })]);
    assert.deepEqual([nothing?.basis, spent([nothing as Stretch]).dollars], ['unknown', 0]);
  });

  it('a pod across midnight is split', () => {
    const stretches = look([job('night', { pod: pod('p', at(23)), podEnded: at(26) })], { now: new Date(at(40)) });
    const [today, tomorrow] = [dayOf(new Date(at(9))), dayOf(new Date(at(30)))];
    assert.deepEqual([spent(stretches, today).dollars, spent(stretches, tomorrow).dollars], [2, 4]);
    assert.deepEqual([today.key, tomorrow.key, today.to], ['2026-11-20', '2026-11-21', tomorrow.from]);
  });

  it('a day has 23 or 25 hours where the clock is changed, and every second is in one day', () => {
    const zone = process.env.TZ;
    try {
      process.env.TZ = 'Europe/Berlin';
      const long = dayOf(new Date('2026-10-25T10:00:00Z'));
      const short = dayOf(new Date('2026-03-29T10:00:00Z'));
      assert.deepEqual([(long.to - long.from) / hour, (short.to - short.from) / hour], [25, 23]);
      const record = job('a', { pod: pod('p', '2026-10-24T20:00:00Z'), podEnded: '2026-10-26T02:00:00Z' });
      const stretches = look([record], { now: new Date('2026-10-27T00:00:00Z') });
      const days = [new Date(long.from - 1), new Date(long.from), new Date(long.to)].map(dayOf);
      assert.deepEqual(
        days.map((day) => spent(stretches, day).seconds / 3600),
        [2, 25, 3],
      );
    } finally {
      if (zone === undefined) {
        delete process.env.TZ;
      } else {
        process.env.TZ = zone;
      }
    }
  });

  it('of a promise, the day gets what is left of it at midnight', () => {
    const cap = { stopsBy: at(48), mostDollars: 10, armed: true, text: '' };
    const record = open('a', { pod: pod('pod-a', at(21)), cap });
    const now = new Date(at(25));
    const stretches = look([record], { listed: [listed('pod-a')], now });
    assert.deepEqual([spent(stretches, dayOf(now)).dollars, spent(stretches, dayOf(now)).mostDollars], [2, 4]);
  });
});

describe('impossible numbers in what is kept of pods (R4.2)', () => {
  const prices = [-5, 1e9, Number.MAX_VALUE, 0, 2];
  const times = [at(9), at(11), '1970-01-01T00:00:00Z', '9999-12-31T00:00:00Z', '-271821-04-20T00:00:00Z', 'never', ''];
  const seconds = [-1, 1e15, Number.MAX_VALUE, 600, undefined];
  const promises = [-3, 1e300, 4, null];
  const longest = 45 * 24;

  it('never make a sum that is negative, endless, or more than a machine can cost', () => {
    for (let round = 1; round <= 500; round++) {
      const random = seeded(round);
      const one = <T>(values: readonly T[]): T => values[random.of(values.length)] as T;
      const record = open('a', {
        pod: { ...pod('pod-a', one(times)), costPerHour: one(prices) },
        podEnded: one([...times, undefined]),
        goneBy: one([...times, undefined]),
        onFinish: one(['keep', 'terminate'] as const),
        phase: one(['run', 'done'] as const),
        cap: { stopsBy: one([...times, null]), mostDollars: one(promises), armed: one([true, false]), text: '' },
      });
      const facts: PodFacts = {
        jobs: [{ record, finished: one([...times, undefined]), jobSeconds: one(seconds), heard: new Date(one(times)) }],
        helpers: [helper('h', { costPerHour: one(prices), created: one(times), ended: one([...times, undefined]) })],
        listed: one([undefined, [], [listed('pod-a', { cost: one(prices) })], [listed('x', { cost: one(prices) })]]),
        now: noon,
      };
      const told = `round ${round}: ${JSON.stringify(facts)}`;
      const bound = longest * 10_000 * 3;
      for (const window of [undefined, dayOf(noon)]) {
        const sum = spent(stretchesOf(facts), window);
        for (const [name, value] of Object.entries(sum)) {
          const most = name.endsWith('econds') ? longest * 3600 * 3 : bound;
          assert.ok(value >= 0 && value <= most, `${name} is ${value}, ${told}`);
        }
        assert.ok(sum.mostDollars >= sum.dollars && sum.mostSeconds >= sum.seconds, told);
      }
      const { total, mostTotal, days } = ledgerOf(facts);
      assert.ok(total >= 0 && mostTotal >= total && mostTotal <= bound, told);
      assert.ok(
        days.every(({ dollars, mostDollars }) => dollars >= 0 && mostDollars >= dollars),
        told,
      );
    }
  });
});

describe('random timelines of pods (R4.2)', () => {
  /** Pods with their lives, each used by jobs one after the other, as the records of jobs and the API tell of them. */
  function timeline(random: Random): { facts: PodFacts; truth: number } {
    const any = (): number => random.of(1000) / 1000;
    const begin = noon.getTime() - 60 * hour;
    const now = new Date(begin + 60 * hour);
    const jobs: JobFacts[] = [];
    const helpers: HelperPod[] = [];
    const listing: Pod[] = [];
    let truth = 0;
    for (let p = 0; p < 1 + Math.floor(any() * 5); p++) {
      const id = `pod-${p}`;
      const from = begin + Math.floor(any() * 50) * hour;
      const moments = [...new Set([0, 1, 2].map(() => from + Math.floor(any() * 10 * 60) * 60_000))].sort(
        (a, b) => a - b,
      );
      const goesOn = any() < 0.3;
      const end = goesOn
        ? now.getTime()
        : Math.min(now.getTime(), (moments.at(-1) ?? from) + Math.ceil(any() * 5) * hour);
      const iso = (ms: number): string => new Date(ms).toISOString();
      if (any() < 0.2) {
        helpers.push(helper(id, { created: iso(from), ended: goesOn ? undefined : iso(end) }));
        truth += end - from;
      } else if (any() < 0.2) {
        listing.push(listed(id, { createdAt: iso(from) }));
        truth += now.getTime() - from;
        continue;
      } else {
        const uses = moments.filter((moment) => moment < end);
        uses.forEach((moment, i) => {
          const next = uses[i + 1];
          // Of a pod that is kept the record is ended by who takes it over; some clients died before they could.
          const told = next ?? (goesOn ? undefined : end);
          const podEnded = told === undefined || (next !== undefined && any() < 0.3) ? undefined : iso(told);
          const record = open(`j-${p}-${i}`, { pod: pod(id, iso(moment)), podEnded, onFinish: 'keep' });
          jobs.push({ record, heard: new Date(moment + 60_000) });
        });
        truth += uses[0] === undefined ? 0 : end - uses[0];
      }
      if (goesOn) {
        listing.push(listed(id, { createdAt: iso(from) }));
      }
    }
    return { facts: { jobs, helpers, listed: listing, now }, truth };
  }

  it('no second is counted twice, the sum of the parts is the whole, and days add up', () => {
    for (let round = 1; round <= 400; round++) {
      const { facts, truth } = timeline(seeded(round));
      const stretches = stretchesOf(facts);
      const all = spent(stretches);
      const context = `round ${round}: ${JSON.stringify(facts.jobs.map(({ record }) => [record.pod, record.podEnded]))}`;
      assert.equal(Math.round(all.seconds), Math.round(truth / 1000), context);
      for (const one of stretches) {
        const overlap = stretches.filter(
          (o) => o !== one && o.pod === one.pod && o.from < one.until && one.from < o.until,
        );
        assert.deepEqual(overlap, [], context);
        assert.ok(one.latest >= one.until, context);
      }
      let days = 0;
      for (
        let day = dayOf(new Date(noon.getTime() - 90 * hour));
        day.from <= noon.getTime();
        day = dayOf(new Date(day.to))
      ) {
        const part = spent(stretches, day);
        assert.ok(part.mostDollars >= part.dollars - 1e-9, context);
        days += part.dollars;
      }
      assert.ok(Math.abs(days - all.dollars) < 1e-6, context);
      const byUse = stretches.reduce((sum, one) => sum + spent([one]).dollars, 0);
      assert.ok(Math.abs(byUse - all.dollars) < 1e-6, context);
      const reversed = stretchesOf({ ...facts, jobs: facts.jobs.toReversed(), helpers: facts.helpers.toReversed() });
      assert.ok(Math.abs(spent(reversed).dollars - all.dollars) < 1e-6, 'whatever the order in which they are read');
    }
  });
});
