import {
  byteText,
  count,
  dollars,
  duration,
  endedWords,
  jobTimeText,
  missingText,
  priced,
  pricePerHour,
  spentText,
  stepWords,
} from '../core/words/index.ts';
import { isLoopback } from '../core/runpod/connection.ts';
import type { GateResult } from '../core/journal/events.ts';
import { timesOf } from '../core/journal/times.ts';
import type { JobResult } from '../core/jobs/conclude.ts';
import { missingResults, resultsFolder, type JobRecord } from '../core/journal/records.ts';
import { failedStep, type StepView } from '../core/journal/view.ts';
import { columns, pad, printable, printableDeep, wrap, type Style } from './style.ts';
import { cut, fit, textWidth } from './width.ts';

const indent = '    ';

/**
 * The table at the end: every step with its gates and their evidence below it, where results lie, what it cost.
 * `width` is that of the terminal; without one nothing is shortened.
 */
export function summary(result: JobResult, style: Style, width?: number): string {
  return ['', ...stepLines(printableDeep(result.view.steps), style, width), '', ...footer(result, style, width)].join(
    '\n',
  );
}

function stepLines(steps: StepView[], style: Style, width = Infinity): string[] {
  const heads = columns([
    ['  step', 'where', 'result', 'time'].map(style.dim),
    ...steps.map((step) => [
      `${mark(step, style)} ${style.bold(step.name)}`,
      step.where === 'local' ? 'here' : 'pod',
      stepWords[step.status],
      step.seconds === undefined || step.status === 'skipped' ? '' : duration(step.seconds),
    ]),
  ]);
  const table = gateTable(
    steps.flatMap((s) => s.gates),
    width,
  );
  let lastWhy = '';
  return heads.flatMap((head, i) => {
    const step = steps[i - 1];
    if (step === undefined) {
      return [head];
    }
    const why = whyText(step);
    // The same reason for step after step is read once.
    const told = why === lastWhy ? [] : wrap(why, width - indent.length).map((line) => indent + style.dim(line));
    lastWhy = why;
    return [head, ...told, ...step.gates.flatMap((gate) => gateLines(gate, table, style, width))];
  });
}

/** Why a step was skipped or how it failed; a failed gate speaks for itself. */
function whyText(step: StepView): string {
  if (step.status === 'skipped') {
    return step.why.join('; ');
  }
  return step.gates.some((g) => g.status !== 'passed') ? '' : (step.reason ?? '');
}

interface GateTable {
  title: number;
  seen: number;
}

/** Column widths for all gates of a job; what is much longer than the others does not widen its column. */
function gateTable(gates: GateResult[], width: number): GateTable {
  const longest = (texts: string[], most: number): number =>
    Math.max(0, ...texts.map(textWidth).filter((size) => size <= most));
  return {
    title: longest(
      gates.map((g) => titleOf(g, width)),
      Math.max(40, width * 0.45),
    ),
    seen: longest(
      gates.map((g) => g.seen),
      Math.max(24, width * 0.25),
    ),
  };
}

function gateLines(gate: GateResult, table: GateTable, style: Style, width: number): string[] {
  const title = titleOf(gate, width);
  const room = width - indent.length - 2;
  const cells = [pad(title, table.title), pad(gate.seen, table.seen), gate.expected];
  const [first = '', seen = '', expected = ''] =
    textWidth(cells.join('  ')) <= room ? cells : squeeze(title, gate.seen, gate.expected, room - 4);
  const line = `${indent}${gateMark(gate, style)} ${first}  ${seen}  ${style.dim(expected)}`.trimEnd();
  return [line, ...messageLines(gate, style, `${indent}  `, width)];
}

/** Shares `room` columns out when the three do not fit: half for the title first, what one does not need another gets. */
function squeeze(title: string, seen: string, expected: string, room: number): string[] {
  const first = fit(title, Math.max(Math.floor(room * 0.55), room - textWidth(seen) - textWidth(expected)));
  const rest = room - textWidth(first);
  const last = cut(expected, Math.max(Math.floor(rest * 0.4), rest - textWidth(seen)));
  return [first, cut(seen, rest - textWidth(last)), last];
}

/** Why a gate does not hold, in lines below it. */
export function messageLines(gate: GateResult, style: Style, before: string, width = Infinity): string[] {
  return wrap(printable(gate.message ?? ''), width - before.length).map((text) => before + style.red(text));
}

