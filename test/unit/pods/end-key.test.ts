import assert from 'node:assert/strict';
import { UserError } from '../../../src/core/errors.ts';
import { jobEventSchema } from '../../../src/core/journal/events.ts';
import { endKeyEnv, isSecretName } from '../../../src/core/pods/end-key.ts';

describe('the key by which a pod ends itself (R4.3)', () => {
  it('goes to the pod as the placeholder of its secret', () => {
    assert.deepEqual(endKeyEnv('end_key'), { RUNPOD_TRAINER_END_KEY: '{{ RUNPOD_SECRET_end_key }}' });
    assert.deepEqual(endKeyEnv(undefined), {});
  });

  it('is named as RunPod names secrets', () => {
    for (const name of ['a', '_x', 'team/end.key-2', 'x'.repeat(191)]) assert.ok(isSecretName(name), name);
    for (const name of ['', 'runpod_x', 'RUNPOD', '1', 'a b', 'a}}', 'a\n', 'x'.repeat(192)]) {
      assert.ok(!isSecretName(name), name);
      assert.throws(() => endKeyEnv(name), UserError);
    }
  });

  it('is told of in the journal, and journals without that are read as before', () => {
    const event = {
      epoch: 1,
      seq: 2,
      time: '2026-11-22T09:30:12.123Z',
      type: 'watchdog',
      armed: false,
      detail: 'No.',
      deadline: null,
    };
    const owners = [{ owner: 'later-kind', state: 'later-state', detail: 'x', more: 1 }];
    for (const more of [{}, { owners: null }, { owners: [] }, { owners }]) {
      assert.ok(jobEventSchema.safeParse({ ...event, ...more }).success);
    }
  });
});
