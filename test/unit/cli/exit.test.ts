import assert from 'node:assert/strict';
import { confirm, isYes } from '../../../src/cli/ask.ts';
import { exitCodeOf } from '../../../src/cli/exit.ts';

describe('exit codes (docs/cli.md)', () => {
  it('is 0 only for success', () => {
    assert.deepEqual(
      (['succeeded', 'failed', 'lost', 'unknown', 'cancelled', 'detached'] as const).map(exitCodeOf),
      [0, 1, 3, 3, 4, 130],
    );
  });
});

describe('consent', () => {
  it('is given by y and yes alone', () => {
    for (const answer of ['y', 'Y', 'yes', ' YES ']) {
      assert.equal(isYes(answer), true, answer);
    }
    for (const answer of ['', 'n', 'no', 'yep', 'y y', 'ja', 'o']) {
      assert.equal(isYes(answer), false, answer);
    }
  });

  it('is not asked for with --yes', async () => {
    await confirm('Rent everything?', true);
  });
});
