import assert from 'node:assert/strict';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import { stopText } from '../../../src/features/sandbox/stop-text.ts';

describe('what is said before the sandbox is stopped (R9.7)', () => {
  const here = 'http://127.0.0.1:4000/v2';
  const record = (job: string, more: Partial<JobRecord> = {}): JobRecord => ({
    schema: 1,
    job,
    project: 'whales',
    file: '/p/x.runpod.json',
    root: '/p',
    restUrl: here,
    onFinish: 'terminate',
    fetch: [],
    into: 'out',
    phase: 'run',
    created: '',
    updated: '',
    ...more,
  });

  it('names the jobs that run in it, and pods that are no job’s', () => {
    const pod = { id: 'p1', name: 'rpt-whales-1', created: '', hardware: '', costPerHour: 1 };
    const text = stopText(
      here,
      [record('whales-1', { pod }), record('whales-2', { phase: 'transfer' })],
      [
        { id: 'p1', name: 'rpt-whales-1' },
        { id: 'p2', name: 'mine' },
      ],
    );
    assert.match(text, /2 jobs \(whales: whales-1, whales: whales-2\) and 1 other pod \(mine\)/);
    assert.match(text, /is lost/);
  });

  it('counts neither jobs that are over nor those of RunPod or of an earlier sandbox', () => {
    const others = [
      record('over', { phase: 'done' }),
      record('paid', { restUrl: 'https://api.runpod.io/v2' }),
      record('earlier', { restUrl: 'http://127.0.0.1:4001/v2' }),
    ];
    assert.match(stopText(here, others, []), /^Nothing runs in it/);
  });
});
