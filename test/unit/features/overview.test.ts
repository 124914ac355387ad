import assert from 'node:assert/strict';
import type { Advice, RegionRow } from '../../../src/core/guards/advisor/index.ts';
import type { Costs } from '../../../src/core/costs/account-costs.ts';
import type { Radar, RadarEndpoint, RadarPod } from '../../../src/core/guards/radar/index.ts';
import { costsText } from '../../../src/features/overview/costs-text.ts';
import { radarText, unownedOf, unownedText } from '../../../src/features/overview/radar-text.ts';
import { regionsText } from '../../../src/features/overview/regions-text.ts';
import { fromOverviewSchema, toOverviewSchema } from '../../../src/messages/overview.ts';

const row: RegionRow = {
  dataCenter: 'US-MD-1',
  name: 'US Maryland 1',
  canCreateVolume: true,
  volumeTiers: ['STANDARD'],
  s3: { answer: 'yes', source: 'table' },
  gpus: [{ kind: 'gpu', id: 'g', label: 'L4', wanted: true, stock: 'HIGH', pricePerHour: 0.43, memoryGb: 24 }],
  bootHistory: { median: 95, count: 3 },
  rank: 1,
  reason: 'L4 is free.',
};
const advice: Advice = { rows: [row], recommended: 'US-MD-1', sizeGb: 20, sizeText: 'For good.', free: false, at: '' };

