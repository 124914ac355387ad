import assert from 'node:assert/strict';
import { recordedBoots } from '../../../src/core/journal/boots.ts';
import { podName } from '../../../src/core/journal/id.ts';
import { JobRecords, type JobRecord } from '../../../src/core/journal/records.ts';
import { useTempFolder } from '../../support/temp.ts';

const restUrl = 'https://api.example/v2';

describe('own boot times (R1.1)', () => {
  const folder = useTempFolder();

  const job = async (name: string, begun: string | undefined, more: Partial<JobRecord> = {}): Promise<void> => {
    const records = new JobRecords(folder.path);
    const created = '2026-11-22T09:00:00.000Z';
    await records.create({
      schema: 1,
      job: name,
      project: 'songs',
      file: '/p/training.runpod.json',
      root: '/p',
      restUrl,
      volume: { id: 'v1', name: 'songs', dataCenter: 'US-MD-1' },
      pod: { id: name, name: podName(name), created, hardware: 'L4', costPerHour: 0.49 },
      onFinish: 'terminate',
      fetch: [],
      into: 'runpod-results',
      phase: 'done',
      created,
      updated: created,
      ...more,
    });
    if (begun !== undefined) {
      const event = {
        epoch: 1,
        seq: 1,
        time: begun,
        type: 'job.started',
        job: name,
        project: 'songs',
        podId: null,
        host: { python: '3.12', cpus: 2, memoryBytes: null, gpus: [] },
        steps: [],
        capSeconds: null,
      };
      await records.writeJournal(name, 0, Buffer.from(`${JSON.stringify(event)}\n{"torn`));
    }
  };

  it('are read from records and journals, and only where they can be true', async () => {
    await job('good', '2026-11-22T09:01:30.000Z');
    await job('no-journal', undefined);
    await job('backwards', '2026-11-22T08:59:00.000Z');
    await job('slept', '2026-11-22T19:00:00.000Z');
    await job('sandboxed', '2026-11-22T09:00:02.000Z', { restUrl: 'http://127.0.0.1:1/v2' });
    const pod = { id: 'p', name: podName('good'), created: '2026-11-22T09:00:00.000Z', hardware: 'L4', costPerHour: 1 };
    await job('reused', '2026-11-22T09:00:05.000Z', { pod });
    assert.deepEqual(await recordedBoots(new JobRecords(folder.path), restUrl), [
      { dataCenter: 'US-MD-1', seconds: 90 },
    ]);
  });

  it('are none without records', async () => {
    assert.deepEqual(await recordedBoots(new JobRecords(folder.path), restUrl), []);
  });
});
