import { pricePerHour, roughly } from '../../words/index.ts';
import { usable } from './hardware.ts';
import type { AdviceRequest, RegionRow } from './types.ts';

/** Why a data center has its rank, in a sentence. */
export function regionReason(
  row: Omit<RegionRow, 'rank' | 'reason'>,
  volume: AdviceRequest['volume'],
  free: boolean,
): string {
  const parts = [volumePart(row, volume), hardwarePart(row, free), s3Part(row), bootPart(row)];
  const text = parts.filter((p) => p !== '').join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function volumePart(row: Omit<RegionRow, 'rank' | 'reason'>, volume: AdviceRequest['volume']): string {
  if (volume?.dataCenter === row.dataCenter) {
    return `your volume ${volume.name} is here`;
  }
  if (!row.canCreateVolume) {
    return 'no volume can be created here today';
  }
  return row.volumeTiers.includes('STANDARD') ? '' : 'only high-performance volumes, which cost more';
}

function hardwarePart(row: Omit<RegionRow, 'rank' | 'reason'>, free: boolean): string {
  const inStock = usable(row);
  const [first] = inStock;
  if (first === undefined) {
    return row.gpus.some((h) => h.wanted) ? 'nothing that the project wants is free' : 'nothing is free';
  }
  const more = inStock.length > 1 ? ` and ${inStock.length - 1} more` : '';
  const stock = first.stock === 'UNKNOWN' ? '' : `${first.stock.toLowerCase()} stock, `;
  return `${first.label} is free (${stock}${pricePerHour(first.pricePerHour, free)})${more}`;
}

function s3Part({ s3, canCreateVolume }: Omit<RegionRow, 'rank' | 'reason'>): string {
  if (!canCreateVolume) {
    return '';
  }
  return {
    yes: 'files travel over S3 without a pod',
    no: 'no S3, so files travel over a pod',
    unknown: 'S3 did not answer when it was tried',
  }[s3.answer];
}

function bootPart({ bootHistory }: Omit<RegionRow, 'rank' | 'reason'>): string {
  if (bootHistory === null) {
    return '';
  }
  const { median, count } = bootHistory;
  return `jobs of yours began ${roughly(median)} after renting here (median of ${count})`;
}
