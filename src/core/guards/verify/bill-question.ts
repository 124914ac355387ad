import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError, throwIfCancelled } from '../../errors.ts';
import type { Pod } from '../../runpod/schemas.ts';
import { known, notKnown, type Answers } from './answers.ts';
import type { VerifyOptions } from './options.ts';

/** USD that RunPod has billed for a pod so far. */
export async function billOf({ installation }: VerifyOptions, pod: Pod): Promise<number> {
  const startTime = pod.createdAt ?? new Date(Date.now() - 3_600_000).toISOString();
  const bill = await installation.client.billing.pods({ podId: pod.id, startTime, bucketSize: 'hour' });
  return bill.totalAmount;
}

/** Waits a while for the bill of the pod that has ended. */
export async function askTheBill(options: VerifyOptions, answers: Answers, pod: Pod): Promise<void> {
  const patience = options.billSeconds ?? 60;
  await answers.ask('bill', 'When is a pod that has ended in the bill?', options.signal, async () => {
    const started = performance.now();
    for (;;) {
      throwIfCancelled(options.signal);
      const billed = await billOf(options, pod);
      const seconds = Math.round((performance.now() - started) / 100) / 10;
      if (billed > 0) {
        answers.keep('billLagSeconds', seconds, `$${billed.toFixed(6)}`);
        return known(`after ${seconds} s: $${billed.toFixed(6)}`);
      }
      if (seconds >= patience) {
        return notKnown(`not within ${patience} s`);
      }
      await wait(Math.min(2000, patience * 250), undefined, { signal: options.signal }).catch(() => {
        throw new CancelledError();
      });
    }
  });
}
