import { missingText, missingWords, phaseWords, tellingReasons } from '../../core/words/index.ts';
import { dirname } from 'node:path';
import type { GateResult } from '../../core/journal/events.ts';
import { isHome, missingResults, resultsFolder, wasLeft, type JobRecord } from '../../core/journal/records.ts';
import { isLoopback } from '../../core/runpod/connection.ts';
import { timesOf } from '../../core/journal/times.ts';
import { factsOf } from '../../core/caps/known-pods.ts';
import { recorded } from '../../core/caps/meter.ts';
import { failedStep, unfinishedStep, type JobView, type StepView } from '../../core/journal/view.ts';
import { caps, type PanelDetail, type PanelGate, type PanelState, type PanelStep } from '../../messages/job-panel.ts';
import { plainText } from '../common/text.ts';
import type { StepData } from './job-model.ts';
import type { AttachedState } from './attached-states.ts';

const name = (text: string): string => plainText(text, caps.name);
const sentence = (text: string): string => plainText(text, caps.sentence);

function timeOf(iso: string | undefined | null): number | undefined {
  const ms = iso === undefined || iso === null ? NaN : Date.parse(iso);
  return ms >= 0 ? ms : undefined;
}

export interface JobFacts {
  record: JobRecord;
  view: JobView;
  heard: Date | undefined;
  live: AttachedState;
  /** Whether this window is attached to the job. */
  attached: boolean;
  /** The record's folder. */
  folder: string;
}

/** What the panel shows of a job. */
export function panelState(known: JobFacts): PanelState {
  const { record, view, live } = known;
  const over = record.phase === 'done' || record.outcome !== undefined;
  const transfer = live.transfer;
  return {
    type: 'state',
    job: name(record.job),
    project: name(record.project),
    status: view.status,
    activity: sentence(activity(known)),
    activityDetail: detailOf(known),
    created: timeOf(record.created) ?? 0,
    sandbox: isLoopback(record.restUrl),
    isOld: view.status === 'lost' || ['lost', 'apart'].includes(linkOf(known).state),
    link: linkOf(known),
    steps: view.steps.slice(0, caps.steps).map(stepOf),
    notes: [...view.notes, ...live.warnings.map((text) => ({ level: 'warning' as const, text }))]
      .slice(-caps.notes)
      .map(({ level, text }) => ({ level, text: sentence(text) })),
    places: {
      projectFile: sentence(record.file),
      record: sentence(known.folder),
      results: record.fetched && sentence(resultsFolder(record)),
      remote: record.remote && sentence(record.remote.jobDir),
    },
    actions: actionsOf(known),
    reason: over && view.reason !== undefined ? sentence(view.reason) : undefined,
    time: timesOf(record, view),
    ended: over ? (timeOf(view.finished) ?? timeOf(record.updated)) : undefined,
    pod: record.pod && {
      id: name(record.pod.id),
      name: name(record.pod.name),
      hardware: name(record.pod.hardware),
      costPerHour: record.pod.costPerHour,
      ...podTimes(known),
    },
    watchdog: view.watchdog && {
      armed: view.watchdog.armed,
      detail: sentence(view.watchdog.detail),
      deadline: timeOf(view.watchdog.deadline) ?? null,
    },
    transfer: transfer && {
      direction: transfer.direction,
      files: transfer.files,
      filesTotal: transfer.filesTotal,
      bytes: transfer.bytes,
      bytesTotal: transfer.bytesTotal,
    },
    host: view.host && {
      ...view.host,
      python: sentence(view.host.python),
      gpus: view.host.gpus.slice(0, 64).map(sentence),
    },
    fetched: fetchedOf(record),
    missing: missingOf(record),
  };
}

function fetchedOf({ fetched }: JobRecord): PanelState['fetched'] {
  return fetched && { time: timeOf(fetched.time) ?? 0, files: fetched.files, bytes: fetched.bytes };
}

/** What of the results is not here, and why. */
function missingOf(record: JobRecord): PanelState['missing'] {
  const missing = missingResults(record);
  if (missing === undefined) {
    return undefined;
  }
  const { why, left, count } = missing;
  const names = left.slice(0, caps.notes).map(({ path, reason }) => sentence(`${path}: ${reason}`));
  return { text: sentence(missingText(missing)), lines: why === undefined ? names : [sentence(why)], count };
}

/** From when to when the pod was this job's, in ms since 1970, as every sum of money counts it. */
function podTimes({
  record,
  view,
  heard,
}: JobFacts): Pick<NonNullable<PanelState['pod']>, 'since' | 'until' | 'latest'> {
  const [stretch] = recorded([factsOf(record, { view, heard })]);
  if (stretch === undefined) {
    return { since: 0, until: 0 };
  }
  const { from, until, latest, goesOn } = stretch;
  return { since: from, ...(!goesOn && { until }), ...(latest > until && { latest }) };
}

