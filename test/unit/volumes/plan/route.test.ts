import assert from 'node:assert/strict';
import type { UserError } from '../../../../src/core/errors.ts';
import { estimateTime } from '../../../../src/core/volumes/plan/transfer-time.ts';
import { chooseRoute, routeKinds, type Surroundings } from '../../../../src/core/volumes/plan/index.ts';
import { wasteAvoided } from '../../../../src/core/volumes/plan/plan.ts';

const volume = { id: 'v', name: 'data', dataCenter: 'US-MD-1' };
const pod = { id: 'p1', name: 'trainer', costPerHour: 0.69 };
const cpu = { label: 'CPU pod, 2 vCPU', kind: 'cpu' as const, costPerHour: 0.06 };
const withS3 = { endpoint: 'yes' as const, keys: true };
const around = (changes: Partial<Surroundings> = {}): Surroundings => ({
  asked: true,
  volume,
  s3: { endpoint: 'no', keys: false },
  pods: [],
  free: false,
  ...changes,
});
const few = { files: 3, bytes: 5e9 };
const many = { files: 20_000, bytes: 20e6 };

describe('choice of a route (R2.1)', () => {
  it('takes S3 when no pod runs, for any load', () => {
    for (const load of [few, many]) {
      const route = chooseRoute(around({ s3: withS3 }), load);
      assert.deepEqual([route.kind, route.available], ['s3', true]);
      assert.match(route.reason, /US-MD-1 has the S3 API.* No pod has to run/);
      assert.match(route.price, /^Free/);
    }
  });

  it('takes S3 for few large files and SSH for many small ones when both are there', () => {
    const both = around({ s3: withS3, pods: [pod] });
    assert.equal(chooseRoute(both, few).kind, 's3');
    const route = chooseRoute(both, many);
    assert.equal(route.kind, 'ssh');
    assert.equal(route.podId, 'p1');
    assert.match(route.reason, /trainer.* 20000 small files .* one stream/);
    assert.match(route.price, /runs already at \$0\.69\/h/);
  });

  it('takes a running pod where there is no S3', () => {
    const route = chooseRoute(around({ pods: [pod] }), few);
    assert.equal(route.kind, 'ssh');
    assert.match(route.reason, /US-MD-1 has no S3 API/);
  });

  it('takes a gateway with neither, and says what it costs, also that it has to be a GPU pod', () => {
    const route = chooseRoute(around({ gateway: cpu }), few);
    assert.deepEqual([route.kind, route.available], ['gateway', true]);
    assert.match(route.reason, /no S3 API.*No pod runs with the volume data.*CPU pod, 2 vCPU is rented/);
    assert.match(route.price, /\$0\.06\/h while the pod runs/);
    const gpu = { label: 'L4 pod', kind: 'gpu' as const, costPerHour: null };
    const last = chooseRoute(around({ gateway: gpu }), few);
    assert.match(last.reason, /no CPU pod is free/);
    assert.match(last.price, /price is asked about before/);
  });

  it('says so when no way is to be had', () => {
    const route = chooseRoute(around({ gateway: null }), few);
    assert.equal(route.available, false);
    assert.match(route.reason, /No pod that could carry the files is free in US-MD-1/);
    assert.equal(chooseRoute(around({ asked: false }), few).available, false);
  });

  it('does not rely on an S3 that nobody knows or that has no keys', () => {
    assert.equal(chooseRoute(around({ s3: { endpoint: 'unknown', keys: true }, pods: [pod] }), few).kind, 'ssh');
    const route = chooseRoute(around({ s3: { endpoint: 'yes', keys: false }, pods: [pod] }), few);
    assert.equal(route.kind, 'ssh');
    assert.match(route.reason, /no S3 keys/);
  });

  it('obeys the user, and refuses what is not there with the reason and the other ways', () => {
    const both = around({ s3: withS3, pods: [pod], gateway: cpu });
    for (const kind of routeKinds) {
      const route = chooseRoute(both, few, kind);
      assert.equal(route.kind, kind);
      assert.match(route.reason, /^Asked for/);
      assert.deepEqual(
        route.alternatives.map((other) => other.kind),
        routeKinds.filter((other) => other !== kind),
      );
    }
    assert.throws(
      () => chooseRoute(around({ pods: [pod] }), few, 's3'),
      (error: UserError) =>
        error.code === 'route-unavailable' && /through a running pod or through a rented pod/.test(error.next ?? ''),
    );
    assert.throws(() => chooseRoute(around({ s3: withS3 }), few, 'ssh'), /No pod runs/);
    assert.equal(chooseRoute(around({ s3: { endpoint: 'unknown', keys: true } }), few, 's3').kind, 's3');
  });

  it('gives every way a reason that is a sentence', () => {
    for (const s3 of [withS3, { endpoint: 'no' as const, keys: true }, { endpoint: 'unknown' as const, keys: false }]) {
      for (const pods of [[], [pod]]) {
        for (const gateway of [undefined, null, cpu]) {
          const route = chooseRoute(around({ s3, pods, gateway, volume: { ...volume, dataCenter: null } }), many);
          for (const text of [route.reason, route.price, ...route.alternatives.map((other) => other.reason)]) {
            assert.match(text, /^[A-Z$].*[.)]$/s, text);
          }
        }
      }
    }
  });
});

describe('expected time of a transfer (R2.4)', () => {
  it('comes from the last measured rate, else from assumptions that it states', () => {
    const guess = estimateTime('s3', 1, 1e9, undefined);
    assert(guess.lowSeconds >= 40 && guess.highSeconds <= 900 && guess.lowSeconds < guess.highSeconds);
    assert.match(guess.basis, /Assumes a line of 10 to 200 Mbit\/s/);
    const known = estimateTime('s3', 1, 1e9, { bytesPerSecond: 10e6, at: '2026-05-01T00:00:00Z' });
    assert(known.lowSeconds > 70 && known.lowSeconds <= 100 && known.highSeconds >= 100 && known.highSeconds <= 210);
    assert.match(known.basis, /10 MB\/s measured/);
  });

  it('counts files, and the start of a gateway pod', () => {
    assert(estimateTime('s3', 10_000, 1e6, undefined).highSeconds > 300);
    assert(estimateTime('gateway', 1, 1, undefined).lowSeconds >= 45);
    assert.equal(estimateTime('gateway', 0, 0, undefined).highSeconds, 0);
    assert.equal(estimateTime('ssh', 0, 0, undefined).lowSeconds, 0);
  });
});

describe('waste that archives avoid (R2.3)', () => {
  it('counts only files below 64 KB, and what a small archive takes itself', () => {
    assert.equal(wasteAvoided([{ size: 1e6, memberSizes: [0, 65_536, 1e6] }]).bytes, 65_536);
    assert.equal(wasteAvoided([{ size: 2048, memberSizes: [1, 1] }]).bytes, 2 * 65_535 - (65_536 - 2048));
    assert.equal(wasteAvoided([{ size: 3072, memberSizes: [1000] }]).bytes > 0, true);
    assert.equal(wasteAvoided([]).bytes, 0);
  });
});
