import assert from 'node:assert/strict';
import type { HelperPod } from '../../../src/core/journal/helpers.ts';
import { helperVariable, projectVariable } from '../../../src/core/journal/id.ts';
import { emptyView } from '../../../src/core/journal/view.ts';
import { thisProcess } from '../../../src/core/processes.ts';
import { podSchema, type Pod } from '../../../src/core/runpod/schemas.ts';
import type { ListState } from '../../../src/features/common/polled-list.ts';
import type { JobSummary } from '../../../src/features/jobs/history.ts';
import { runningMenu } from '../../../src/features/status/running-menu.ts';
import { runningNow, runningStatus, type RunningStatus } from '../../../src/features/status/running-status.ts';
import { contextValueOf } from '../../../src/features/pods/pod-nodes.ts';
import { job as recordOf } from '../costs/records.ts';

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

interface Made extends Partial<JobSummary> {
  podEnded?: string;
}

function job(podId: string, { podEnded, ...more }: Made = {}): JobSummary {
  const pod = { id: podId, created: hoursAgo(1), costPerHour: 0.74 };
  const phase = more.phase ?? 'run';
  const record = recordOf(`j-${podId}`, {
    ...{ pod: { ...pod, name: podId, hardware: 'L4' }, podEnded, outcome: undefined, phase },
  });
  const view = more.view ?? { ...emptyView(), status: 'running', started: hoursAgo(1), step: 'train' };
  return {
    job: record.job,
    project: 'tiny',
    created: hoursAgo(1),
    restUrl: 'https://example.test/v2',
    pod,
    facts: { record, finished: view.finished },
    ...more,
    phase,
    view,
  };
}

const said = (
  pods: ListState<Pod>,
  jobs: JobSummary[],
  free: boolean,
  helpers: HelperPod[] = [],
): RunningStatus | undefined => runningStatus({ pods, jobs, helpers }, free, now);

describe('what runs and costs, in the status bar (R9.1)', () => {
  it('names pods, their price and what they have cost today', () => {
    const status = said(listed(pod('a')), [job('a')], false);
    assert.equal(status?.text, '$(circuit-board) 1 pod · $0.74/h · $0.74 today');
    assert.equal(status.warning, false);
  });

  it('says that it is free here, where it is (R9.7)', () => {
    const status = said(listed(pod('a'), pod('b')), [job('a')], true);
    assert.equal(status?.text, '$(circuit-board) 2 pods · free here, $1.48/h · $1.48 today on RunPod');
    assert.match(status.tooltip, /Pod rpt-a: .*free here, \$0\.74\/h on RunPod/);
  });

  it('says nothing when nothing runs', () => {
    assert.equal(said(listed(), [job('a', { phase: 'done' })], false), undefined);
    assert.equal(said(listed(pod('a', { status: 'EXITED' })), [], false), undefined);
  });

  it('warns of a pod without a job, and says what that costs', () => {
    const status = said(listed(pod('a'), pod('b')), [job('a')], false);
    assert.equal(status?.warning, true);
    assert.match(status.text, /2 pods · \$1\.48\/h/);
    assert.match(status.tooltip, /b idles: no job runs on it \(\$0\.74\/h\)/);
  });

  it('does not call a pod idle that was granted a moment ago', () => {
    const fresh = pod('a', { startedAt: hoursAgo(0.01) });
    assert.equal(said(listed(fresh), [], false)?.warning, false);
  });

  it('knows the pods that carry files, its own and those of other computers: never idle, never to be ended', () => {
    const mine = pod('a', { actions: ['stop', 'terminate'] });
    const other = pod('b', {
      ...{ actions: ['terminate'], env: { [projectVariable]: 'songs', [helperVariable]: 'backup' } },
    });
    const old = pod('c', { name: 'rpt-x-fetch' });
    const noted: HelperPod = {
      ...{ schema: 1, id: 'a', name: 'rpt-a', purpose: 'sync', project: 'tiny', restUrl: '', hardware: 'CPU' },
      ...{ costPerHour: 0.74, created: hoursAgo(1), client: thisProcess() },
    };
    const status = said(listed(mine, other, old), [], false, [noted]);
    assert.equal(status?.warning, false);
    assert.doesNotMatch(status.tooltip, /idles/);
    assert.match(status.tooltip, /Pod rpt-a: syncing tiny/);
    assert.match(status.tooltip, /Pod rpt-b: backing up songs/);
    const running = runningNow([mine, other, old], [], [noted], now);
    const vs = { QuickPickItemKind: { Separator: -1 } } as never;
    assert.ok(runningMenu(vs, running, false, now).every(({ command }) => command === undefined));
    assert.equal(contextValueOf(mine, [noted]), 'pod');
    const left = { ...noted, client: { ...thisProcess(), pid: 2 ** 22 + 1 } };
    assert.equal(said(listed(mine), [], false, [left])?.warning, true, 'its program is gone');
    assert.equal(contextValueOf(mine, [left]), 'pod;stop;terminate');
  });

  it('warns when less than a tenth of the cap is left', () => {
    const capped = (deadline: string): JobSummary => {
      const { view } = job('a');
      return job('a', { view: { ...view, watchdog: { armed: true, detail: '', deadline } } });
    };
    assert.equal(said(listed(pod('a')), [capped(hoursAgo(-1))], false)?.warning, false);
    const near = said(listed(pod('a')), [capped(hoursAgo(-0.1))], false);
    assert.equal(near?.warning, true);
    assert.match(near.tooltip, /tiny nears its cap: 6 min left/);
  });

  it('says since when it does not know better', () => {
    const stale = { items: [pod('a')], seen: now, error: new Error('no') };
    assert.match(said(stale, [job('a')], false)?.text ?? '', /last seen 12:00$/);
  });

  it('does not pretend to know a price', () => {
    assert.match(said(listed(pod('a', { cost: null })), [job('a')], false)?.text ?? '', /price unknown/);
  });

  it('stops counting a pod that is gone from the list when its keeper ended it', () => {
    const view = { ...emptyView(), status: 'succeeded' as const, finished: hoursAgo(0.5) };
    const status = said(listed(pod('b')), [job('a', { phase: 'done', view }), job('b')], false);
    assert.match(status?.text ?? '', /· \$1\.12 today$/);
  });
});
