import assert from 'node:assert/strict';
import { otherOnVolume } from '../../../src/core/jobs/foresight.ts';
import type { TransferPlan } from '../../../src/core/volumes/plan/index.ts';

describe('what lies on the volume otherwise than it was left there (R3.8)', () => {
  it('is what is sent, what changed there and what makes way, and not what nobody could look at', () => {
    const sent = { size: 1, list: 'must' as const };
    const gone = { size: 1, kind: 'code' as const, why: 'code' };
    const plan = {
      send: [
        { ...sent, path: 'changed.py', why: 'changed' },
        { ...sent, path: 'unknown.py', why: 'unknown' },
      ],
      conflicts: [],
      left: ['theirs.py'],
      ghosts: [
        { ...gone, path: 'gone.py', then: 'set-aside' },
        { ...gone, path: 'kept.py', then: 'keep' },
      ],
      deletes: [],
    } satisfies Partial<TransferPlan>;
    const other = otherOnVolume(plan);
    assert.deepEqual(Object.keys(other).sort(), ['changed.py', 'gone.py', 'theirs.py']);
    assert.equal(other['theirs.py'], 'another computer has filled the volume since (theirs.py)');
  });
});