/** Where there is a width, only the file's own name. */
function titleOf(gate: GateResult, width: number): string {
  return width === Infinity ? gate.title : shortTitle(gate.title);
}

/** `rows of training/data/base.parquet` → `rows of …/base.parquet`. */
function shortTitle(title: string): string {
  return title.replace(/(?:[^\s/]+\/)+(?=[^\s/])/g, '…/');
}

/** `✓ rows of data/base.parquet: 1327 (= 1327)` */
export function gateLine(gate: GateResult, style: Style): string {
  return `${gateMark(gate, style)} ${printable(`${gate.title}: ${gate.seen} (${gate.expected})`)}`;
}

function gateMark(gate: GateResult, style: Style): string {
  return gate.status === 'passed' ? style.green('✓') : style.red('✗');
}

function mark(step: StepView, style: Style): string {
  if (step.status === 'passed' || step.status === 'skipped') {
    return style.green('✓');
  }
  return step.status === 'waiting' ? style.dim('·') : style.red('✗');
}

/** Where a job's results lie, and which of them are not there. */
export function resultsLines(record: JobRecord, results: string, style: Style, width = Infinity): string[] {
  const { fetched } = record;
  const missing = missingResults(record);
  const here = fetched?.here === undefined || fetched.here === 0 ? '' : `; ${fetched.here} more were here already`;
  // Bytes of what was refused in the end came here too; nobody has them.
  const size = fetched === undefined || fetched.files === 0 ? '' : `, ${byteText(fetched.bytes)}`;
  const told = fetched && ` (${count(fetched.files, 'file')}${size}${here})`;
  const lines = fetched === undefined ? [] : [`Results   ${printable(results)}${told}`];
  if (missing === undefined) {
    return lines;
  }
  const { why, left } = missing;
  const detail = (text: string): string[] => wrap(printable(text), width - 10).map((line) => `          ${line}`);
  const more = missing.count - left.length;
  return [
    ...lines,
    style.yellow(
      `${lines.length === 0 ? 'Results' : '       '}   ${missingText(missing)}${why === undefined ? ':' : ''}`,
    ),
    ...(why === undefined ? [] : detail(why)),
    ...left.flatMap(({ path, reason }) => detail(`${JSON.stringify(path)}: ${reason}`)),
    ...(more > 0 ? detail(`and ${more} more`) : []),
  ];
}

function footer(result: JobResult, style: Style, width = Infinity): string[] {
  const { record, cost, results } = result;
  const failed = result.outcome === 'failed' ? failedStep(result.view) : undefined;
  const why = result.reason === undefined ? '' : `: ${printable(result.reason)}`;
  // The table has told already why its step failed.
  const reason = failed === undefined ? why : ` at the step ${printable(failed.name)}`;
  const missing = result.outcome === 'succeeded' ? missingResults(record) : undefined;
  const isWell = result.outcome === 'succeeded' && missing === undefined;
  const but = missing === undefined ? '' : `, but ${missingText(missing)}`;
  const lines = wrap(`Job ${record.job} ${endedWords[result.outcome]}${reason}${but}`, width).map(
    isWell ? style.green : style.red,
  );
  lines.push(...resultsLines(record, results ?? resultsFolder(record), style, width));
  const time = jobTimeText(timesOf(record, result.view), Date.now());
  if (time !== '') {
    lines.push(`Time      ${time}`);
  }
  const { pod } = record;
  if (pod !== undefined) {
    const free = isLoopback(record.restUrl);
    const billed = cost.billed === undefined ? 'the bill is not there yet' : `${dollars(cost.billed)} billed so far`;
    const amount = cost.atMost === undefined ? `about ${dollars(cost.metered)}` : spentText(cost.metered, cost.atMost);
    const soFar = record.podEnded === undefined && result.podGone !== true ? ' so far' : '';
    const spent = `${amount}${soFar} for ${printable(pod.hardware)} at ${pricePerHour(pod.costPerHour, false)} (${billed})`;
    lines.push(`Cost      ${priced(spent, free)}`);
    const ended = record.podEnded === undefined ? undefined : new Date(record.podEnded).toLocaleString();
    const there = result.podGone === true ? 'gone; nobody here saw it end' : style.yellow('still there');
    lines.push(`Pod       ${ended === undefined ? there : `ended at ${ended}`}`);
  }
  return lines;
}
