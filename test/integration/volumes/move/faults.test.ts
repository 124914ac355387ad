import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RunEvent } from '../../../../src/core/journal/run-event.ts';
import { planMove, runMove } from '../../../../src/core/volumes/move/move.ts';
import { makeImage } from '../../../faults/stage.ts';
import { Account } from '../../../support/account.ts';
import { killAtWork } from '../../../support/killed-client.ts';
import { until } from '../../../support/wait.ts';
import { MoveStage, there } from './stage.ts';

describe('a move on a bad day (R1.5)', function () {
  this.timeout(120_000);
  let stage: MoveStage;

  before(async () => {
    stage = await MoveStage.open();
  });
  afterEach(() => stage.settled());
  after(() => stage.close());

  it('goes on after the links are cut in the middle, and what arrived is not sent twice', async () => {
    for (const way of ['pod-to-pod', 'this-machine'] as const) {
      const volume = await stage.filled(`cut ${way}`, 120_000_000);
      const before = stage.treeOf(volume);
      let cuts = 0;
      const seen: RunEvent[] = [];
      const { result, events, target } = await stage.move(
        { volume: volume.id, to: there, way },
        {
          onEvent: (event) => {
            seen.push(event);
            if (event.type === 'transfer' && event.bytes > 40_000_000 && cuts === 0) {
              cuts += 1;
              for (const pod of rented(seen)) {
                stage.account.sandbox.link(pod).cut();
                stage.account.sandbox.link(pod).restore();
              }
            }
          },
        },
      );
      assert.equal(cuts, 1);
      assert.ok(events.some((event) => event.type === 'link' && event.state === 'lost'));
      assert.deepEqual(stage.treeOf(target), before);
      // A piece is at most 16 MiB; what was acknowledged does not go again.
      assert.ok(result.sent.bytes < 121_000_000 + 2 * 16 * 1024 * 1024, `${result.sent.bytes}`);
    }
  });

  it('through this machine when the source cannot reach the target, and says so', async () => {
    const volume = await stage.filled('apart');
    const before = stage.treeOf(volume);
    // A pod whose network lets no SSH out.
    stage.script('ssh-keyscan', 'exit 1');
    const only = stage.move({ volume: volume.id, to: there, way: 'pod-to-pod' });
    await assert.rejects(only, { code: 'move-unreachable' });
    const { result, events, target } = await stage.move({ volume: volume.id, to: there });
    assert.equal(result.way, 'this-machine');
    assert.ok(events.some((event) => event.type === 'warning' && event.text.includes('cannot reach each other')));
    assert.deepEqual(stage.treeOf(target), before);
  });

  it('not pod to pod when another machine answers in the place of the target', async () => {
    const volume = await stage.filled('stranger');
    const stranger = execFileSync(
      'sh',
      ['-c', 'ssh-keygen -q -t ed25519 -N "" -f "$0" && cat "$0.pub"', path.join(stage.folder, 'key')],
      {
        encoding: 'utf8',
      },
    );
    stage.script('ssh-keyscan', `echo 'host ${stranger.split(' ').slice(0, 2).join(' ')}'`);
    const { result, events } = await stage.move({ volume: volume.id, to: there });
    assert.equal(result.way, 'this-machine');
    assert.ok(events.some((event) => event.type === 'warning' && event.text.includes('another machine')));
  });

  it('rents nothing when the user says no, and nothing on one side while there is nothing on the other', async () => {
    const volume = await stage.filled('alone', 1000);
    const plan = await planMove(stage.account.installation, { volume: volume.id, to: there });
    const before = stage.account.posts();
    const refused = { confirm: () => Promise.resolve(false), onEvent: () => undefined };
    assert.equal(await runMove(stage.account.installation, plan, refused), undefined);
    stage.account.sandbox.stock.set({ dataCenter: there }, 'NONE');
    try {
      const agreed = { confirm: () => Promise.resolve(true), onEvent: () => undefined };
      await assert.rejects(runMove(stage.account.installation, plan, agreed), { code: 'no-gateway' });
      assert.equal(stage.account.posts(), before);
      const { installation } = stage.account;
      const blind = { ...installation, s3: undefined };
      await assert.rejects(planMove(blind, { volume: volume.id, to: there }), { code: 'no-gateway' });
      assert.equal((await planMove(installation, { volume: volume.id, to: there })).way, 's3');
    } finally {
      stage.account.sandbox.stock.allow();
      stage.account.sandbox.stock.set({ dataCenter: there }, 'HIGH');
    }
  });

  it('leaves no pod when it is cancelled while it sends, and when one side is refused a pod', async () => {
    const volume = await stage.filled('cancelled', 60_000_000);
    const stop = new AbortController();
    const plan = await planMove(stage.account.installation, { volume: volume.id, to: there });
    const cancelled = runMove(stage.account.installation, plan, {
      confirm: () => Promise.resolve(true),
      onEvent: (event) => {
        if (event.type === 'transfer') stop.abort();
      },
      signal: stop.signal,
    });
    await assert.rejects(cancelled, { name: 'CancelledError' });
    assert.deepEqual(await stage.account.pods(), []);
    // The catalog has stock, and RunPod refuses all the same.
    stage.account.sandbox.stock.refuse({ dataCenter: there });
    await assert.rejects(stage.move({ volume: volume.id, to: there }), { code: 'no-stock' });
    assert.deepEqual(await stage.account.pods(), []);
    stage.account.sandbox.stock.allow();
    const { target } = await stage.move({ volume: volume.id, to: there });
    assert.deepEqual(stage.treeOf(target), stage.treeOf(volume));
  });
});

describe('a move whose client is killed (R1.5)', function () {
  this.timeout(120_000);

  it('leaves no pod: both end themselves', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-move-'));
    // The guards' minutes are short there.
    const account = await Account.open({ imagePath: makeImage(folder) });
    const volume = await account.volume('killed');
    const target = await account.volume('killed', there);
    const program = path.join(import.meta.dirname, 'killed-move.ts');
    await killAtWork(program, account, { SOURCE: volume.id, TARGET: target.id }, 60_000);
    assert.equal((await account.pods()).length, 2);
    await until('both pods are gone', async () => (await account.pods()).length === 0, 60_000);
    await account.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

function rented(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'pod' ? [event.podId] : []));
}
