import { UserError } from '../core/errors.ts';
import {
  byteText,
  count,
  dollars,
  duration,
  priced,
  pricePerHour,
  pricePerMonth,
  roughly,
} from '../core/words/index.ts';
import {
  moveWays,
  planMove,
  runMove,
  type MovePlan,
  type MoveResult,
  type MoveWay,
} from '../core/volumes/move/move.ts';
import { confirm } from './ask.ts';
import { makeInstallation, type GlobalOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { printable } from './style.ts';

export interface MoveCommandOptions extends GlobalOptions {
  to: string;
  size?: string;
  way?: string;
  replace?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
}

const leftShown = 10;

/** Moves what lies on a volume to another data center, or to another volume; says first how and at which price. */
export async function moveCommand(volume: string, options: MoveCommandOptions): Promise<number> {
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  const { signal } = interrupt;
  try {
    const installation = await makeInstallation(options);
    const request = { volume, to: options.to, size: sizeOf(options.size), way: wayOf(options.way), signal };
    const plan = await planMove(installation, request);
    output.result({ type: 'move-plan', plan }, printableLines(planLines(plan)));
    if (options.dryRun === true) {
      return exitCodes.succeeded;
    }
    const result = await runMove(installation, plan, {
      confirm: async () => {
        await confirm(questionOf(plan), options.yes === true);
        return true;
      },
      replace: options.replace,
      onEvent: output.onEvent,
      signal,
    });
    if (result === undefined) {
      return exitCodes.cancelled;
    }
    output.result({ type: 'moved', ...result }, printableLines(resultLines(plan, result)));
    return result.left.length === 0 ? exitCodes.succeeded : exitCodes.failed;
  } finally {
    interrupt.stop();
  }
}

function planLines({
  source,
  target,
  way,
  why,
  ways,
  pods,
  size,
  time,
  storagePerMonth,
  notes,
  free,
}: MovePlan): string[] {
  const seen =
    size === null
      ? 'unknown: no pod runs with it, and RunPod does not tell what is used'
      : `${byteText(size.bytes)}, as seen ${ageOf(size.at)}`;
  const price = pricePerMonth(storagePerMonth, free);
  const others = ways.filter((other) => other.way !== way);
  return [
    `From      ${source.name} (${source.id}) in ${source.dataCenter}, ${source.sizeGb} GB`,
    `To        ${target.id === null ? 'a new volume' : `the volume`} ${target.name}${target.id === null ? '' : ` (${target.id})`} in ${target.dataCenter}, ${target.sizeGb} GB, ${price}`,
    `Size      ${seen}`,
    ...(time === null ? [] : [`Time      ${roughly(time.lowSeconds)} to ${roughly(time.highSeconds)}. ${time.basis}`]),
    `Way       ${way}: ${why}`,
    ...others.map((other) => `          or ${other.way}${other.possible ? '' : ' (not now)'}: ${other.why}`),
    ...pods.map(
      (pod) => `Pod       ${pod.side}: ${pod.label} in ${pod.dataCenter}, ${pricePerHour(pod.costPerHour, free)}`,
    ),
    ...notes.map((note) => `Note      ${note}`),
  ];
}

function resultLines(
  { source, free }: MovePlan,
  { way, target, files, bytes, verified, sent, left, ...rest }: MoveResult,
): string[] {
  const checked = verified === 'sha256' ? 'both volumes compared by sha256' : 'sizes compared';
  return [
    `Moved     ${count(files, 'file')} (${byteText(bytes)}) from ${source.name} to ${target.name} in ${target.dataCenter}, ${checked}.`,
    `Sent      ${count(sent.files, 'content')} (${byteText(sent.bytes)}) by ${way} in ${duration(rest.seconds)}, ${priced(`${dollars(rest.cost)} for pods`, free)}.`,
    ...left.slice(0, leftShown).map(({ path, why }) => `Left      ${path}: ${why}`),
    ...(left.length > leftShown ? [`Left      … and ${left.length - leftShown} more.`] : []),
    ...rest.next.map((step) => `Next      ${step}`),
  ];
}

function questionOf({ pods, target, storagePerMonth, free }: MovePlan): string {
  const rented = pods.map((pod) => `a ${pod.label} in ${pod.dataCenter} (${pricePerHour(pod.costPerHour, free)})`);
  const parts = [
    ...(target.id === null
      ? [`create ${target.name} in ${target.dataCenter} (${pricePerMonth(storagePerMonth, free)})`]
      : []),
    ...(rented.length === 0 ? [] : [`rent ${rented.join(' and ')} for the time of the move`]),
    'copy',
  ];
  const text = parts.join(', ');
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}?`;
}

/** What comes from a volume may have any characters. */
function printableLines(lines: string[]): string {
  return lines.map(printable).join('\n');
}

function ageOf(at: string): string {
  const seconds = (Date.now() - Date.parse(at)) / 1000;
  return seconds < 60 ? 'just now' : `${roughly(seconds)} ago`;
}

function sizeOf(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1) {
    throw new UserError('size-unknown', { what: `"${text}" is not a size.`, next: 'Give whole GB, as in --size 200.' });
  }
  return size;
}

function wayOf(text: string | undefined): MoveWay | undefined {
  const way = moveWays.find((known) => known === text);
  if (text !== undefined && way === undefined) {
    throw new UserError('way-unknown', {
      what: `There is no way "${text}".`,
      next: `Use one of: ${moveWays.join(', ')}.`,
    });
  }
  return way;
}
