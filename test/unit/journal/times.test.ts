import assert from 'node:assert/strict';
import { ledgerOf } from '../../../src/core/costs/ledger.ts';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import { timesOf } from '../../../src/core/journal/times.ts';
import { emptyView, type JobView } from '../../../src/core/journal/view.ts';
import { duration, jobTimeText } from '../../../src/core/words/index.ts';
import { makeStyle } from '../../../src/cli/style.ts';
import { summary } from '../../../src/cli/summary.ts';
import { panelState } from '../../../src/features/jobpanel/panel-state.ts';
import { describeJob } from '../../../src/features/jobs/job-nodes.ts';
import { quiet } from '../../../src/features/jobpanel/attached-states.ts';

const record: JobRecord = {
  schema: 1,
  job: 'songs-1',
  project: 'songs',
  file: '/p/training.runpod.json',
  root: '/p',
  restUrl: 'https://api.runpod.io/v2',
  pod: { id: 'p', name: 'rpt-songs', created: '2026-01-01T00:02:00.000Z', hardware: 'L4', costPerHour: 0.43 },
  onFinish: 'terminate',
  fetch: [],
  into: 'runpod-results',
  phase: 'done',
  outcome: 'succeeded',
  // The client was at work before the pod was rented and after it had ended.
  created: '2026-01-01T00:00:00.000Z',
  updated: '2026-01-01T00:20:00.000Z',
  podEnded: '2026-01-01T00:16:20.000Z',
};
const view: JobView = {
  ...emptyView(),
  status: 'succeeded',
  started: '2026-01-01T00:03:30.000Z',
  finished: '2026-01-01T00:15:33.000Z',
  seconds: 723,
};

describe('how long one job took', () => {
  it('is the same in the summary, the tree, the panel and the costs, and says of what it is', () => {
    const now = new Date('2026-01-02T00:00:00.000Z');
    const [job, pod] = ['job 12 min 3 s', 'pod 14 min 20 s'];
    const cost = { metered: 0.1 };
    const told = summary({ record, view, outcome: 'succeeded', cost }, makeStyle(false));
    assert.match(told, new RegExp(`^Time +${job}, ${pod}$`, 'm'));

    const pods = { ...record.pod!, ended: record.podEnded };
    const row = { ...record, podGone: false, pod: pods, view, facts: { record } };
    assert.equal(describeJob(row, now), `succeeded · ${job}`);
    assert.equal(describeJob(row, now, true), `succeeded · ${job} · ${pod}`);

    const panel = panelState({ record, view, heard: undefined, live: quiet, attached: false, folder: '/f' });
    assert.equal(jobTimeText(panel.time, now.getTime()), `${job}, ${pod}`);

    const [paid] = ledgerOf({ jobs: [{ record }], helpers: [], listed: [], now }).jobs;
    assert.equal(`pod ${duration(paid?.seconds ?? 0)}`, pod);
  });

  it('has three lengths at most, each with its label: the job, its steps, the pod that is paid for', () => {
    const step = { name: 'a', where: 'pod' as const, status: 'passed' as const, why: [], gates: [], metrics: {} };
    const steps = [
      { ...step, seconds: 400 },
      { ...step, name: 'b', seconds: 310 },
      { ...step, name: 'c', status: 'skipped' as const, seconds: 9 },
      { ...step, name: 'd', where: 'local' as const, seconds: 9 },
    ];
    const text = jobTimeText(timesOf(record, { ...view, steps }), 0);
    assert.equal(text, 'job 12 min 3 s, steps 11 min 50 s, pod 14 min 20 s');
  });

  it('goes on with the pod after the last step, and is not made up where nobody saw an end', () => {
    const at = Date.parse('2026-01-01T00:16:00.000Z');
    const open: JobRecord = { ...record, podEnded: undefined, outcome: undefined };
    const times = (known: JobRecord, seen: JobView): string =>
      jobTimeText(
        panelState({ record: known, view: seen, heard: undefined, live: quiet, attached: true, folder: '' }).time,
        at,
      );
    assert.equal(times({ ...open, phase: 'fetch' }, view), 'job 12 min 3 s, pod 14 min');
    const begun: JobView = { ...emptyView(), started: '2026-01-01T00:03:30.000Z' };
    assert.equal(times({ ...open, phase: 'run' }, { ...begun, status: 'running' }), 'job 12 min 30 s, pod 14 min');
    assert.equal(times({ ...open, phase: 'done' }, { ...begun, status: 'lost' }), '');
  });
});
