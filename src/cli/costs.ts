import { accountCosts, type Costs, type Funds } from '../core/costs/account-costs.ts';
import type { CostGroup, JobCost, Ledger } from '../core/costs/ledger.ts';
import { UserError } from '../core/errors.ts';
import {
  askerText,
  clock,
  cost,
  count,
  dollars,
  duration,
  helperCostLines,
  priced,
  pricePerHour,
  roughly,
  spentText,
} from '../core/words/index.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { printable, table, wrap, type Style } from './style.ts';

export interface CostsOptions extends GlobalOptions {
  by?: string;
  days?: string;
  json?: boolean;
}

const groupings = ['day', 'project', 'job'] as const;
type Grouping = (typeof groupings)[number];

/** What jobs have cost, by day, project or job, with the balance and how long it lasts. */
export async function costsCommand(options: CostsOptions): Promise<number> {
  const by = groupings.find((name) => name === (options.by ?? 'day'));
  const days = Number(options.days ?? 30);
  if (by === undefined || !Number.isInteger(days) || days < 1 || days > 366) {
    throw new UserError('costs-options', {
      what:
        by === undefined
          ? `Costs cannot be shown by "${options.by ?? ''}".`
          : 'The days must be a number from 1 to 366.',
      next: `Use --by ${groupings.join(', --by ')}, and --days for how far back the bill is read.`,
    });
  }
  const installation = await makeInstallation(options);
  const output = makeOutput(options);
  const interrupt = onInterrupt();
  try {
    const costs = await accountCosts(installation, { days, signal: interrupt.signal });
    output.result({ type: 'costs', by, ...costs }, costsText(costs, by, output.style, output.width));
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

/** For people: the table, what the bill covers, the balance. */
export function costsText({ ledger, funds, free }: Costs, by: Grouping, style: Style, width?: number): string {
  const { jobs, days, projects, helpers, others, total, mostTotal, bill } = ledger;
  const rows = by === 'job' ? jobRows(jobs, free) : groupRows(by, by === 'day' ? days : projects, free);
  const asOf = bill === null ? '' : `Billed so far, as of ${clock(new Date(bill.asOf))}; the bill lags behind.`;
  const notes = [
    bill === null
      ? 'The bill cannot be read with this key, so these are the numbers of our own meter: price times time.'
      : `${asOf} What counts is our own meter, price times time, and a day after the end of a pod the bill.`,
    ...helperCostLines(helpers, free),
    ...othersLines(others, free),
    ...(bill?.storage == null || bill.storage === 0 ? [] : [`Volumes: ${cost(bill.storage, free)} billed.`]),
    ...(jobs.some((j) => j.basis === 'unseen')
      ? ['"At most": nobody saw the end of a pod, and the bill does not tell it yet.']
      : []),
    ...(jobs.some((j) => j.dollars === null)
      ? ['"?": the clock of this computer was wrong, and the bill has nothing of it yet.']
      : []),
  ];
  return [
    ...(rows.length === 1
      ? ['No job of this computer has had a pod yet.']
      : [
          ...table([(rows[0] ?? []).map(style.dim), ...rows.slice(1)], width),
          '',
          `Total  ${spentCell(total, mostTotal, free)}`,
        ]),
    '',
    ...notes.flatMap((note) => wrap(printable(note), width ?? 100)),
    ...fundsLines(funds, style, width ?? 100, free),
  ].join('\n');
}

function jobRows(jobs: readonly JobCost[], free: boolean): string[][] {
  return [
    ['job', 'hardware', 'price', 'pod time', 'cost', 'billed', 'asked by'],
    ...jobs.map((j) => [
      printable(j.job),
      printable(j.hardware),
      pricePerHour(j.costPerHour, free),
      `${j.basis === 'unknown' ? '?' : duration(j.seconds)}${j.running ? ' so far' : ''}`,
      j.dollars === null ? '?' : spentCell(j.dollars, j.mostDollars, free),
      amount(j.billed, free),
      printable(askerText(j.askedBy)),
    ]),
  ];
}

function groupRows(by: 'day' | 'project', groups: readonly CostGroup[], free: boolean): string[][] {
  return [
    [by, 'jobs', 'cost', 'billed'],
    ...groups.map((g) => [
      g.key === '' ? 'of no project' : printable(g.key),
      String(g.jobs),
      spentCell(g.dollars, g.mostDollars, free),
      amount(g.billed, free),
    ]),
  ];
}

/** What is in the sums beside jobs and helpers of this computer. */
export function othersLines({ pods, dollars: spent, mostDollars }: Ledger['others'], free: boolean): string[] {
  return pods === 0
    ? []
    : [`Pods that nothing of this computer had: ${spentCell(spent, mostDollars, free)} (${count(pods, 'pod')}).`];
}

/** Where nobody saw an end it lies between two amounts. */
function spentCell(least: number, most: number | null, free: boolean): string {
  return priced(spentText(least, most ?? least), free);
}

function amount(value: number | null, free: boolean): string {
  return value === null ? '' : cost(value, free);
}

function fundsLines(funds: Funds | null, style: Style, width: number, free: boolean): string[] {
  if (funds === null) {
    return [];
  }
  const { balance, burn, hoursLeft, warning } = funds;
  const long = hoursLeft !== null && hoursLeft > 90 * 24 ? 'more than three months' : roughly((hoursLeft ?? 0) * 3600);
  const lasts =
    hoursLeft === null ? 'nothing costs anything now' : `${pricePerHour(burn, free)} now, so it lasts ${long}`;
  return [
    '',
    `Balance  ${dollars(Math.max(0, balance))}; ${lasts}`,
    ...(warning === null ? [] : wrap(`! ${warning}`, width).map(style.yellow)),
  ];
}
