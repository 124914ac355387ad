import { change, findKnob, workerNames } from '../knobs.ts';
import { lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

/** torch.utils.data, when /dev/shm of the container is too small for the batches of the workers. */
const patterns = [
  /insufficient shared memory \(shm\)/,
  /DataLoader worker \(pid[^)]*\) is killed by signal: Bus error/,
  /unable to (open|write|mmap|resize).*shared memory/i,
];

/** Data loader workers need more shared memory than the container has. */
export const sharedMemory: Detector = {
  kind: 'shared-memory',
  detect: ({ lines, evidence, step }) => {
    const hit = lastHit(lines, ...patterns);
    if (hit === undefined) {
      return undefined;
    }
    const workers = findKnob(evidence, step?.name, workerNames);
    const none =
      workers === undefined || workers.value === 0 ? null : change(workers, 0, 'which needs no shared memory');
    return {
      at: hit.at,
      what: 'The data loader ran out of shared memory.',
      evidence: [shown(hit.line)],
      why: 'Workers hand their batches over through /dev/shm, which a container has little of.',
      next: `${none?.text ?? 'Use num_workers=0 in the data loader.'} Or call torch.multiprocessing.set_sharing_strategy("file_system").`,
      change: none,
    };
  },
};
