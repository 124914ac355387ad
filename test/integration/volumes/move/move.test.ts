import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { planMove } from '../../../../src/core/volumes/move/move.ts';
import { family, wordsOf } from '../../../support/family.ts';
import { MoveStage, there } from './stage.ts';

describe('a volume is moved to another data center (R1.5)', function () {
  this.timeout(120_000);
  let stage: MoveStage;

  before(async () => {
    stage = await MoveStage.open();
  });
  afterEach(() => stage.settled());
  after(() => stage.close());

  it('the plan says the way, both prices, the size, the second volume, and that the first is kept', async () => {
    const volume = await stage.account.volume('planned');
    const before = stage.account.posts();
    const plan = await planMove(stage.account.installation, { volume: 'planned', to: there });
    assert.equal(stage.account.posts(), before);
    assert.equal(plan.way, 'pod-to-pod');
    assert.deepEqual(
      plan.pods.map((pod) => [pod.side, pod.dataCenter]),
      [
        ['source', volume.dataCenter],
        ['target', there],
      ],
    );
    assert.ok(plan.pods.every((pod) => (pod.costPerHour ?? 0) > 0));
    assert.equal(plan.size, null);
    assert.equal(plan.storagePerMonth.toFixed(2), '0.70');
    assert.match(plan.notes.join(' '), /is kept as it is until you delete it/);
    assert.deepEqual(
      plan.ways.map(({ way, possible }) => [way, possible]),
      [
        ['pod-to-pod', true],
        ['this-machine', true],
        ['s3', true],
      ],
    );
    await assert.rejects(planMove(stage.account.installation, { volume: 'planned', to: 'planned' }), {
      code: 'move-same',
    });
    await assert.rejects(planMove(stage.account.installation, { volume: 'nothing', to: there }), {
      code: 'volume-missing',
    });
  });

  for (const way of ['pod-to-pod', 'this-machine'] as const) {
    it(`by ${way}: everything arrives as it was, and the second time nothing is sent`, async () => {
      const volume = await stage.filled(`by ${way}`);
      const before = stage.treeOf(volume);
      const { result, target } = await stage.move({ volume: volume.id, to: there, way });
      assert.deepEqual(stage.treeOf(target), before);
      assert.deepEqual(stage.treeOf(volume), before);
      assert.deepEqual([result.way, result.verified, result.left], [way, 'sha256', []]);
      assert.ok(result.cost > 0 && result.bytes >= 20_000_000);
      assert.match(result.next.join(' '), /"dataCenter": "EU-RO-1"/);
      const again = await stage.move({ volume: volume.id, to: there, way });
      assert.equal(again.target.id, target.id);
      assert.deepEqual(again.result.sent, { files: 0, bytes: 0 });
    });
  }

  it('the key of the move is gone from both pods before they end, and in no argument list', async () => {
    const volume = await stage.filled('keys', 30_000_000);
    let listed = '';
    let during: string[] = [];
    let after: string[] | undefined;
    const keys = (): string[] => {
      // This machine may have other moves at work: of its memory only what this one uses counts.
      const own = family(process.pid).filter((pid) => wordsOf(pid).name === 'sshd');
      const apart = own
        .map((pid) => `/proc/${pid}/root/dev/shm`)
        .filter((place) => deviceOf(place) !== deviceOf('/dev/shm'));
      const shared = namesIn('/dev/shm').filter((name) => listed.includes(`/${name}/`));
      const lines = authorizedKeys(path.join(stage.account.folder, 'sandbox', 'pods'));
      return [...apart.flatMap(namesIn), ...shared, ...lines.filter((line) => line.includes('runpod-trainer-move'))];
    };
    await stage.move(
      { volume: volume.id, to: there, way: 'pod-to-pod' },
      {
        onEvent: (event) => {
          if (event.type === 'transfer' && during.length === 0) {
            const pods = family(process.pid).slice(1);
            listed = pods.map((pid) => wordsOf(pid).words.join(' ')).join('\n');
            during = keys();
          }
          if (event.type === 'phase' && event.text === 'Verifying at the target') after = keys();
        },
      },
    );
    assert.ok(during.some((line) => line.startsWith('restrict,command=')));
    assert.ok(during.some((line) => line.startsWith('runpod-trainer-move-')));
    assert.match(listed, /StrictHostKeyChecking=yes/);
    assert.doesNotMatch(listed, /PRIVATE KEY|ssh-ed25519 /);
    assert.deepEqual(after, []);
  });

  it('never replaces what somebody else wrote at the target, unless told to', async () => {
    const volume = await stage.filled('taken', 1000);
    const target = await stage.account.volume('other', there);
    const place = path.join(stage.directory(target), 'projects', 'rainbow', 'run.sh');
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, 'mine');
    await assert.rejects(stage.move({ volume: volume.id, to: target.id }), {
      code: 'move-conflicts',
      message: /run\.sh/,
    });
    assert.equal(readFileSync(place, 'utf8'), 'mine');
    await stage.move({ volume: volume.id, to: target.id }, { replace: true });
    assert.deepEqual(stage.treeOf(target), stage.treeOf(volume));
  });

  it('sends what changed since, and a change while it moves is found', async () => {
    const volume = await stage.filled('changing', 1000);
    const { target } = await stage.move({ volume: volume.id, to: there });
    const changed = path.join(stage.directory(volume), 'projects', 'rainbow', 'f7.txt');
    writeFileSync(changed, 'changed');
    const { result } = await stage.move({ volume: volume.id, to: there });
    assert.deepEqual(result.sent, { files: 1, bytes: 7 });
    assert.deepEqual(stage.treeOf(target), stage.treeOf(volume));
    const writing = stage.move(
      { volume: volume.id, to: there },
      {
        onEvent: (event) =>
          event.type === 'phase' && event.text === 'Comparing both volumes' && writeFileSync(changed, 'again'),
      },
    );
    await assert.rejects(writing, { code: 'move-differs', message: /f7\.txt/ });
  });

  it('over S3 on both sides: no pod, the records know the new times, and the second time nothing is sent', async () => {
    const volume = await stage.filled('objects');
    const manifest = path.join(stage.directory(volume), 'projects', 'rainbow', '.runpod-trainer', 'files.json');
    const old = { size: 10, sha256: 'a'.repeat(64), mtime: '2020-01-01T00:00:00.000Z' };
    writeFileSync(manifest, JSON.stringify({ schema: 1, files: { 'run.sh': old } }));
    const { result, target } = await stage.move({ volume: volume.id, to: there, way: 's3' });
    assert.deepEqual([result.way, result.verified, result.left, result.cost], ['s3', 'size', [], 0]);
    const large = (v: { id: string }): Buffer =>
      readFileSync(path.join(stage.directory(v), 'projects/rainbow/large.bin'));
    assert.ok(large(volume).equals(large(target)));
    const moved = JSON.parse(
      readFileSync(path.join(stage.directory(target), 'projects', 'rainbow', '.runpod-trainer', 'files.json'), 'utf8'),
    ) as { files: Record<string, { mtime: string }> };
    const run = lstatSync(path.join(stage.directory(target), 'projects', 'rainbow', 'run.sh'));
    assert.equal(Date.parse(moved.files['run.sh']?.mtime ?? ''), Math.floor(run.mtimeMs / 1000) * 1000);
    for (const name of ['hashes.json', 'worker-hashes.json']) {
      assert.ok(!existsSync(path.join(stage.directory(target), 'projects', 'rainbow', '.runpod-trainer', name)));
    }
    const again = await stage.move({ volume: volume.id, to: there, way: 's3' });
    assert.deepEqual(again.result.sent, { files: 0, bytes: 0 });
  });
});

function deviceOf(place: string): number | undefined {
  return statSync(place, { throwIfNoEntry: false })?.dev;
}

/** Lines of the accounts' authorized_keys of all pods, which are files of their disks. */
function authorizedKeys(pods: string): string[] {
  return readdirSync(pods, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ssh/authorized_keys'))
    .flatMap((name) => readFileSync(path.join(pods, name), 'utf8').split('\n'));
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(place).filter((name) => name.startsWith('runpod-trainer-move'));
  } catch {
    return [];
  }
}
