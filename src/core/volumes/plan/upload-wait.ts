import { estimateTime } from './transfer-time.ts';
import { readLastKnown } from './last-transfer.ts';
import type { TimeEstimate, TransferPlan } from './types.ts';

/** How long a job's own pod waits for its files: they reach it over SSH, whatever route the plan itself takes. */
export async function uploadWait(root: string, { totals }: Pick<TransferPlan, 'totals'>): Promise<TimeEstimate> {
  if (totals.files === 0) {
    return { lowSeconds: 0, highSeconds: 0, basis: 'Nothing has to be sent.' };
  }
  const known = await readLastKnown(root);
  return estimateTime('ssh', totals.files, totals.bytes, known?.rates.ssh);
}
