import assert from 'node:assert/strict';
import type { Advice, RegionRow } from '../../../src/core/guards/advisor/index.ts';
import type { Costs } from '../../../src/core/costs/account-costs.ts';
import { estimate } from '../../../src/core/costs/estimate.ts';
import type { PreflightReport } from '../../../src/core/guards/preflight/index.ts';
import { parseProject } from '../../../src/core/project/parse.ts';
import type { Radar, RadarEndpoint, RadarPod } from '../../../src/core/guards/radar/index.ts';
import { explanationText } from '../../../src/features/guards/explain-failure.ts';
import {
  costsText,
  radarText,
  regionsText,
  unownedOf,
  unownedText,
} from '../../../src/features/guards/overview-text.ts';
import {
  checksText,
  endingText,
  estimateText,
  limitsText,
  podsText,
  smokeText,
  startLabel,
  stepsText,
} from '../../../src/features/guards/sheet-text.ts';
import { fromSheetSchema, toSheetSchema } from '../../../src/messages/launch-sheet.ts';
import { fromOverviewSchema, toOverviewSchema } from '../../../src/messages/overview.ts';

const text = `{
  "version": 1,
  "name": "tiny",
  "target": { "volume": { "name": "tiny" }, "gpus": ["NVIDIA L4"], "image": "x" },
  "sync": { "must": ["train.py"] },
  "steps": [
    { "name": "stage", "where": "local", "shell": "true", "gates": [] },
    { "name": "train", "script": "train.py", "gates": [] }
  ],
  "caps": { "hours": 2, "dollarsPerDay": 5 }
}`;
const project = parseProject(text).project!;
const loaded = { file: '/p/tiny.runpod.json', root: '/p', text, project };

