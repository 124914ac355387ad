import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { CancelledError } from '../../../src/core/errors.ts';
import { takeLock } from '../../../src/core/files/lock.ts';
import { thisProcess } from '../../../src/core/processes.ts';
import { useTempFolder } from '../../support/temp.ts';

const taker = path.resolve(import.meta.dirname, '..', '..', 'support', 'lock-taker.ts');

/** No system has a process of this number. */
const nobody = 2 ** 30;

describe('a lock that is a file', () => {
  const folder = useTempFolder();
  const file = (): string => path.join(folder.path, 'the.lock');

  it('is held by one at a time, and leaves nothing behind', async () => {
    let inside = 0;
    let most = 0;
    let waited = 0;
    const one = async (): Promise<void> => {
      const release = await takeLock(file(), { onWait: () => (waited += 1) });
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 10));
      inside -= 1;
      await release();
    };
    await Promise.all([one(), one(), one()]);
    assert.equal(most, 1);
    assert.ok(waited >= 1 && waited <= 2, `told once each: ${waited}`);
    assert.deepEqual(await readdir(folder.path), []);
  });

  it('is taken over from a process that is gone, by one of those that wait', async () => {
    await writeFile(file(), JSON.stringify({ ...thisProcess(), pid: nobody }));
    let inside = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const release = await takeLock(file());
        inside += 1;
        assert.equal(inside, 1);
        await new Promise(setImmediate);
        inside -= 1;
        await release();
      }),
    );
    assert.deepEqual(await readdir(folder.path), []);
  });

  it('of a process that is gone is taken by exactly one of the programs that want it at one moment', async function () {
    this.timeout(60_000);
    const takers = Array.from({ length: 6 }, () => fork(taker));
    try {
      await Promise.all(takers.map((t) => once(t, 'message')));
      for (let round = 0; round < 40; round += 1) {
        const lock = path.join(folder.path, `${round}.lock`);
        await writeFile(lock, JSON.stringify({ ...thisProcess(), pid: nobody }));
        const answers = takers.map((t) => once(t, 'message'));
        takers.forEach((t) => t.send({ file: lock, at: Date.now() + 10 }));
        const held = (await Promise.all(answers)).filter(([has]) => has === true);
        assert.equal(held.length, 1, `round ${round}`);
      }
      const left = await readdir(folder.path);
      assert.equal(left.length, 40, left.join());
    } finally {
      takers.forEach((t) => t.kill());
    }
  });

  it('of before boots were noted is judged by the name of the machine', async () => {
    await writeFile(file(), JSON.stringify({ host: hostname(), pid: nobody }));
    const release = await takeLock(file(), { signal: AbortSignal.timeout(2000) });
    await release();
  });

  it('is taken from a process of another boot or container only when it shows no sign of life', async () => {
    const { pid } = process;
    for (const mark of [
      { boot: 'another', pid: nobody },
      { ...thisProcess(), space: 'another', pid: nobody },
      { pid },
    ]) {
      await writeFile(file(), JSON.stringify(mark));
      const beat = setInterval(() => void utimes(file(), new Date(), new Date()), 50);
      await assert.rejects(takeLock(file(), { patienceMs: 300, signal: AbortSignal.timeout(900) }), CancelledError);
      clearInterval(beat);
      const release = await takeLock(file(), { patienceMs: 300 });
      await release();
    }
  });

  it('can be waited for only as long as somebody wants it', async () => {
    const release = await takeLock(file());
    const abort = new AbortController();
    await assert.rejects(takeLock(file(), { signal: abort.signal, onWait: () => abort.abort() }), CancelledError);
    await release();
  });

  it('is refused at once to who does not want to wait, with what the holder says of itself', async () => {
    const refuse = (holder: Readonly<Record<string, unknown>>): Error => new Error(`held by ${String(holder.job)}`);
    const takers = await Promise.allSettled(
      ['a', 'b', 'c'].map((job) => takeLock(file(), { note: { job }, refuse, signal: AbortSignal.timeout(5000) })),
    );
    const [held, ...others] = takers.filter((t) => t.status === 'fulfilled');
    assert.deepEqual(others, []);
    const reasons = takers.flatMap((t) => (t.status === 'rejected' ? [String(t.reason)] : []));
    assert.equal(reasons.length, 2);
    assert.equal(new Set(reasons).size, 1, reasons.join());
    assert.match(reasons[0] ?? '', /held by [abc]/);
    await held?.value();
    await (
      await takeLock(file(), { refuse })
    )();
  });

  it('is refused while a holder of another boot shows signs of life, and taken from one that is gone', async () => {
    const refuse = (): Error => new Error('held');
    await writeFile(file(), JSON.stringify({ boot: 'another', pid: nobody }));
    await assert.rejects(takeLock(file(), { refuse }), /held/);
    const old = new Date(Date.now() - 60_000);
    await utimes(file(), old, old);
    await (
      await takeLock(file(), { refuse, patienceMs: 300 })
    )();
    await writeFile(file(), JSON.stringify({ ...thisProcess(), pid: nobody }));
    await (
      await takeLock(file(), { refuse })
    )();
  });
});
