import assert from 'node:assert/strict';
import { atWork, endWork } from '../../../src/features/common/at-work.ts';

describe('the end of a window (R4.3)', () => {
  it('aborts what is at work, and waits until it has ended what it held', async () => {
    const abort = new AbortController();
    let ended = false;
    const work = new Promise<void>((resolve) => {
      abort.signal.addEventListener('abort', () => setTimeout(() => resolve(void (ended = true)), 20));
    });
    void atWork(abort, work);
    await endWork(5_000);
    assert.ok(ended);
  });

  it('waits no longer than it may, and not for what is over or failed', async () => {
    void atWork(new AbortController(), Promise.reject(new Error('failed'))).catch(() => undefined);
    const abort = new AbortController();
    let end = (): void => undefined;
    void atWork(abort, new Promise<void>((resolve) => (end = resolve)));
    await endWork(10);
    assert.ok(abort.signal.aborted);
    end();
    await endWork(5_000);
  });
});