describe('what the launch sheet says (R4.1, R4.2)', () => {
  it('puts findings beside their place and sums up', () => {
    const report: PreflightReport = {
      findings: [
        {
          id: 'x',
          severity: 'error',
          what: 'No \u001b[31mtrain.py\u001b[0m.',
          why: 'w',
          next: 'n',
          at: ['steps', 1, 'script'],
          fix: { title: 'Create train.py', command: 'create-file', args: { file: 'train.py' } },
        },
        { id: 'y', severity: 'warning', what: 'Soon.', why: 'w', next: 'n' },
      ],
      checks: [{ id: 'c', title: 'C', status: 'unknown', findings: [], unknown: ['No answer.'], ms: 3 }],
      ms: 1200,
    };
    const { findings, sum, checks } = checksText(report, loaded);
    assert.equal(sum, '1 error, 1 warning · 1 check in 1 s');
    assert.deepEqual(
      [findings[0]?.what, findings[0]?.place, findings[0]?.fix],
      ['No train.py.', 'tiny.runpod.json, line 8', 'Create train.py'],
    );
    assert.equal(findings[1]?.place, undefined);
    assert.deepEqual(checks[0]?.unknown, ['No answer.']);
  });

  it('says what a smoke run takes, costs at most, and leaves out', () => {
    const steps = [
      { name: 'a', earlier: [], sameHardware: false, timeoutSeconds: 60, mayBeSkipped: false, skipped: false },
    ];
    const storage = { perMonth: 1, isNew: false };
    const common = { steps, prices: [0.25], boots: [60], transfer: null, storage, fetches: false, mostDollars: 0.12 };
    const found = estimate({ ...common, record: undefined });
    const hardware = { kind: 'gpu', id: 'x', label: 'RTX A4000', costPerHour: 0.25, stock: 'LOW', count: 1 } as const;
    const { text, notes } = smokeText({ hardware, estimate: found, most: 0.12, left: ['data/a.parquet'] });
    assert.match(text, /^about \d.* on RTX A4000, at most \$0\.12: every step for at most a minute/);
    assert.deepEqual(notes, ['Too large for it, so left out: data/a.parquet.']);
    const gone = smokeText({ hardware: { ...hardware, stock: 'NONE' }, estimate: found, most: null, left: [] });
    assert.doesNotMatch(gone.text, /at most \$/);
    assert.deepEqual(gone.notes, ['RTX A4000 is not free now.']);
  });

  it('names the pod that is asked for first, and what a new volume costs', () => {
    const pod = { kind: 'gpu' as const, count: 1, costPerHour: 0.43 };
    const volume = { exists: false as const, name: 'tiny', dataCenter: 'US-MD-1', size: 50 };
    const {
      rows,
      note,
      volume: where,
    } = podsText(volume, [
      { ...pod, id: 'b', label: 'L4', stock: 'LOW' },
      { ...pod, id: 'a', label: 'H100', stock: 'NONE' },
    ]);
    assert.deepEqual(
      rows.map((r) => [r.label, r.price, r.stock, r.first]),
      [
        ['L4', '$0.43/h', 'few free', true],
        ['H100', '$0.43/h', 'none free', false],
      ],
    );
    assert.equal(note, undefined);
    assert.match(where, /tiny will be created: 50 GB in US-MD-1 for good, about \$3\.50 a month/);
    assert.match(podsText(volume, []).note ?? '', /Nothing of it is free in US-MD-1/);
  });

  it('says what limits the run and who holds that', () => {
    const known = limitsText(project, 0.9, { podKeyRights: 'own', minDiskGb: 20 });
    assert.equal(known.text, 'Stops after 2 h or $5.00 a day, so at most $0.90.');
    assert.deepEqual(
      known.owners.map((o) => o.armed),
      [true, true],
    );
    const refused = limitsText(project, 0.9, { podKeyRights: 'none', minDiskGb: 20 });
    assert.deepEqual(
      refused.owners.map((o) => o.armed),
      [false, true],
    );
    assert.match(refused.owners.map((o) => o.text).join(' '), /only while this computer is on/);
    const given = limitsText(project, 0.9, { podKeyRights: 'none', minDiskGb: 20 }, 'end_key');
    assert.match(given.owners.find((o) => o.armed)?.text ?? '', /the pod's own key and the one in your secret end_key/);
    const free = { ...project, caps: {} as typeof project.caps };
    assert.match(limitsText(free, null, { podKeyRights: 'own', minDiskGb: 20 }).text, /^No cap/);
  });

  it('says which steps run where, from which on, and what happens at the end', () => {
    assert.deepEqual(stepsText(project, 'train'), [
      { name: 'From step', text: 'train' },
      { name: 'On this machine', text: 'stage' },
      { name: 'On the pod', text: 'train' },
    ]);
    assert.equal(endingText(project).costs, false);
    const kept = { ...project, onFinish: { ...project.onFinish, pod: 'keep' as const } };
    assert.deepEqual([endingText(kept).costs, /KEPT/.test(endingText(kept).text)], [true, true]);
  });

  it('has a button that says the price as well as it is known', () => {
    assert.equal(startLabel(project, 3.1, 9), 'Start for about $3.10');
    assert.equal(startLabel(project, null, 0.9), 'Start for at most $0.90');
    assert.equal(startLabel(project, undefined, null), 'Start');
    const here = { ...project, steps: project.steps.filter((s) => s.where === 'local') };
    assert.equal(startLabel(here, 3, 9), 'Start on This Machine');
  });

  it('shows the estimate with its range and what it rests on', () => {
    const step = { name: 'train', earlier: [3600, 3000], sameHardware: true, timeoutSeconds: null };
    const found = estimate({
      steps: [{ ...step, mayBeSkipped: false, skipped: false }],
      prices: [1],
      boots: [120],
      transfer: null,
      storage: null,
      fetches: false,
      mostDollars: null,
      record: undefined,
    });
    const { text: headline, time, assumptions } = estimateText(found);
    assert.match(headline, /^About \$0\.9\d \(\$0\.8\d to \$1\.1\d\)$/);
    assert.match(time, /^The pod runs about 5\d min \(/);
    assert.ok(assumptions.length >= 3);
  });
});

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
const advice: Advice = { rows: [row], recommended: 'US-MD-1', sizeGb: 20, sizeText: 'For good.', at: '' };

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
      basis: 'meter' as const,
    };
    const group = { jobs: 1, dollars: 0.07, billed: null };
    const ledger: Costs['ledger'] = {
      currency: 'USD',
      at: now.toISOString(),
      jobs: [job],
      days: [{ key: '2026-11-22', ...group }],
      projects: [{ key: 'tiny', ...group }],
      total: 0.07,
      bill: null,
    };
    const { figures, tables, notes } = costsText({ ledger, funds: null }, now);
    assert.deepEqual(
      figures.map((f) => [f.name, f.value, f.note]),
      [
        ['Today', '$0.07', '1 job'],
        ['Running now', '$0.43/h', 'tiny'],
        ['All jobs', '$0.07', '1 job'],
      ],
    );
    assert.deepEqual(tables[0]?.rows[0]?.slice(3), ['10 min, running', '$0.07', 'not there', '$0.07 (meter)']);
    assert.match(notes[0] ?? '', /may not read the bill/);
    const rich = costsText({ ledger, funds: { balance: 99.99, burn: 0.001, hoursLeft: 99_990, warning: null } }, now);
    assert.deepEqual(rich.figures[3], {
      name: 'Balance',
      value: '$99.99',
      note: 'lasts more than a month at $0.001/h',
    });
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
      unownedText(unowned),
      '3 pods and 1 endpoint that no job of this computer needs cost $2.80/h and $4.00 a month for disks: foreign, old, stopped-disk and 1 more.',
    );
    assert.equal(
      unownedText({ pods: [], endpoints: unowned.endpoints }),
      '1 endpoint that no job of this computer needs costs $2.00/h: chat.',
    );
    assert.equal(unownedText({ pods: [], endpoints: [] }), undefined);
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

describe('the explanation of a failure (R4.6)', () => {
  it('shows evidence without what a terminal obeys, and the change with both values', () => {
    const detail = explanationText({
      kind: 'cuda-memory',
      what: 'w',
      evidence: ['\u001b[31mCUDA out of memory\u001b[0m'],
      why: 'why',
      next: 'next',
      change: { path: ['steps', 1, 'args', 1], from: '8', to: '4', text: '' },
      resume: { from: 'train' },
    });
    assert.equal(detail, 'Seen:\n  CUDA out of memory\n\nwhy\n\nnext\n\nChange steps[1].args[1]: "8" → "4"');
  });
});

describe('messages of the guards’ pages', () => {
  it('are refused when they are not what was agreed on', () => {
    assert.equal(fromSheetSchema.safeParse({ type: 'fix', look: 1, finding: -1 }).success, false);
    assert.equal(fromSheetSchema.safeParse({ type: 'run', command: 'rm' }).success, false);
    assert.equal(fromOverviewSchema.safeParse({ type: 'endPod', id: 'x'.repeat(500) }).success, false);
    assert.equal(toSheetSchema.safeParse({ type: 'state' }).success, false);
    assert.equal(fromOverviewSchema.safeParse({ type: 'tab', tab: 'costs' }).success, true);
  });
});
