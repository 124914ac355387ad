import { CancelledError, UserError } from '../../errors.ts';
import { count } from '../../words/index.ts';
import type { Installation } from '../../home/installation.ts';
import { HelperPods } from '../../journal/helpers.ts';
import { podsOf } from '../../pods/of-job.ts';
import type { JobRecord } from '../../journal/records.ts';
import { endPod } from '../../pods/end.ts';
import { isApiError } from '../../runpod/api-error.ts';
import type { RunPodClient } from '../../runpod/client.ts';
import type { Endpoint, Pod, Volume } from '../../runpod/schemas.ts';
import type { Prices } from './endpoints.ts';
import { namedBy } from './owner.ts';
import { compareWithJobs } from './compare.ts';
import type { Radar, RadarEndpoint, RadarPod } from './types.ts';
import { readVolumeJobs } from './volume-jobs.ts';

/**
 * Looks at everything in the account that costs money and says what of it no job needs: by the records of this
 * computer, and for what another one made by the jobs' own state on the volumes, where S3 reaches them. Reads only.
 * Throws ApiError, and CancelledError when the signal aborts.
 */
export async function radar(
  { client, home, records, restUrl, s3 }: Pick<Installation, 'client' | 'home' | 'records' | 'restUrl' | 's3'>,
  signal?: AbortSignal,
): Promise<Radar> {
  const [pods, volumes, { endpoints, notes }, all] = await Promise.all([
    client.pods.list(signal),
    client.volumes.list(signal),
    endpointsOf(client, signal),
    records.list(),
  ]);
  const own = all.filter((r) => r.restUrl === restUrl);
  const [prices, seen] = await Promise.all([
    pricesFor(client, endpoints, signal),
    readVolumeJobs(s3, volumesToRead(pods, endpoints, volumes, own), signal),
  ]);
  return compareWithJobs({
    free: client.free,
    pods,
    endpoints,
    volumes,
    records: own,
    helpers: await new HelperPods(home).list(restUrl),
    onVolumes: seen.jobs,
    prices,
    notes: [...notes, ...seen.notes],
    at: new Date(),
  });
}

/** A key may be restricted to what a job needs. */
async function endpointsOf(
  client: RunPodClient,
  signal: AbortSignal | undefined,
): Promise<{ endpoints: Endpoint[]; notes: string[] }> {
  try {
    return { endpoints: await client.serverless.list(signal), notes: [] };
  } catch (error) {
    if (isApiError(error, 'permission')) {
      return { endpoints: [], notes: ['This API key may not read Serverless endpoints, so they are not shown.'] };
    }
    throw error;
  }
}

/** The catalog is asked only when some workers stand by; without it their price is not known. */
async function pricesFor(
  client: RunPodClient,
  endpoints: readonly Endpoint[],
  signal: AbortSignal | undefined,
): Promise<Prices> {
  const standing = endpoints.filter(({ workers }) => workers.min > 0);
  const ask = async <T>(needed: boolean, read: () => Promise<T[]>): Promise<T[]> => {
    try {
      return needed ? await read() : [];
    } catch (error) {
      if (isApiError(error)) {
        return [];
      }
      throw error;
    }
  };
  const [gpus, cpus] = await Promise.all([
    ask(
      standing.some(({ gpu }) => gpu !== null),
      () => client.catalog.gpus({}, signal),
    ),
    ask(
      standing.some(({ gpu }) => gpu === null),
      () => client.catalog.cpus({}, signal),
    ),
  ]);
  return { gpus, cpus };
}

/** Volumes of pods and endpoints that name a job which no record of this computer knows. */
function volumesToRead(
  pods: readonly Pod[],
  endpoints: readonly Endpoint[],
  volumes: readonly Volume[],
  records: readonly JobRecord[],
): Volume[] {
  const ids = [
    ...pods
      .filter((pod) => pod.status !== 'TERMINATED' && namedBy(pod).job !== undefined)
      .filter((pod) => !records.some((r) => podsOf(r, [pod]).length > 0))
      .flatMap((pod) => pod.mounts.network.map(({ volumeId }) => volumeId)),
    ...endpoints
      .filter((endpoint) => {
        const { job } = namedBy(endpoint);
        return job !== undefined && !records.some((r) => r.job === job);
      })
      .flatMap(({ networkVolumes }) => networkVolumes),
  ];
  return volumes.filter(({ id }) => ids.includes(id));
}

/** The pod or endpoint with this id or name, else a UserError. */
export function onRadar({ pods, endpoints }: Radar, name: string): RadarPod | RadarEndpoint {
  const hits = [
    ...pods.filter(({ pod }) => pod.id === name || pod.name === name),
    ...endpoints.filter(({ endpoint }) => endpoint.id === name || endpoint.name === name),
  ];
  const [hit] = hits;
  if (hit === undefined || hits.length > 1) {
    throw new UserError('radar-unknown', {
      what:
        hit === undefined
          ? `There is no pod and no endpoint "${name}" in this account.`
          : `${hits.length} pods or endpoints are named "${name}".`,
      next: 'Take it from the list of what costs money; each can be named by its id.',
      remedies: [{ do: 'find-unused' }],
    });
  }
  return hit;
}

/**
 * Ends one pod as its `action` says, after `confirm` agreed to exactly that. A pod whose job is at work is refused: its
 * job can be cancelled. Ends with CancelledError when `confirm` said no.
 */
export async function stopPod(
  { client, home, records }: Pick<Installation, 'client' | 'home' | 'records'>,
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
      next: 'Cancel the job, which keeps what it wrote.',
      remedies: [{ do: 'cancel', job }],
    });
  }
  if (action.how === 'none') {
    throw new UserError('pod-at-work', {
      what: `The pod ${pod.name} was not touched.`,
      why: action.text,
      next: 'Cancel what it is at work for where that was started; the pod ends with it.',
    });
  }
  if (!(await confirm(seen))) {
    throw new CancelledError('Nothing was stopped.');
  }
  await endPod(client, pod, action.how, signal);
  await new HelperPods(home).end(pod.id);
  const podEnded = new Date().toISOString();
  for (const record of await records.list()) {
    if (record.pod?.id === pod.id && record.podEnded === undefined) {
      await records.change(record.job, { phase: 'done', podEnded });
    }
  }
}

/**
 * Scales an endpoint to zero or deletes it, as its `action` says, after `confirm` agreed to exactly that. One of a job
 * at work, and one without workers, is refused. Ends with CancelledError when `confirm` said no.
 */
export async function stopEndpoint(
  { client }: Pick<Installation, 'client'>,
  seen: RadarEndpoint,
  confirm: (seen: RadarEndpoint) => Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> {
  const { action, endpoint } = seen;
  if (action.how === 'none') {
    throw new UserError('endpoint-kept', {
      what: `The endpoint ${endpoint.name} was not touched.`,
      why: action.text,
      next: 'To end it all the same, do it in the RunPod console.',
    });
  }
  if (!(await confirm(seen))) {
    throw new CancelledError('Nothing was changed.');
  }
  if (action.how === 'delete') {
    await client.serverless.delete(endpoint.id, signal);
    return;
  }
  const { workers } = await client.serverless.patch(endpoint.id, { workers: { min: 0, max: 0 } }, signal);
  if (workers.min > 0) {
    throw new UserError('endpoint-kept', {
      what: `The endpoint ${endpoint.name} still has ${count(workers.min, 'worker')} standing by.`,
      why: 'RunPod accepted the change and answered with another number.',
      next: 'Look at it in the RunPod console.',
    });
  }
}
