import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { AfterPause } from '../../../src/features/launch/after-pause.ts';

describe('looking again at a project that is edited (R4.1)', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('happens once after a pause of typing, not at every save', () => {
    let looks = 0;
    const again = new AfterPause(() => looks++, 1000);
    for (let key = 0; key < 50; key++) {
      again.putOff();
      mock.timers.tick(100);
      // With automatic saving.
      again.ask();
    }
    assert.equal(looks, 0);
    mock.timers.tick(999);
    again.putOff();
    mock.timers.tick(999);
    assert.equal(looks, 0);
    mock.timers.tick(1);
    assert.equal(looks, 1);
  });

  it('does not happen when nothing was saved, nor after the end', () => {
    let looks = 0;
    const again = new AfterPause(() => looks++, 1000);
    again.putOff();
    mock.timers.tick(5000);
    again.ask();
    again.dispose();
    mock.timers.tick(5000);
    assert.equal(looks, 0);
  });
});
