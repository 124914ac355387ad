import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import type { GateResult } from '../../../src/core/journal/events.ts';
import { JobRecords, type JobRecord } from '../../../src/core/journal/records.ts';
import { emptyView, type StepView } from '../../../src/core/journal/view.ts';
import { pickText, tabTitle } from '../../../src/features/jobs/choose-job.ts';
import { gateRow } from '../../../src/features/jobs/gate-row.ts';
import { recordedHistory, type JobSummary } from '../../../src/features/jobs/history.ts';
import { describeJob, describeStep, groupOf } from '../../../src/features/jobs/job-nodes.ts';
import { mendedJobs } from '../../../src/features/jobs/mended.ts';
import { removeJob, whyItStays } from '../../../src/features/jobs/remove-job.ts';
import { filesOfStep, placeOfStep, revealStepFiles } from '../../../src/features/jobs/step-places.ts';
import { sizeFault } from '../../../src/features/volumes/grow-volume.ts';
import { useTempFolder } from '../../support/temp.ts';

const pod = {
  id: 'p1',
  name: 'rpt-1',
  created: '2026-01-01T00:00:00.000Z',
  hardware: 'L4',
  costPerHour: 3.6,
};
const ended = '2026-01-01T01:00:00.000Z';
const recordOf = (more: Partial<JobRecord> = {}): JobRecord => ({
  ...{ schema: 1, job: 'whales-20260101-000000-aaaa', project: 'whales', file: '/p/x.runpod.json', root: '/p' },
  ...{ restUrl: 'https://api.runpod.io/v2', onFinish: 'terminate', fetch: [], into: 'runpod-results', phase: 'done' },
  ...{ created: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z' },
  ...more,
});
const jobOf = (status: JobSummary['view']['status'], more: Partial<JobRecord> = {}): JobSummary => {
  const record = recordOf(more);
  const { job, project, created, restUrl, phase } = record;
  return { job, project, created, restUrl, phase, view: { ...emptyView(), status }, facts: { record } };
};

describe('rows of the Jobs view (R9.1)', () => {
  const gate = (expected: string, seen: string, more: Partial<GateResult> = {}): GateResult => ({
    ...{
      index: 0,
      type: 'metric',
      title: 'metric accuracy',
      status: 'failed',
      expected,
      seen,
      message: null,
      evidence: {},
    },
    ...more,
  });

  it('a gate begins with the number that was seen, then says what was asked for, then of what', () => {
    assert.deepEqual(gateRow(gate('last >= 0.9', '0.61')), {
      label: '0.61 ✗ ≥ 0.9',
      description: 'metric accuracy, last',
    });
    const rows = gate('= 1327', '1327', { status: 'passed', title: 'rows of a.parquet' });
    assert.deepEqual(gateRow(rows), { label: '1327 ✓ = 1327', description: 'rows of a.parquet' });
    assert.ok(gateRow(gate('has all', 'x'.repeat(500))).label.length < 60);
  });

  it('a step begins with its state and what it cost', () => {
    const step: StepView = { name: 'a', where: 'pod', status: 'passed', why: [], gates: [], metrics: {}, seconds: 60 };
    const paid = { pod, restUrl: recordOf().restUrl };
    assert.equal(describeStep(paid, step), 'passed · $0.06 · 1 min');
    assert.equal(describeStep(paid, { ...step, where: 'local' }), 'passed · here · 1 min');
    assert.equal(describeStep({ ...paid, restUrl: 'http://127.0.0.1:4000/v2' }, step), 'passed · 1 min');
  });

  it('a job that runs begins with where it is and what it has cost', () => {
    const steps = ['a', 'b'].map((name): StepView => ({
      ...{ name, where: 'pod', status: 'waiting', why: [], gates: [], metrics: {} },
    }));
    const job = { ...jobOf('running', { phase: 'run' }), cost: { metered: 1.27 } };
    assert.match(describeJob({ ...job, view: { ...job.view, step: 'b', steps } }, new Date()), /^2\/2 · \$1\.27 · b/);
  });
});

describe('what needs attention (R9.1)', () => {
  const later = '2026-01-02T00:00:00.000Z';

  it('is no failure that a later run of the same file with the same profile has made good', () => {
    const failed = jobOf('failed');
    const good = jobOf('succeeded', { job: 'b', created: later });
    assert.deepEqual([...mendedJobs([good, failed])], [failed.job]);
    assert.equal(groupOf(failed, true), 'recent');
    for (const other of [
      { profile: 'small' },
      { file: '/q/x.runpod.json' },
      { project: 'whales-smoke' },
      { restUrl: 'http://127.0.0.1:1/v2' },
      { created: '2025-01-01T00:00:00.000Z' },
    ]) {
      assert.deepEqual([...mendedJobs([jobOf('succeeded', { job: 'b', created: later, ...other }), failed])], []);
    }
    assert.deepEqual([...mendedJobs([jobOf('failed', { job: 'b', created: later }), failed])], []);
  });

  it('stays what may still cost money', () => {
    const failed = jobOf('failed', { pod });
    const good = jobOf('succeeded', { job: 'b', created: later });
    assert.deepEqual([...mendedJobs([good, failed])], []);
    assert.deepEqual([...mendedJobs([good, jobOf('failed', { pod, podEnded: ended })])], [failed.job]);
  });
});

describe('jobs are told apart without their ids (R9.2)', () => {
  it('by state, begin, cost and profile', () => {
    const record = recordOf({ outcome: 'failed', pod, podEnded: ended, profile: 'small' });
    const { label, description } = pickText(record);
    assert.equal(label, 'whales');
    assert.match(description, /^failed · .*\d\d:\d\d · \$3\.60 · small$/);
    assert.doesNotMatch(description, /aaaa/);
    assert.match(tabTitle(record), /^whales · .*\d\d:\d\d$/);
  });
});

describe('"Remove from List" (R9.1)', () => {
  const temp = useTempFolder();
  const signal = new AbortController().signal;

  it('refuses a job that runs and one whose pod may still cost money', () => {
    assert.equal(whyItStays(recordOf({ phase: 'run' }))?.code, 'job-runs');
    assert.equal(whyItStays(recordOf({ outcome: 'failed', pod }))?.code, 'pod-may-bill');
    assert.equal(whyItStays(recordOf({ outcome: 'failed', pod, podEnded: ended })), undefined);
    assert.equal(whyItStays(recordOf({ outcome: 'lost', pod, goneBy: ended })), undefined);
    assert.equal(whyItStays(recordOf()), undefined);
  });

  it('takes the job from the list and not from the costs, and can be undone', async () => {
    const records = new JobRecords(temp.path);
    const record = await records.create(recordOf({ outcome: 'failed', pod, podEnded: ended }));
    let press: (button: string | undefined) => void = () => undefined;
    const pressed = new Promise<string | undefined>((resolve) => (press = resolve));
    const vs = { window: { showInformationMessage: () => pressed } } as unknown as typeof vscode;
    let changes = 0;
    await removeJob(vs, records, { id: record.job }, () => changes++);
    assert.deepEqual(await recordedHistory(records).list(signal), []);
    assert.equal((await records.list()).length, 1, 'the record is still there');
    press('Undo');
    while (changes < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((await recordedHistory(records).list(signal)).length, 1);
  });
});

describe('from a row to the file (R9.1, R9.9)', () => {
  const temp = useTempFolder();
  const text = `{ "version": 1, "name": "whales", "target": { "volume": { "name": "v" }, "gpus": ["g"], "image": "i" },
  "steps": [
    { "name": "train", "script": "t.py", "outputs": ["out/"], "gates": [{ "type": "file", "path": "out/*.pt" }, { "type": "metric", "name": "loss", "max": 1 }] }
  ] }`;

  it('a step and its gate are found in the project file; one that is not there is not', () => {
    const shown = (step: string, gate?: number): string => {
      const place = placeOfStep(text, step, gate);
      return place === undefined ? '' : text.slice(place.offset, place.offset + place.length);
    };
    assert.match(shown('train'), /^\{ "name": "train"/);
    assert.match(shown('train', 1), /^\{ "type": "metric"/);
    assert.match(shown('train', 99), /^\{ "name": "train"/);
    assert.equal(shown('../train'), '');
  });

  it('what is shown is a file that the project file names; names of a journal are no paths', () => {
    assert.deepEqual(filesOfStep(text, 'train', 0), ['out']);
    assert.deepEqual(filesOfStep(text, 'train', 1), []);
    assert.deepEqual(filesOfStep(text, '../../etc/passwd'), []);
    assert.deepEqual(filesOfStep(text.replace('out/*.pt', '../../secret'), 'train', 0), []);
  });

  it('a link that leads out of the results is not followed', async () => {
    const records = new JobRecords(join(temp.path, 'home'));
    const root = join(temp.path, 'project');
    const file = join(root, 'x.runpod.json');
    const record = await records.create(recordOf({ root, file, outcome: 'succeeded' }));
    const results = join(root, record.into, record.job);
    mkdirSync(results, { recursive: true });
    mkdirSync(join(temp.path, 'outside'));
    symlinkSync(join(temp.path, 'outside'), join(results, 'out'));
    writeFileSync(file, text);
    const shown: string[] = [];
    const vs = {
      Uri: { file: (path: string) => path },
      workspace: { openTextDocument: () => Promise.resolve({ getText: () => text }) },
      commands: { executeCommand: (_: string, path: string) => Promise.resolve(shown.push(path)) },
    } as unknown as typeof vscode;
    const row = { id: record.job, step: 'train', gate: 0 };
    await assert.rejects(revealStepFiles(vs, records, row), /out is not on this computer/);
    mkdirSync(join(root, 'out'));
    await revealStepFiles(vs, records, row);
    assert.deepEqual(shown, [join(root, 'out')]);
    await assert.rejects(revealStepFiles(vs, records, { id: '../x', step: 'train' }), /No step was chosen/);
  });
});

describe('"Grow Volume…" (R1.4)', () => {
  it('takes whole sizes above the present one only', () => {
    assert.equal(sizeFault('60', 50), undefined);
    for (const text of ['50', '40', '', '60.5', '4097', 'x']) {
      assert.match(sizeFault(text, 50) ?? '', /whole number above 50/, text);
    }
  });
});
