import assert from 'node:assert/strict';
import { Pace } from '../../../src/core/transport/progress.ts';
import { parseProject } from '../../../src/core/project/parse.ts';
import type { TransferPlan } from '../../../src/core/volumes/plan/index.ts';
import { syncText } from '../../../src/features/launch/sheet-text.ts';
import { allowEdits } from '../../../src/features/projectfile/edit.ts';
import { refuseSecrets, stillDecided, unseenChange } from '../../../src/features/transfer/recheck.ts';
import { planMessage, planPlaces } from '../../../src/features/transfer/plan-text.ts';
import { progressText, syncProgress } from '../../../src/features/transfer/sync-progress.ts';

const plan: TransferPlan = {
  schema: 1,
  project: 'tiny',
  volume: { id: 'v1', name: 'data', dataCenter: 'US-MD-1' },
  route: {
    kind: 's3',
    available: true,
    reason: 'US-MD-1 has the S3 API.',
    price: 'Free.',
    podId: null,
    alternatives: [],
  },
  send: [{ path: 'a.py', size: 1500, list: 'must', why: 'new' }],
  unchanged: { files: 0, bytes: 0 },
  conflicts: [],
  ghosts: [],
  deletes: [],
  archives: [],
  wasteAvoided: { bytes: 0, estimate: true, basis: '' },
  secrets: [],
  missing: [],
  ignored: [],
  leftOut: [],
  notes: [],
  totals: { files: 1, bytes: 1500 },
  time: { lowSeconds: 1, highSeconds: 4, basis: '' },
  comparedWith: { kind: 'volume', at: '2026-01-01T00:00:00.000Z' },
};
const conflict = (path: string, size: number): TransferPlan['conflicts'][number] => ({
  path,
  here: { size: 500, mtime: '2026-01-01T00:00:00.000Z' },
  there: { size, mtime: '2026-01-01T00:00:00.000Z' },
  why: 'It was changed here and on the volume since the last transfer.',
});

describe('the launch sheet, of what is not here any more (R2.5)', () => {
  it('names code that makes way and data that the start asks about, before the click', () => {
    const gone = { size: 2_000_000, why: 'came under "sync.must"' };
    const ghosts: TransferPlan['ghosts'] = [
      { ...gone, path: 'data/p2.csv', kind: 'data', then: 'ask' },
      { ...gone, path: 'src/old\u001b[31m.py', kind: 'code', then: 'set-aside' },
    ];
    const { notes } = syncText({ ...plan, ghosts }, plan.time);
    assert.ok(
      notes.includes(
        '1 file (2 MB) not part of this run any more, left there and asked about, since they are data: data/p2.csv.',
      ),
    );
    assert.ok(notes.some((note) => /set aside on the volume before the steps: src\/old.*\.py\.$/.test(note)));
    assert.ok(notes.every((note) => !note.includes('\u001b')));
  });
});

describe('the pace of a transfer (R2.8)', () => {
  it('is told from the last few seconds, with the time that is left', () => {
    const pace = new Pace();
    assert.deepEqual(pace.at(0, 1000, 0), { bytesPerSecond: undefined, secondsLeft: undefined });
    assert.deepEqual(pace.at(100, 1000, 1000), { bytesPerSecond: 100, secondsLeft: 9 });
    assert.deepEqual(pace.at(200, 1000, 6500).bytesPerSecond, undefined, 'what is long ago does not count');
    assert.deepEqual(pace.at(400, 1000, 7500), { bytesPerSecond: 200, secondsLeft: 3 });
  });

  it('does not count what was there already', () => {
    const pace = new Pace();
    pace.at(50, 1000, 0);
    pace.at(500, 1000, 100);
    assert.deepEqual(pace.at(600, 1000, 1100), { bytesPerSecond: 100, secondsLeft: 4 });
  });

  it('names no time while nothing moves, and takes back what went in vain', () => {
    const pace = new Pace();
    pace.at(500, 1000, 0);
    assert.deepEqual(pace.at(300, 1000, 1000), { bytesPerSecond: 0, secondsLeft: undefined });
  });
});

