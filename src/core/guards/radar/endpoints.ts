import { pricePerHour } from '../../words/index.ts';
import type { JobRecord } from '../../journal/records.ts';
import type { JobState } from '../../journal/state.ts';
import { shortName } from '../../pods/hardware.ts';
import type { CpuType, Endpoint, GpuType } from '../../runpod/schemas.ts';
import { jobOf, namedBy, unreadJob, useByRecord, useByState, type Need } from './owner.ts';
import type { EndpointAction, RadarEndpoint } from './types.ts';

/** The catalog's prices for endpoints; empty where they were not needed or could not be read. */
export interface Prices {
  gpus: readonly Pick<GpuType, 'pool' | 'price'>[];
  cpus: readonly Pick<CpuType, 'id' | 'price'>[];
}

export interface EndpointFacts {
  prices: Prices;
  /** Newest first. */
  records: readonly JobRecord[];
  /** By volume id. */
  onVolumes: ReadonlyMap<string, readonly JobState[]>;
  at: Date;
  /** Whether nothing is charged. */
  free: boolean;
}

/** What one endpoint costs while no request comes, who owns it, and what can be done about it. */
export function lookAtEndpoint(endpoint: Endpoint, facts: EndpointFacts): RadarEndpoint {
  const { id, name, workers, createdAt } = endpoint;
  const need = needOf(endpoint, facts);
  const costPerHour = standingCost(endpoint, facts.prices);
  const { owner, job, needed, reason } = need;
  return {
    endpoint: { id, name: name === '' ? id : name, workers, hardware: hardwareOf(endpoint) },
    owner,
    ...(job && { job }),
    project: job?.project ?? namedBy(endpoint).project,
    needed,
    costPerHour,
    cost: costText(endpoint, costPerHour, facts.free),
    since: createdAt,
    ...(needed === 'no' && reason !== undefined && { idle: { reason } }),
    action: actionOf(endpoint, need),
  };
}

function needOf(endpoint: Endpoint, { records, onVolumes, at }: EndpointFacts): Need {
  const { ours, ...named } = namedBy(endpoint);
  if (!ours) {
    return { owner: 'unknown', needed: 'unknown' };
  }
  const record = records.find((r) => r.job === named.job);
  if (record !== undefined) {
    const { state, ...use } = useByRecord(record);
    return {
      owner: 'job',
      job: { id: record.job, project: record.project, state, recordTime: record.updated },
      ...use,
    };
  }
  const state = endpoint.networkVolumes
    .flatMap((volume) => onVolumes.get(volume) ?? [])
    .find((s) => s.job === named.job);
  if (state !== undefined) {
    return { owner: 'other-machine', job: jobOf(state), ...useByState(state, at) };
  }
  if (named.job === undefined && named.project === null) {
    return { owner: 'other-machine', needed: 'no', reason: 'It names neither a job nor a project.' };
  }
  const isOwn = named.job === undefined && records.some((r) => r.project === named.project);
  return { owner: isOwn ? 'job' : 'other-machine', ...unreadJob(named), needed: 'unknown' };
}

/** USD per hour of the workers that stand by, on the dearest hardware that they may be placed on. */
function standingCost({ workers, gpu, cpu }: Endpoint, { gpus, cpus }: Prices): number | null {
  if (workers.min <= 0) {
    return 0;
  }
  const each =
    gpu === null
      ? cpu.map((c) => times(cpus.find((one) => one.id === c.id)?.price?.serverlessPerVcpu, c.vcpuCount))
      : gpu.pools.map((pool) => times(gpus.find((one) => one.pool === pool)?.price?.serverless, gpu.count));
  const known = each.filter((price) => price !== null);
  return known.length < each.length || known.length === 0 ? null : Math.max(...known) * workers.min;
}

function times(price: number | null | undefined, count: number): number | null {
  return typeof price === 'number' ? price * count : null;
}

function workersText(count: number): string {
  return `${count} worker${count === 1 ? ' stands' : 's stand'} by`;
}

function costText({ workers, gpu, cpu }: Endpoint, costPerHour: number | null, free: boolean): string {
  if (workers.min <= 0) {
    return workers.max <= 0 ? 'It has no workers and costs nothing.' : 'It costs nothing while no request runs.';
  }
  const choices = gpu === null ? cpu.length : gpu.pools.length;
  const price =
    costPerHour === null
      ? 'at a price that is not told'
      : `(${choices > 1 ? 'up to ' : ''}${pricePerHour(costPerHour, free)})`;
  return `${workersText(workers.min)} ${price}, also while no request runs.`;
}

function hardwareOf({ gpu, cpu }: Endpoint): string {
  if (gpu !== null) {
    return `${gpu.count > 1 ? `${gpu.count} × ` : ''}${gpu.pools.map(shortName).join(' or ') || 'GPU'}`;
  }
  return cpu.length === 0 ? 'not told' : cpu.map((c) => `${c.vcpuCount} vCPU ${c.id}`).join(' or ');
}

const scaled =
  'Its workers end, also those that work on a request. It answers nothing until somebody raises its number of workers ' +
  'again; requests wait in its queue meanwhile. Its settings stay.';

function actionOf({ workers }: Endpoint, { owner, job, needed }: Need): EndpointAction {
  if (needed === 'yes') {
    return { how: 'none', text: `Its job ${job?.id ?? ''} is at work.` };
  }
  if (owner !== 'unknown' && needed === 'no') {
    return {
      how: 'delete',
      text: 'It is deleted for good: its workers end, requests that wait or run are cancelled, and its settings are lost. Files on volumes stay.',
    };
  }
  if (workers.min <= 0 && workers.max <= 0) {
    return { how: 'none', text: 'It has no workers already.' };
  }
  const elsewhere = owner === 'other-machine' ? ' Another computer may be using it.' : '';
  return { how: 'scale', text: `${scaled}${elsewhere}` };
}
