import assert from 'node:assert/strict';
import { UserError } from '../../../src/core/errors.ts';
import type { Candidate } from '../../../src/core/pods/hardware.ts';
import { rentPod } from '../../../src/core/pods/rent.ts';
import { ApiError } from '../../../src/core/runpod/api-error.ts';
import type { RunPodClient } from '../../../src/core/runpod/client.ts';
import { generateKeyPair } from '../../../src/core/ssh/index.ts';
import type { Volume } from '../../../src/core/runpod/schemas.ts';

describe('renting a pod where nothing is free (R4.3)', () => {
  it('names what was tried, and offers another place', async () => {
    const label = (text: string): Candidate => ({
      kind: 'gpu',
      id: text,
      label: text,
      costPerHour: 0.4,
      stock: 'LOW',
      count: 1,
    });
    const detail = 'There are no longer any instances available.';
    const refused: string[] = [];
    const rented = rentPod(
      {
        client: {
          pods: {
            create: () => Promise.reject(new ApiError({ kind: 'no-capacity', purpose: 'create a pod', detail })),
          },
        } as unknown as RunPodClient,
        key: generateKeyPair('test'),
        restUrl: 'http://127.0.0.1/v2',
        workerFile: 'worker.pyz',
      },
      {
        name: 'rpt-x',
        aloneMinutes: 1,
        target: { image: 'i', mount: '/workspace' },
        volume: { id: 'v', name: 'v', dataCenter: 'US-MD-1', size: 10 } as Volume,
        candidates: [label('L4'), label('A40')],
        onRefused: ({ id }) => refused.push(id),
      },
    );
    await assert.rejects(rented, (error: unknown) => {
      assert.ok(error instanceof UserError && error.code === 'no-stock');
      assert.equal(error.what, 'No machine is free in US-MD-1: tried L4, A40.');
      assert.ok(error.why?.includes(detail));
      assert.deepEqual(error.remedies, [{ do: 'regions' }]);
      return true;
    });
    assert.deepEqual(refused, ['L4', 'A40']);
  });
});
