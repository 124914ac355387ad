import assert from 'node:assert/strict';
import { UserError } from '../../../src/core/errors.ts';
import { Failures } from '../../../src/core/transport/failures.ts';

/** What is said when so many of so many files failed. */
function told(failed: number, of: number): { what: string; why: string; next: string } {
  const failures = new Failures();
  for (let i = 0; i < failed; i++) {
    failures.add(`a/${i}`, new Error(`reason ${i}`));
  }
  try {
    failures.throwIfAny('fetch-failed', of, 'fetched', { rest: 'The others are complete.', next: 'Fetch again.' });
  } catch (error) {
    assert.ok(error instanceof UserError);
    return { what: error.what, why: error.why ?? '', next: error.next ?? '' };
  }
  return { what: '', why: '', next: '' };
}

describe('files that did not travel (R2.3)', () => {
  it('are told beside the others where there are others', () => {
    const { what, next } = told(2, 9);
    assert.deepEqual([what, next], ['2 of 9 files could not be fetched.', 'The others are complete. Fetch again.']);
    assert.equal(told(1, 2).what, '1 of 2 files could not be fetched.');
  });

  it('are all there were: nothing is said of others', () => {
    assert.deepEqual([told(1, 1).what, told(1, 1).next], ['The file could not be fetched.', 'Fetch again.']);
    assert.deepEqual([told(3, 3).what, told(3, 3).next], ['None of 3 files could be fetched.', 'Fetch again.']);
  });

  it('are named with their reasons, the first five of many', () => {
    assert.equal(told(1, 3).why, '"a/0": reason 0');
    assert.match(told(7, 9).why, /"a\/4": reason 4\n… and 2 more\.$/);
    assert.equal(told(0, 3).what, '');
  });
});
