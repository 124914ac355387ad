import { pricePerHour } from '../../words/index.ts';
import { byPrice, usable } from './hardware.ts';
import type { AdviceRequest, NoStock, RegionRow } from './types.ts';

/** The ways on when nothing wanted is free in the data center of `row`: another GPU, patience, or another place. */
export function waysOn(row: RegionRow, rows: readonly RegionRow[], request: AdviceRequest, free: boolean): NoStock {
  const { dataCenter } = row;
  const wanted = row.gpus.filter((h) => h.wanted);
  const names = wanted.length === 0 ? 'a GPU' : wanted.map((h) => h.label).join(', ');
  return {
    dataCenter,
    nextAcceptable: nextAcceptable(row, free),
    tellWhenFree: {
      dataCenter,
      gpus: wanted.filter((h) => h.kind === 'gpu').map((h) => h.id),
      gpuCount: request.gpuCount ?? 1,
      minCuda: request.minCuda ?? null,
      cpu: request.cpu ?? null,
      text: `Tell me when ${names} is free in ${dataCenter}.`,
    },
    moveVolume: elsewhere(row, rows, request, free),
  };
}

function nextAcceptable({ dataCenter, gpus }: RegionRow, free: boolean): NoStock['nextAcceptable'] {
  const sizes = gpus.filter((h) => h.wanted && h.memoryGb !== null).map((h) => h.memoryGb ?? 0);
  const least = Math.min(...sizes);
  const next = gpus
    .filter((h) => h.kind === 'gpu' && h.stock !== 'NONE' && (sizes.length === 0 || (h.memoryGb ?? 0) >= least))
    .sort(byPrice)[0];
  if (next === undefined) {
    return null;
  }
  const memory = next.memoryGb === null ? '' : ` with ${next.memoryGb} GB`;
  return {
    ...next,
    text: `Add ${next.label}${memory}: it is in stock in ${dataCenter} (${pricePerHour(next.pricePerHour, free)}).`,
  };
}

function elsewhere(
  row: RegionRow,
  rows: readonly RegionRow[],
  { volume }: AdviceRequest,
  free: boolean,
): NoStock['moveVolume'] {
  const target = rows.find((r) => r.dataCenter !== row.dataCenter && r.canCreateVolume && usable(r).length > 0);
  const [there] = target === undefined ? [] : usable(target);
  if (target === undefined || there === undefined) {
    return null;
  }
  const to = target.dataCenter;
  const what = volume === undefined ? `Create the volume in ${to}` : `Move the volume ${volume.name} to ${to}`;
  return { to, text: `${what}: ${there.label} is in stock there (${pricePerHour(there.pricePerHour, free)}).` };
}
