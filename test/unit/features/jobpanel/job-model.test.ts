import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobRecords, type JobRecord } from '../../../../src/core/journal/records.ts';
import { notPassed } from '../../../../src/core/words/index.ts';
import { JobModel } from '../../../../src/features/jobpanel/job-model.ts';
import { nextAttachedState, type AttachedState } from '../../../../src/features/jobpanel/attached-states.ts';
import { panelDetail, panelState } from '../../../../src/features/jobpanel/panel-state.ts';
import { caps, toPanelSchema, type PanelState } from '../../../../src/messages/job-panel.ts';

const quiet: AttachedState = { link: undefined, heard: undefined, transfer: undefined, phase: undefined, warnings: [] };
const gate = {
  index: 0,
  type: 'rows',
  title: 'rows',
  status: 'failed',
  expected: '= 2',
  seen: '1',
  message: 'Why.',
  evidence: { rows: 1 },
};

describe('the job that the panel shows (R9.4)', () => {
  let home: string;
  let record: JobRecord;
  let seq = 0;

  const line = (type: string, fields: object): string =>
    `${JSON.stringify({ epoch: 1, seq: ++seq, time: '2026-11-22T09:30:12.000Z', type, ...fields })}\n`;
  const started = (): string =>
    line('job.started', {
      job: 'j-1',
      project: 'p',
      podId: null,
      host: { python: '3.12', cpus: 1, memoryBytes: null, gpus: [] },
      steps: [
        { name: 'here', where: 'local' },
        { name: 'there', where: 'pod' },
      ],
      capSeconds: null,
    });
  const log = (step: string, ...lines: string[]): string => line('log', { step, stream: 'out', lines });
  const local = (): string => join(home, '.runpod-trainer', 'jobs', 'j-1');
  const remote = (): string => join(home, 'jobs', 'j-1');
  const state = (model: JobModel, live: Partial<AttachedState> = {}, attached = true): PanelState => {
    const { record: known, view, heard } = model;
    assert.ok(known && view);
    const shown = panelState({ record: known, view, heard, live: { ...quiet, ...live }, attached, folder: '/f' });
    assert.equal(toPanelSchema.safeParse(shown).error, undefined);
    return shown;
  };

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'runpod-trainer-panel-'));
    seq = 0;
    record = {
      schema: 1,
      job: 'j-1',
      project: 'p',
      file: join(home, 'training.runpod.json'),
      root: home,
      restUrl: 'http://127.0.0.1:1/v2',
      onFinish: 'terminate',
      fetch: [],
      into: 'out',
      phase: 'local',
      created: '2026-11-22T09:30:00.000Z',
      updated: '2026-11-22T09:30:00.000Z',
    };
    await mkdir(local(), { recursive: true });
    await new JobRecords(home).create(record);
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('is built from both journals, each line once, as they grow', async () => {
    const model = new JobModel(new JobRecords(home), 'j-1');
    await writeFile(
      join(local(), 'events.jsonl'),
      started() +
        line('step.started', { step: 'here', index: 1, of: 2, why: ['new'], argv: ['a'] }) +
        log('here', 'one'),
    );
    await model.refresh();
    assert.equal(state(model).activity, 'Running here, step 1 of 2');
    assert.ok(state(model).sandbox);
    await appendFile(join(local(), 'events.jsonl'), `${log('here', 'two')}{"torn`);
    await model.refresh();
    await model.refresh();
    assert.deepEqual(
      model
        .step('here')
        .log.batch(0)
        .lines.map((l) => l.text),
      ['one', 'two'],
    );

    seq = 0;
    await new JobRecords(home).change('j-1', { phase: 'run' });
    await writeFile(
      join(remote(), 'events.jsonl'),
      started() +
        line('step.local', { step: 'here', status: 'passed', seconds: 2, why: null, gates: [] }) +
        line('step.started', {
          step: 'there',
          index: 2,
          of: 2,
          why: [],
          argv: ['b'],
          resumeFrom: 'out/checkpoint-200',
        }) +
        log('there', 'three') +
        line('gate', { step: 'there', gate }),
    );
    await model.refresh();
    assert.deepEqual(
      state(model).steps.map((s) => [s.name, s.status, s.why]),
      [
        ['here', 'running', ['new']],
        ['there', 'running', []],
      ],
    );
    assert.equal(panelDetail('there', model.step('there')).gates[0]?.evidence, '{\n  "rows": 1\n}');
    assert.deepEqual(model.step('there').argv, ['b']);
    assert.deepEqual(
      state(model).steps.map((s) => s.resumeFrom),
      [undefined, 'out/checkpoint-200'],
      'R3.5: the panel shows from which checkpoint a step went on',
    );
  });

  it('begins anew when a journal was replaced by a shorter one', async () => {
    const model = new JobModel(new JobRecords(home), 'j-1');
    await writeFile(join(remote(), 'events.jsonl'), started() + log('there', 'old', 'older'));
    await model.refresh();
    seq = 0;
    await writeFile(join(remote(), 'events.jsonl'), started() + log('there', 'new'));
    await model.refresh();
    assert.deepEqual(
      model
        .step('there')
        .log.batch(0)
        .lines.map((l) => l.text),
      ['new'],
    );
    assert.equal(model.generation, 1);
  });

  it('fits the caps of a message whatever the journal says', async () => {
    const long = '\u001b[31m\u202e'.repeat(800);
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...gate,
      index: i,
      // As much as a line of the journal holds.
      title: long.slice(0, i < 10 ? 4800 : 60),
      evidence: { text: 'x'.repeat(i === 0 ? 30_000 : 10) },
    }));
    await writeFile(
      join(remote(), 'events.jsonl'),
      started() + line('step.skipped', { step: 'there', why: long, gates: many }),
    );
    const model = new JobModel(new JobRecords(home), 'j-1');
    await model.refresh();
    const [, there] = state(model).steps;
    assert.equal(there?.gates.length, caps.gates);
    assert.equal(there.moreGates, 100);
    assert.doesNotMatch(there.gates[0]?.title ?? '', /[\u001b\u202e]/);
    assert.equal(toPanelSchema.safeParse(panelDetail('there', model.step('there'))).error, undefined);
  });

  it('says how the link stands and what can be done', async () => {
    await new JobRecords(home).change('j-1', {
      phase: 'run',
      remote: { mount: '/w', projectDir: '/w/p', jobDir: '/w/j', worker: 'w', python: 'p' },
    });
    await writeFile(join(remote(), 'events.jsonl'), started());
    const model = new JobModel(new JobRecords(home), 'j-1');
    await model.refresh();
    assert.deepEqual([state(model).link.state, state(model).actions], ['live', ['cancel']]);
    assert.deepEqual(
      [state(model, {}, false).link.state, state(model, {}, false).actions],
      ['apart', ['attach', 'cancel']],
    );
    const lost = nextAttachedState(
      nextAttachedState(quiet, { type: 'link', state: 'live', text: '' }, 5),
      { type: 'link', state: 'lost', text: '' },
      9,
    );
    assert.deepEqual(state(model, lost).link, { state: 'lost', heard: 5 });
    await new JobRecords(home).change('j-1', { phase: 'done', outcome: 'failed', reason: 'Why.' });
    await model.refresh();
    assert.deepEqual(
      [state(model, {}, false).link.state, state(model, {}, false).actions],
      ['over', ['explain', 'fetch', 'rerun']],
    );
  });

  it('shows the steps of the plan while the pod starts, and says in few words how far it is (R9.4)', async () => {
    const steps = [
      { name: 'here', where: 'local' as const },
      { name: 'there', where: 'pod' as const },
    ];
    await new JobRecords(home).change('j-1', { phase: 'wait', steps });
    const model = new JobModel(new JobRecords(home), 'j-1');
    await model.refresh();
    assert.equal(state(model, { link: 'lost' }).link.state, 'live', 'a pod that is awaited has not gone silent');
    await new JobRecords(home).change('j-1', { phase: 'transfer' });
    await model.refresh();
    const text = 'Rented NVIDIA GeForce RTX 4090; waiting until it answers, and some more words';
    const shown = state(model, nextAttachedState(quiet, { type: 'phase', phase: 'wait', text }, 1));
    assert.deepEqual(
      shown.steps.map((s) => [s.name, s.where, s.status]),
      [
        ['here', 'local', 'waiting'],
        ['there', 'pod', 'waiting'],
      ],
    );
    assert.deepEqual([shown.activity, shown.activityDetail], ['Uploading', text]);
    assert.equal(state(model, { link: 'lost' }).link.state, 'lost');
    await new JobRecords(home).change('j-1', { phase: 'done', outcome: 'failed', reason: 'Nothing is free.' });
    await model.refresh();
    assert.deepEqual([state(model).activity, state(model).steps.length], ['Failed', 2]);
  });

  it('tells who holds the cap in the details alone, not as what goes on', async () => {
    await new JobRecords(home).change('j-1', { phase: 'run' });
    const model = new JobModel(new JobRecords(home), 'j-1');
    await model.refresh();
    const before = nextAttachedState(quiet, { type: 'phase', phase: 'run', text: 'The job runs on the pod' }, 1);
    const text = 'It will have stopped by 14:20 for at most $0.76.';
    const shown = state(model, nextAttachedState(before, { type: 'phase', phase: 'run', text, cap: true }, 2));
    assert.deepEqual([shown.activity, shown.activityDetail], ['Running', undefined]);
    const step = { epoch: 1, seq: 1, time: '2026-11-22T09:30:12.000Z', type: 'step.started' as const, step: 'there' };
    const event = { ...step, index: 1, of: 2, why: [], argv: [] };
    const begun = nextAttachedState(before, { type: 'job', side: 'pod', replay: false, event }, 2);
    assert.deepEqual([begun.phase, begun.heard], [undefined, 2], 'the steps tell what goes on');
  });

  it('gives no reason for a step of which no run has passed yet, and one for a step that is not skipped', async () => {
    await writeFile(
      join(remote(), 'events.jsonl'),
      started() +
        line('step.started', { step: 'here', index: 1, of: 2, why: [notPassed], argv: [] }) +
        line('step.started', { step: 'there', index: 2, of: 2, why: ['asked for', notPassed], argv: [] }),
    );
    const model = new JobModel(new JobRecords(home), 'j-1');
    await model.refresh();
    assert.deepEqual(
      state(model).steps.map((s) => s.why),
      [[], ['asked for']],
    );
  });
});
