import { pricePerHour, duration } from '../core/format.ts';
import { podOnRadar, radar, stopPod, type Radar, type RadarPod, type RadarVolume } from '../core/radar/index.ts';
import { confirm } from './ask.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { makeOutput, onInterrupt } from './output.ts';
import { columns, printable, wrap, type Style } from './style.ts';

export interface RadarOptions extends GlobalOptions {
  json?: boolean;
  stop?: string;
  yes?: boolean;
}

/** What in the account costs money and who owns it; with `--stop` ends one pod after asking. */
export async function radarCommand(options: RadarOptions): Promise<number> {
  const installation = await makeInstallation(options);
  const output = makeOutput(options.json === true);
  const interrupt = onInterrupt();
  try {
    const seen = await radar(installation, interrupt.signal);
    if (options.stop === undefined) {
      output.result({ type: 'radar', ...seen }, radarText(seen, output.style, output.width));
      return exitCodes.succeeded;
    }
    const target = podOnRadar(seen, options.stop);
    await stopPod(installation, target, (pod) => agreed(pod, options.yes === true), interrupt.signal);
    const { id, name } = target.pod;
    const done = target.action.how === 'stop' ? 'stopped' : 'terminated';
    output.result({ type: 'result', pod: { id, name }, done }, printable(`${name} is ${done}.`));
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

async function agreed({ pod, action, costPerHour }: RadarPod, yes: boolean): Promise<boolean> {
  const verb = action.how === 'stop' ? 'Stop' : 'Terminate';
  const what = `${pod.name} (${pod.hardware}, ${pricePerHour(costPerHour)})`;
  await confirm(printable(`${action.text} ${verb} ${what}?`), yes);
  return true;
}

/** For people: pods with who owns them, what looks unused and what ending it means; volumes; what all costs. */
export function radarText(seen: Radar, style: Style, width = 100): string {
  const { pods, volumes, totalPerHour, perMonthStorage, unpriced } = seen;
  const podRows = columns([
    ['', 'pod', 'hardware', 'state', 'price', 'age', 'owner'].map(style.dim),
    ...pods.map((p) => podCells(p, seen.at, style)),
  ]);
  const [head = '', ...rows] = podRows;
  const lines =
    pods.length === 0
      ? ['No pod runs.']
      : [head, ...pods.flatMap((p, i) => [rows[i] ?? '', ...notes(p, style, width)])];
  const volumeRows = columns([
    ['', 'volume', 'where', 'size', 'price', 'used by'].map(style.dim),
    ...volumes.map(volumeCells),
  ]);
  const total = `Pods ${pricePerHour(totalPerHour)}, storage $${perMonthStorage.toFixed(2)} a month`;
  const missing = unpriced.length === 0 ? '' : `, without ${unpriced.join(', ')}, whose price is not told`;
  return [
    ...lines,
    '',
    ...(volumes.length === 0 ? ['No volume is there.'] : volumeRows),
    '',
    ...wrap(printable(`${total}${missing}.`), width),
  ].join('\n');
}

function podCells({ pod, owner, job, costPerHour, since, idle }: RadarPod, at: string, style: Style): string[] {
  const age = since === null ? '' : duration(Math.max(0, Date.parse(at) - Date.parse(since)) / 1000);
  return [
    idle === undefined ? ' ' : style.yellow('!'),
    printable(pod.name),
    printable(pod.hardware),
    pod.status.toLowerCase(),
    pricePerHour(costPerHour),
    age,
    printable(ownerText(owner, job)),
  ];
}

function ownerText(owner: RadarPod['owner'], job: RadarPod['job']): string {
  if (owner === 'unknown') {
    return 'not of this product';
  }
  if (owner === 'job') {
    return `job ${job?.id ?? '?'}, ${job?.state ?? '?'}`;
  }
  return `another computer${job === undefined ? '' : `: job ${job.id}`}`;
}

/** Below a pod that looks unused, and below one that nobody here owns: why, and what to do. */
function notes({ pod, owner, idle, action }: RadarPod, style: Style, width: number): string[] {
  if (idle === undefined && owner === 'job') {
    return [];
  }
  const how = action.how === 'cancel' ? '' : ` To end it: runpod-trainer radar --stop ${pod.id}`;
  const text = printable(`${idle === undefined ? '' : `${idle.reason} `}${how.trim()}`);
  return wrap(text, width - 4).map((line) => `    ${style.dim(line)}`);
}

function volumeCells({ volume, pricePerMonth, usedByProjects, lastUsed, attachedTo }: RadarVolume): string[] {
  const price = pricePerMonth === null ? 'price unknown' : `$${pricePerMonth.toFixed(2)}/month`;
  const used = usedByProjects.length === 0 ? 'no job of this computer' : usedByProjects.join(', ');
  const when = lastUsed === null ? '' : `, last ${lastUsed.slice(0, 10)}`;
  const pods = attachedTo.length === 0 ? '' : `, on ${attachedTo.join(', ')}`;
  return [' ', volume.name, volume.dataCenter, `${volume.size} GB`, price, `${used}${when}${pods}`].map(printable);
}
