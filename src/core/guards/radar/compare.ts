import { helperText, pricePerMonth, roughly } from '../../words/index.ts';
import { hardwareOf } from '../../pods/of-job.ts';
import type { HelperPod } from '../../journal/helpers.ts';
import type { JobRecord } from '../../journal/records.ts';
import { volumeCostPerMonth } from '../../pods/volume.ts';
import type { JobState } from '../../journal/state.ts';
import type { Endpoint, Pod, Volume } from '../../runpod/schemas.ts';
import { lookAtEndpoint, type Prices } from './endpoints.ts';
import { needOf, type Need } from './owner.ts';
import type { Owner, PodAction, Radar, RadarPod, RadarVolume } from './types.ts';

/** USD per GB and month of a pod's own volume disk (RunPod pricing page): dearer while the pod is stopped. */
const diskPrice = { running: 0.1, stopped: 0.2 };
/** A GPU that does nothing for less time may be between two steps. */
const idleMinutes = 15;

/** What the account has, and what this computer and the volumes know of it; no network. */
export interface RadarFacts {
  pods: readonly Pod[];
  endpoints: readonly Endpoint[];
  volumes: readonly Volume[];
  /** Newest first. */
  records: readonly JobRecord[];
  /** Pods that this computer rented beside those of jobs. */
  helpers?: readonly HelperPod[];
  /** Jobs by volume id, newest first. */
  onVolumes: ReadonlyMap<string, readonly JobState[]>;
  prices: Prices;
  /** What could not be looked at, in sentences. */
  notes: readonly string[];
  at: Date;
  /** Whether nothing is charged. */
  free: boolean;
}

/** Compares the account's pods, endpoints and volumes with the jobs of this computer and those on the volumes. */
export function compareWithJobs(facts: RadarFacts): Radar {
  const { volumes, records, helpers = [], onVolumes, at, free } = facts;
  const alive = facts.pods.filter((pod) => pod.status !== 'TERMINATED');
  const pods = alive
    .map((pod) => {
      const onVolume = pod.mounts.network.flatMap(({ volumeId }) => onVolumes.get(volumeId) ?? []);
      return look(pod, needOf(pod, { records, helpers, onVolume, at }), { volumes, at, free });
    })
    .sort(byConcern);
  const endpoints = facts.endpoints.map((endpoint) => lookAtEndpoint(endpoint, facts)).sort(byConcern);
  const stores = volumes.map((volume) => storeOf(volume, alive, records));
  const disks = pods.reduce((sum, p) => sum + p.diskPerMonth, 0);
  return {
    pods,
    endpoints,
    volumes: stores,
    totalPerHour: [...pods, ...endpoints].reduce((sum, p) => sum + (p.costPerHour ?? 0), 0),
    perMonthStorage: stores.reduce((sum, v) => sum + (v.pricePerMonth ?? 0), disks),
    unpriced: [
      ...pods.filter((p) => p.costPerHour === null).map((p) => p.pod.name),
      ...endpoints.filter((e) => e.costPerHour === null).map((e) => e.endpoint.name),
      ...stores.filter((v) => v.pricePerMonth === null).map((v) => v.volume.name),
    ],
    free,
    notes: [...facts.notes],
    at: at.toISOString(),
  };
}

type Concern = { owner: Owner; idle?: object; costPerHour: number | null };

function byConcern(a: Concern, b: Concern): number {
  const concern = (p: Concern): number =>
    p.idle !== undefined ? 0 : p.owner === 'job' || p.owner === 'helper' ? 2 : 1;
  return concern(a) - concern(b) || (b.costPerHour ?? 0) - (a.costPerHour ?? 0);
}

type Around = Pick<RadarFacts, 'volumes' | 'at' | 'free'>;

function look(pod: Pod, need: Need, around: Around): RadarPod {
  const { at, free } = around;
  const { persistent } = pod.mounts;
  const stopped = isStopped(pod);
  const reason = idleReason(pod, need, at, free);
  return {
    pod: {
      id: pod.id,
      name: pod.name === '' ? pod.id : pod.name,
      status: pod.status,
      hardware: hardwareOf(pod),
      dataCenter: pod.dataCenterId,
    },
    owner: need.owner,
    ...(need.job && { job: need.job }),
    ...(need.helper && { helper: need.helper }),
    needed: need.needed,
    costPerHour: stopped ? 0 : pod.cost,
    diskPerMonth: (persistent?.size ?? 0) * (stopped ? diskPrice.stopped : diskPrice.running),
    since: pod.createdAt ?? pod.startedAt,
    ...(reason !== undefined && { idle: { reason } }),
    action: actionOf(pod, need, around),
  };
}

function isStopped({ status }: Pick<Pod, 'status'>): boolean {
  return status === 'EXITED' || status === 'ERROR';
}

