import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { accountCosts } from '../../../../src/core/costs/account-costs.ts';
import { withGateway, type GatewayRequest } from '../../../../src/core/transport/gateway/gateway.ts';
import type { RunEvent } from '../../../../src/core/journal/run-event.ts';
import type { Candidate } from '../../../../src/core/pods/hardware.ts';
import type { Volume } from '../../../../src/core/runpod/schemas.ts';
import { makeImage } from '../../../faults/stage.ts';
import { Account } from '../../../support/account.ts';
import { killAtWork } from '../../../support/killed-client.ts';
import { until } from '../../../support/wait.ts';

describe('the gateway pod (R2.1)', () => {
  let account: Account;
  let volume: Volume;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'runpod-trainer-gateway-'));
    account = await Account.open({ imagePath: makeImage(folder) });
    volume = await account.volume();
  });
  afterEach(() => account.sandbox.stock.allow());
  after(async () => {
    await account.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const offered: Candidate[] = [];
  const request = (more: Partial<GatewayRequest> = {}): GatewayRequest => ({
    volume,
    name: 'rpt-gateway',
    purpose: 'sync',
    project: 'test',
    confirm: (offer) => {
      offered.push(offer);
      return Promise.resolve(true);
    },
    onEvent: () => undefined,
    ...more,
  });

  it('reaches the volume, and is terminated when the work is done', async () => {
    const events: RunEvent[] = [];
    const seen = await withGateway(
      account.installation,
      request({ onEvent: (e) => void events.push(e) }),
      async ({ connection, mount }) => {
        assert.equal((await account.pods()).length, 1);
        return (
          await connection.exec(['sh', '-c', `echo hello > ${mount}/note && cat ${mount}/note`])
        ).stdout.toString();
      },
    );
    assert.equal(seen, 'hello\n');
    assert.deepEqual(await account.pods(), []);
    assert.equal(offered.at(-1)?.kind, 'cpu');
    assert.ok(events.some((e) => e.type === 'pod' && e.costPerHour > 0));
    const last = events.at(-1);
    assert.match(
      last?.type === 'phase' ? last.text : '',
      /rpt-gateway is terminated; what it cost: free here, about \$0\.\d+ on RunPod$/,
    );
    const { ledger } = await accountCosts(account.installation);
    const [costs] = ledger.helpers;
    assert.deepEqual([costs?.purpose, costs?.pods], ['sync', 1]);
    assert.ok((costs?.dollars ?? 0) > 0);
    assert.equal(ledger.bill?.otherPods, 0);
  });

  it('is terminated when the work fails, and when it is cancelled', async () => {
    const failing = withGateway(account.installation, request(), () => Promise.reject(new Error('no')));
    await assert.rejects(failing, { message: 'no' });
    assert.deepEqual(await account.pods(), []);
    const stop = new AbortController();
    const cancelled = withGateway(account.installation, request({ signal: stop.signal }), async ({ connection }) => {
      stop.abort();
      await connection.exec(['sleep', '100'], { signal: stop.signal });
    });
    await assert.rejects(cancelled, { name: 'CancelledError' });
    assert.deepEqual(await account.pods(), []);
  });

  it('goes on over a new link when the first one breaks', async () => {
    let tries = 0;
    const answer = await withGateway(account.installation, request(), async ({ connection, pod }) => {
      tries += 1;
      if (tries === 1) {
        const link = account.sandbox.link(pod.id);
        link.cut();
        link.restore();
        await connection.exec(['sleep', '100']);
      }
      return 'done';
    });
    assert.deepEqual([answer, tries], ['done', 2]);
    assert.deepEqual(await account.pods(), []);
  });

  it('is not rented when the user says no', async () => {
    const before = account.posts();
    const nothing = await withGateway(account.installation, request({ confirm: () => Promise.resolve(false) }), () =>
      assert.fail('the work was begun'),
    );
    assert.equal(nothing, undefined);
    assert.equal(account.posts(), before);
  });

  it('takes the next type when one is refused, and a GPU pod as the last resort with its price', async () => {
    const dataCenter = volume.dataCenter;
    const cpus = (await account.installation.client.catalog.cpus()).map((type) => type.id);
    account.sandbox.stock.refuse({ cpu: cpus[0] ?? '' });
    assert.equal(await withGateway(account.installation, request(), () => Promise.resolve('done')), 'done');
    for (const cpu of cpus) account.sandbox.stock.set({ cpu }, 'NONE');
    assert.equal(await withGateway(account.installation, request(), () => Promise.resolve('done')), 'done');
    assert.equal(offered.at(-1)?.kind, 'gpu');
    assert.ok((offered.at(-1)?.costPerHour ?? 0) > 0);
    account.sandbox.stock.set({ dataCenter }, 'NONE');
    const before = account.posts();
    await assert.rejects(
      withGateway(account.installation, request(), () => assert.fail('there was one')),
      { code: 'no-gateway' },
    );
    assert.equal(account.posts(), before);
    account.sandbox.stock.set({ dataCenter }, 'HIGH');
  });

  it('ends itself when its client is killed', async () => {
    const program = path.join(import.meta.dirname, 'killed-client.ts');
    await killAtWork(program, account, { VOLUME: volume.id }, 30_000);
    assert.equal((await account.pods()).length, 1);
    await until('the pod is gone', async () => (await account.pods()).length === 0, 40_000);
  });
});
