import type { Costs } from '../../core/costs/account-costs.ts';
import type { Ledger } from '../../core/costs/ledger.ts';
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
} from '../../core/words/index.ts';
import { caps, type CostsPage, type MoneyTable } from '../../messages/overview.ts';
import { plainText, timeText } from '../common/text.ts';

/** What was spent today, per job, day and project, by the meter and by the bill, and how long the balance lasts. */
export function costsText({ ledger, funds, free }: Costs): CostsPage {
  const { today } = ledger;
  const running = ledger.jobs.filter((j) => j.running);
  const figures = [
    {
      name: 'Today',
      value: spentCell(today, free),
      note: today.jobs === 0 && today.mostDollars === 0 ? 'no pod ran' : count(today.jobs, 'job'),
    },
    {
      name: 'Running now',
      value: pricePerHour(
        running.reduce((sum, j) => sum + j.costPerHour, 0),
        free,
      ),
      note: running.length === 0 ? 'no job runs' : running.map((j) => j.project).join(', '),
    },
    {
      name: 'In all',
      value: spentCell({ dollars: ledger.total, mostDollars: ledger.mostTotal }, free),
      note: count(ledger.jobs.length, 'job'),
    },
    ...(funds === null
      ? []
      : [
          {
            name: 'Balance',
            value: dollars(Math.round(funds.balance * 100) / 100),
            note:
              funds.hoursLeft === null
                ? 'nothing costs anything'
                : `lasts ${lastsText(funds.hoursLeft)} (${pricePerHour(Math.round(funds.burn * 1000) / 1000, free)})`,
          },
        ]),
  ];
  return {
    figures: figures.map((f) => ({ name: f.name, value: f.value, note: plainText(f.note) })),
    warning: funds?.warning == null ? undefined : plainText(funds.warning),
    tables: [
      jobsTable(ledger, free),
      groupTable('Per day', 'Day', ledger.days, free),
      groupTable('Per project', 'Project', ledger.projects, free),
    ],
    notes: notesOf(ledger, free).map((n) => plainText(n)),
  };
}

/** A balance that lasts longer than this lasts long enough, in hours. */
const longHours = 30 * 24;

function lastsText(hours: number): string {
  return hours > longHours ? 'more than a month' : roughly(hours * 3600);
}

const bases = {
  bill: 'bill',
  meter: 'meter',
  journal: "meter, by the pod's clock",
  unseen: 'nobody saw its end',
  unknown: 'not known',
};

function jobsTable({ jobs }: Ledger, free: boolean): MoneyTable {
  return {
    title: 'Per job',
    columns: ['Job', 'Started', 'Pod', 'Pod time', 'Meter', 'Bill', 'Counts', 'Asked by'],
    rows: jobs
      .slice(0, caps.rows)
      .map((j) => [
        plainText(j.project),
        timeText(j.started),
        plainText(`${j.hardware} (${pricePerHour(j.costPerHour, free)})`),
        j.running ? `${duration(j.seconds)}, running` : duration(j.seconds),
        money(j.metered, free),
        money(j.billed, free),
        j.dollars === null
          ? bases[j.basis]
          : `${spentCell({ dollars: j.dollars, mostDollars: j.mostDollars ?? j.dollars }, free)} (${bases[j.basis]})`,
        plainText(askerText(j.askedBy)),
      ]),
    empty: 'No job of this computer had a pod yet.',
  };
}

function groupTable(title: string, column: string, groups: Ledger['days'], free: boolean): MoneyTable {
  return {
    title,
    columns: [column, 'Jobs', 'Cost', 'Bill'],
    rows: groups
      .slice(0, caps.rows)
      .map((g) => [
        g.key === '' ? 'of no project' : plainText(g.key),
        String(g.jobs),
        spentCell(g, free),
        money(g.billed, free),
      ]),
    empty: 'Nothing yet.',
  };
}

/** Where nobody saw an end it lies between two amounts. */
function spentCell({ dollars: least, mostDollars }: { dollars: number; mostDollars: number }, free: boolean): string {
  return priced(spentText(least, mostDollars), free);
}

function money(amount: number | null, free: boolean): string {
  return amount === null ? 'not there' : cost(amount, free);
}

function notesOf({ bill, helpers, others }: Ledger, free: boolean): string[] {
  const beside = [
    ...helperCostLines(helpers, free),
    ...(others.pods === 0
      ? []
      : [`Pods that nothing of this computer had: ${spentCell(others, free)} (${count(others.pods, 'pod')}).`]),
  ];
  if (bill === null) {
    return [
      'This key may not read the bill, so all numbers are by the meter: price per hour times the time of the pod.',
      ...beside,
    ];
  }
  const since = new Date(bill.since).toLocaleDateString();
  return [
    `The meter is the price per hour times the time of the pod. The bill, read at ${clock(new Date(bill.asOf))} from ${since} on, lags behind; it counts a day after the end of a pod, and where nobody saw that end.`,
    ...beside,
    ...(bill.storage === null ? [] : [`Volumes: ${cost(bill.storage, free)} billed.`]),
  ];
}
