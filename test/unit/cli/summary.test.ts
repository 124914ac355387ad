import assert from 'node:assert/strict';
import { makeStyle } from '../../../src/cli/style.ts';
import { textWidth } from '../../../src/cli/width.ts';
import { summary } from '../../../src/cli/summary.ts';
import type { GateResult } from '../../../src/core/journal/events.ts';
import type { JobRecord } from '../../../src/core/journal/records.ts';
import type { JobResult } from '../../../src/core/jobs/conclude.ts';
import { emptyView, type StepView } from '../../../src/core/journal/view.ts';

const gate = (title: string, seen: string, expected: string, message: string | null = null): GateResult => ({
  index: 0,
  type: 'rows',
  title,
  status: message === null ? 'passed' : 'failed',
  expected,
  seen,
  message,
  evidence: {},
});

const step = (name: string, more: Partial<StepView>): StepView => ({
  name,
  where: 'pod',
  status: 'passed',
  why: [],
  gates: [],
  metrics: {},
  ...more,
});

const unchanged = 'Nothing changed since it passed and its gates still hold.';

const steps: StepView[] = [
  step('raw', {
    where: 'local',
    status: 'skipped',
    why: [unchanged],
    gates: [gate('file raw/done.json', '96 bytes', '>= 1 bytes')],
  }),
  step('manifest', { where: 'local', status: 'skipped', why: [unchanged] }),
  step('embed', {
    seconds: 12.4,
    status: 'failed',
    reason: "Gate 'values' does not hold: Green is missing.",
    gates: [
      gate('rows of training/data/training_segments_metadata.parquet', '10616', '>= 10001'),
      gate(
        'values of color in training/data/base_manifest_db.parquet',
        '7 values: Blue, Indigo, Orange, Red, Violet, White, Yellow',
        'has Red, Orange, Yellow, Green, Blue, Indigo, Violet, White; 8 values',
        'In column color of training/data/base_manifest_db.parquet the value Green is missing. Check its inputs.',
      ),
    ],
  }),
  step('train', { status: 'waiting' }),
];

const record: JobRecord = {
  schema: 1,
  job: 'rainbow-20260101-000000-abcd',
  project: 'rainbow',
  file: '/p/training.runpod.json',
  root: '/p',
  restUrl: 'https://api.runpod.io/v2',
  onFinish: 'terminate',
  fetch: [],
  into: 'runpod-results',
  phase: 'done',
  created: '2026-01-01T00:00:00.000Z',
  updated: '2026-01-01T00:00:00.000Z',
  pod: { id: 'p', name: 'rpt-x', created: '2026-01-01T00:00:00.000Z', hardware: 'RTX 4090', costPerHour: 0.74 },
  podEnded: '2026-01-01T00:10:00.000Z',
  fetched: { time: '2026-01-01T00:10:00.000Z', files: 3, bytes: 1500 },
};

const result: JobResult = {
  record,
  view: { ...emptyView(), status: 'failed', steps },
  outcome: 'failed',
  reason: "Gate 'values' does not hold: Green is missing.",
  cost: { metered: 0.1233, billed: 0.12 },
  results: '/p/runpod-results/rainbow-20260101-000000-abcd',
};

const plain = makeStyle(false);

describe('the table at the end (R3.2)', () => {
  it('shows a gate a line under its step, why a step was skipped once, and the money', () => {
    const lines = summary(result, plain).split('\n');
    assert.deepEqual(
      lines.slice(0, 9),
      [
        '',
        '  step      where  result   time',
        '✓ raw       here   skipped',
        `    ${unchanged}`,
        '    ✓ file raw/done.json                                        96 bytes                                                    >= 1 bytes',
        '✓ manifest  here   skipped',
        '✗ embed     pod    failed   12 s',
        '    ✓ rows of training/data/training_segments_metadata.parquet   10616                                                       >= 10001',
        '    ✗ values of color in training/data/base_manifest_db.parquet  7 values: Blue, Indigo, Orange, Red, Violet, White, Yellow  has Red, Orange, Yellow, Green, Blue, Indigo, Violet, White; 8 values',
      ].map((line) => (line.includes('raw/done.json') ? lines[4] : line)),
    );
    assert.match(lines[4] ?? '', /^ {4}✓ file raw\/done\.json +96 bytes +>= 1 bytes$/);
    assert.match(lines[9] ?? '', /^ {6}In column color .* the value Green is missing\. Check its inputs\.$/);
    const text = lines.slice(10).join('\n');
    assert.match(text, /^· train {5}pod {4}waiting\n\nJob rainbow-20260101-000000-abcd failed at the step embed\n/);
    assert.match(text, /^Results {3}\/p\/runpod-results\/rainbow-20260101-000000-abcd \(3 files, 1\.5 KB\)$/m);
    assert.match(text, /^Cost {6}about \$0\.12 for RTX 4090 at \$0\.74\/h \(\$0\.12 billed so far\)$/m);
    assert.match(text, /^Pod {7}ended at /m);
    const rehearsed = { ...result, record: { ...result.record, restUrl: 'http://127.0.0.1:1/v2' } };
    assert.match(
      summary(rehearsed, makeStyle(false)),
      /^Cost {6}free here, about \$0\.12 for RTX 4090 at \$0\.74\/h \(.*\) on RunPod$/m,
    );
  });

  for (const width of [60, 80, 100, 160]) {
    it(`fits a terminal of ${width} columns`, () => {
      const style = makeStyle(true);
      const table = summary(result, style, width).split('\nResults')[0] ?? '';
      for (const line of table.split('\n')) {
        assert.ok(textWidth(line) <= width, `${textWidth(line)}: ${line}`);
      }
      assert.match(table, width < 100 ? /values of .*parquet/ : /values of color in …\/base_manifest_db\.parquet/);
      assert.match(table.replace(/\u001b\[\d+m/g, '').replace(/\s+/g, ' '), /value Green is missing/);
    });
  }

  it("tells a reason that is not a step's", () => {
    const lost = { ...result, outcome: 'lost', reason: 'The worker died.' } as const;
    assert.match(summary(lost, plain), /Job rainbow-\S+ was lost: The worker died\.$/m);
    const running = { ...result, record: { ...record, podEnded: undefined } };
    assert.match(summary(running, plain), /^Pod {7}still there$/m);
  });
});