describe('the progress of a sync', () => {
  const moved = {
    type: 'transfer' as const,
    direction: 'up' as const,
    file: 'data/b.bin',
    files: 1,
    filesTotal: 3,
    bytes: 2_000_000,
    bytesTotal: 8_000_000,
  };

  it('has bytes, rate, time left and the file', () => {
    assert.equal(
      progressText(moved, { bytesPerSecond: 1_500_000, secondsLeft: 4 }),
      '2 MB of 8 MB · 1.5 MB/s · 4 s left · file 2 of 3: data/b.bin',
    );
    const long = { ...moved, files: 3, file: `${'deep/'.repeat(20)}end\u202e.bin` };
    const text = progressText(long, { bytesPerSecond: undefined, secondsLeft: undefined });
    assert.match(text, /^2 MB of 8 MB · file 3 of 3: …[^\u202e]{0,60}end\\u\{202e\}\.bin$/);
  });

  it('moves the bar, and tells what happens before anything moves', () => {
    const told: [string, number | undefined][] = [];
    const onEvent = syncProgress((message, percent) => told.push([message, percent]));
    onEvent({ type: 'pod', podId: 'p', name: 'n', hardware: 'CPU pod, 2 vCPU', costPerHour: 0.06, reused: false });
    onEvent({ type: 'link', state: 'live', text: 'linked' });
    onEvent(moved);
    assert.deepEqual(told, [
      ['CPU pod, 2 vCPU is starting', undefined],
      ['2 MB of 8 MB · file 2 of 3: data/b.bin', 25],
    ]);
  });
});

describe('what the user decided about a plan (R2.5)', () => {
  it('holds for a newer plan only where the volume is still the same', () => {
    const seen = { ...plan, conflicts: [conflict('a', 1), conflict('b', 2), conflict('c', 3)] };
    const now = { ...plan, conflicts: [conflict('a', 1), conflict('b', 9)] };
    assert.deepEqual([...stillDecided(seen, now, new Set(['a', 'b', 'c']))], ['a']);
  });

  it('is asked again when the newer plan does what was not seen', () => {
    assert.equal(unseenChange(plan, { ...plan, totals: { files: 9, bytes: 9 } }), undefined);
    assert.match(unseenChange(plan, { ...plan, conflicts: [conflict('a', 1)] }) ?? '', /both sides/);
    assert.match(unseenChange(plan, { ...plan, deletes: ['x'] }) ?? '', /deleted/);
    assert.match(unseenChange(plan, { ...plan, route: { ...plan.route, kind: 'gateway' } }) ?? '', /another way/);
    assert.equal(unseenChange({ ...plan, deletes: ['x'] }, plan), undefined);
  });

  it('stops at a secret, and names the file and never its value', () => {
    refuseSecrets(plan);
    const secrets = [{ path: 'login.py', line: 2, kind: 'Hugging Face token' }];
    assert.throws(() => refuseSecrets({ ...plan, secrets }), { code: 'secrets-found', message: /login\.py holds/ });
  });
});

describe('the words over a plan', () => {
  it('say what goes which way, how long, for how much, and why', () => {
    assert.equal(planMessage(plan, new Set()), '1 file, 1.5 KB over S3 for free, 1 s to 4 s. US-MD-1 has the S3 API.');
    const both = { ...plan, conflicts: [conflict('b', 7)] };
    assert.match(planMessage(both, new Set(['b'])), /^2 files, 2 KB/);
    assert.match(planMessage(both, new Set()), /1 file changed on both sides: a check mark/);
    assert.equal(planPlaces(plan), 'tiny → data in US-MD-1');
  });

  it('say when the volume was not asked', () => {
    const none = { ...plan, comparedWith: { kind: 'nothing' as const, at: null } };
    assert.match(planMessage(none, new Set()), /What is on the volume is not known/);
  });
});

describe('allowing a file with a secret', () => {
  const apply = (text: string, path: string, profile?: string): string =>
    allowEdits(text, path, profile)
      .toSorted((a, b) => b.offset - a.offset)
      .reduce((out, { offset, length, content }) => out.slice(0, offset) + content + out.slice(offset + length), text);
  const target =
    '"target": { "volume": { "name": "v" }, "cpu": {}, "image": "x" }, "steps": [{ "name": "a", "shell": "true" }]';

  it('adds it to the list, makes the list where there is none, and keeps comments', () => {
    const bare = `{ // mine\n  "version": 1, "name": "t", ${target}\n}\n`;
    const once = apply(bare, 'a b.py');
    assert.match(once, /\/\/ mine/);
    assert.deepEqual(parseProject(once).project?.sync.allowSecrets, ['a b.py']);
    assert.deepEqual(parseProject(apply(once, 'c.py')).project?.sync.allowSecrets, ['a b.py', 'c.py']);
  });

  it('adds it to the list of a profile that has its own', () => {
    const text = `{ "version": 1, "name": "t", ${target}, "profiles": { "p": { "sync": { "allowSecrets": ["x"] } } } }`;
    assert.deepEqual(parseProject(apply(text, 'y', 'p')).project?.profiles['p']?.sync?.allowSecrets, ['x', 'y']);
  });
});
