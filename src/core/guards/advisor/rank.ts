import type { Availability, DataCenter } from '../../runpod/schemas.ts';
import { s3Endpoint } from '../../s3/endpoints.ts';
import { hardwareIn, usable, type HardwareCatalog } from './hardware.ts';
import { waysOn } from './no-stock.ts';
import { regionReason } from './reason.ts';
import { sizeText, volumeSizeGb } from './size.ts';
import type { BootHistory } from '../../journal/boots.ts';
import type { Advice, AdviceRequest, RegionRow, S3Answer } from './types.ts';

/** Everything that advice is made from; no clock and no network. */
export interface AdviceFacts {
  dataCenters: readonly DataCenter[];
  catalog: HardwareCatalog;
  /** By data center. */
  boots: ReadonlyMap<string, BootHistory>;
  at: Date;
  /** Whether nothing that is rented there is charged. */
  free: boolean;
}

const stockWeight: Record<Availability, number> = { NONE: 0, UNKNOWN: 1, LOW: 1, MEDIUM: 2, HIGH: 3 };

/**
 * Ranks all data centers: the one of the project's volume first, for nothing else can be used with it; then whether a
 * volume can be created, whether anything wanted is free, S3, the tier, stock, price and own boot times.
 */
export function rankRegions(facts: AdviceFacts, request: AdviceRequest): Advice {
  const home = request.volume?.dataCenter;
  const rows = facts.dataCenters
    .map((center) => ({ ...rowOf(center, facts, request), rank: 0, reason: '' }))
    .sort((a, b) => compare(keysOf(a, home), keysOf(b, home)) || (a.dataCenter < b.dataCenter ? -1 : 1))
    .map((row, index): RegionRow => ({
      ...row,
      rank: index + 1,
      reason: regionReason(row, request.volume, facts.free),
    }));
  const best = rows.find((row) => row.dataCenter === home || row.canCreateVolume);
  const blocked = best !== undefined && usable(best).length === 0 ? waysOn(best, rows, request, facts.free) : undefined;
  return {
    rows,
    recommended: best?.dataCenter ?? null,
    sizeGb: volumeSizeGb(request.dataBytes),
    sizeText: sizeText(request.dataBytes, facts.free, request.volume),
    ...(blocked && { noStock: blocked }),
    free: facts.free,
    at: facts.at.toISOString(),
  };
}

function rowOf(center: DataCenter, facts: AdviceFacts, request: AdviceRequest): Omit<RegionRow, 'rank' | 'reason'> {
  return {
    dataCenter: center.id,
    name: center.name ?? center.id,
    canCreateVolume: center.networkVolumeTypes.length > 0,
    volumeTiers: center.networkVolumeTypes,
    s3: s3Of(center.id, request),
    gpus: hardwareIn(center.id, facts.catalog, request),
    bootHistory: facts.boots.get(center.id) ?? null,
  };
}

function s3Of(dataCenter: string, { s3, probed }: AdviceRequest): S3Answer {
  const seen = probed?.[dataCenter];
  if (seen !== undefined) {
    return { answer: seen, source: 'probe' };
  }
  const endpoint = s3Endpoint(dataCenter, s3);
  const source = endpoint === s3Endpoint(dataCenter) ? 'table' : 'setting';
  return { answer: endpoint === undefined ? 'no' : 'yes', source };
}

/** Numbers to compare one after the other, the smaller the better. */
function keysOf(row: RegionRow, home: string | undefined): number[] {
  const free = usable(row);
  return [
    row.dataCenter === home ? 0 : 1,
    row.canCreateVolume ? 0 : 1,
    free.length > 0 ? 0 : 1,
    { yes: 0, unknown: 1, no: 2 }[row.s3.answer],
    row.volumeTiers.includes('STANDARD') ? 0 : 1,
    -free.reduce((sum, h) => sum + stockWeight[h.stock], 0),
    Math.min(Infinity, ...free.map((h) => h.pricePerHour ?? Infinity)),
    row.bootHistory?.median ?? Infinity,
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? 0;
    if (left !== right) {
      return left < right ? -1 : 1;
    }
  }
  return 0;
}
