import { createHmac } from 'node:crypto';

/** Beside the API's own paths: RunPod has nothing there. */
export const identityPath = '/sandbox';

/**
 * Who answers here, told without the key: only a sandbox that knows the key can prove a number that the asker chose. So
 * nobody takes another program at this address for it, and no key is shown to that program.
 */
export function identify(key: string, nonce: string | null): { sandbox: 'runpod-trainer'; pid: number; proof: string } {
  return {
    sandbox: 'runpod-trainer',
    pid: process.pid,
    proof: createHmac('sha256', key)
      .update(`${process.pid} ${nonce ?? ''}`)
      .digest('hex'),
  };
}
