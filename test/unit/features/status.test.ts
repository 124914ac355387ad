import assert from 'node:assert/strict';
import { spentToday } from '../../../src/core/caps/meter.ts';
import { emptyView } from '../../../src/core/journal/view.ts';
import { podSchema, type Pod } from '../../../src/core/runpod/schemas.ts';
import type { ListState } from '../../../src/features/common/polled-list.ts';
import type { JobSummary } from '../../../src/features/jobs/history.ts';
import { runningStatus } from '../../../src/features/status/running-status.ts';

const now = new Date(2026, 4, 3, 12, 0, 0);
const hoursAgo = (hours: number): string => new Date(now.getTime() - hours * 3_600_000).toISOString();

const pod = (id: string, more: object = {}): Pod =>
  podSchema.parse({
    id,
    name: `rpt-${id}`,
    status: 'RUNNING',
    cost: 0.74,
    startedAt: hoursAgo(1),
    createdAt: hoursAgo(1),
    ...more,
  });
const listed = (...items: Pod[]): ListState<Pod> => ({ items, seen: now, error: undefined });

function job(podId: string, more: Partial<JobSummary> = {}): JobSummary {
  return {
    job: `j-${podId}`,
    project: 'tiny',
    created: hoursAgo(1),
    restUrl: 'https://example.test/v2',
    phase: 'run',
    pod: { id: podId, created: hoursAgo(1), costPerHour: 0.74 },
    view: { ...emptyView(), status: 'running', started: hoursAgo(1), step: 'train' },
    ...more,
  };
}

describe('what runs and costs, in the status bar (R9.1)', () => {
  it('names pods, their price and what they have cost today', () => {
    const status = runningStatus(listed(pod('a')), [job('a')], false, now);
    assert.equal(status?.text, '$(circuit-board) 1 pod · $0.74/h · $0.74 today');
    assert.equal(status.warning, false);
  });

  it('says that it is free here, where it is (R9.7)', () => {
    const status = runningStatus(listed(pod('a'), pod('b')), [job('a')], true, now);
    assert.equal(status?.text, '$(circuit-board) 2 pods · free here, $1.48/h · $1.48 today on RunPod');
    assert.match(status.tooltip, /Pod rpt-a: .*free here, \$0\.74\/h on RunPod/);
  });

  it('says nothing when nothing runs', () => {
    assert.equal(runningStatus(listed(), [job('a', { phase: 'done' })], false, now), undefined);
    assert.equal(runningStatus(listed(pod('a', { status: 'EXITED' })), [], false, now), undefined);
  });

  it('warns of a pod without a job, and says what that costs', () => {
    const status = runningStatus(listed(pod('a'), pod('b')), [job('a')], false, now);
    assert.equal(status?.warning, true);
    assert.match(status.text, /2 pods · \$1\.48\/h/);
    assert.match(status.tooltip, /b idles: no job runs on it \(\$0\.74\/h\)/);
  });

  it('does not call a pod idle that was granted a moment ago, or that fetches results', () => {
    const fresh = pod('a', { startedAt: hoursAgo(0.01) });
    const helper = pod('b', { name: 'rpt-x-fetch', startedAt: hoursAgo(0.1) });
    assert.equal(runningStatus(listed(fresh, helper), [], false, now)?.warning, false);
  });

  it('warns when less than a tenth of the cap is left', () => {
    const capped = (deadline: string): JobSummary => {
      const { view } = job('a');
      return job('a', { view: { ...view, watchdog: { armed: true, detail: '', deadline } } });
    };
    assert.equal(runningStatus(listed(pod('a')), [capped(hoursAgo(-1))], false, now)?.warning, false);
    const near = runningStatus(listed(pod('a')), [capped(hoursAgo(-0.1))], false, now);
    assert.equal(near?.warning, true);
    assert.match(near.tooltip, /tiny nears its cap: 6 min left/);
  });

  it('says since when it does not know better', () => {
    const stale = { items: [pod('a')], seen: now, error: new Error('no') };
    assert.match(runningStatus(stale, [job('a')], false, now)?.text ?? '', /last seen 12:00$/);
  });

  it('does not pretend to know a price', () => {
    assert.match(runningStatus(listed(pod('a', { cost: null })), [job('a')], false, now)?.text ?? '', /price unknown/);
  });

  it('stops counting a pod that is gone from the list at its last sign of life', () => {
    const view = { ...emptyView(), status: 'succeeded' as const, finished: hoursAgo(0.5) };
    const status = runningStatus(listed(pod('b')), [job('a', { phase: 'done', view }), job('b')], false, now);
    assert.match(status?.text ?? '', /· \$1\.11 today$/);
  });
});

describe('what pods cost today (R5.1)', () => {
  it('counts from midnight, and a pod that two jobs used once', () => {
    const long = { id: 'a', created: hoursAgo(36), costPerHour: 1 };
    assert.equal(spentToday([long], now), 12);
    assert.equal(spentToday([{ ...long, ended: hoursAgo(20) }], now), 0);
  });

  it('counts a pod whole that a later job has taken over, from its first job to its last, in any order', () => {
    // The first job's record ends where the second one begins.
    const first = { id: 'a', created: hoursAgo(5), costPerHour: 1, ended: hoursAgo(3) };
    const second = { id: 'a', created: hoursAgo(3), costPerHour: 1 };
    const over = { ...second, ended: hoursAgo(1) };
    for (const [records, hours] of [
      [[first, second], 5],
      [[first, over], 4],
      [[{ ...first, ended: undefined }, over], 4],
      [[{ ...first, ended: hoursAgo(4) }, second], 5],
    ] as const) {
      assert.equal(spentToday(records, now), hours);
      assert.equal(spentToday(records.toReversed(), now), hours);
    }
    assert.equal(spentToday([first, second, { ...second, id: 'b' }], now), 8);
  });
});
