import { usable, type Advice, type AdviceRequest, type RegionRow } from '../../core/guards/advisor/index.ts';
import { count, pricePerHour, roughly } from '../../core/words/index.ts';
import { caps, type RegionLine, type RegionsPage } from '../../messages/overview.ts';
import { plainText } from '../common/text.ts';

const tiers: Record<string, string> = { STANDARD: 'standard', HIGH_PERFORMANCE: 'fast' };

/** The advisor's table, the size for a new volume, and the ways on when nothing wanted is free. */
export function regionsText(advice: Advice, request: AdviceRequest, project: string | undefined): RegionsPage {
  const { rows, noStock, sizeText } = advice;
  const wanted = (request.gpus ?? []).length > 0 || request.cpu !== undefined;
  const about =
    project === undefined
      ? 'Without a project file: all GPUs count.'
      : `For ${project}: ${request.volume === undefined ? 'it has no volume yet' : `its volume ${request.volume.name} is in ${request.volume.dataCenter}, and a pod can only be where its volume is`}.`;
  return {
    about: plainText(wanted ? about : `${about} The best place comes first.`),
    rows: rows.slice(0, caps.rows).map((row) => regionLine(row, advice, request)),
    size: plainText(sizeText),
    hasVolume: request.volume !== undefined,
    blocked: noStock && {
      title: plainText(`Nothing that is wanted is free in ${noStock.dataCenter} now.`),
      ways: [noStock.nextAcceptable?.text, noStock.moveVolume?.text]
        .filter((t) => t !== undefined)
        .map((t) => plainText(t)),
      wait: plainText(noStock.tellWhenFree.text),
    },
  };
}

function regionLine(row: RegionRow, { recommended, free: uncharged }: Advice, { volume }: AdviceRequest): RegionLine {
  const free = usable(row);
  const names = free.slice(0, 3).map((h) => `${h.label}${h.stock === 'UNKNOWN' ? '' : ` (${h.stock.toLowerCase()})`}`);
  const more = free.length > 3 ? `, and ${free.length - 3} more` : '';
  const home = volume?.dataCenter === row.dataCenter;
  return {
    id: plainText(row.dataCenter, caps.name),
    name: plainText(row.name),
    mark: home ? 'home' : row.dataCenter === recommended ? 'best' : 'none',
    volume: row.canCreateVolume
      ? row.volumeTiers.map((t) => tiers[t] ?? plainText(t.toLowerCase(), 50)).join(', ')
      : 'none today',
    s3: row.s3.answer === 'unknown' ? 'not known' : row.s3.answer,
    free: names.length === 0 ? 'nothing' : plainText(`${names.join(', ')}${more}`),
    price: free[0] === undefined ? '' : pricePerHour(free[0].pricePerHour, uncharged),
    boot: row.bootHistory === null ? '' : `${roughly(row.bootHistory.median)} (${count(row.bootHistory.count, 'job')})`,
    reason: plainText(row.reason),
    open: row.canCreateVolume,
  };
}
