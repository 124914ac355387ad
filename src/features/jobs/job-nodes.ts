import type * as vscode from 'vscode';
import type { GateResult } from '../../core/journal/events.ts';
import { isLoopback } from '../../core/runpod/connection.ts';
import { timesOf } from '../../core/journal/times.ts';
import type { StepView } from '../../core/journal/view.ts';
import {
  askerText,
  dollars,
  duration,
  jobTimeParts,
  jobWords,
  metered,
  missingWords,
  phaseWords,
  priced,
  spentText,
  stepWords,
} from '../../core/words/index.ts';
import type { TreeNode } from '../common/list-view.ts';
import { commands } from '../ids.ts';
import { gateRow } from './gate-row.ts';
import type { JobSummary } from './history.ts';

type Group = 'running' | 'attention' | 'recent';

const groupTitles: Record<Group, string> = { running: 'Running', attention: 'Needs Attention', recent: 'Recent' };

/** @param mended a later run has made good how it ended */
export function groupOf(job: JobSummary, mended = false): Group {
  if (job.isLeft === true || job.unreadable !== undefined) {
    return 'attention';
  }
  switch (job.view.status) {
    case 'starting':
    case 'running':
      return 'running';
    case 'failed':
    case 'lost':
      return mended ? 'recent' : 'attention';
    case 'succeeded':
      return job.missing === undefined ? 'recent' : 'attention';
    case 'cancelled':
      return 'recent';
  }
}

/** `5/8 · $1.27 · phase_2 · job 38 min`: what matters most first, since a row may be cut; `whole` also has the time of the pod, for which a row has no room. */
export function describeJob(job: JobSummary, now: Date, whole = false): string {
  const { view } = job;
  if (job.unreadable !== undefined) {
    return 'its record cannot be read';
  }
  const at = view.steps.findIndex((s) => s.name === view.step);
  const running = groupOf(job) === 'running';
  const times = jobTimeParts(timesOf({ ...job, podEnded: job.pod?.ended }, view), now.getTime());
  const free = isLoopback(job.restUrl);
  const { cost } = job;
  const money = cost === undefined ? [] : [priced(spentText(cost.metered, cost.atMost), free)];
  const time = whole ? times : times.slice(0, 1);
  const words = running
    ? [job.phase === 'run' && view.step !== undefined ? view.step : phaseWords[job.phase]]
    : notRunningWords(job);
  const place = running && at >= 0 ? [`${at + 1}/${view.steps.length}`] : [];
  // The price of what is free is a sentence: it comes last.
  const parts = free
    ? [...place, ...words, ...time, ...money]
    : running
      ? [...place, ...money, ...words, ...time]
      : [...words, ...money, ...time];
  return parts.join(' · ');
}

function notRunningWords({ isLeft, missing, phase, outcome, podGone, view }: JobSummary): string[] {
  if (isLeft === true) {
    return [`left while ${phaseWords[phase]}`];
  }
  const neverRan = phase === 'done' && outcome === undefined && view.started === undefined;
  return neverRan
    ? ['not started']
    : [
        jobWords[view.status],
        ...(podGone === true ? ['its pod is gone'] : []),
        ...(missing === undefined ? [] : [missingWords(missing)]),
      ];
}

const jobIcons: Record<JobSummary['view']['status'], [icon: string, color?: string]> = {
  starting: ['loading~spin'],
  running: ['loading~spin'],
  succeeded: ['pass', 'testing.iconPassed'],
  failed: ['error', 'testing.iconFailed'],
  lost: ['warning', 'testing.iconErrored'],
  cancelled: ['circle-slash', 'testing.iconSkipped'],
};

const stepIcons: Record<StepView['status'], [icon: string, color?: string]> = {
  waiting: ['circle-outline'],
  running: ['loading~spin'],
  passed: ['pass', 'testing.iconPassed'],
  skipped: ['debug-step-over', 'testing.iconSkipped'],
  failed: ['error', 'testing.iconFailed'],
  timeout: ['clock', 'testing.iconFailed'],
  cancelled: ['circle-slash', 'testing.iconSkipped'],
  unknown: ['question'],
};

const gateIcons: Record<GateResult['status'], [icon: string, color?: string]> = {
  passed: ['check', 'testing.iconPassed'],
  failed: ['close', 'testing.iconFailed'],
  error: ['warning', 'testing.iconErrored'],
};

/** Groups that have jobs, in the order of what a person looks for. */
export function jobNodes(vs: typeof vscode, jobs: JobSummary[], now = new Date()): TreeNode[] {
  return (['running', 'attention', 'recent'] as const)
    .map((group) => ({ group, members: jobs.filter((job) => groupOf(job, job.mended) === group) }))
    .filter(({ members }) => members.length > 0)
    .map(({ group, members }) => {
      const item = new vs.TreeItem(groupTitles[group], vs.TreeItemCollapsibleState.Expanded);
      item.id = `group:${group}`;
      item.description = String(members.length);
      return { item, children: () => members.map((job) => jobNode(vs, job, now)) };
    });
}

