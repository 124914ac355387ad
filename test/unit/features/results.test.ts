import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import type { Fetched } from '../../../src/core/jobs/fetch-later.ts';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import { emptyView } from '../../../src/core/journal/view.ts';
import { askConflicts, fetchedText } from '../../../src/features/jobs/fetch-results.ts';
import type { JobSummary } from '../../../src/features/jobs/history.ts';
import { describeJob, groupOf } from '../../../src/features/jobs/job-nodes.ts';

const record: JobRecord = {
  schema: 1,
  job: 'p-20260101-000000-abcd',
  project: 'p',
  file: '/p/training.runpod.json',
  root: '/p',
  restUrl: 'https://api.runpod.io/v2',
  onFinish: 'terminate',
  fetch: ['out/**'],
  into: 'runpod-results',
  phase: 'done',
  outcome: 'succeeded',
  remote: { mount: '/w', projectDir: '/w/projects/p', jobDir: '/w/j', worker: '/w/x.pyz', python: 'python3' },
  created: '2026-01-01T00:00:00.000Z',
  updated: '2026-01-01T00:00:00.000Z',
  fetched: { time: '2026-01-01T00:00:00.000Z', files: 3, bytes: 10, here: 2 },
};
const refused = { path: 'out/\udce9', reason: 'The name was refused.' };
const notHome = { time: record.updated, count: 1, left: [refused] };

describe('what the editor tells of results (R3.2, R9.4)', () => {
  const told = (more: Partial<JobRecord>, how: Partial<Fetched> = {}): ReturnType<typeof fetchedText> =>
    fetchedText({ record: { ...record, ...more }, kept: [], later: [], end: 'fetched', ...how });

  it('a fetch is well done only when all is here, and what was here already is said', () => {
    assert.deepEqual(told({}), {
      text: '3 files, 2 more were here already, in /p/runpod-results/p-20260101-000000-abcd',
      isWell: true,
      buttons: [],
    });
    assert.match(told({}, { end: 'here already' }).text, /^The results are here already, in /);
  });

  it('declining the pod is told as nothing fetched, although files of an earlier fetch are here', () => {
    const { isWell, text, buttons } = told({ notHome }, { end: 'nothing' });
    assert.deepEqual([isWell, text], [false, 'Nothing of p was fetched.']);
    assert.deepEqual(
      buttons.map((b) => b.title),
      ['Fetch Results…'],
    );
  });

  it('what is missing is named with its reason; fetching again is offered only where it may help', () => {
    const lasting = told({ notHome });
    assert.equal(lasting.isWell, false);
    assert.match(lasting.text, /Of p, 1 of its results is not here\. out\/.: The name was refused\./u);
    assert.deepEqual(
      lasting.buttons.map((b) => b.title),
      ['Open Results'],
    );
    const onItsWay = told({ notHome: { ...notHome, left: [{ ...refused, again: true }] } });
    assert.deepEqual(
      onItsWay.buttons.map((b) => b.title),
      ['Fetch Results…', 'Open Results'],
    );
    const kept = told({}, { kept: ['out/r.txt'] });
    assert.equal(kept.isWell, false);
    assert.match(kept.text, /What you changed here was kept as it is: out\/r\.txt\./);
  });

  it('the question about results that differ has three answers, and closing it is none', async () => {
    for (const [chosen, keep] of [
      ['Take from Volume', 'theirs'],
      ['Keep Both', 'both'],
      ['Leave as Here', 'mine'],
      [undefined, undefined],
    ] as const) {
      const asked: unknown[] = [];
      const window = {
        showWarningMessage: (...words: unknown[]) => {
          asked.push(...words);
          return Promise.resolve(chosen);
        },
      } as unknown as typeof vscode.window;
      const ask = askConflicts({ window }, 'p');
      const conflicts = [
        { path: 'a', kind: 'edited' as const },
        { path: 'b', kind: 'later' as const, job: 'p-2' },
      ];
      assert.equal(await ask(conflicts), keep);
      assert.equal(asked[0], '2 results of p differ here and on the volume.');
      const { detail } = asked[1] as { detail: string };
      assert.match(detail, /a: you changed it since it came home\nb: .*the later job p-2 wrote over it/);
    }
  });

  it('a job that succeeded without its results needs attention and says why', () => {
    const job = (more: Partial<JobSummary>): JobSummary => ({
      job: record.job,
      project: 'p',
      created: record.created,
      restUrl: record.restUrl,
      outcome: 'succeeded',
      phase: 'done',
      view: { ...emptyView(), status: 'succeeded' },
      ...more,
    });
    assert.equal(groupOf(job({})), 'recent');
    const partly = job({ missing: notHome });
    assert.equal(groupOf(partly), 'attention');
    assert.match(describeJob(partly, new Date()), /^succeeded · 1 result not here/);
    assert.match(describeJob(job({ missing: { count: 0, why: 'x', left: [] } }), new Date()), /results not here/);
    const unreadable = job({ unreadable: 'The record is damaged.' });
    assert.equal(groupOf(unreadable), 'attention');
    assert.equal(describeJob(unreadable, new Date()), 'its record cannot be read');
  });
});
