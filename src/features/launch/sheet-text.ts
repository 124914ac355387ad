import { basename } from 'node:path';
import { capOwners } from '../../core/caps/sentence.ts';
import type { Estimate } from '../../core/costs/estimate.ts';
import {
  byteText,
  count,
  dollars,
  duration,
  foresightText,
  forPrice,
  priced,
  pricePerHour,
  pricePerMonth,
  roughly,
  tellingReasons,
} from '../../core/words/index.ts';
import { foreseenPodText, type ForeseenPod } from '../../core/jobs/reuse.ts';
import type { StepForesight } from '../../core/jobs/foresight.ts';
import { capNote, type Capabilities } from '../../core/guards/verify/index.ts';
import type { Candidate } from '../../core/pods/hardware.ts';
import { volumeCostPerMonth, type VolumePlan } from '../../core/pods/volume.ts';
import type { Fix, PreflightReport } from '../../core/guards/preflight/index.ts';
import type { Remedy } from '../../core/remedy.ts';
import { placeOf, position } from '../../core/project/parse.ts';
import type { LoadedProject } from '../../core/project/load.ts';
import { commandText } from '../../core/project/local-steps.ts';
import type { Project } from '../../core/project/schema.ts';
import { ghostLines, type TimeEstimate, type TransferPlan } from '../../core/volumes/plan/index.ts';
import type { SmokeFacts } from './facts.ts';
import { caps, type SheetState } from '../../messages/launch-sheet.ts';
import { buttonOf } from '../common/remedies.ts';
import { plainText } from '../common/text.ts';

type Value<K extends keyof Parts> = NonNullable<SheetState[K]['value']>;

/** What of the sheet is found out by itself. */
export type Parts = Pick<SheetState, 'checks' | 'pods' | 'sync' | 'estimate' | 'limits' | 'smoke'>;

/** Where a part failed of what a finding says, with its remedy, the part points there. */
export function toldOnce(parts: Parts, findings: readonly { what: string }[]): Parts {
  const isFinding = (failure: string): boolean => findings.some(({ what }) => failure.startsWith(plainText(what)));
  const told = Object.entries(parts).map(([name, part]) => [
    name,
    name !== 'checks' && part.failure !== undefined && isFinding(part.failure)
      ? { ...part, failure: 'Not known before the error under "Checks" is corrected.' }
      : part,
  ]);
  return Object.fromEntries(told) as Parts;
}

/** The checklist: findings with their place, and every check with how it ended. */
export function checksText({ findings, checks, ms }: PreflightReport, loaded: LoadedProject): Value<'checks'> {
  const of = (severity: string): number => findings.filter((f) => f.severity === severity).length;
  const [errors, warnings] = [of('error'), of('warning')];
  const found = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ];
  return {
    findings: findings.slice(0, caps.findings).map(({ severity, what, why, next, at, fix, remedies }) => ({
      severity,
      what: plainText(what),
      why: plainText(why),
      next: plainText(next),
      place: at === undefined ? undefined : placeText(loaded, at),
      fix: buttonTitle(fix, remedies),
    })),
    checks: checks.slice(0, caps.checks).map(({ title, status, unknown }) => ({
      title: plainText(title),
      status,
      unknown: unknown.slice(0, caps.lines).map((text) => plainText(text)),
    })),
    sum: `${found.length === 0 ? 'Nothing is wrong' : found.join(', ')} · ${count(checks.length, 'check')} in ${duration(ms / 1000)}`,
  };
}

/** A finding has one button: what mends the file, else the best act. */
function buttonTitle(fix: Fix | undefined, remedies: readonly Remedy[] = []): string | undefined {
  const [remedy] = remedies;
  return fix === undefined ? remedy && buttonOf(remedy, (path) => path).title : plainText(fix.title);
}

function placeText({ file, text }: LoadedProject, at: (string | number)[]): string {
  const [line = ''] = position(text, placeOf(text, at).offset).split(':');
  return plainText(`${basename(file)}, line ${line}`);
}

/** What each step will do and where, as soon as that is found out; else what runs where. */
export function stepsText(
  project: Project,
  from: string | undefined,
  foreseen?: readonly StepForesight[],
): SheetState['steps'] {
  const names = (where: 'local' | 'pod'): string => {
    const found = project.steps.filter((step) => step.where === where).map((step) => step.name);
    return found.length > 12 ? `${found.slice(0, 12).join(', ')} and ${found.length - 12} more` : found.join(', ');
  };
  const each = (foreseen ?? []).map((step) => ({
    name: `${step.name}${step.where === 'local' ? ' (this machine)' : ''}`,
    text: whatItWillDo(step),
  }));
  const all = [
    { name: 'From step', text: from ?? '' },
    ...(each.length > 0
      ? each
      : [
          { name: 'On this machine', text: names('local') },
          { name: 'On the pod', text: names('pod') },
        ]),
  ].filter(({ text }) => text !== '');
  const shown = all.slice(0, caps.lines - 1);
  const more = all.length - shown.length;
  return [...shown, ...(more === 0 ? [] : [{ name: '…', text: count(more, 'more step') }])].map((fact) => ({
    name: plainText(fact.name, 200),
    text: plainText(fact.text),
  }));
}