function jobNode(vs: typeof vscode, job: JobSummary, now: Date): TreeNode {
  const { Collapsed, Expanded, None } = vs.TreeItemCollapsibleState;
  if (job.unreadable !== undefined) {
    const lost = new vs.TreeItem(job.project, None);
    lost.id = `job:${job.job}`;
    lost.description = describeJob(job, now);
    lost.tooltip = job.unreadable;
    lost.iconPath = icon(vs, jobIcons.lost);
    // Of its commands none could find it; what its pod costs can be found.
    lost.command = { command: commands.findUnused, title: 'Find Unused Resources' };
    return { item: lost, id: job.job, children: () => [] };
  }
  const { mended = false } = job;
  const group = groupOf(job, mended);
  const item = new vs.TreeItem(job.project, group === 'recent' ? Collapsed : Expanded);
  item.id = `job:${job.job}`;
  item.description = describeJob(job, now);
  item.tooltip = [
    describeJob(job, now, true),
    job.view.reason ?? '',
    mended ? 'A later run of it has succeeded.' : '',
    ...missingLines(job),
    `Job ${job.job}`,
    askedText(job),
  ]
    .filter(Boolean)
    .join('\n');
  const marks = [...(job.isLeft === true ? ['left'] : []), ...(mended ? ['mended'] : [])];
  item.contextValue = ['job', group, ...marks].join(';');
  const isWarning = job.isLeft === true || (job.view.status === 'succeeded' && job.missing !== undefined);
  item.iconPath = icon(vs, isWarning ? jobIcons.lost : jobIcons[job.view.status]);
  item.command = { command: commands.openJob, title: 'Open Job Panel', arguments: [{ id: job.job }] };
  return { item, id: job.job, children: () => job.view.steps.map((step) => stepNode(vs, job, step)) };
}

/** Why results are not here, the first of them by name. */
function missingLines({ missing }: JobSummary): string[] {
  const named = (missing?.left ?? []).slice(0, 5).map(({ path, reason }) => `${path}: ${reason}`);
  return [missing?.why ?? '', ...named];
}

/** `Asked for by: editor on workstation`. */
function askedText({ facts }: JobSummary): string {
  const asker = askerText(facts?.record.askedBy);
  return asker === '' ? '' : `Asked for by: ${asker}`;
}

/** State, then what it cost, then how long: `passed · $0.06 · 14 s`. */
export function describeStep({ pod, restUrl }: Pick<JobSummary, 'pod' | 'restUrl'>, step: StepView): string {
  const cells = step.cell === undefined ? [] : [`cell ${step.cell.at}/${step.cell.of}`];
  const time = step.seconds === undefined ? [] : [duration(step.seconds)];
  const isPaid = pod !== undefined && step.where === 'pod' && step.status !== 'skipped' && !isLoopback(restUrl);
  const money = isPaid && step.seconds !== undefined ? [dollars(metered(step.seconds * 1000, pod.costPerHour))] : [];
  const place = step.where === 'local' ? ['here'] : [];
  return [stepWords[step.status], ...(step.status === 'running' ? cells : []), ...money, ...place, ...time].join(' · ');
}

function stepNode(vs: typeof vscode, job: JobSummary, step: StepView): TreeNode {
  const { None, Collapsed, Expanded } = vs.TreeItemCollapsibleState;
  const bad = step.gates.some((gate) => gate.status !== 'passed');
  const item = new vs.TreeItem(step.name, step.gates.length === 0 ? None : bad ? Expanded : Collapsed);
  // VS Code remembers by id whether a row is open; another id opens the evidence of a gate that does not hold.
  item.id = `step:${job.job}/${step.name}${bad ? '/failed' : ''}`;
  item.description = describeStep(job, step);
  const place = step.where === 'local' ? 'On this machine.' : '';
  item.tooltip = [step.reason ?? '', ...step.why, place].filter(Boolean).join('\n') || undefined;
  item.contextValue = groupOf(job) === 'running' ? 'step;running' : 'step';
  item.iconPath = icon(vs, stepIcons[step.status]);
  item.command = { command: commands.openJob, title: 'Open Job Panel', arguments: [{ id: job.job, step: step.name }] };
  const { job: id } = job;
  return { item, id, step: step.name, children: () => step.gates.map((gate) => gateNode(vs, id, step.name, gate)) };
}

/** `1326 ✗ = 1327`, and of what. */
function gateNode(vs: typeof vscode, id: string, step: string, gate: GateResult): TreeNode {
  const { label, description } = gateRow(gate);
  const item = new vs.TreeItem(label);
  item.id = `gate:${id}/${step}/${gate.index}`;
  item.description = description;
  const said = `${gate.title}: ${gate.expected}, seen ${gate.seen}`;
  item.tooltip = [said, gate.message ?? ''].filter(Boolean).join('\n');
  item.accessibilityInformation = { label: `${said}, ${gateWords[gate.status]}` };
  item.contextValue = 'gate';
  item.iconPath = icon(vs, gateIcons[gate.status]);
  item.command = { command: commands.openJob, title: 'Open Job Panel', arguments: [{ id, step }] };
  return { item, id, step, gate: gate.index };
}

const gateWords: Record<GateResult['status'], string> = {
  passed: 'holds',
  failed: 'does not hold',
  error: 'cannot be checked',
};

function icon(vs: typeof vscode, [name, color]: [icon: string, color?: string]): vscode.ThemeIcon {
  return new vs.ThemeIcon(name, color === undefined ? undefined : new vs.ThemeColor(color));
}
