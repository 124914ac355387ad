import assert from 'node:assert/strict';
import { reportThrownTo } from '../../../src/features/common/disposables.ts';
import { PolledList } from '../../../src/features/common/polled-list.ts';
import { until } from '../../support/wait.ts';

interface Call {
  resolve: (items: string[]) => void;
  reject: (error: Error) => void;
}

/** A loader whose answers the test gives when it likes. */
function loader(): { load: (signal: AbortSignal) => Promise<string[]>; calls: Call[] } {
  const calls: Call[] = [];
  return { calls, load: () => new Promise((resolve, reject) => calls.push({ resolve, reject })) };
}

const never = (): number => 1_000_000;

describe('a polled list (R9.1)', () => {
  it('fetches nothing until it is enabled and looked at', async () => {
    const { load, calls } = loader();
    const list = new PolledList(load, never);
    list.setVisible(true);
    await list.refresh();
    assert.equal(calls.length, 0);
    list.restart(true);
    assert.equal(calls.length, 1);
    list.dispose();
  });

  it('fetches one at a time and once more when it was asked meanwhile', async () => {
    const { load, calls } = loader();
    const list = new PolledList(load, never);
    list.restart(true);
    const first = list.refresh();
    const second = list.refresh();
    void list.refresh();
    assert.equal(calls.length, 1);
    calls[0]?.resolve(['old']);
    await new Promise(setImmediate);
    assert.equal(calls.length, 2);
    calls[1]?.resolve(['new']);
    await Promise.all([first, second]);
    assert.deepEqual(list.state.items, ['new']);
    assert.equal(calls.length, 2);
    list.dispose();
  });

  it('keeps the last good state when a refresh fails, and says why', async () => {
    const { load, calls } = loader();
    const list = new PolledList(load, never);
    list.restart(true);
    let refreshed = list.refresh();
    calls[0]?.resolve(['pod']);
    await refreshed;
    const { seen } = list.state;
    refreshed = list.refresh();
    calls[1]?.reject(new Error('no network'));
    await refreshed;
    assert.deepEqual(list.state.items, ['pod']);
    assert.equal(list.state.seen, seen);
    assert.match(String(list.state.error), /no network/);
    list.dispose();
  });

  it('ignores an answer for the account before', async () => {
    const { load, calls } = loader();
    const list = new PolledList(load, never);
    list.restart(true);
    const before = list.refresh();
    list.restart(true);
    const after = list.refresh();
    calls[0]?.resolve(['pod of another account']);
    await before;
    assert.equal(list.state.items, undefined);
    calls[1]?.resolve(['own pod']);
    await after;
    assert.deepEqual(list.state.items, ['own pod']);
    list.dispose();
  });

  it('polls while it is visible and stops when it is not', async () => {
    let count = 0;
    let reached: (() => void) | undefined;
    const list = new PolledList(
      async () => {
        count += 1;
        if (count === 3) {
          reached?.();
        }
        return Promise.resolve([]);
      },
      () => 5,
    );
    const third = new Promise<void>((resolve) => (reached = resolve));
    list.restart(true);
    list.setVisible(true);
    await third;
    list.setVisible(false);
    const then = count;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(count <= then + 1, 'at most the fetch that was under way');
    list.dispose();
  });

  it('goes on slowly in the background, and not at all when that is over', async () => {
    const { load, calls } = loader();
    const list = new PolledList(load, never);
    list.restart(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(calls.length, 0, 'nobody asked for it');
    list.setBackground({ everyMs: () => 5 });
    await until('a fetch', () => calls.length === 1);
    calls[0]?.resolve([]);
    await until('the next fetch', () => calls.length === 2);
    list.setBackground(undefined);
    calls[1]?.resolve([]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(calls.length, 2);
    list.dispose();
  });

  it('does not ask again for an answer that is fresh or under way', async () => {
    const { load, calls } = loader();
    const list = new PolledList(load, never);
    list.restart(true);
    const both = Promise.all([list.ensure(1000), list.ensure(1000)]);
    calls[0]?.resolve([]);
    await both;
    await list.ensure(60_000);
    assert.equal(calls.length, 1);
    list.dispose();
  });

  it('goes on when a listener throws, tells the others, and says so', async () => {
    const thrown: unknown[] = [];
    reportThrownTo((error) => thrown.push(error));
    const { load, calls } = loader();
    const list = new PolledList(load, () => 5);
    const heard: unknown[] = [];
    list.onDidChange(() => {
      throw new Error('a view that broke');
    });
    list.onDidChange(({ items, error }) => heard.push(error ?? items));
    list.restart(true);
    list.setVisible(true);
    await until('a fetch', () => calls.length === 1);
    calls[0]?.resolve(['pod']);
    await until('the next fetch', () => calls.length === 2);
    calls[1]?.resolve(['pod', 'another']);
    await until('what that found', () => list.state.items?.length === 2);
    assert.deepEqual(heard.slice(-2), [['pod'], ['pod', 'another']]);
    assert.match(String(thrown[0]), /a view that broke/);
    reportThrownTo(() => undefined);
    list.dispose();
  });

  it('asks for what may be old when time has come, and for the present when somebody changed something', async () => {
    const asked: number[] = [];
    const list = new PolledList(
      async (_, maxAgeMs) => {
        asked.push(maxAgeMs);
        return Promise.resolve([]);
      },
      () => 20_000,
    );
    list.restart(true);
    list.setVisible(true);
    await list.ensure(0);
    await list.refresh();
    assert.deepEqual(asked, [20_000, 0]);
    list.dispose();
  });

  it('looks again when what another window was told gets old, not an interval later', async () => {
    let looks = 0;
    const list = new PolledList(
      async () => {
        looks += 1;
        return Promise.resolve({ items: [], seen: new Date(Date.now() - 19_700) });
      },
      () => 20_000,
    );
    list.restart(true);
    list.setVisible(true);
    await until('the next look', () => looks === 2);
    list.dispose();
  });
});
