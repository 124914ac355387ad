import { ageText, helperText, priced, pricePerHour, pricePerMonth } from '../core/words/index.ts';
import {
  onRadar,
  radar,
  stopEndpoint,
  stopPod,
  type Radar,
  type RadarEndpoint,
  type RadarPod,
  type RadarVolume,
} from '../core/guards/radar/index.ts';
import { confirm } from './ask.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { columns, printable, table, wrap, type Style } from './style.ts';

export interface RadarOptions extends GlobalOptions {
  json?: boolean;
  stop?: string;
  yes?: boolean;
}

/** What in the account costs money and who owns it; with `--stop` ends one pod or endpoint after asking. */
export async function radarCommand(options: RadarOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  try {
    const seen = await radar(installation, interrupt.signal);
    if (options.stop === undefined) {
      output.result({ type: 'radar', ...seen }, radarText(seen, output.style, output.width));
      return exitCodes.succeeded;
    }
    const target = onRadar(seen, options.stop);
    const yes = options.yes === true;
    if ('pod' in target) {
      await stopPod(installation, target, (pod) => agreedOnPod(pod, yes, seen.free), interrupt.signal);
      const { id, name } = target.pod;
      const done = target.action.how === 'stop' ? 'stopped' : 'terminated';
      output.result({ type: 'result', pod: { id, name }, done }, printable(`${name} is ${done}.`));
    } else {
      await stopEndpoint(installation, target, (endpoint) => agreedOnEndpoint(endpoint, yes), interrupt.signal);
      const { id, name } = target.endpoint;
      const done = target.action.how === 'scale' ? 'scaled to zero' : 'deleted';
      output.result({ type: 'result', endpoint: { id, name }, done }, printable(`${name} is ${done}.`));
    }
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

async function agreedOnPod({ pod, action, costPerHour }: RadarPod, yes: boolean, free: boolean): Promise<boolean> {
  const verb = action.how === 'stop' ? 'Stop' : 'Terminate';
  const what = `${pod.name} (${pod.hardware}, ${pricePerHour(costPerHour, free)})`;
  await confirm(printable(`${action.text} ${verb} ${what}?`), yes);
  return true;
}

async function agreedOnEndpoint({ endpoint, action, cost }: RadarEndpoint, yes: boolean): Promise<boolean> {
  const doing = action.how === 'scale' ? `Scale ${endpoint.name} to zero` : `Delete ${endpoint.name}`;
  await confirm(printable(`${cost} ${action.text} ${doing}?`), yes);
  return true;
}

/** For people: pods and endpoints with who owns them, what looks unused and what ending it means; volumes; the cost. */
export function radarText(seen: Radar, style: Style, terminal?: number): string {
  const width = terminal ?? 100;
  const { pods, endpoints, volumes, totalPerHour, perMonthStorage, unpriced, free } = seen;
  const podTitles = ['', 'pod', 'hardware', 'state', 'price', 'age', 'owner'];
  const endpointTitles = ['', 'endpoint', 'hardware', 'workers', 'price', 'age', 'owner'];
  const volumeRows = table(
    [
      ['', 'volume', 'where', 'size', 'price', 'used by'].map(style.dim),
      ...volumes.map((volume) => volumeCells(volume, free)),
    ],
    terminal,
  );
  const prices = `pods and endpoints ${pricePerHour(totalPerHour, false)}, storage ${pricePerMonth(perMonthStorage, false)}`;
  const total = `In all: ${priced(prices, free)}`;
  const missing = unpriced.length === 0 ? '' : `, without ${unpriced.join(', ')}, whose price is not told`;
  return [
    ...(pods.length === 0
      ? ['No pod runs.']
      : withNotes(
          [podTitles.map(style.dim), ...pods.map((p) => podCells(p, seen, style))],
          pods.map((p) => notes(p, style, width)),
        )),
    '',
    ...(endpoints.length === 0
      ? []
      : [
          ...withNotes(
            [endpointTitles.map(style.dim), ...endpoints.map((e) => endpointCells(e, seen, style))],
            endpoints.map((e) => endpointNotes(e, style, width)),
          ),
          '',
        ]),
    ...(volumes.length === 0 ? ['No volume is there.'] : volumeRows),
    '',
    ...wrap(printable(`${total}${missing}.`), width),
    ...seen.notes.flatMap((note) => wrap(printable(note), width)),
  ].join('\n');
}

/** A table with lines below each of its rows but the first. */
function withNotes(table: string[][], below: string[][]): string[] {
  const [head = '', ...rows] = columns(table);
  return [head, ...rows.flatMap((row, i) => [row, ...(below[i] ?? [])])];
}

function podCells(
  { pod, owner, job, helper, costPerHour, since, idle }: RadarPod,
  { at, free }: Radar,
  style: Style,
): string[] {
  return [
    idle === undefined ? ' ' : style.yellow('!'),
    printable(pod.name),
    printable(pod.hardware),
    pod.status.toLowerCase(),
    pricePerHour(costPerHour, free),
    ageText(since, at),
    printable(helper === undefined ? ownerText(owner, job) : helperOwner(owner, helper)),
  ];
}

function endpointCells(seen: RadarEndpoint, { at, free }: Radar, style: Style): string[] {
  const { endpoint, owner, job, project, costPerHour, since, idle } = seen;
  const { min, max } = endpoint.workers;
  const named = job === undefined && project !== null ? `: project ${project}` : '';
  const ours = owner === 'job' && job === undefined ? 'this computer' : ownerText(owner, job);
  return [
    idle === undefined ? ' ' : style.yellow('!'),
    printable(endpoint.name),
    printable(endpoint.hardware),
    `${min} to ${max}`,
    pricePerHour(costPerHour, free),
    ageText(since, at),
    printable(`${ours}${named}`),
  ];
}

function helperOwner(owner: RadarPod['owner'], helper: NonNullable<RadarPod['helper']>): string {
  return `${owner === 'other-machine' ? 'another' : 'this'} computer: ${helperText(helper)}`;
}

function ownerText(owner: RadarPod['owner'], job: RadarPod['job']): string {
  if (owner === 'unknown') {
    return 'not of this product';
  }
  if (owner === 'job') {
    return `job ${job?.id ?? '?'}, ${job?.state ?? '?'}`;
  }
  const state = job?.state == null ? '' : `, ${job.state}`;
  return `another computer${job === undefined ? '' : `: job ${job.id}${state}`}`;
}

/** Below a pod that looks unused, and below one that nobody here owns: why, and what to do. */
function notes({ pod, owner, needed, idle, action }: RadarPod, style: Style, width: number): string[] {
  if (idle === undefined && (owner === 'job' || owner === 'helper' || needed === 'yes')) {
    return [];
  }
  const how =
    action.how === 'none'
      ? action.text
      : action.how === 'cancel'
        ? ''
        : `To end it: runpod-trainer radar --stop ${pod.id}`;
  return indented(`${idle === undefined ? '' : `${idle.reason} `}${how}`, style, width);
}

/** Below each endpoint: what it costs while nothing runs, why nobody needs it, and what to do. */
function endpointNotes({ endpoint, cost, idle, action }: RadarEndpoint, style: Style, width: number): string[] {
  const doing = action.how === 'delete' ? 'To delete it' : 'To scale it to zero';
  const how = action.how === 'none' ? '' : `${doing}: runpod-trainer radar --stop ${endpoint.id}`;
  return indented([cost, idle?.reason, how].filter(Boolean).join(' '), style, width);
}

function indented(text: string, style: Style, width: number): string[] {
  return wrap(printable(text), width - 4).map((line) => `    ${style.dim(line)}`);
}

function volumeCells(
  { volume, pricePerMonth: perMonth, usedByProjects, lastUsed, attachedTo }: RadarVolume,
  free: boolean,
): string[] {
  const price = pricePerMonth(perMonth, free);
  const used = usedByProjects.length === 0 ? 'no job of this computer' : usedByProjects.join(', ');
  const when = lastUsed === null ? '' : `, last ${lastUsed.slice(0, 10)}`;
  const pods = attachedTo.length === 0 ? '' : `, on ${attachedTo.join(', ')}`;
  return [' ', volume.name, volume.dataCenter, `${volume.size} GB`, price, `${used}${when}${pods}`].map(printable);
}
