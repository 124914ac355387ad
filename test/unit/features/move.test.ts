import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { movePodsCost, type MovePlan } from '../../../src/core/volumes/move/move.ts';
import { moveTime } from '../../../src/core/volumes/move/time.ts';
import { placeIn } from '../../../src/features/backup/folder.ts';
import { moveButton, movedText, planText } from '../../../src/features/move/move-text.ts';
import { useTempFolder } from '../../support/temp.ts';

const size = { bytes: 30e9, files: 10, at: '2026-11-22T09:00:00Z' };
const plan: MovePlan = {
  source: { id: 's', name: 'songs', dataCenter: 'US-MD-1', sizeGb: 50 },
  target: { id: null, name: 'songs', dataCenter: 'EU-RO-1', sizeGb: 50 },
  way: 'pod-to-pod',
  why: 'Because.',
  mayFallBack: true,
  ways: [],
  pods: [
    { side: 'source', dataCenter: 'US-MD-1', label: 'CPU pod, 2 vCPU', costPerHour: 0.06 },
    { side: 'target', dataCenter: 'EU-RO-1', label: 'CPU pod, 4 vCPU', costPerHour: 0.12 },
  ],
  size,
  time: moveTime('pod-to-pod', size),
  storagePerMonth: 3.5,
  free: false,
  notes: ['The old one is kept.'],
};

describe('what is said of a move (R1.5)', () => {
  it('has way, pods, time, price and what stays, and the price on the button', () => {
    const text = planText(plan);
    assert.match(text, /From: songs in US-MD-1, 50 GB\nTo: a new volume songs in EU-RO-1, 50 GB, \$3\.50 a month/);
    assert.match(text, /everything on it, 30 GB/);
    assert.match(text, /Pod: CPU pod, 2 vCPU in US-MD-1 \(\$0\.06\/h\)/);
    assert.match(text, /Time: 4 min to 47 min\. Assumes/);
    assert.match(text, /Pods in all: at most about \$0\.1\d/);
    assert.match(text, /\n\nThe old one is kept\.$/);
    assert.equal(moveButton(plan), 'Move for $3.50 a Month and $0.18/h of Pods');
    const there = { ...plan, target: { ...plan.target, id: 't' }, pods: [], way: 's3' as const };
    assert.equal(moveButton(there), 'Move');
    assert.match(planText(there), /To: the volume songs in EU-RO-1/);
    const button = 'Move (free here, $3.50 a Month and $0.18/h of Pods on RunPod)';
    assert.equal(moveButton({ ...plan, free: true }), button);
  });

  it('names no time and no sum where nobody knows them', () => {
    assert.equal(moveTime('s3', null), null);
    assert.doesNotMatch(planText({ ...plan, size: null, time: null }), /Time:|Pods in all/);
    const unpriced = plan.pods.map((pod) => ({ ...pod, costPerHour: null }));
    assert.equal(movePodsCost(unpriced, plan.time), null);
    assert.equal(moveButton({ ...plan, pods: unpriced }), 'Move for $3.50 a Month and Pods of Unknown Price');
  });

  it('ends with what was not moved and what is still paid for', () => {
    const left = ['a', 'b', 'c', 'd'].map((name) => ({ path: `${name}\u202e`, why: 'it is a socket' }));
    const result = { way: plan.way, target: { id: 't', name: 'songs', dataCenter: 'EU-RO-1' }, files: 1, bytes: 10 };
    const more = { verified: 'sha256' as const, sent: { files: 1, bytes: 10 }, seconds: 60, cost: 0.01, next: [] };
    const text = movedText(plan, 3.5, { ...result, ...more, left });
    assert.match(text, /1 file \(10 B\), the same on both volumes by sha256/);
    assert.match(text, /Not moved: a\\u\{202e\} \(it is a socket\), .* and 1 more\./);
    assert.match(text, /US-MD-1 is still there \(\$3\.50 a month\)/);
  });
});

describe('the folder of a backup (R2.6)', () => {
  const folder = useTempFolder();

  it('is the one that was chosen when nothing else is in it, else one below', async () => {
    const taken = path.join(folder.path, 'taken');
    await mkdir(taken);
    assert.equal(await placeIn(taken, 'songs'), taken);
    await writeFile(path.join(taken, 'notes.txt'), 'mine');
    assert.equal(await placeIn(taken, 'songs'), path.join(taken, 'songs'));
    await writeFile(path.join(taken, 'BACKUP.json'), '{}');
    assert.equal(await placeIn(taken, 'songs'), taken);
  });
});
