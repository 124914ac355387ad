import {
  byteText,
  count,
  dollars,
  duration,
  forPrice,
  priced,
  pricePerHour,
  pricePerMonth,
  roughly,
} from '../../core/words/index.ts';
import { movePodsCost, type MovePlan, type MoveResult, type MoveWay } from '../../core/volumes/move/move.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';

export const wayNames: Record<MoveWay, string> = {
  'pod-to-pod': 'Straight from pod to pod',
  'this-machine': 'From pod to pod through this machine',
  s3: 'Over S3, with no pod',
};

/** Paths in a message. */
const named = 3;

/** What a move does, takes and costs, and what stays, for the question before it. */
export function planText(plan: MovePlan): string {
  const { source, target, way, why, pods, size, time, storagePerMonth, notes, free } = plan;
  const month = pricePerMonth(storagePerMonth, free);
  const most = movePodsCost(pods, time);
  return [
    `From: ${source.name} in ${source.dataCenter}, ${source.sizeGb} GB`,
    `To: ${target.id === null ? `a new volume ${target.name}` : `the volume ${target.name}`} in ${target.dataCenter}, ${target.sizeGb} GB, ${month}`,
    `What: everything on it${size === null ? '; its size is not known before it is read' : `, ${byteText(size.bytes)}`}`,
    `Way: ${wayNames[way]}. ${why}`,
    ...pods.map((pod) => `Pod: ${pod.label} in ${pod.dataCenter} (${pricePerHour(pod.costPerHour, free)})`),
    ...(time === null ? [] : [`Time: ${roughly(time.lowSeconds)} to ${roughly(time.highSeconds)}. ${time.basis}`]),
    ...(pods.length === 0 || most === null ? [] : [`Pods in all: ${priced(`at most about ${dollars(most)}`, free)}`]),
    '',
    ...notes,
  ].join('\n');
}

/** `Move for $0.70 a Month and $0.12/h of Pods`. */
export function moveButton({ target, pods, storagePerMonth, free }: MovePlan): string {
  const month = target.id === null ? [`${dollars(storagePerMonth)} a Month`] : [];
  const prices = pods.map((pod) => pod.costPerHour);
  const hour =
    pods.length === 0
      ? []
      : prices.includes(null)
        ? ['Pods of Unknown Price']
        : [
            `${pricePerHour(
              prices.reduce<number>((sum, price) => sum + (price ?? 0), 0),
              false,
            )} of Pods`,
          ];
  const costs = [...month, ...hour];
  return costs.length === 0 ? 'Move' : `Move ${forPrice(costs.join(' and '), free)}`;
}

/** What was moved, and what is still paid for. */
export function movedText({ source, free }: MovePlan, monthOfSource: number, result: MoveResult): string {
  const { files, bytes, target, verified, sent, seconds, cost, left } = result;
  const same = verified === 'sha256' ? 'the same on both volumes by sha256' : 'of the same sizes on both volumes';
  const missing = left.slice(0, named).map(({ path, why }) => `${visibleName(path)} (${why})`);
  return [
    `${target.name} is in ${target.dataCenter} now: ${count(files, 'file')} (${byteText(bytes)}), ${same}.`,
    `Sent ${byteText(sent.bytes)} in ${duration(seconds)}, ${priced(`${dollars(cost)} for pods`, free)}.`,
    ...(left.length === 0
      ? []
      : [`Not moved: ${missing.join(', ')}${left.length > named ? ` and ${left.length - named} more` : ''}.`]),
    `The volume ${source.name} in ${source.dataCenter} is still there (${pricePerMonth(monthOfSource, free)}); delete it when a job has run with the new one.`,
  ].join(' ');
}
