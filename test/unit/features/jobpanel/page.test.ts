import assert from 'node:assert/strict';
import type { PanelGate, PanelState, PanelStep } from '../../../../src/messages/job-panel.ts';
import { linePath, scaleOf } from '../../../../webview/job-panel/chart-scale.ts';
import { contrast, parseColor, readable } from '../../../../webview/job-panel/contrast.ts';
import { figure } from '../../../../webview/job-panel/format.ts';
import { announcement, stepToShow, tabToShow } from '../../../../webview/job-panel/selection.ts';

describe('the scale of a chart', () => {
  it('has round ends that hold all values', () => {
    assert.deepEqual(scaleOf([0.31, 2.21]), { min: 0, max: 2.5, ticks: [0, 0.5, 1, 1.5, 2, 2.5] });
    assert.deepEqual(scaleOf([0, 100]).ticks, [0, 50, 100]);
    assert.deepEqual(scaleOf([-0.00012, 0.0003]).ticks, [-0.0002, 0, 0.0002, 0.0004]);
  });

  it('stands what is odd: nothing, one value, equal values, huge ones', () => {
    for (const values of [[], [5], [0, 0], [-3, -3], [1e-300, 2e-300], [-1.7e308, 1.7e308], [5e-324, 1e-323]]) {
      const { min, max, ticks } = scaleOf(values);
      assert.ok(Number.isFinite(min) && Number.isFinite(max) && min < max, JSON.stringify(values));
      assert.ok(ticks.length >= 2 && ticks.length <= 20);
      assert.ok(
        values.every((v) => v >= min && v <= max),
        JSON.stringify([values, min, max]),
      );
    }
  });

  it('breaks the line where there is no number', () => {
    const path = linePath(
      [
        [0, 1],
        [1, null],
        [2, 3],
        [3, 4],
      ],
      (x) => x * 10,
      (y) => y,
    );
    assert.equal(path, 'M0.0 1.0M20.0 3.0L30.0 4.0');
  });
});

describe('colors of a log', () => {
  it('are moved only as far as is needed to be read', () => {
    const white = [255, 255, 255] as const;
    const text = [59, 59, 59] as const;
    assert.equal(readable([0, 90, 150], white, text), 'rgb(0, 90, 150)');
    for (const color of ['#0598bc', '#949800', '#a5a5a5', '#ffffff', '#ffff00']) {
      const shown = parseColor(readable(parseColor(color)!, white, text))!;
      assert.ok(contrast(shown, white) >= 4.5, color);
    }
  });

  it('are read in the ways that themes write them', () => {
    assert.deepEqual(parseColor('#fff'), [255, 255, 255]);
    assert.deepEqual(parseColor(' #0598bcff '), [5, 152, 188]);
    assert.deepEqual(parseColor('rgba(1, 2, 3, 0.5)'), [1, 2, 3]);
    assert.equal(parseColor('url(javascript:1)'), undefined);
    assert.equal(parseColor(''), undefined);
  });
});

describe('figures', () => {
  it('tell values', () => {
    assert.deepEqual([0, 0.40693, 12345.6, 3e-4, 2.5e-7, 1e9, null].map(figure), [
      '0',
      '0.4069',
      '12,350',
      '3.00e-4',
      '2.50e-7',
      '1.00e9',
      'not a number',
    ]);
  });
});

const step = (name: string, status: PanelStep['status'], gates: PanelGate[] = []): PanelStep => ({
  name,
  where: 'pod',
  status,
  why: [],
  gates,
  moreGates: 0,
});
const failedGate: PanelGate = { title: 'rows', status: 'failed', expected: '= 2', seen: '1', message: null };
const state = (steps: PanelStep[], change: Partial<PanelState> = {}): PanelState => ({
  type: 'state',
  job: 'j',
  project: 'p',
  status: 'running',
  activity: 'Running b',
  created: 0,
  time: { goesOn: true },
  sandbox: false,
  link: { state: 'live' },
  steps,
  notes: [],
  places: { projectFile: '', record: '' },
  actions: [],
  ...change,
});

describe('what the panel shows first', () => {
  it('is what needs attention, else what runs, else what ran last, else the job', () => {
    const [a, b, c] = [step('a', 'passed'), step('b', 'running'), step('c', 'waiting')];
    assert.equal(stepToShow(state([a, b, c])), 'b');
    assert.equal(stepToShow(state([step('a', 'failed'), b, c])), 'a');
    assert.equal(stepToShow(state([a, step('b', 'running', [failedGate]), c])), 'b');
    assert.equal(stepToShow(state([a, step('b', 'skipped'), c])), 'b');
    assert.equal(stepToShow(state([c])), '');
    assert.equal(tabToShow(step('b', 'failed', [failedGate])), 'details');
    assert.equal(tabToShow(step('b', 'failed')), 'log');
  });

  it('is told to screen readers once, when it happens', () => {
    const before = state([step('a', 'running'), step('b', 'waiting')]);
    assert.equal(announcement(undefined, before), '');
    assert.equal(announcement(before, before), '');
    assert.equal(
      announcement(before, state([step('a', 'passed'), step('b', 'running')])),
      'Step a passed. Step b running.',
    );
    assert.equal(
      announcement(before, state(before.steps, { link: { state: 'lost' } })),
      'Link lost, reconnecting. The job does not need it.',
    );
    assert.equal(
      announcement(before, state(before.steps, { status: 'failed', activity: 'Failed at a', reason: 'Why.' })),
      'Job failed at a. Why.',
    );
  });
});
