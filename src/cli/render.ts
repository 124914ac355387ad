import { dollars } from '../core/costs/meter.ts';
import type { GateResult, JobEvent } from '../core/jobs/events.ts';
import type { RunEvent } from '../core/jobs/progress.ts';
import type { JobResult } from '../core/jobs/run.ts';
import type { StepView } from '../core/jobs/view.ts';
import { byteText, columns, duration, printable, type Style } from './style.ts';

export interface Screen {
  write: (text: string) => void;
  /** True where a line can be written over. */
  interactive: boolean;
}

/** Shows a run on a terminal: one line for everything that happens, one moving line for a transfer. */
export class Renderer {
  readonly #screen: Screen;
  readonly #style: Style;
  #moving = false;
  #lastProgress = 0;
  #link = 'live';

  constructor(screen: Screen, style: Style) {
    this.#screen = screen;
    this.#style = style;
  }

  show(event: RunEvent): void {
    const { bold, dim, yellow } = this.#style;
    switch (event.type) {
      case 'phase':
        return this.#line(`${bold('●')} ${event.text}`);
      case 'pod':
        return this.#line(dim(`  ${event.name} · ${event.hardware} · $${event.costPerHour.toFixed(2)}/h`));
      case 'refused':
        return this.#line(yellow(`  ${event.hardware}: ${printable(event.reason)}`));
      case 'host-key':
        return this.#line(dim(`  host key ${event.fingerprint} (${event.checkedBy})`));
      case 'link':
        return this.#showLink(event);
      case 'warning':
        return this.#line(yellow(`! ${printable(event.text)}`));
      case 'transfer':
        return this.#progress(event);
      case 'job':
        return this.#job(event.event);
    }
  }

  #showLink(event: Extract<RunEvent, { type: 'link' }>): void {
    if (event.state === 'live' && this.#link === 'live') {
      return;
    }
    this.#link = event.state;
    this.#line(this.#style.dim(`  ${event.text}`));
  }

  #job(event: JobEvent): void {
    const { bold, dim, green, red, yellow } = this.#style;
    switch (event.type) {
      case 'job.started': {
        const { host } = event;
        const gpus = host.gpus.length > 0 ? ` · ${host.gpus.join(', ')}` : '';
        return this.#line(
          dim(
            `  ${event.podId === null ? 'this machine' : event.podId} · Python ${host.python} · ${host.cpus} CPUs${gpus}`,
          ),
        );
      }
      case 'watchdog':
        return this.#line(dim(`  watchdog: ${printable(event.detail)}`));
      case 'step.local':
        return this.#line(dim(`  ${event.step}: ${event.status} on this machine`));
      case 'step.skipped':
        return this.#line(`${green('↷')} ${bold(event.step)} skipped: ${printable(event.why)}`);
      case 'step.started':
        return this.#line(
          `${bold('▶')} ${bold(event.step)} (${event.index}/${event.of}): ${printable(event.why.join('; '))}`,
        );
      case 'log':
        for (const line of event.lines) {
          this.#line(dim('  │ ') + printable(line));
        }
        return;
      case 'cell':
        if (event.status === 'failed') {
          this.#line(red(`  cell ${event.cell} of ${event.of} failed`));
        }
        return;
      case 'gate':
        return this.#line(`  ${gateLine(event.gate, this.#style)}`);
      case 'step.finished': {
        const ok = event.status === 'passed';
        const reason = event.reason === null ? '' : `: ${printable(event.reason)}`;
        return this.#line(
          `${ok ? green('✓') : red('✗')} ${bold(event.step)} ${event.status} after ${duration(event.seconds)}${reason}`,
        );
      }
      case 'note':
        return this.#line(
          event.level === 'info' ? dim(`  ${printable(event.text)}`) : yellow(`! ${printable(event.text)}`),
        );
      case 'metric':
      case 'job.finished':
        return;
    }
  }

  #progress(event: Extract<RunEvent, { type: 'transfer' }>): void {
    const done = event.files === event.filesTotal;
    const now = performance.now();
    if (!done && now - this.#lastProgress < (this.#screen.interactive ? 100 : 5_000)) {
      return;
    }
    this.#lastProgress = now;
    const arrow = event.direction === 'up' ? '↑' : '↓';
    const text = `  ${arrow} ${event.files}/${event.filesTotal} files · ${byteText(event.bytes)} of ${byteText(event.bytesTotal)}`;
    if (this.#screen.interactive && !done) {
      this.#screen.write(`\r\u001b[K${text} · ${printable(event.file).slice(-50)}`);
      this.#moving = true;
    } else {
      this.#line(text);
    }
  }

  #line(text: string): void {
    if (this.#moving) {
      this.#screen.write('\r\u001b[K');
      this.#moving = false;
    }
    this.#screen.write(`${text}\n`);
  }
}

/** `✓ rows of data/base.parquet: 1327 (= 1327)` */
export function gateLine(gate: GateResult, style: Style): string {
  const mark = gate.status === 'passed' ? style.green('✓') : style.red('✗');
  const text = `${gate.title}: ${gate.seen} (${gate.expected})${gate.message === null ? '' : `. ${gate.message}`}`;
  return `${mark} ${printable(text)}`;
}

/** The table at the end: steps, gates and evidence, where results lie, what it cost. */
export function summary(result: JobResult, style: Style): string {
  const { view, cost, record } = result;
  const rows = view.steps.map((step) => [
    mark(step, style),
    step.name,
    step.where === 'local' ? 'here' : 'pod',
    step.status,
    step.seconds === undefined ? '' : duration(step.seconds),
    evidence(step),
  ]);
  const lines = ['', ...columns([['', 'step', 'where', 'result', 'time', 'gates and evidence'], ...rows]), ''];
  lines.push(headline(result, style));
  if (result.results !== undefined && record.fetched !== undefined) {
    lines.push(`Results   ${result.results} (${record.fetched.files} files, ${byteText(record.fetched.bytes)})`);
  }
  if (record.pod !== undefined) {
    const billed = cost.billed === undefined ? 'the bill is not there yet' : `${dollars(cost.billed)} billed so far`;
    lines.push(
      `Cost      about ${dollars(cost.metered)} for ${record.pod.hardware} at $${record.pod.costPerHour.toFixed(2)}/h (${billed})`,
    );
    lines.push(
      `Pod       ${record.podEnded === undefined ? style.yellow('still there') : `ended at ${record.podEnded}`}`,
    );
  }
  return lines.join('\n');
}

function headline(result: JobResult, style: Style): string {
  const reason = result.reason === undefined ? '' : `: ${printable(result.reason)}`;
  const text = `Job ${result.record.job} ${result.outcome}${reason}`;
  return result.outcome === 'succeeded' ? style.green(text) : style.red(text);
}

function mark(step: StepView, style: Style): string {
  if (step.status === 'passed' || step.status === 'skipped') {
    return style.green('✓');
  }
  return step.status === 'waiting' ? style.dim('·') : style.red('✗');
}

function evidence(step: StepView): string {
  const gates = step.gates.map((g) => `${g.title} ${g.seen}${g.status === 'passed' ? ' ✓' : ' ✗'}`);
  const why = step.status === 'skipped' ? step.why : [];
  return printable([...gates, ...why, ...(step.reason === undefined ? [] : [step.reason])].join('; '));
}
