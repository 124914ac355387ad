import { meteredCost } from '../caps/meter.ts';
import { throwIfCancelled } from '../errors.ts';
import type { Installation } from '../home/installation.ts';
import { endPod } from '../pods/end.ts';
import type { SshConnection } from '../ssh/index.ts';

import { podsOf, reconnect, withPod } from '../pods/of-job.ts';
import type { JobRecord } from '../journal/records.ts';
import { warningOf } from '../journal/run-event.ts';
import { follow, type FollowOptions, type JobResult } from './follow.ts';
import { emptyView } from '../journal/view.ts';
import { RemoteWorker } from '../pods/worker.ts';

/**
 * Cancels a job: the running step is interrupted, what it wrote is kept and fetched, the pod is ended. Of a job that
 * never started, or whose pod does not answer, every pod is ended. Returns undefined when nothing is left to cancel.
 */
export async function cancelJob(
  installation: Installation,
  record: JobRecord,
  options: FollowOptions,
): Promise<JobResult | undefined> {
  const pods = podsOf(record, await installation.client.pods.list(options.signal));
  if (pods.length === 0 && (record.outcome !== undefined || record.phase === 'done')) {
    return undefined;
  }
  const { remote } = record;
  if (remote !== undefined && record.outcome === undefined) {
    if (pods.length === 0) {
      // It ended by itself: what is known of its end is told.
      return follow(installation, record, options);
    }
    const connection = await tryConnect(installation, record, options);
    if (connection !== undefined) {
      options.onEvent({ type: 'phase', phase: 'run', text: 'Cancelling: the running step is interrupted' });
      const worker = new RemoteWorker(connection, remote.worker, remote.python);
      await worker.control(remote.jobDir, 'cancel', options.signal);
      return follow(installation, record, options, connection);
    }
  }
  options.onEvent({ type: 'phase', phase: 'end', text: 'Ending the pod' });
  for (const pod of pods) {
    await endPod(installation.client, pod, 'terminate', options.signal);
  }
  const [pod] = pods;
  const saved = await installation.records.change(record.job, (now) => ({
    ...(pod !== undefined && { pod: withPod(now, pod).pod }),
    phase: 'done',
    outcome: now.outcome ?? 'cancelled',
    podEnded: new Date().toISOString(),
  }));
  const cost = { metered: meteredCost(saved.pod, saved.podEnded) };
  return { record: saved, view: emptyView(), outcome: saved.outcome ?? 'cancelled', cost };
}

/** A pod that does not answer must not go on costing money because of that. */
async function tryConnect(
  installation: Installation,
  record: JobRecord,
  options: FollowOptions,
): Promise<SshConnection | undefined> {
  try {
    return await reconnect(installation, record, options.signal);
  } catch (error) {
    throwIfCancelled(options.signal);
    options.onEvent(warningOf(error, 'The pod does not answer, so it is ended at once: '));
    return undefined;
  }
}
