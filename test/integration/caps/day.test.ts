import assert from 'node:assert/strict';
import { usedToday } from '../../../src/core/caps/day.ts';
import { projectVariable } from '../../../src/core/journal/id.ts';
import type { Pod } from '../../../src/core/runpod/schemas.ts';
import { Account } from '../../support/account.ts';

describe('the caps of a day and the pods of another computer (R4.3)', () => {
  let account: Account;
  beforeEach(async () => {
    account = await Account.open();
  });
  afterEach(() => account.close());

  const rent = (project: string): Promise<Pod> =>
    account.installation.client.pods.create({
      name: `rpt-${project}`,
      image: 'runpod/base:1.0.2-ubuntu2404',
      cpu: { id: 'cpu3c', vcpuCount: 2 },
      disk: 20,
      dataCenterIds: ['EU-RO-1'],
      ports: ['22/tcp'],
      env: { [projectVariable]: project },
    });

  it('count what a pod of the project has come to, while it is there', async () => {
    const { installation } = account;
    const pod = await rent('songs');
    await rent('other');
    const { dollars, hours } = await usedToday(installation, 'songs');
    assert.ok(hours > 0 && hours < 0.1, String(hours));
    assert.equal(dollars.toFixed(9), (hours * (pod.cost ?? 0)).toFixed(9));
    await installation.client.pods.terminate(pod.id);
    assert.deepEqual(await usedToday(installation, 'songs'), { dollars: 0, hours: 0 });
  });
});
