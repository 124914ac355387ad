import { lastHit, shown } from '../lines.ts';
import type { Detector } from '../types.ts';

/** The worker's own sentence, and what shells and torchrun say. */
const patterns = [
  /\bwas ended by (SIGTERM|SIGHUP|SIGINT)\b/,
  /^KeyboardInterrupt\b/,
  /Received signal (?:15|SIGTERM)|Received 15 death signal|SignalException: Process \d+ got signal: 15/,
];

/** The step's process was asked to end from outside; not by this product, which says so. */
export const terminated: Detector = {
  kind: 'terminated',
  detect: ({ lines, step }) => {
    const hit = lastHit(lines, ...patterns);
    const code = step?.exitCode;
    const bySignal = code === -15 || code === 143 || code === -2;
    if (step?.status !== 'failed' || (hit === undefined && !bySignal)) {
      return undefined;
    }
    return {
      at: hit?.at ?? 0,
      what: `The step ${step.name} was ended from outside with a signal.`,
      evidence: [
        ...(hit === undefined ? [] : [shown(hit.line)]),
        ...(typeof code === 'number' ? [`exit code ${code}`] : []),
      ],
      why: 'Something on the pod asked it to end: RunPod stops a container in this way before maintenance, and so does a person or a script on the pod. Cancelling and caps are told differently.',
      next: 'Look whether RunPod announced maintenance, then run again from this step.',
      change: null,
    };
  },
};
