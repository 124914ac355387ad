import { messageOf, UserError } from '../../errors.ts';
import { pricePerHour, pricePerMonth } from '../../words/index.ts';
import { gatewayOffers } from '../../transport/gateway/offer.ts';
import type { Installation } from '../../home/installation.ts';
import { checkDataCenter, volumeCostPerMonth } from '../../pods/volume.ts';
import type { Volume } from '../../runpod/schemas.ts';
import { knownSize, sizeOverPod, type VolumeSize } from './size.ts';
import { moveTime, type MoveTime } from './time.ts';
import { wayWords, type MovePod, type MoveWay } from './way.ts';
import { s3AccessOf } from '../../s3/s3-source.ts';

export interface MoveRequest {
  /** Name or id of the volume that is moved. */
  volume: string;
  /** A data center, or the name or id of a volume that exists. */
  to: string;
  /** GB of a volume that is created; that of the source unless told. */
  size?: number | undefined;
  /** Only this way; unless told the best that is possible. */
  way?: MoveWay | undefined;
  signal?: AbortSignal | undefined;
}

export interface MoveTarget {
  /** Null: it is created. */
  id: string | null;
  name: string;
  dataCenter: string;
  sizeGb: number;
}

/** What a move would do. Plain data. */
export interface MovePlan {
  source: { id: string; name: string; dataCenter: string; sizeGb: number };
  target: MoveTarget;
  way: MoveWay;
  why: string;
  /** Whether another way may be taken when the pods cannot reach each other. */
  mayFallBack: boolean;
  ways: { way: MoveWay; possible: boolean; why: string }[];
  pods: MovePod[];
  /** What lies on the source and when that was seen; null when nobody can tell for nothing. */
  size: VolumeSize | null;
  /** Null where the size is not known. */
  time: MoveTime | null;
  /** USD a month for the target, to be paid beside the source until one of them is deleted. */
  storagePerMonth: number;
  /** Whether nothing of it is charged. */
  free: boolean;
  /** What has to be said before it starts. */
  notes: string[];
}

/** Looks what a move would do. Rents and creates nothing. Rejects with what makes it impossible. */
export async function planMove(installation: Installation, request: MoveRequest): Promise<MovePlan> {
  const { client } = installation;
  const { signal } = request;
  const volumes = await client.volumes.list(signal);
  const from = one(volumes, request.volume);
  const target = await targetOf(installation, volumes, from, request);
  const pods = (await client.pods.list(signal)).filter(
    (pod) => pod.status === 'RUNNING' && pod.mounts.network.some((mount) => mount.volumeId === from.id),
  );
  const sides = await Promise.all([
    podOf(installation, 'source', from.dataCenter, signal),
    podOf(installation, 'target', target.dataCenter, signal),
  ]);
  const s3 = await s3Possible(installation, from.dataCenter, target.dataCenter);
  const ways = waysOf(sides, s3, client.free);
  const { way, why } = choose(ways, sides, request.way);
  const { id, name, dataCenter, size: sizeGb } = from;
  const seen = await sizeOverPod(installation, pods[0], signal);
  const size = seen ?? (await knownSize(installation.home, id)) ?? null;
  const storagePerMonth = volumeCostPerMonth(target.sizeGb);
  const source = { id, name, dataCenter, sizeGb };
  return {
    source,
    target,
    way,
    why,
    mayFallBack: way === 'pod-to-pod' && request.way === undefined,
    ways,
    pods: way === 's3' ? [] : sides.filter((side) => typeof side !== 'string'),
    size,
    time: moveTime(way, size),
    storagePerMonth,
    free: client.free,
    notes: notesOf(source, target, pricePerMonth(storagePerMonth, client.free), {
      size,
      busy: pods.map((pod) => pod.name),
      way,
    }),
  };
}

function notesOf(
  source: MovePlan['source'],
  target: MoveTarget,
  price: string,
  { size, busy, way }: { size: VolumeSize | null; busy: string[]; way: MoveWay },
): string[] {
  const notes = [
    `The volume ${source.name} in ${source.dataCenter} is kept as it is until you delete it yourself; until then both volumes are paid for (${price} for the one in ${target.dataCenter}).`,
  ];
  if (size !== null && size.bytes > target.sizeGb * 1e9) {
    notes.push(`The target has ${target.sizeGb} GB, which is less than what lies on the source.`);
  }
  if (busy.length > 0) {
    notes.push(
      `${busy.join(', ')} ${busy.length === 1 ? 'runs' : 'run'} with the source. What is written there meanwhile is not moved for sure; the comparison at the end says so.`,
    );
  }
  if (way === 's3') {
    notes.push(
      'Over S3 no file modes, times, links and empty folders are carried, every byte passes this machine twice, and the target is checked by size.',
    );
  }
  return notes;
}

