import { usable, type Advice, type AdviceRequest, type RegionRow } from '../../core/guards/advisor/index.ts';
import type { Costs } from '../../core/costs/account-costs.ts';
import type { Ledger } from '../../core/costs/ledger.ts';
import {
  ageText,
  clock,
  count,
  dollars,
  duration,
  pricePerHour,
  pricePerMonth,
  roughly,
} from '../../core/words/index.ts';
import type { Radar, RadarEndpoint, RadarPod } from '../../core/guards/radar/index.ts';
import {
  caps,
  type CostsPage,
  type MoneyTable,
  type RadarPage,
  type RegionLine,
  type RegionsPage,
} from '../../messages/overview.ts';
import { shown } from './text.ts';

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
    about: shown(wanted ? about : `${about} The best place comes first.`),
    rows: rows.slice(0, caps.rows).map((row) => regionLine(row, advice, request)),
    size: shown(sizeText),
    hasVolume: request.volume !== undefined,
    blocked: noStock && {
      title: shown(`Nothing that is wanted is free in ${noStock.dataCenter} now.`),
      ways: [noStock.nextAcceptable?.text, noStock.moveVolume?.text]
        .filter((t) => t !== undefined)
        .map((t) => shown(t)),
      wait: shown(noStock.tellWhenFree.text),
    },
  };
}

function regionLine(row: RegionRow, { recommended }: Advice, { volume }: AdviceRequest): RegionLine {
  const free = usable(row);
  const names = free.slice(0, 3).map((h) => `${h.label}${h.stock === 'UNKNOWN' ? '' : ` (${h.stock.toLowerCase()})`}`);
  const more = free.length > 3 ? `, and ${free.length - 3} more` : '';
  const home = volume?.dataCenter === row.dataCenter;
  return {
    id: shown(row.dataCenter, caps.name),
    name: shown(row.name),
    mark: home ? 'home' : row.dataCenter === recommended ? 'best' : 'none',
    volume: row.canCreateVolume
      ? row.volumeTiers.map((t) => tiers[t] ?? shown(t.toLowerCase(), 50)).join(', ')
      : 'none today',
    s3: row.s3.answer === 'unknown' ? 'not known' : row.s3.answer,
    free: names.length === 0 ? 'nothing' : shown(`${names.join(', ')}${more}`),
    price: free[0] === undefined ? '' : pricePerHour(free[0].pricePerHour),
    boot: row.bootHistory === null ? '' : `${roughly(row.bootHistory.median)} (${count(row.bootHistory.count, 'job')})`,
    reason: shown(row.reason),
    open: row.canCreateVolume,
  };
}

/** What was spent today, per job, day and project, by the meter and by the bill, and how long the balance lasts. */
export function costsText({ ledger, funds }: Costs, now = new Date()): CostsPage {
  const two = (n: number): string => String(n).padStart(2, '0');
  const key = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const today = ledger.days.find((d) => d.key === key);
  const running = ledger.jobs.filter((j) => j.running);
  const figures = [
    {
      name: 'Today',
      value: dollars(today?.dollars ?? 0),
      note: today === undefined ? 'no pod of yours ran' : count(today.jobs, 'job'),
    },
    {
      name: 'Running now',
      value: pricePerHour(running.reduce((sum, j) => sum + j.costPerHour, 0)),
      note: running.length === 0 ? 'no job runs' : running.map((j) => j.project).join(', '),
    },
    { name: 'All jobs', value: dollars(ledger.total), note: count(ledger.jobs.length, 'job') },
    ...(funds === null
      ? []
      : [
          {
            name: 'Balance',
            value: dollars(Math.round(funds.balance * 100) / 100),
            note:
              funds.hoursLeft === null
                ? 'nothing costs anything'
                : `lasts ${lastsText(funds.hoursLeft)} at ${pricePerHour(Math.round(funds.burn * 1000) / 1000)}`,
          },
        ]),
  ];
  return {
    figures: figures.map((f) => ({ name: f.name, value: f.value, note: shown(f.note) })),
    warning: funds?.warning == null ? undefined : shown(funds.warning),
    tables: [
      jobsTable(ledger),
      groupTable('Per day', 'Day', ledger.days),
      groupTable('Per project', 'Project', ledger.projects),
    ],
    notes: notesOf(ledger).map((n) => shown(n)),
  };
}

