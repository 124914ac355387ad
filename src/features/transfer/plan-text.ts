import { byteText, clock, count, roughly } from '../../core/words/index.ts';
import type { RouteKind, TransferPlan } from '../../core/volumes/plan/index.ts';

export const routeNames: Record<RouteKind, string> = {
  s3: 'S3, straight to the volume',
  ssh: 'SSH, through a pod that runs',
  gateway: 'Gateway, a small pod that is rented',
};

const briefly: Record<RouteKind, string> = {
  s3: 'over S3 for free',
  ssh: 'through a running pod',
  gateway: 'through a gateway',
};

/** What a sync would send, with the conflicts that the user decided to replace. */
export function sentBy(plan: TransferPlan, replace: ReadonlySet<string>): { files: number; bytes: number } {
  const replaced = plan.conflicts.filter((conflict) => replace.has(conflict.path));
  return {
    files: plan.totals.files + replaced.length,
    bytes: plan.totals.bytes + replaced.reduce((sum, conflict) => sum + conflict.here.size, 0),
  };
}

/** The lines above the plan: what goes which way, how long, for how much, and why that way. */
export function planMessage(plan: TransferPlan, replace: ReadonlySet<string>): string {
  const { files, bytes } = sentBy(plan, replace);
  const what =
    files === 0
      ? 'Nothing has to be sent.'
      : `${count(files, 'file')}, ${byteText(bytes)} ${briefly[plan.route.kind]}, ${timeText(plan)}.`;
  // That S3 is free needs no more words than these.
  const price = plan.route.kind === 's3' ? [] : [plan.route.price];
  const undecided = plan.conflicts.length - plan.conflicts.filter(({ path }) => replace.has(path)).length;
  return [
    what,
    ...(undecided === 0
      ? []
      : [`${count(undecided, 'file')} changed on both sides: a check mark replaces what is there.`]),
    ...(files === 0 ? [] : [...price, plan.route.reason]),
    ...comparedText(plan),
  ].join(' ');
}

/** `tiny → tiny in US-MD-1`. */
export function planPlaces({ project, volume }: TransferPlan): string {
  return `${project} → ${volume.name}${volume.dataCenter === null ? '' : ` in ${volume.dataCenter}`}`;
}

function timeText({ time: { lowSeconds: low, highSeconds: high } }: TransferPlan): string {
  const [from, to] = [roughly(low), roughly(high)];
  return from === to ? `about ${to}` : `${from} to ${to}`;
}

function comparedText({ comparedWith: { kind, at }, volume }: TransferPlan): string[] {
  if (kind === 'volume' || volume.id === null) {
    return [];
  }
  return kind === 'nothing'
    ? ['What is on the volume is not known; what is there already is not sent again.']
    : [
        `Compared with what this machine remembers${at === null ? '' : ` of ${new Date(at).toLocaleDateString()} ${clock(new Date(at))}`}.`,
      ];
}
