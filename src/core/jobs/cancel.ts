import { costOf } from '../caps/meter.ts';
import type { Installation } from '../home/installation.ts';
import { endPod } from '../pods/end.ts';
import { overLink } from '../pods/link.ts';
import type { SshConnection } from '../ssh/index.ts';

import { podsOf, reconnect, withPod } from '../pods/of-job.ts';
import type { JobRecord } from '../journal/records.ts';
import { warningOf } from '../journal/run-event.ts';
import type { FollowOptions, JobResult } from './conclude.ts';
import { follow } from './follow.ts';
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
  if (
    remote !== undefined &&
    record.outcome !== undefined &&
    record.fetched === undefined &&
    record.phase === 'fetch'
  ) {
    // It has ended, and what it wrote comes home: that is not thrown away.
    return follow(installation, record, options);
  }
  if (remote !== undefined && record.outcome === undefined) {
    if (pods.length === 0) {
      // It ended by itself: what is known of its end is told.
      return follow(installation, record, options);
    }
    const connection = await askToEnd(installation, record, remote, options);
    if (connection !== undefined) {
      return follow(installation, record, options, connection);
    }
  }
  options.onEvent({ type: 'phase', phase: 'end', text: 'Ending the pod' });
  for (const pod of pods) {
    // Who is tired of waiting for the link wants the pod ended all the more.
    await endPod(installation.client, pod, 'terminate');
  }
  const [pod] = pods;
  const saved = await installation.records.change(record.job, (now) => ({
    ...(pod !== undefined && { pod: withPod(now, pod).pod }),
    phase: 'done',
    outcome: now.outcome ?? 'cancelled',
    podEnded: new Date().toISOString(),
  }));
  const cost = await costOf(installation, saved);
  return { record: saved, view: emptyView(), outcome: saved.outcome ?? 'cancelled', cost };
}

/** A pod that does not answer goes on costing money, so a link is waited for only so long. */
const patienceMs = 120_000;

/**
 * Asks the worker to cancel the job, over as many links as it takes; answers the open connection, or undefined where the
 * pod is to be ended at once: it is gone, it did not answer in time, or the signal ended the waiting.
 */
async function askToEnd(
  installation: Installation,
  record: JobRecord,
  remote: NonNullable<JobRecord['remote']>,
  { onEvent, signal }: FollowOptions,
): Promise<SshConnection | undefined> {
  onEvent({ type: 'phase', phase: 'run', text: 'Cancelling: the running step is interrupted' });
  let failure: unknown;
  try {
    const asked = await overLink({
      connect: () => reconnect(installation, record, signal),
      work: (open) => new RemoteWorker(open, remote.worker, remote.python).control(remote.jobDir, 'cancel', signal),
      patience: () => patienceMs,
      meanwhile: () => 'then the job is cancelled; interrupting this ends the pod at once',
      onEvent,
      signal,
    });
    if (asked.end === 'done') {
      return asked.connection;
    }
    failure = asked.end === 'gave-up' ? asked.failure : undefined;
  } catch (error) {
    failure = error;
  }
  if (failure !== undefined) {
    onEvent(warningOf(failure, 'The pod does not answer, so it is ended at once: '));
  }
  return undefined;
}
