import { CancelledError, UserError } from '../errors.ts';
import type { Installation } from '../installation.ts';
import { endPod } from '../pods/end.ts';
import { sweep } from './sweep.ts';
import type { Radar, RadarPod } from './types.ts';

/**
 * Looks at everything in the account that costs money and says what of it no job of this computer owns. Reads only.
 * Throws ApiError, and CancelledError when the signal aborts.
 */
export async function radar(
  { client, records, restUrl }: Pick<Installation, 'client' | 'records' | 'restUrl'>,
  signal?: AbortSignal,
): Promise<Radar> {
  const [pods, volumes, all] = await Promise.all([
    client.pods.list(signal),
    client.volumes.list(signal),
    records.list(),
  ]);
  return sweep({ pods, volumes, records: all.filter((r) => r.restUrl === restUrl), at: new Date() });
}

/** The pod with this id or name, else a UserError. */
export function podOnRadar({ pods }: Radar, name: string): RadarPod {
  const hits = pods.filter(({ pod }) => pod.id === name || pod.name === name);
  const [hit] = hits;
  if (hit === undefined || hits.length > 1) {
    throw new UserError('pod-unknown', {
      what:
        hit === undefined ? `There is no pod "${name}" in this account.` : `${hits.length} pods are named "${name}".`,
      next: 'See the list with: runpod-trainer radar; a pod can be named by its id.',
    });
  }
  return hit;
}

/**
 * Ends one pod as its `action` says, after `confirm` agreed to exactly that. A pod whose job is at work is refused: its
 * job can be cancelled. Ends with CancelledError when `confirm` said no.
 */
export async function stopPod(
  { client, records }: Pick<Installation, 'client' | 'records'>,
  seen: RadarPod,
  confirm: (seen: RadarPod) => Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> {
  const { action, pod } = seen;
  if (action.how === 'cancel') {
    const job = seen.job?.id ?? '';
    throw new UserError('pod-at-work', {
      what: `The pod ${pod.name} was not touched.`,
      why: `The job ${job} of this computer is at work on it.`,
      next: `Stop the job, which keeps what it wrote: runpod-trainer cancel ${job}`,
    });
  }
  if (!(await confirm(seen))) {
    throw new CancelledError('Nothing was stopped.');
  }
  await endPod(client, pod, action.how, signal);
  const podEnded = new Date().toISOString();
  for (const record of await records.list()) {
    if (record.pod?.id === pod.id && record.podEnded === undefined) {
      await records.save({ ...record, phase: 'done', podEnded });
    }
  }
}
