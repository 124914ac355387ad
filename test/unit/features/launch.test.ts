import assert from 'node:assert/strict';
import { estimate } from '../../../src/core/costs/estimate.ts';
import type { PreflightReport } from '../../../src/core/guards/preflight/index.ts';
import { parseProject } from '../../../src/core/project/parse.ts';
import {
  checksText,
  toldOnce,
  endingText,
  estimateText,
  limitsText,
  podsText,
  smokeText,
  startLabel,
  stepsText,
} from '../../../src/features/launch/sheet-text.ts';
import { notPassed } from '../../../src/core/words/index.ts';
import { fromSheetSchema, toSheetSchema } from '../../../src/messages/launch-sheet.ts';

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

  it('says a fault once: a part that has the one of a finding points there', () => {
    const busy = { busy: true };
    const failure = 'RunPod has no GPU type "L44". Use one of these ids: L4, A40.';
    const other = { busy: false, failure: 'RunPod did not answer.' };
    const parts = { ...{ sync: other, checks: busy, limits: busy, smoke: busy }, pods: { busy: false, failure } };
    const told = toldOnce({ ...parts, estimate: { busy: false, failure } }, [
      { what: 'RunPod has no GPU type "L44".' },
    ]);
    for (const { failure: text } of [told.pods, told.estimate]) {
      assert.equal(text, 'Not known before the error under "Checks" is corrected.');
    }
    assert.equal(told.sync, other);
  });

  it('says what a smoke run takes, costs at most, and leaves out', () => {
    const steps = [{ name: 'a', earlier: [], sameHardware: false, timeoutSeconds: 60, skipped: false }];
    const storage = { perMonth: 1, isNew: false };
    const common = { steps, prices: [0.25], boots: [60], transfer: null, storage, fetches: false, mostDollars: 0.12 };
    const found = estimate({ ...common, record: undefined, free: false });
    const hardware = { kind: 'gpu', id: 'x', label: 'RTX A4000', costPerHour: 0.25, stock: 'LOW', count: 1 } as const;
    const { text, notes } = smokeText({ hardware, estimate: found, most: 0.12, left: ['data/a.parquet'] }, false);
    assert.match(text, /^at most \d.* on RTX A4000, at most \$0\.12: every step for at most a minute/);
    assert.deepEqual(notes, ['Too large for it, so left out: data/a.parquet.']);
    const gone = smokeText({ hardware: { ...hardware, stock: 'NONE' }, estimate: found, most: null, left: [] }, false);
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
    } = podsText(
      volume,
      [
        { ...pod, id: 'b', label: 'L4', stock: 'LOW' },
        { ...pod, id: 'a', label: 'H100', stock: 'NONE' },
      ],
      false,
    );
    assert.deepEqual(
      rows.map((r) => [r.label, r.price, r.stock, r.first]),
      [
        ['L4', '$0.43/h', 'few free', true],
        ['H100', '$0.43/h', 'none free', false],
      ],
    );
    assert.equal(note, undefined);
    assert.match(where, /tiny will be created: 50 GB in US-MD-1 for good, about \$3\.50 a month/);
    assert.match(podsText(volume, [], false).note ?? '', /Nothing of it is free in US-MD-1/);
    const idle = { id: 'p', name: 'rpt-tiny', hardware: 'L4', costPerHour: 0.4 };
    const used = podsText(volume, [{ ...pod, id: 'b', label: 'L4', stock: 'LOW' }], false, idle);
    assert.equal(used.note, 'The idle pod rpt-tiny is used again: L4, $0.40/h, which it costs already.');
    assert.ok(
      used.rows.every((row) => !row.first),
      'nothing is asked for',
    );
  });

  it('says what limits the run and who holds that', () => {
    const known = limitsText(project, 0.9, { podKeyRights: 'own', minDiskGb: 20 }, { free: false });
    assert.equal(known.text, 'Stops after 2 h or $5.00 a day, so at most $0.90.');
    assert.deepEqual(
      known.owners.map((o) => o.armed),
      [true, true],
    );
    const refused = limitsText(project, 0.9, { podKeyRights: 'none', minDiskGb: 20 }, { free: false });
    assert.deepEqual(
      refused.owners.map((o) => o.armed),
      [false, true],
    );
    assert.match(refused.owners.map((o) => o.text).join(' '), /only while this computer is on/);
    const given = limitsText(
      project,
      0.9,
      { podKeyRights: 'none', minDiskGb: 20 },
      { free: false, endKeySecret: 'end_key' },
    );
    assert.match(given.owners.find((o) => o.armed)?.text ?? '', /the pod's own key and the one in your secret end_key/);
    const free = { ...project, caps: {} as typeof project.caps };
    assert.match(limitsText(free, null, { podKeyRights: 'own', minDiskGb: 20 }, { free: false }).text, /^No cap/);
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

  it('says of each step before the click whether it will run again, and why (R3.8)', () => {
    const foreseen = [
      { name: 'prepare', where: 'local' as const, runs: false, why: 'nothing changed since it passed' },
      { name: 'train', where: 'pod' as const, runs: true, why: 'code train.py changed' },
    ];
    assert.deepEqual(stepsText(project, undefined, foreseen), [
      { name: 'prepare (this machine)', text: 'is skipped: nothing changed since it passed' },
      { name: 'train', text: 'will run: code train.py changed' },
    ]);
    const again = [
      { ...foreseen[1]!, why: `asked for; ${notPassed}` },
      { ...foreseen[1]!, why: notPassed },
    ];
    assert.deepEqual(
      stepsText(project, undefined, again).map(({ text }) => text),
      ['will run: asked for', 'will run'],
      'that a step runs of which none has passed yet is no news',
    );
    const unsure = [
      {
        name: 'a',
        where: 'pod' as const,
        runs: false,
        why: 'nothing changed since it passed',
        unsure: 'outputs' as const,
      },
      { name: 'b', where: 'pod' as const, runs: true, why: 'x.py is another', unsure: 'run' as const },
    ];
    assert.deepEqual(
      stepsText(project, undefined, unsure).map(({ text }) => text),
      [
        'is skipped, if its outputs are still there as they were left: nothing changed since it passed',
        'is not known to be skipped: x.py is another',
      ],
    );
    const many = Array.from({ length: 100 }, (_, i) => ({ ...foreseen[1]!, name: `s${i}` }));
    assert.equal(stepsText(project, undefined, many).at(-1)?.text, '41 more steps');
  });

  it('has a button that says the price as well as it is known', () => {
    assert.equal(startLabel(project, 3.1, 9, false), 'Start for about $3.10');
    assert.equal(startLabel(project, null, 0.9, false), 'Start for at most $0.90');
    assert.equal(startLabel(project, undefined, null, false), 'Start');
    const here = { ...project, steps: project.steps.filter((s) => s.where === 'local') };
    assert.equal(startLabel(here, 3, 9, false), 'Start on This Machine');
  });

  it('says on the sheet of a sandbox that everything is free here (R9.7)', () => {
    assert.equal(startLabel(project, 3.1, 9, true), 'Start (free here, about $3.10 on RunPod)');
    assert.equal(startLabel(project, null, 0.9, true), 'Start (free here, at most $0.90 on RunPod)');
    const limits = limitsText(project, 0.9, { podKeyRights: 'own', minDiskGb: 20 }, { free: true });
    assert.match(limits.text, /^Stops after [^;]*; free here, at most \$0\.90 on RunPod\./);
    const pod = { kind: 'gpu' as const, count: 1, costPerHour: 0.43, id: 'b', label: 'L4', stock: 'LOW' as const };
    const volume = { exists: false as const, name: 'tiny', dataCenter: 'US-MD-1', size: 50 };
    const { rows, volume: where } = podsText(volume, [pod], true);
    assert.equal(rows[0]?.price, 'free here, $0.43/h on RunPod');
    assert.match(where, /for good, free here, about \$3\.50 a month on RunPod/);
  });

  it('shows the estimate with its range and what it rests on', () => {
    const step = { name: 'train', earlier: [3600, 3000], sameHardware: true, timeoutSeconds: null };
    const found = estimate({
      steps: [{ ...step, skipped: false }],
      prices: [1],
      boots: [120],
      transfer: null,
      storage: null,
      fetches: false,
      mostDollars: null,
      record: undefined,
      free: false,
    });
    const { text: headline, time, assumptions } = estimateText(found);
    assert.match(headline, /^About \$0\.9\d \(\$0\.8\d to \$1\.1\d\)$/);
    assert.match(time, /^Pod time: about 5\d min \(/);
    assert.ok(assumptions.length >= 3);
  });
});

describe('messages of the launch sheet', () => {
  it('are refused when they are not what was agreed on', () => {
    assert.equal(fromSheetSchema.safeParse({ type: 'fix', look: 1, finding: -1 }).success, false);
    assert.equal(fromSheetSchema.safeParse({ type: 'run', command: 'rm' }).success, false);
    assert.equal(toSheetSchema.safeParse({ type: 'state' }).success, false);
  });
});