/** What is done just now, in its own words, which may be long. */
function detailOf({ record, live }: JobFacts): string | undefined {
  return record.phase === 'done' || live.phase === undefined ? undefined : sentence(live.phase.text);
}

/**
 * `Running phase_2, step 3 of 8`: few words, since the header has one line for them. After the end also what is still to
 * do, since the pod costs until it is ended.
 */
function activity({ record, view }: JobFacts): string {
  const doing = phaseWords[record.phase];
  const after = record.phase === 'done' ? '' : `, ${doing}`;
  const failed = failedStep(view);
  const missing = missingResults(record);
  if (record.outcome === undefined && wasLeft(record)) {
    return `Left while ${doing}`;
  }
  if (record.outcome === undefined && record.phase === 'done') {
    return 'Not started';
  }
  switch (view.status) {
    case 'succeeded':
      return missing === undefined ? `Succeeded${after}` : `Succeeded, ${missingWords(missing)}${after}`;
    case 'cancelled':
      return `Cancelled${after}`;
    case 'lost':
      return record.phase === 'done' && record.podEnded === undefined && view.finished === undefined
        ? 'Lost, its pod is gone'
        : `Lost${after}`;
    case 'failed':
      return `${failed === undefined ? 'Failed' : `Failed at ${failed.name}`}${after}`;
    case 'starting':
    case 'running': {
      const at = view.steps.findIndex((s) => s.status === 'running');
      const step = view.steps[at];
      if (step !== undefined && (record.phase === 'run' || record.phase === 'local')) {
        return `Running ${step.name}, step ${at + 1} of ${view.steps.length}`;
      }
      return `${doing.slice(0, 1).toUpperCase()}${doing.slice(1)}`;
    }
  }
}

function linkOf({ record, live, attached, heard }: JobFacts): PanelState['link'] {
  if (record.phase === 'done' || wasLeft(record)) {
    return { state: 'over' };
  }
  const time = attached && live.heard !== undefined ? live.heard : heard?.getTime();
  // A pod that is still awaited has not gone silent.
  const isAwaited = time === undefined && (record.phase === 'pod' || record.phase === 'wait');
  const state = !attached ? 'apart' : live.link === 'lost' && !isAwaited ? 'lost' : 'live';
  return { state, heard: time };
}

function actionsOf({ record, view, attached }: JobFacts): PanelState['actions'] {
  const running = record.outcome === undefined && record.phase !== 'done';
  const reachable = record.remote !== undefined;
  const all: [PanelState['actions'][number], boolean][] = [
    ['attach', record.phase !== 'done' && !attached && reachable],
    ['explain', !running && (view.status === 'failed' || view.status === 'lost')],
    ['fetch', !running && !attached && reachable && !isHome(record)],
    ['openResults', record.fetched !== undefined],
    ['resume', !running && !attached && view.status === 'lost' && unfinishedStep(view) !== undefined],
    ['rerun', !running && !attached],
    // The last one stands in the corner, wherever the others are.
    ['cancel', running],
  ];
  return all.filter(([, possible]) => possible).map(([action]) => action);
}

function stepOf(step: StepView): PanelStep {
  return {
    name: name(step.name),
    where: step.where,
    status: step.status,
    why: tellingReasons(step.why).slice(0, caps.why).map(sentence),
    resumeFrom: step.resumeFrom === undefined ? undefined : sentence(step.resumeFrom),
    gates: step.gates.slice(0, caps.gates).map(gateOf),
    moreGates: Math.max(0, step.gates.length - caps.gates),
    started: timeOf(step.started),
    seconds: step.seconds,
    reason: step.reason === undefined ? undefined : sentence(step.reason),
    cell: step.cell,
  };
}

function gateOf(gate: GateResult): PanelGate {
  return {
    title: sentence(gate.title),
    status: gate.status,
    expected: sentence(gate.expected),
    seen: sentence(gate.seen),
    message: gate.message === null ? null : sentence(gate.message),
  };
}

/** What one step was started with and what its gates saw. */
export function panelDetail(step: string, data: StepData): PanelDetail {
  return {
    type: 'detail',
    step: name(step),
    argv: data.argv.slice(0, caps.argv).map((a) => plainText(a, caps.evidence)),
    gates: data.gates.slice(0, caps.gates).map((gate) => ({
      type: name(gate.type),
      title: sentence(gate.title),
      evidence: plainText(JSON.stringify(gate.evidence, undefined, 2), caps.evidence),
    })),
  };
}

/** Folder of a job's record, from the place of its journal. */
export function recordFolder(journalFile: string): string {
  return dirname(journalFile);
}