async function targetOf(
  { client }: Installation,
  volumes: readonly Volume[],
  from: Volume,
  { to, size, signal }: MoveRequest,
): Promise<MoveTarget> {
  const dataCenters = (await client.catalog.dataCenters({}, signal)).map((dataCenter) => dataCenter.id);
  if (!dataCenters.includes(to)) {
    const volume = one(volumes, to);
    if (volume.id === from.id) {
      throw new UserError('move-same', {
        what: 'A volume cannot be moved to itself.',
        next: 'Name another data center or another volume.',
      });
    }
    return existing(volume);
  }
  const named = volumes.filter((v) => v.dataCenter === to && v.name === from.name && v.id !== from.id);
  const [there, second] = named;
  if (second !== undefined) {
    throw ambiguous(from.name, named);
  }
  if (there !== undefined) {
    return existing(there);
  }
  if (to === from.dataCenter) {
    throw new UserError('move-same', {
      what: `The volume ${from.name} is in ${to} already.`,
      next: 'Name another data center, or the volume in this one that shall get the files.',
    });
  }
  await checkDataCenter(client, to, signal);
  return { id: null, name: from.name, dataCenter: to, sizeGb: size ?? from.size };
}

function existing({ id, name, dataCenter, size }: Volume): MoveTarget {
  return { id, name, dataCenter, sizeGb: size };
}

function one(volumes: readonly Volume[], wanted: string): Volume {
  const named = volumes.filter((v) => v.id === wanted || v.name === wanted);
  const [volume, second] = named;
  if (volume === undefined) {
    throw new UserError('volume-missing', {
      what: `There is no volume "${wanted}" in this account.`,
      next:
        volumes.length === 0
          ? 'The account has no volume at all; the first run of a project makes one.'
          : `There are: ${volumes.map((v) => `${v.name} (${v.dataCenter})`).join(', ')}.`,
    });
  }
  if (second !== undefined) {
    throw ambiguous(wanted, named);
  }
  return volume;
}

function ambiguous(name: string, volumes: readonly Volume[]): UserError {
  return new UserError('volume-ambiguous', {
    what: `${volumes.length} volumes are named "${name}".`,
    why: 'RunPod allows the same name more than once.',
    next: `Use the id of the right one: ${volumes.map((v) => `${v.id} (${v.dataCenter})`).join(', ')}.`,
  });
}

/** The pod that a side would get, or why it gets none. */
async function podOf(
  { client }: Installation,
  side: MovePod['side'],
  dataCenter: string,
  signal: AbortSignal | undefined,
): Promise<MovePod | string> {
  try {
    const [{ label, costPerHour }] = await gatewayOffers(client, dataCenter, signal);
    return { side, dataCenter, label, costPerHour };
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-gateway') {
      return error.what;
    }
    throw error;
  }
}

/** Undefined, or why S3 cannot carry the move. */
async function s3Possible({ s3 }: Installation, ...dataCenters: string[]): Promise<string | undefined> {
  for (const dataCenter of dataCenters) {
    try {
      if ((await s3AccessOf(s3, dataCenter)) === undefined) {
        return `${dataCenter} has no S3 API, or there are no S3 keys on this machine.`;
      }
    } catch (error) {
      return messageOf(error);
    }
  }
  return undefined;
}

function waysOf(sides: readonly (MovePod | string)[], s3: string | undefined, free: boolean): MovePlan['ways'] {
  const refusals = sides.filter((side) => typeof side === 'string');
  const prices = sides.flatMap((side) => (typeof side === 'string' ? [] : [pricePerHour(side.costPerHour, free)]));
  const possible = refusals.length === 0;
  const pods = possible ? `a pod on each side (${prices.join(' and ')}), ended afterwards` : refusals.join(' ');
  return [
    { way: 'pod-to-pod', possible, why: possible ? `Straight from data center to data center with ${pods}.` : pods },
    { way: 'this-machine', possible, why: possible ? `As fast as the line of this machine, with ${pods}.` : pods },
    { way: 's3', possible: s3 === undefined, why: s3 ?? 'No pod is needed; every byte passes this machine twice.' },
  ];
}

function choose(
  ways: MovePlan['ways'],
  sides: readonly (MovePod | string)[],
  wanted: MoveWay | undefined,
): { way: MoveWay; why: string } {
  const found = ways.find(({ way, possible }) => (wanted === undefined ? possible : way === wanted));
  if (found?.possible !== true) {
    throw new UserError('no-gateway', {
      what: `The volume cannot be moved${wanted === undefined ? '' : ` ${wayWords[wanted]}`} at the moment.`,
      why: [...new Set(wanted === undefined ? ways.map(({ why }) => why) : [found?.why ?? ''])].join(' '),
      next: 'Nothing was charged. Change what stands in the way, or try again in a few minutes.',
    });
  }
  if (wanted !== undefined) {
    return { way: wanted, why: `You chose it. ${found.why}` };
  }
  const last =
    found.way === 'pod-to-pod'
      ? 'When the pods cannot reach each other, the bytes go through this machine.'
      : sides.filter((side) => typeof side === 'string').join(' ');
  return { way: found.way, why: `${found.why} ${last}` };
}
