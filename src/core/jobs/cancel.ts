import type { Installation } from '../installation.ts';
import { reconnect } from './attach.ts';
import { endJobPod } from './finish.ts';
import type { JobRecord } from './records.ts';
import { follow, type JobResult, type RunOptions } from './run.ts';
import { emptyView } from './view.ts';
import { meteredCost } from '../costs/meter.ts';
import { RemoteWorker } from './worker.ts';

/**
 * Cancels a job: the running step is interrupted, what it wrote is kept and fetched, the pod is ended. A job that never
 * started only has its pod ended. Returns undefined when there is nothing left to cancel.
 */
export async function cancelJob(
  installation: Installation,
  record: JobRecord,
  options: RunOptions,
): Promise<JobResult | undefined> {
  if (record.outcome !== undefined && (record.podEnded !== undefined || record.pod === undefined)) {
    return undefined;
  }
  const connection = record.remote === undefined ? undefined : await reconnect(installation, record, options.signal);
  if (connection === undefined || record.remote === undefined) {
    const ended = await endJobPod(installation, { ...record, onFinish: 'terminate' }, options);
    const saved = await installation.records.save({ ...ended, phase: 'done', outcome: record.outcome ?? 'cancelled' });
    const cost = { metered: meteredCost(saved.pod, saved.podEnded) };
    return { record: saved, view: emptyView(), outcome: saved.outcome ?? 'cancelled', cost };
  }
  options.onEvent({ type: 'phase', phase: 'run', text: 'Cancelling: the running step is interrupted' });
  const worker = new RemoteWorker(connection, record.remote.worker, record.remote.python);
  await worker.control(record.remote.jobDir, 'cancel', options.signal);
  return follow(installation, record, options, connection);
}
