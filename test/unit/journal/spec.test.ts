import assert from 'node:assert/strict';
import { newJobId } from '../../../src/core/journal/id.ts';
import { capSeconds } from '../../../src/core/journal/spec.ts';
import { dollars, metered, spentText } from '../../../src/core/words/index.ts';

describe('caps (R4.3)', () => {
  it('takes the tighter of hours and dollars', () => {
    assert.equal(capSeconds({ hours: 2, dollars: 3 }, 0.74), 7200);
    assert.equal(capSeconds({ hours: 10, dollars: 1 }, 2), 1800);
    assert.equal(capSeconds({ dollars: 1 }, 4), 900);
    assert.equal(capSeconds({ dollars: 1 }, null), null, 'a price that is not known cannot cap');
    assert.equal(capSeconds({}, 1), null);
  });
});

describe('cost (R4.2)', () => {
  it('is price times time', () => {
    assert.equal(metered(5_400_000, 0.74).toFixed(6), '1.110000');
    assert.equal(metered(-1, 0.74), 0);
  });

  it('lies between two amounts where nobody saw an end, in one phrase', () => {
    assert.equal(spentText(0.12), '$0.12');
    assert.equal(spentText(0.12, 0.1204), '$0.12');
    assert.equal(spentText(0.12, 0.9), 'at least $0.12, at most $0.90');
    assert.equal(spentText(0, 0.9), 'at most $0.90');
  });

  it('is shown with digits that mean something', () => {
    assert.deepEqual([0, 0.0031, 0.042, 1.266, 12].map(dollars), ['$0.00', '$0.0031', '$0.042', '$1.27', '$12.00']);
  });
});

describe('job id', () => {
  it('sorts by time and is safe as a file name', () => {
    const first = newJobId('rainbow', new Date('2026-11-22T09:30:12Z'));
    assert.match(first, /^rainbow-20261122-093012-[a-z2-9]{4}$/);
    assert.ok(first < newJobId('rainbow', new Date('2026-11-22T09:30:13Z')));
  });
});
