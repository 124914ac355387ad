import assert from 'node:assert/strict';
import type { GateResult, JobEvent } from '../../../src/core/journal/events.ts';
import { emptyView, failedStep, reduceView, type JobView } from '../../../src/core/journal/view.ts';

const time = '2026-01-01T00:00:00.000Z';
const host = { python: '3.12', cpus: 2, memoryBytes: null, gpus: [] };
const steps = [
  { name: 'a', where: 'local' as const },
  { name: 'b', where: 'pod' as const },
];
const gate: GateResult = {
  index: 0,
  type: 'rows',
  title: 't',
  status: 'failed',
  expected: '1',
  seen: '0',
  message: 'no',
  evidence: {},
};

type Bare<T> = T extends JobEvent ? Omit<T, 'epoch' | 'seq' | 'time'> : never;

const view = (...events: Bare<JobEvent>[]): JobView =>
  events.reduce<JobView>((all, event, i) => reduceView(all, { epoch: 1, seq: i + 1, time, ...event }), emptyView());

const started = { type: 'job.started', job: 'j', project: 'p', podId: 'x', host, steps, capSeconds: null } as const;

describe('the view of a job, rebuilt from its events (R3.4)', () => {
  it('follows a job to a gate that does not hold', () => {
    const now = view(
      started,
      { type: 'step.local', step: 'a', status: 'skipped', seconds: 0, why: 'Nothing changed.', gates: [] },
      { type: 'step.started', step: 'b', index: 2, of: 2, why: ['new'], argv: [] },
      { type: 'metric', step: 'b', values: { loss: 2 } },
      { type: 'metric', step: 'b', values: { loss: 1, accuracy: 0.5 } },
      { type: 'gate', step: 'b', gate },
      { type: 'step.finished', step: 'b', status: 'failed', exitCode: 0, seconds: 3, reason: 'gate' },
      { type: 'job.finished', status: 'failed', reason: 'gate', step: 'b', seconds: 4 },
    );
    assert.equal(now.status, 'failed');
    assert.deepEqual(now.steps[0]?.why, ['Nothing changed.']);
    assert.deepEqual(now.steps[1]?.metrics, { loss: 1, accuracy: 0.5 });
    assert.equal(failedStep(now)?.gates[0]?.message, 'no');
  });

  it('shows no step as running once the job is over: of a lost one nobody knows how its step ended', () => {
    const now = view(
      started,
      { type: 'step.started', step: 'a', index: 1, of: 2, why: ['new'], argv: [] },
      { type: 'job.finished', status: 'lost', reason: 'The worker died.', step: null, seconds: 4 },
    );
    assert.deepEqual(
      now.steps.map((s) => s.status),
      ['unknown', 'waiting'],
    );
  });

  it('is not confused by steps that nobody announced', () => {
    const now = view(started, { type: 'gate', step: '__proto__', gate });
    assert.deepEqual(
      now.steps.map((s) => s.gates.length),
      [0, 0],
    );
  });

  it('leaves the view before as it was', () => {
    const before = view(started);
    const copy = structuredClone(before);
    reduceView(before, { epoch: 1, seq: 2, time, type: 'gate', step: 'a', gate });
    assert.deepEqual(before, copy);
  });
});
