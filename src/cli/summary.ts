import { dollars } from '../core/costs/meter.ts';
import type { GateResult } from '../core/jobs/events.ts';
import type { JobResult } from '../core/jobs/run.ts';
import type { StepView } from '../core/jobs/view.ts';
import {
  byteText,
  columns,
  duration,
  fit,
  pad,
  printable,
  printableDeep,
  textWidth,
  wrap,
  type Style,
} from './style.ts';

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
    ['', 'step', 'where', 'result', 'time'].map(style.dim),
    ...steps.map((step) => [
      mark(step, style),
      style.bold(step.name),
      step.where === 'local' ? 'here' : 'pod',
      step.status,
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

/** Column widths for all gates of a job; a terminal's width is shared out between title, seen and expected. */
function gateTable(gates: GateResult[], width: number): GateTable {
  const longest = (texts: string[]): number => Math.max(0, ...texts.map(textWidth));
  const room = width - indent.length - 6;
  return {
    title: Math.min(
      longest(gates.map((g) => (width === Infinity ? g.title : shortTitle(g.title)))),
      Math.floor(room * 0.5),
    ),
    seen: Math.min(longest(gates.map((g) => g.seen)), Math.floor(room * 0.25)),
  };
}

function gateLines(gate: GateResult, table: GateTable, style: Style, width: number): string[] {
  const title = width === Infinity ? gate.title : fit(shortTitle(gate.title), table.title);
  const used = indent.length + 2 + table.title + 2;
  const rest = width - used;
  const seen = fit(gate.seen, Math.max(table.seen, rest - textWidth(gate.expected) - 2));
  const expected = fit(gate.expected, rest - Math.max(table.seen, textWidth(seen)) - 2);
  const line = `${indent}${gateMark(gate, style)} ${pad(title, table.title)}  ${pad(seen, table.seen)}  ${style.dim(expected)}`;
  if (gate.message === null) {
    return [line.trimEnd()];
  }
  const deeper = `${indent}  `;
  return [line.trimEnd(), ...wrap(gate.message, width - deeper.length).map((text) => deeper + style.red(text))];
}

/** `rows of training/data/base.parquet` → `rows of …/base.parquet`. */
function shortTitle(title: string): string {
  return title.replace(/(?:[^\s/]+\/)+(?=[^\s/])/g, '…/');
}

/** `✓ rows of data/base.parquet: 1327 (= 1327)` */
export function gateLine(gate: GateResult, style: Style): string {
  const message = gate.message === null ? '' : `. ${gate.message}`;
  return `${gateMark(gate, style)} ${printable(`${gate.title}: ${gate.seen} (${gate.expected})${message}`)}`;
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

function footer(result: JobResult, style: Style, width = Infinity): string[] {
  const { record, cost, results } = result;
  const reason = result.reason === undefined ? '' : `: ${printable(result.reason)}`;
  const color = result.outcome === 'succeeded' ? style.green : style.red;
  const lines = wrap(`Job ${record.job} ${result.outcome}${reason}`, width).map(color);
  if (results !== undefined && record.fetched !== undefined) {
    const { files, bytes } = record.fetched;
    lines.push(`Results   ${results} (${files} files, ${byteText(bytes)})`);
  }
  const { pod } = record;
  if (pod !== undefined) {
    const billed = cost.billed === undefined ? 'the bill is not there yet' : `${dollars(cost.billed)} billed so far`;
    const price = `$${pod.costPerHour.toFixed(2)}/h`;
    lines.push(`Cost      about ${dollars(cost.metered)} for ${printable(pod.hardware)} at ${price} (${billed})`);
    const ended = record.podEnded === undefined ? undefined : new Date(record.podEnded).toLocaleString();
    lines.push(`Pod       ${ended === undefined ? style.yellow('still there') : `ended at ${ended}`}`);
  }
  return lines;
}