/** A balance that lasts longer than this lasts long enough, in hours. */
const longHours = 30 * 24;

function lastsText(hours: number): string {
  return hours > longHours ? 'more than a month' : roughly(hours * 3600);
}

const bases = { bill: 'bill', meter: 'meter', journal: "meter, by the pod's clock", unknown: 'not known' };

function jobsTable({ jobs }: Ledger): MoneyTable {
  return {
    title: 'Per job',
    columns: ['Job', 'Started', 'Pod', 'Pod time', 'Meter', 'Bill', 'Counts'],
    rows: jobs
      .slice(0, caps.rows)
      .map((j) => [
        shown(j.project),
        timeText(j.started),
        shown(`${j.hardware} at ${pricePerHour(j.costPerHour)}`),
        j.running ? `${duration(j.seconds)}, running` : duration(j.seconds),
        money(j.metered),
        money(j.billed),
        j.dollars === null ? bases[j.basis] : `${dollars(j.dollars)} (${bases[j.basis]})`,
      ]),
    empty: 'No job of this computer had a pod yet.',
  };
}

function groupTable(title: string, column: string, groups: Ledger['days']): MoneyTable {
  return {
    title,
    columns: [column, 'Jobs', 'Cost', 'Bill'],
    rows: groups.slice(0, caps.rows).map((g) => [shown(g.key), String(g.jobs), dollars(g.dollars), money(g.billed)]),
    empty: 'Nothing yet.',
  };
}

function money(amount: number | null): string {
  return amount === null ? 'not there' : dollars(amount);
}

function notesOf({ bill }: Ledger): string[] {
  if (bill === null) {
    return [
      'This key may not read the bill, so all numbers are by the meter: price per hour times the time of the pod.',
    ];
  }
  const since = new Date(bill.since).toLocaleDateString();
  return [
    `The meter is the price per hour times the time of the pod. The bill, read at ${clock(new Date(bill.asOf))} from ${since} on, lags behind; what is more counts until the bill is complete.`,
    `Beside these jobs the account was billed ${dollars(bill.otherPods)} for other pods${bill.storage === null ? '' : ` and ${dollars(bill.storage)} for volumes`}.`,
  ];
}

function timeText(iso: string): string {
  const time = new Date(iso);
  const today = time.toDateString() === new Date().toDateString();
  const day = time.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return today ? clock(time) : `${day} ${clock(time)}`;
}

/** Pods and endpoints that cost money and that no job is known to need. */
export interface Unowned {
  pods: RadarPod[];
  endpoints: RadarEndpoint[];
}

export function unownedOf({ pods, endpoints }: Radar): Unowned {
  return { pods: pods.filter(isUnowned), endpoints: endpoints.filter(isUnowned) };
}

function isUnowned(seen: RadarPod | RadarEndpoint): boolean {
  const { costPerHour, needed, owner, idle } = seen;
  const costs = costPerHour === null || costPerHour > 0 || ('pod' in seen && seen.diskPerMonth > 0);
  return costs && needed !== 'yes' && (owner !== 'job' || idle !== undefined);
}

/** `2 pods that no job of this computer needs cost $1.48/h: a, b.`; undefined when there is nothing. */
export function unownedText({ pods, endpoints }: Unowned): string | undefined {
  const all = [...pods, ...endpoints];
  if (all.length === 0) {
    return undefined;
  }
  const perHour = all.reduce((sum, p) => sum + (p.costPerHour ?? 0), 0);
  const perMonth = pods.reduce((sum, p) => sum + p.diskPerMonth, 0);
  const disks = perMonth > 0 ? ` and ${pricePerMonth(perMonth)} for disks` : '';
  const names = all.slice(0, 3).map((p) => ('pod' in p ? p.pod.name : p.endpoint.name));
  const more = all.length > 3 ? ` and ${all.length - 3} more` : '';
  const verb = all.length === 1 ? 'costs' : 'cost';
  const what = [
    ...(pods.length === 0 ? [] : [count(pods.length, 'pod')]),
    ...(endpoints.length === 0 ? [] : [count(endpoints.length, 'endpoint')]),
  ].join(' and ');
  return shown(
    `${what} that no job of this computer needs ${verb} ${pricePerHour(perHour)}${disks}: ${names.join(', ')}${more}.`,
  );
}