function idleReason(pod: Pod, need: Need, at: Date, free: boolean): string | undefined {
  const { needed, owner, reason } = need;
  if (isStopped(pod)) {
    const size = pod.mounts.persistent?.size ?? 0;
    const cost =
      size === 0
        ? 'It costs nothing as it is'
        : `Its disk of ${size} GB goes on: ${pricePerMonth(size * diskPrice.stopped, free)}`;
    return `It is ${pod.status === 'ERROR' ? 'in error' : 'stopped'}. ${cost}.`;
  }
  if (needed === 'no') {
    return reason;
  }
  if (needed === 'yes' || isHelping(pod, need, at)) {
    return undefined;
  }
  const quiet = quietFor(pod, at);
  if (quiet !== undefined) {
    const who = reason ?? (owner === 'job' ? 'Its job may have ended.' : 'No job of this computer owns it.');
    return `Its GPU does nothing at the moment, ${roughly(quiet)} after its start. ${who}`;
  }
  return reason;
}

/** Seconds since its start of a pod whose GPUs are at 0 % now and which had time to begin; else undefined. */
function quietFor({ runtime, startedAt, createdAt }: Pod, at: Date): number | undefined {
  const gpus = runtime?.gpus ?? [];
  const start = Date.parse(startedAt ?? createdAt ?? '');
  const seconds = (at.getTime() - start) / 1000;
  return gpus.length > 0 && gpus.every((g) => g.util === 0) && seconds >= idleMinutes * 60 ? seconds : undefined;
}

/** A helper that is there for longer has a program that hangs, in ms. */
const longestHelp = 24 * 3_600_000;

function isHelping({ createdAt, startedAt, ...pod }: Pod, { helper, needed }: Need, at: Date): boolean {
  const since = Date.parse(createdAt ?? startedAt ?? at.toISOString());
  const mayWork = needed === 'yes' || (needed === 'unknown' && at.getTime() - since < longestHelp);
  return helper !== undefined && mayWork && !isStopped(pod);
}

function actionOf(pod: Pod, need: Need, { volumes, at, free }: Around): PodAction {
  const { job, needed, owner, helper } = need;
  if (helper !== undefined && isHelping(pod, need, at)) {
    const who = owner === 'other-machine' ? 'Another computer' : 'A program of this computer';
    const text = `${who} is at work with it (${helperText(helper)}); it ends itself when that is done, or within a quarter of an hour when that program is gone.`;
    return { how: 'none', text };
  }
  if (owner === 'job' && needed === 'yes' && job !== undefined && !isStopped(pod)) {
    const text = `Its job is at work. Cancelling the job ${job.id} interrupts the running step, fetches what it wrote and ends the pod.`;
    return { how: 'cancel', text };
  }
  const [network] = pod.mounts.network;
  const { persistent } = pod.mounts;
  // A pod that somebody set up by hand is stopped where that saves its disk or its settings.
  const how = owner === 'unknown' && network === undefined && !isStopped(pod) ? 'stop' : 'terminate';
  const running = owner === 'other-machine' ? elsewhere(needed, job?.id) : '';
  if (how === 'stop') {
    const disk =
      persistent === null
        ? ''
        : ` Its disk of ${persistent.size} GB stays: ${pricePerMonth(persistent.size * diskPrice.stopped, free)}.`;
    return { how, text: `It is stopped and costs no GPU time any more; what is in its container is lost.${disk}` };
  }
  const lost = persistent === null ? '' : ` Its disk of ${persistent.size} GB is deleted for good.`;
  const name = volumes.find((v) => v.id === network?.volumeId)?.name ?? network?.volumeId;
  const kept = name === undefined ? '' : ` The volume ${name} keeps its files.`;
  return { how, text: `It is ended for good, and what is in its container is lost.${lost}${kept}${running}` };
}

function elsewhere(needed: Need['needed'], job: string | undefined): string {
  if (needed === 'yes') {
    return ` The job ${job ?? ''} of another computer is at work on it and is ended with it.`;
  }
  return needed === 'no' ? '' : ' A job of another computer may be running on it.';
}

function storeOf(volume: Volume, pods: readonly Pod[], records: readonly JobRecord[]): RadarVolume {
  const { id, name, dataCenter, size, type } = volume;
  const jobs = records.filter((r) => r.volume?.id === id);
  return {
    volume: { id, name, dataCenter, size, type },
    pricePerMonth: type === null || type === 'STANDARD' ? volumeCostPerMonth(size) : null,
    usedByProjects: [...new Set(jobs.map((r) => r.project))].sort(),
    lastUsed: jobs[0]?.created ?? null,
    attachedTo: pods.filter((p) => p.mounts.network.some((m) => m.volumeId === id)).map((p) => p.name),
  };
}
