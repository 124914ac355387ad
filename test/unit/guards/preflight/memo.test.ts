import assert from 'node:assert/strict';
import { CancelledError } from '../../../../src/core/errors.ts';
import { Memo, UnknownFact } from '../../../../src/core/guards/preflight/memo.ts';

describe('facts of preflight (R4.1)', () => {
  it('fetches a fact once for all who ask', async () => {
    const memo = new Memo(undefined);
    let calls = 0;
    const ask = (): Promise<number> => memo.get('A number', 1000, () => Promise.resolve((calls += 1)));
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [1, 1, 1]);
  });

  it('gives a fact up after its time, and says which', async () => {
    const never = new Memo(undefined).get('The moon', 30, () => new Promise<never>(() => undefined));
    // A timer of a signal does not keep the process alive by itself.
    const alive = setInterval(() => undefined, 10);
    await assert.rejects(never, (error) => error instanceof UnknownFact && /^The moon: no answer/.test(error.message));
    clearInterval(alive);
  });

  it('fails the same way for everyone', async () => {
    const memo = new Memo(undefined);
    const ask = (): Promise<never> => memo.get('It', 1000, () => Promise.reject(new Error('broken')));
    await assert.rejects(ask(), /broken/);
    await assert.rejects(ask(), /broken/);
  });

  it('is cancelled from outside at once', async () => {
    const controller = new AbortController();
    const memo = new Memo(controller.signal);
    const waiting = memo.get('It', 60_000, () => new Promise<never>(() => undefined));
    controller.abort();
    await assert.rejects(waiting, CancelledError);
    await assert.rejects(
      memo.get('Another', 60_000, () => Promise.resolve(1)),
      CancelledError,
    );
  });
});