export function radarText(seen: Radar): RadarPage {
  const { pods, endpoints, volumes, totalPerHour, perMonthStorage, unpriced, notes } = seen;
  const missing = unpriced.length === 0 ? '' : `, without ${unpriced.join(', ')}, whose price is not told`;
  const total = `Pods and endpoints ${pricePerHour(totalPerHour)}, storage ${pricePerMonth(perMonthStorage)}`;
  return {
    total: shown(`${total}${missing}.`),
    unowned: unownedText(unownedOf(seen)),
    pods: pods.slice(0, caps.rows).map((p) => podLine(p, seen.at)),
    endpoints: endpoints.slice(0, caps.rows).map((e) => endpointLine(e, seen.at)),
    volumes: volumes
      .slice(0, caps.rows)
      .map(({ volume, pricePerMonth: perMonth, usedByProjects, lastUsed, attachedTo }) => ({
        name: shown(volume.name),
        facts: shown(`${volume.size} GB in ${volume.dataCenter}`),
        price: pricePerMonth(perMonth),
        used: shown(
          [
            usedByProjects.length === 0 ? 'by no job of this computer' : `by ${usedByProjects.join(', ')}`,
            ...(lastUsed === null ? [] : [`last ${timeText(lastUsed)}`]),
            ...(attachedTo.length === 0 ? [] : [`attached to ${attachedTo.join(', ')}`]),
          ].join(', '),
        ),
      })),
    notes: notes.slice(0, caps.lines).map((note) => shown(note)),
  };
}

function forText(since: string | null, at: string): string {
  return since === null ? '' : `for ${ageText(since, at)}`;
}

function podLine(seen: RadarPod, at: string): RadarPage['pods'][number] {
  const { pod, costPerHour, diskPerMonth, since, idle, action } = seen;
  const where = pod.dataCenter === null ? '' : `in ${pod.dataCenter}`;
  const disk = diskPerMonth > 0 ? ` + ${pricePerMonth(diskPerMonth)} for its disk` : '';
  return {
    id: shown(pod.id, caps.name),
    name: shown(pod.name),
    facts: shown(
      [pod.hardware, where, pod.status.toLowerCase(), forText(since, at)].filter((t) => t !== '').join(' · '),
    ),
    price: `${pricePerHour(costPerHour)}${disk}`,
    owner: shown(ownerText(seen)),
    idle: idle && shown(idle.reason),
    unowned: isUnowned(seen),
    action: action.how,
  };
}

function endpointLine(seen: RadarEndpoint, at: string): RadarPage['endpoints'][number] {
  const { endpoint, costPerHour, cost, since, idle, action } = seen;
  const { min, max } = endpoint.workers;
  const facts = ['Serverless', endpoint.hardware, `${min} to ${max} workers`, forText(since, at)];
  return {
    id: shown(endpoint.id, caps.name),
    name: shown(endpoint.name),
    facts: shown(facts.filter((t) => t !== '').join(' · ')),
    price: pricePerHour(costPerHour),
    owner: shown(ownerText(seen)),
    cost: shown(cost),
    idle: idle && shown(idle.reason),
    unowned: isUnowned(seen),
    action: action.how,
  };
}

function ownerText(seen: RadarPod | RadarEndpoint): string {
  const { owner, job, idle } = seen;
  const project = job?.project ?? ('pod' in seen ? null : seen.project);
  const name = project ?? job?.id ?? '';
  switch (owner) {
    case 'job':
      return job === undefined ? `Project ${name}` : `Job of ${name}: ${job.state ?? 'state not known'}`;
    case 'other-machine': {
      // Why it looks unused says how the job ended.
      const state = job?.state == null || idle !== undefined ? '' : `, ${job.state}`;
      return `Another computer's${name === '' ? '' : `: ${name}${state}`}`;
    }
    case 'unknown':
      return 'Not of this product';
  }
}