/** That a step runs of which none has passed yet is no news. */
function whatItWillDo(step: StepForesight): string {
  const why = tellingReasons(step.why.split('; ')).join('; ');
  return why === '' ? 'will run' : foresightText({ ...step, why });
}

/** The commands of this machine's steps; undefined when they cannot be shown in full. */
export function localText({ steps }: Project): SheetState['local'] {
  const local = steps.filter((step) => step.where === 'local').map((s) => ({ name: s.name, text: commandText(s) }));
  const isWhole = local.every(({ name, text }) => plainText(name) === name && plainText(text) === text);
  return isWhole && local.length <= caps.rows ? local : undefined;
}

const stocks: Record<Candidate['stock'], string> = {
  NONE: 'none free',
  LOW: 'few free',
  MEDIUM: 'some free',
  HIGH: 'many free',
  UNKNOWN: 'stock not known',
};

/** The volume, and what may be rented there in the order in which it is asked for, or the pod that is used in its place. */
export function podsText(
  volume: VolumePlan,
  candidates: readonly Candidate[],
  free: boolean,
  pod?: ForeseenPod,
): Value<'pods'> {
  const size = volume.exists ? volume.volume.size : volume.size;
  const name = volume.exists ? volume.volume.name : volume.name;
  const where = volume.exists ? volume.volume.dataCenter : volume.dataCenter;
  const month = priced(`about ${pricePerMonth(volumeCostPerMonth(size), false)}`, free);
  const first = candidates.find((c) => c.stock !== 'NONE');
  return {
    volume: plainText(
      volume.exists
        ? `${name}, ${size} GB in ${where}`
        : `${name} will be created: ${size} GB in ${where} for good, ${month}`,
    ),
    rows: candidates.slice(0, caps.rows).map((c) => ({
      label: plainText(c.label),
      price: pricePerHour(c.costPerHour, free),
      stock: stocks[c.stock],
      free: c.stock !== 'NONE',
      first: pod === undefined && c === first,
    })),
    note:
      pod !== undefined
        ? plainText(foreseenPodText(pod, free))
        : first === undefined
          ? `Nothing of it is free in ${plainText(where, 100)} now.`
          : undefined,
  };
}

/** What is sent, and how long the job's own pod waits for it: a run takes no other route. */
export function syncText(plan: TransferPlan, time: Pick<TimeEstimate, 'lowSeconds' | 'highSeconds'>): Value<'sync'> {
  const { totals, unchanged, route, secrets, conflicts, missing, archives } = plan;
  const there =
    unchanged.files === 0 ? '' : `; ${count(unchanged.files, 'file')} (${byteText(unchanged.bytes)}) there already`;
  const sends =
    totals.files === 0 ? 'Nothing has to be sent' : `${count(totals.files, 'file')}, ${byteText(totals.bytes)}`;
  const packed = archives.length === 0 ? '' : `, in ${count(archives.length, 'archive')}`;
  const range = roughly(time.lowSeconds) === roughly(time.highSeconds);
  const takes = range
    ? `about ${roughly(time.highSeconds)}`
    : `${roughly(time.lowSeconds)} to ${roughly(time.highSeconds)}`;
  const facts = [
    { name: 'Sends', text: `${sends}${packed}${there}` },
    { name: 'Route', text: "SSH, through the job's own pod" },
    { name: 'Takes', text: totals.files === 0 ? '' : takes },
  ];
  return {
    facts: facts.filter(({ text }) => text !== '').map((fact) => ({ ...fact, text: plainText(fact.text) })),
    notes: [
      ...(totals.files > 0 && route.kind === 's3'
        ? ['"Sync Project Now" sends it over S3 beforehand, while no pod costs money.']
        : []),
      ...ghostLines(plan.ghosts).map((line) => `${line}.`),
      ...(conflicts.length > 0 ? [`${count(conflicts.length, 'file')} changed on both sides.`] : []),
      ...(secrets.length > 0 ? [`${count(secrets.length, 'file')} may hold a secret: nothing would be sent.`] : []),
      ...missing.map(({ pattern, madeBy }) =>
        madeBy === null ? `Nothing matches ${pattern}.` : `${pattern} is made by the step ${madeBy}.`,
      ),
      ...plan.notes,
    ]
      .slice(0, caps.lines)
      .map((text) => plainText(text)),
  };
}

