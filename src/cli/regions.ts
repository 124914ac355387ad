import { readdir } from 'node:fs/promises';
import {
  advise,
  adviceRequest,
  usable,
  waitForStock,
  type Advice,
  type RegionRow,
} from '../core/guards/advisor/index.ts';
import type { AdviceRequest } from '../core/guards/advisor/index.ts';
import { UserError } from '../core/errors.ts';
import { duration, pricePerHour } from '../core/words/index.ts';
import type { Installation } from '../core/home/installation.ts';
import { loadProject } from '../core/project/load.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput, type Output } from './output.ts';
import { printable, table, wrap, type Style } from './style.ts';

export interface RegionsOptions extends GlobalOptions {
  json?: boolean;
  all?: boolean;
  wait?: boolean;
}

/** The data centers for a project, or for any when there is no project file, the best first. */
export async function regionsCommand(file: string | undefined, options: RegionsOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const output = makeOutput(options);
  const interrupt = onInterrupt();
  try {
    const request = await requestOf(installation, file, interrupt.signal);
    const advice = await advise(installation, request, interrupt.signal);
    output.result({ type: 'regions', ...advice }, regionsText(advice, output, options.all === true));
    if (options.wait === true) {
      await waitAndTell(installation, advice, request, output, interrupt.signal);
    }
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

async function requestOf(
  installation: Installation,
  file: string | undefined,
  signal: AbortSignal,
): Promise<AdviceRequest> {
  const found = file ?? (await onlyProject());
  return found === undefined ? { dataBytes: 0 } : adviceRequest(installation, await loadProject(found), signal);
}

/** The project file of this folder when there is exactly one. */
async function onlyProject(): Promise<string | undefined> {
  const names = (await readdir('.')).filter((n) => n.endsWith('.runpod.json'));
  return names.length === 1 ? names[0] : undefined;
}

function regionsText(advice: Advice, { style, width: terminal }: Output, all: boolean): string {
  const width = terminal ?? 100;
  const shown = all ? advice.rows : advice.rows.filter((row) => row.canCreateVolume || row.rank === 1);
  const hidden = advice.rows.length - shown.length;
  const rows = table(
    [
      ['', 'data center', 'volume', 'S3', 'free now', 'price', 'boot'].map(style.dim),
      ...shown.map((row) => cells(row, advice, style)),
    ],
    terminal,
  );
  const [best] = advice.rows;
  const { recommended, noStock, sizeText } = advice;
  const why = best === undefined ? '' : printable(best.reason);
  const lines = [
    ...rows,
    ...(hidden > 0 ? [style.dim(`  and ${hidden} where no volume can be created today; --all shows them`)] : []),
    '',
    ...(recommended === null
      ? [style.yellow('No volume can be created anywhere today.')]
      : wrap(`${recommended}: ${why}`, width)),
    ...wrap(sizeText, width),
  ];
  if (noStock !== undefined) {
    const ways = [noStock.nextAcceptable?.text, noStock.moveVolume?.text, `${noStock.tellWhenFree.text} (--wait)`];
    const told = ways.filter((text) => text !== undefined).map((text) => `  - ${printable(text)}`);
    lines.push('', style.yellow(`Nothing wanted is free in ${noStock.dataCenter}:`), ...told);
  }
  return lines.join('\n');
}

const tiers: Record<string, string> = { STANDARD: 'standard', HIGH_PERFORMANCE: 'fast' };

function cells(row: RegionRow, { recommended, free: uncharged }: Advice, style: Style): string[] {
  const free = usable(row);
  const names = free.slice(0, 3).map((h) => `${h.label}${h.stock === 'UNKNOWN' ? '' : ` ${h.stock.toLowerCase()}`}`);
  const more = free.length > 3 ? `, +${free.length - 3}` : '';
  return [
    row.dataCenter === recommended ? style.green('→') : ' ',
    row.dataCenter,
    row.canCreateVolume ? row.volumeTiers.map((t) => tiers[t] ?? t.toLowerCase()).join(', ') : '-',
    row.s3.answer,
    names.length === 0 ? '-' : `${names.join(', ')}${more}`,
    free[0] === undefined ? '' : pricePerHour(free[0].pricePerHour, uncharged),
    row.bootHistory === null ? '' : `${duration(row.bootHistory.median)} (${row.bootHistory.count})`,
  ].map((cell, i) => (i === 0 ? cell : printable(cell)));
}

async function waitAndTell(
  installation: Installation,
  { recommended, noStock, free: uncharged }: Advice,
  request: AdviceRequest,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  if (recommended === null) {
    throw new UserError('no-region', {
      what: 'There is no data center to wait for.',
      why: 'No volume can be created anywhere today.',
      next: 'Try again later, or name a project whose volume exists.',
    });
  }
  const { gpus = [], gpuCount = 1, minCuda = null, cpu = null } = request;
  const wish = noStock?.tellWhenFree ?? { dataCenter: recommended, gpus: [...gpus], gpuCount, minCuda, cpu };
  if (noStock !== undefined) {
    output.note(`\nLooking once a minute until one is free; Ctrl-C ends it.`);
  }
  const free = await waitForStock(installation.client, wish, {
    signal,
    onLook: ({ failure }) => {
      if (failure !== undefined) {
        output.note(`The last look failed, the next follows: ${printable(failure)}`);
      }
    },
  });
  output.result(
    { type: 'free', dataCenter: wish.dataCenter, ...free },
    printable(`${free.label} is in stock in ${wish.dataCenter} (${pricePerHour(free.pricePerHour, uncharged)}).`),
  );
}
