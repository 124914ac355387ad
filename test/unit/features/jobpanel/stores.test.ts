import assert from 'node:assert/strict';
import { StepLog } from '../../../../src/features/jobpanel/log-store.ts';
import { StepMetrics, thinned } from '../../../../src/features/jobpanel/metric-store.ts';
import { caps, keptLines } from '../../../../src/messages/job-panel.ts';
import { LogLayout, textWidth } from '../../../../webview/job-panel/log-layout.ts';
import { LogLines } from '../../../../webview/job-panel/log-lines.ts';

const numbered = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `line ${from + i}`);

/** Gives the page everything that the store has, as the panel does. */
function drain(store: StepLog, page: LogLines, from = 0): number {
  let at = from;
  while (at < store.end) {
    const batch = store.batch(at);
    page.take({ ...batch, first: store.first });
    at = batch.from + batch.lines.length;
  }
  return at;
}

describe('the log of a step', () => {
  it('keeps the newest lines with their places', () => {
    const log = new StepLog({ lines: 100, chars: 1_000_000 });
    for (let i = 0; i < 50; i++) {
      log.add(numbered(i * 10, 10), false);
    }
    assert.equal(log.end, 500);
    assert.ok(log.first >= 500 - 113 && log.first <= 400);
    assert.equal(log.batch(0).from, log.first);
    assert.equal(log.batch(499).lines[0]?.text, 'line 499');
  });

  it('keeps within its characters when lines are long', () => {
    const log = new StepLog({ lines: 1000, chars: 10_000 });
    for (let i = 0; i < 100; i++) {
      log.add(['x'.repeat(900)], true);
    }
    assert.ok((log.end - log.first) * 900 <= 10_000);
    assert.equal(log.end, 100);
  });

  it('is sent in batches that a message may carry, also with the longest lines', () => {
    const log = new StepLog();
    log.add(Array<string>(3000).fill('x'.repeat(caps.line + 50)), false);
    const { lines } = log.batch(0);
    assert.ok(lines.length > 0 && lines.length <= caps.logLines);
    assert.ok(lines.reduce((n, l) => n + l.text.length, 0) <= caps.logChars);
    assert.ok(lines.every((l) => l.text.length <= caps.line));
  });

  it('arrives in the page whole, and a long one with its newest lines', () => {
    const store = new StepLog();
    const page = new LogLines();
    let at = 0;
    for (let i = 0; i < 200; i++) {
      store.add(numbered(i * 1000, 1000), false);
      at = drain(store, page, at);
    }
    assert.equal(page.first + page.length, 200_000);
    assert.ok(page.length >= keptLines && page.length <= keptLines * 1.13);
    assert.equal(page.at(page.length - 1)?.text, 'line 199999');
    assert.equal(page.at(0)?.text, `line ${page.first}`);
  });

  it('begins anew in the page when lines were dropped before they were sent', () => {
    const page = new LogLines();
    page.take({ from: 0, first: 0, lines: [{ text: 'a', err: false }] });
    assert.equal(page.take({ from: 50, first: 50, lines: [{ text: 'b', err: false }] }), -1);
    assert.equal(page.first, 50);
    assert.equal(page.length, 1);
  });

  it('is searched in its plain text, whatever the case', () => {
    const page = new LogLines();
    const lines = ['Loss \u001b[1m0.5\u001b[0m', 'nothing', 'LOSS 0.4'].map((text) => ({ text, err: false }));
    page.take({ from: 0, first: 0, lines });
    assert.deepEqual(page.find('loss 0.', 10), [0, 2]);
    assert.deepEqual(page.find('loss', 1), [0]);
    assert.deepEqual(page.find('', 10), []);
    assert.equal(page.text(), 'Loss 0.5\nnothing\nLOSS 0.4');
  });
});

describe('the layout of a log', () => {
  it('takes one row a line without wrapping', () => {
    const layout = new LogLayout();
    layout.reset(0);
    for (let i = 0; i < 200_000; i++) {
      layout.add(500);
    }
    assert.deepEqual([layout.rows, layout.rowOf(150_000), layout.lineAt(150_000)], [200_000, 150_000, 150_000]);
  });

  it('takes as many rows as a line fills with wrapping, and finds lines by row', () => {
    const layout = new LogLayout();
    layout.reset(10);
    [5, 25, 0, 10, 11].forEach((width) => layout.add(width));
    assert.equal(layout.rows, 1 + 3 + 1 + 1 + 2);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((line) => layout.rowOf(line)),
      [0, 1, 4, 5, 6],
    );
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((row) => layout.lineAt(row)),
      [0, 1, 1, 1, 2, 3, 4, 4],
    );
  });

  it('counts wide characters twice', () => {
    assert.equal(textWidth('loss'), 4);
    assert.equal(textWidth('損失'), 4);
    assert.equal(textWidth('\t'), 8);
    assert.equal(textWidth('━━━ 100%'), 8);
  });
});

describe('the metrics of a step', () => {
  it('count by what the reports count themselves', () => {
    const metrics = new StepMetrics();
    metrics.add({ step: 10, loss: 0.5, epoch: 1 }, 3);
    metrics.add({ step: 20, loss: 0.4 }, 6);
    assert.equal(metrics.x, 'step');
    assert.deepEqual(
      metrics.series().map((s) => [s.name, s.points, s.last]),
      [
        [
          'loss',
          [
            [10, 0.5],
            [20, 0.4],
          ],
          0.4,
        ],
        ['epoch', [[10, 1]], 1],
      ],
    );
  });

  it('count by time where they do not, and keep the place of what is no number', () => {
    const metrics = new StepMetrics();
    metrics.add({ loss: 0.5 }, 3);
    metrics.add({ loss: null }, 4);
    assert.equal(metrics.x, null);
    assert.deepEqual(metrics.series(), [
      {
        name: 'loss',
        points: [
          [3, 0.5],
          [4, null],
        ],
        count: 2,
        last: null,
        notFinite: 1,
      },
    ]);
  });

  it('stay small over a night, and keep every spike', () => {
    const metrics = new StepMetrics();
    for (let i = 0; i < 100_000; i++) {
      metrics.add({ step: i, loss: i === 4242 ? 99 : 1 + Math.sin(i), other: i === 777 ? null : i }, i);
    }
    const [loss, other] = metrics.series();
    assert.ok(loss !== undefined && loss.points.length <= caps.points);
    assert.ok(loss.points.some(([x, y]) => x === 4242 && y === 99));
    assert.ok(other?.points.some(([x, y]) => x === 777 && y === null));
    assert.equal(loss.count, 100_000);
    const xs = loss.points.map(([x]) => x);
    assert.deepEqual(
      xs,
      xs.toSorted((a, b) => a - b),
    );
  });

  it('take no more names than a message may carry', () => {
    const metrics = new StepMetrics();
    metrics.add(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`m${i}`, i])), 0);
    assert.equal(metrics.series().length, caps.series);
    assert.equal(metrics.more, 200 - caps.series);
  });

  it('are thinned by at least half when they are dense', () => {
    const points = Array.from({ length: 2400 }, (_, i): [number, number] => [i, Math.sin(i)]);
    assert.ok(thinned(points).length <= 1200);
  });
});