export function estimateText({ text, seconds, assumptions }: Estimate): Value<'estimate'> {
  return {
    text: plainText(`${text.charAt(0).toUpperCase()}${text.slice(1)}`),
    time: timeText(seconds),
    assumptions: assumptions.slice(0, caps.lines).map((line) => plainText(line)),
  };
}

function timeText({ low, likely, high }: Estimate['seconds']): string {
  if (likely === null) {
    return `Pod time: not known; ${high === null ? `at least ${roughly(low)}` : `at most ${roughly(high)}`}.`;
  }
  const range = high === null ? `at least ${roughly(low)}` : `${roughly(low)} to ${roughly(high)}`;
  return `Pod time: about ${roughly(likely)} (${range}).`;
}

/** The caps of the project, what they allow at most, and who ends the pod when they are reached. */
export function limitsText(
  project: Project,
  mostDollars: number | null,
  capabilities: Capabilities,
  { free, endKeySecret }: { free: boolean; endKeySecret?: string | undefined },
): Value<'limits'> {
  const { hours, dollars: money, hoursPerDay, dollarsPerDay } = project.caps;
  const set = [
    ...(hours === undefined ? [] : [`${hours} h`]),
    ...(money === undefined ? [] : [dollars(money)]),
    ...(hoursPerDay === undefined ? [] : [`${hoursPerDay} h a day`]),
    ...(dollarsPerDay === undefined ? [] : [`${dollars(dollarsPerDay)} a day`]),
  ];
  const most = mostDollars === null ? '' : `${free ? '; ' : ', so '}${priced(`at most ${dollars(mostDollars)}`, free)}`;
  const unable = capNote(capabilities, endKeySecret);
  const keys =
    endKeySecret === undefined ? 'its key' : `the pod's own key and the one in your secret ${plainText(endKeySecret)}`;
  const computer = capOwners({ stopsBy: null, mostDollars: null, armed: undefined }).find((o) => o.id === 'computer');
  return {
    text: set.length === 0 ? 'No cap: the pod runs until the job ends.' : `Stops after ${set.join(' or ')}${most}.`,
    owners: [
      {
        armed: unable === undefined,
        text:
          unable === undefined
            ? `The keeper on the pod ends it, also while this computer is off. It tries ${keys} at the job's start, and the job says when it may not.`
            : `${unable}.`,
      },
      ...(computer === undefined ? [] : [{ armed: computer.armed, text: computer.text }]),
    ],
  };
}

/** `At most 8 min on RTX A4000, at most $0.06: …`. */
export function smokeText({ hardware, estimate, most, left }: SmokeFacts, free: boolean): Value<'smoke'> {
  const { likely, high } = estimate.seconds;
  const longest = high === null ? 'a short run' : `at most ${roughly(high)}`;
  const facts = [
    `${likely === null ? longest : `about ${roughly(likely)}`}${hardware === undefined ? '' : ` on ${hardware.label}`}`,
    ...(most === null ? [] : [priced(`at most ${dollars(most)}`, free)]),
  ];
  const notes = [
    ...(hardware?.stock === 'NONE' ? [`${hardware.label} is not free now.`] : []),
    ...(left.length === 0
      ? []
      : [
          `Too large for it, so left out: ${left.slice(0, 5).join(', ')}${left.length > 5 ? ` and ${left.length - 5} more` : ''}.`,
        ]),
  ];
  return {
    text: plainText(`${facts.join(', ')}: every step for at most a minute, in a folder of its own on the volume.`),
    notes: notes.map((line) => plainText(line)),
  };
}

const endings = {
  terminate: 'The pod is terminated and costs nothing any more.',
  stop: 'The pod is stopped: its disk, if it has one, goes on costing money.',
  keep: 'The pod is KEPT and goes on costing money until you end it.',
};

export function endingText({ onFinish }: Project): SheetState['ending'] {
  const { pod, fetch, into } = onFinish;
  const home = fetch.length === 0 ? 'Nothing is fetched' : `${fetch.join(', ')} come home to ${into}/`;
  return { text: plainText(`${endings[pod]} ${home}; the volume keeps everything.`), costs: pod !== 'terminate' };
}

/** What the button says: the likely price, else the most that it can be. */
export function startLabel(
  project: Project,
  likely: number | null | undefined,
  most: number | null | undefined,
  free: boolean,
): string {
  if (project.steps.every((step) => step.where === 'local')) {
    return 'Start on This Machine';
  }
  if (likely !== null && likely !== undefined) {
    return `Start ${forPrice(`about ${dollars(likely)}`, free)}`;
  }
  return most === null || most === undefined ? 'Start' : `Start ${forPrice(`at most ${dollars(most)}`, free)}`;
}
