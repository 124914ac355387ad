import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dayOf, spent, stretchesOf } from '../../../src/core/caps/stretches.ts';
import { estimate } from '../../../src/core/costs/estimate.ts';
import { EstimatesFile, recordOf } from '../../../src/core/caps/estimates-file.ts';
import { stepHistory } from '../../../src/core/caps/step-history.ts';
import { JobRecords, type JobRecord } from '../../../src/core/journal/records.ts';
import { podSchema } from '../../../src/core/runpod/schemas.ts';
import { useTempFolder } from '../../support/temp.ts';
import { at, job, pod } from './records.ts';

const remote = { mount: '/v', projectDir: '/v/p', jobDir: '/v/j', worker: '/v/w', python: 'python3' };

describe('what costs remember (R4.2)', () => {
  const folder = useTempFolder();

  async function keep(record: JobRecord, events: object[] = []): Promise<JobRecords> {
    const records = new JobRecords(folder.path);
    await records.create(record);
    const text = events.map((e, i) => `${JSON.stringify({ epoch: 1, seq: i + 1, time: at(9), ...e })}\n`).join('');
    await records.writeJournal(record.job, 0, Buffer.from(text));
    return records;
  }
  const finished = (step: string, status: string, seconds: number): object => ({
    type: 'step.finished',
    step,
    status,
    exitCode: 0,
    seconds,
    reason: null,
  });
  const skipped = (step: string): object => ({ type: 'step.skipped', step, why: 'unchanged', gates: [] });

  it('steps: the runs that passed, the newest first', async () => {
    await keep(job('old', { remote, created: at(1) }), [finished('a', 'passed', 10), finished('b', 'failed', 1)]);
    await keep(job('other', { remote, project: 'p2', created: at(2) }), [finished('a', 'passed', 99)]);
    const records = await keep(job('new', { remote, created: at(3) }), [
      { type: 'log', step: 'a', stream: 'out', lines: ['it says "step.finished"'] },
      skipped('a'),
      finished('b', 'passed', 20),
      finished('c', 'failed', 3),
      finished('d', 'passed', 1e15),
    ]);
    const steps = await stepHistory(records, 'songs', 'https://api.example/v2');
    assert.deepEqual(Object.fromEntries(steps), {
      a: { runs: [{ seconds: 10, hardware: 'L4' }] },
      b: { runs: [{ seconds: 20, hardware: 'L4' }] },
      c: { runs: [] },
      d: { runs: [] },
    });
  });

  it('estimates: what jobs that succeeded have cost beside what was thought, also when no client saw the end', async () => {
    const thought = estimate({
      steps: [],
      prices: [2],
      boots: [3600],
      transfer: null,
      storage: null,
      fetches: false,
      mostDollars: null,
      record: undefined,
      free: false,
    });
    const file = new EstimatesFile(folder.path);
    const records = new JobRecords(folder.path);
    for (const name of ['e1', 'e2', 'failed', 'unknown']) {
      await file.note(name, 'songs', { ...thought, likely: 1.6 });
    }
    assert.equal(await file.record(records, 'songs'), undefined);
    await records.create(job('e1'));
    await records.create(job('e2'));
    await records.create(job('failed', { outcome: 'failed' }));
    const record = await file.record(records, 'songs');
    assert.equal(record?.count, 2);
    assert.equal(record.error.toFixed(3), '0.250');
    assert.deepEqual(
      (await file.entries()).map((e) => e.actual),
      [2, 2, undefined, undefined],
    );
    assert.equal(await file.record(records, 'p2'), undefined);
    // Impossible numbers are no amounts, and take nothing else with them.
    const kept = JSON.parse(readFileSync(file.file, 'utf8')) as { estimates: object[] };
    for (const wrong of [{ likely: -1 }, { actual: 1e300 }, { low: 'x' }]) {
      const entry = { job: 'wrong', project: 'songs', time: at(9), low: 1, likely: 1, high: 1, actual: 2, ...wrong };
      writeFileSync(file.file, JSON.stringify({ schema: 1, estimates: [...kept.estimates, entry] }));
      assert.deepEqual(await file.record(records, 'songs'), record, JSON.stringify(wrong));
    }
    writeFileSync(file.file, '{');
    assert.deepEqual(await file.entries(), [], 'a broken file counts as empty');
  });

  it('only the last five count', () => {
    const entry = (actual: number): Parameters<typeof recordOf>[0][number] => ({
      job: 'j',
      project: 'p',
      time: at(1),
      low: 1,
      likely: 1,
      high: 1,
      actual,
    });
    const record = recordOf([entry(100), ...[1, 1, 1, 1, 2].map(entry)]);
    assert.deepEqual([record?.count, record?.error.toFixed(2)], [5, '0.20']);
  });

  it('the day: a job that runs counts with what it was promised, one that ended with what it cost', async () => {
    const records = new JobRecords(`${folder.path}/day`);
    const cap = { stopsBy: at(20), mostDollars: 7, armed: true, text: 'x' };
    await records.create(job('on', { podEnded: undefined, outcome: undefined, phase: 'run', cap }));
    await records.create(job('off', { pod: pod('pod-off', at(-1)), podEnded: at(1) }));
    const listed = [podSchema.parse({ id: 'pod-on', name: 'x', status: 'RUNNING', cost: 2 })];
    const now = new Date(at(10));
    const jobs = (await records.list()).map((record) => ({ record }));
    const day = dayOf(now);
    const used = spent(stretchesOf({ jobs, helpers: [], listed, now }), day);
    assert.equal(used.mostDollars.toFixed(6), '9.000000', 'since midnight');
    assert.equal(used.mostSeconds / 3600, 12, 'eleven are promised to the one that runs');
    const reserved = { stopsBy: at(30), mostDollars: 3 };
    const starting = job('starting', { pod: pod('pod-on', at(9)), podEnded: undefined, phase: 'wait', reserved });
    const kept = spent(stretchesOf({ jobs: [{ record: starting }], helpers: [], listed, now }), day);
    assert.deepEqual(
      [kept.mostDollars, kept.mostSeconds / 3600],
      [3, 15],
      'what is promised to a start, until midnight',
    );
    const young = { jobs: [{ record: { ...starting, pod: pod('new', at(9, 58)) } }], helpers: [], listed, now };
    assert.equal(
      spent(stretchesOf({ ...young, listed: [] }), day).mostDollars,
      3,
      'also where no list has its pod yet',
    );
  });
});
