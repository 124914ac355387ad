import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { KnownPrices } from '../../../src/features/projectfile/known-prices.ts';

const minute = 60_000;

describe('the price above a project file (R9.1)', () => {
  let asked: string[];
  let changes: number;
  let prices: KnownPrices;
  const look = (text: string, dirty = false, uri = 'file:///p'): string | undefined =>
    prices.of({ uri, file: '/p', text, dirty }, 'https://example.org')?.title;
  const answered = (): Promise<void> => new Promise(setImmediate);

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
    asked = [];
    changes = 0;
    prices = new KnownPrices(
      (_file, text) => {
        asked.push(text);
        return Promise.resolve({ title: `$${text}`, tooltip: '' });
      },
      () => changes++,
    );
  });
  afterEach(() => {
    prices.dispose();
    mock.timers.reset();
  });

  it('is shown once it is known, and asked for again after two minutes', async () => {
    assert.equal(look('1'), undefined);
    await answered();
    assert.equal(changes, 1);
    assert.equal(look('1'), '$1');
    mock.timers.tick(2 * minute);
    look('1');
    assert.deepEqual(asked, ['1']);
    mock.timers.tick(1);
    look('1');
    assert.deepEqual(asked, ['1', '1']);
  });

  it('is not asked for while somebody types: the last one stays', async () => {
    look('1');
    await answered();
    for (let at = 0; at < minute; at += 200) {
      assert.equal(look(`typed ${at}`, true), '$1');
      mock.timers.tick(200);
    }
    assert.deepEqual(asked, ['1']);
  });

  it('is asked for four times a minute by a file that is saved every second, and at last for its last text', async () => {
    for (let second = 0; second < 60; second++) {
      look(String(second));
      await answered();
      mock.timers.tick(1000);
    }
    assert.equal(asked.length, 4);
    const before = changes;
    look('last');
    await answered();
    look('last one');
    mock.timers.tick(15_000);
    assert.ok(changes > before, 'the lenses are drawn again after the pause');
    look('last one');
    await answered();
    assert.equal(look('last one'), '$last one');
  });

  it('asks for each file by itself, and for nothing after its end', () => {
    look('1');
    look('2', false, 'file:///other');
    assert.deepEqual(asked, ['1', '2']);
    look('3');
    prices.dispose();
    mock.timers.tick(minute);
    assert.equal(changes, 0);
  });
});