describe('what the overview says', () => {
  it('marks the home of the volume, else the best region (R4.4)', () => {
    const [best] = regionsText(advice, { dataBytes: 1, gpus: ['g'] }, 'tiny').rows;
    assert.deepEqual(
      [best?.mark, best?.free, best?.price, best?.boot, best?.volume, best?.s3],
      ['best', 'L4 (high)', '$0.43/h', '2 min (3 jobs)', 'standard', 'yes'],
    );
    const volume = { id: 'v', name: 'v', dataCenter: 'US-MD-1', size: 10 };
    const page = regionsText(advice, { dataBytes: 1, volume }, 'tiny');
    assert.deepEqual([page.rows[0]?.mark, page.hasVolume], ['home', true]);
    assert.match(page.about, /its volume v is in US-MD-1/);
  });

  it('counts money by day and job, and says where a number comes from (R4.3)', () => {
    const now = new Date(2026, 10, 22, 12);
    const job = {
      job: 'tiny-1',
      project: 'tiny',
      hardware: 'L4',
      costPerHour: 0.43,
      started: now.toISOString(),
      ended: null,
      running: true,
      seconds: 600,
      metered: 0.07,
      billed: null,
      dollars: 0.07,
      mostDollars: 0.07,
      basis: 'meter' as const,
      askedBy: { by: 'editor' as const, machine: 'm', host: 'desk' },
    };
    const group = { jobs: 1, dollars: 0.07, mostDollars: 0.07, billed: null };
    const ledger: Costs['ledger'] = {
      currency: 'USD',
      at: now.toISOString(),
      jobs: [job],
      days: [{ key: '2026-11-22', ...group }],
      projects: [{ key: 'tiny', ...group }],
      helpers: [],
      others: { pods: 1, dollars: 0.1, mostDollars: 0.1, billed: null },
      today: group,
      total: 0.07,
      mostTotal: 0.9,
      bill: null,
    };
    const { figures, tables, notes } = costsText({ ledger, funds: null, free: false });
    assert.deepEqual(
      figures.map((f) => [f.name, f.value, f.note]),
      [
        ['Today', '$0.07', '1 job'],
        ['Running now', '$0.43/h', 'tiny'],
        ['In all', 'at least $0.07, at most $0.90', '1 job'],
      ],
    );
    assert.deepEqual(tables[0]?.rows[0]?.slice(3), [
      ...['10 min, running', '$0.07', 'not there', '$0.07 (meter)', 'editor on desk'],
    ]);
    assert.match(notes.join('\n'), /Pods that nothing of this computer had: \$0\.10 \(1 pod\)\./);
    assert.match(notes[0] ?? '', /may not read the bill/);
    const rich = costsText({
      ledger,
      funds: { balance: 99.99, burn: 0.001, hoursLeft: 99_990, warning: null },
      free: false,
    });
    assert.deepEqual(rich.figures[3], {
      name: 'Balance',
      value: '$99.99',
      note: 'lasts more than a month ($0.001/h)',
    });
    const rehearsed = costsText({ ledger, funds: null, free: true });
    assert.equal(rehearsed.figures[0]?.value, 'free here, $0.07 on RunPod');
    assert.ok(rehearsed.tables.flatMap((t) => t.rows.flat()).every((c) => !/^\$/.test(c)));
  });

  it('tells what nobody here needs from what is at work (R4.5)', () => {
    const pod = (name: string, change: Partial<RadarPod>): RadarPod => ({
      pod: { id: name, name, status: 'RUNNING', hardware: 'L4', dataCenter: null },
      owner: 'unknown',
      needed: 'unknown',
      costPerHour: 0.4,
      diskPerMonth: 0,
      since: null,
      action: { how: 'terminate', text: '' },
      ...change,
    });
    const working = { owner: 'job' as const, needed: 'yes' as const, action: { how: 'cancel' as const, text: '' } };
    const endpoint = (name: string, change: Partial<RadarEndpoint>): RadarEndpoint => ({
      endpoint: { id: name, name, workers: { min: 2, max: 3 }, hardware: 'ADA_24' },
      owner: 'unknown',
      project: null,
      needed: 'unknown',
      costPerHour: 2,
      cost: '2 workers stand by for $2.00/h, also while no request runs.',
      since: null,
      action: { how: 'scale', text: '' },
      ...change,
    });
    const seen: Radar = {
      pods: [
        pod('foreign', {}),
        pod('old', { owner: 'job', idle: { reason: 'Its job has ended.' } }),
        pod('busy', working),
        pod('stopped', { costPerHour: 0 }),
        pod('stopped-disk', { costPerHour: 0, diskPerMonth: 4 }),
        pod('elsewhere', { owner: 'other-machine', needed: 'yes' }),
      ],
      endpoints: [
        endpoint('chat', {}),
        endpoint('asleep', { costPerHour: 0 }),
        endpoint('needed', { owner: 'job', needed: 'yes', action: { how: 'none', text: '' } }),
      ],
      volumes: [],
      totalPerHour: 1.2,
      perMonthStorage: 4,
      unpriced: [],
      free: false,
      notes: ['The volume \u001b[31mred\u001b[0m was not read.'],
      at: new Date().toISOString(),
    };
    const unowned = unownedOf(seen);
    assert.deepEqual(
      unowned.pods.map((p) => p.pod.name),
      ['foreign', 'old', 'stopped-disk'],
    );
    assert.deepEqual(
      unowned.endpoints.map((e) => e.endpoint.name),
      ['chat'],
    );
    assert.equal(
      unownedText(unowned, false),
      '3 pods and 1 endpoint that no job of this computer needs ($2.80/h and $4.00 a month for disks): foreign, old, stopped-disk and 1 more.',
    );
    assert.equal(
      unownedText({ pods: [], endpoints: unowned.endpoints }, false),
      '1 endpoint that no job of this computer needs ($2.00/h): chat.',
    );
    assert.equal(unownedText({ pods: [], endpoints: [] }, false), undefined);
    const page = radarText(seen);
    assert.deepEqual(
      page.pods.map((p) => p.unowned),
      [true, true, false, false, true, false],
    );
    assert.deepEqual(
      page.endpoints.map((e) => [e.facts, e.price, e.unowned, e.action]),
      [
        ['Serverless · ADA_24 · 2 to 3 workers', '$2.00/h', true, 'scale'],
        ['Serverless · ADA_24 · 2 to 3 workers', '$0.00/h', false, 'scale'],
        ['Serverless · ADA_24 · 2 to 3 workers', '$2.00/h', false, 'none'],
      ],
    );
    assert.deepEqual(page.notes, ['The volume red was not read.']);
    assert.ok(
      toOverviewSchema.safeParse({
        type: 'state',
        tab: 'radar',
        sandbox: false,
        regions: { busy: true },
        costs: { busy: false, failure: 'no' },
        radar: { busy: false, seen: '09:12', value: page },
      }).success,
    );
  });
});

describe('messages of the overview', () => {
  it('are refused when they are not what was agreed on', () => {
    assert.equal(fromOverviewSchema.safeParse({ type: 'endPod', id: 'x'.repeat(500) }).success, false);
    assert.equal(fromOverviewSchema.safeParse({ type: 'tab', tab: 'costs' }).success, true);
  });
});
