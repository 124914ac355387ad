import type { JobEvent } from '../core/journal/events.ts';
import type { RunEvent } from '../core/journal/run-event.ts';
import type { Remedy } from '../core/remedy.ts';
import { byteText, count, duration, pricePerHour, reasonText, stepWords } from '../core/words/index.ts';
import { printableDeep, type Style } from './style.ts';
import { gateLine, messageLines } from './summary.ts';
import { fit } from './width.ts';

export interface Screen {
  write: (text: string) => void;
  /** True where a line can be written over. */
  interactive: boolean;
  /** Whether nothing is charged. */
  free?: boolean;
  /** Columns of the terminal, asked for at every line because windows are resized. */
  width?: () => number;
}

/** Shows a run on a terminal: one line for everything that happens, one moving line for a transfer. */
export class Renderer {
  readonly #screen: Screen;
  readonly #style: Style;
  readonly #hints: (remedies: readonly Remedy[]) => string[];
  #moving = false;
  #lastProgress = 0;
  #link = 'live';
  #gateFailed = false;
  /** The last line of a finished transfer, which is told once. */
  #complete = '';

  /** @param hints the lines below a warning that name the commands which help */
  constructor(screen: Screen, style: Style, hints: (remedies: readonly Remedy[]) => string[] = () => []) {
    this.#screen = screen;
    this.#style = style;
    this.#hints = hints;
  }

  /** Everything is made harmless first: what comes from a pod or from RunPod is not trusted with a terminal. */
  show(told: RunEvent): void {
    const { bold, dim, yellow } = this.#style;
    const event = printableDeep(told);
    switch (event.type) {
      case 'phase':
        return this.#line(`${bold('●')} ${event.text}`);
      case 'pod':
        return this.#line(
          dim(`  ${event.name} · ${event.hardware} · ${pricePerHour(event.costPerHour, this.#screen.free === true)}`),
        );
      case 'refused':
        return this.#line(yellow(`  ${event.hardware}: ${event.reason}`));
      case 'host-key':
        return this.#line(dim(`  host key ${event.fingerprint} (${event.checkedBy})`));
      case 'set-aside':
        return this.#line(yellow(`  ${event.text}`));
      case 'link':
        return this.#showLink(event);
      case 'warning':
        this.#line(yellow(`! ${event.text}`));
        this.#hints(event.remedies ?? []).forEach((line) => this.#line(line));
        return;
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
    if (event.state === 'lost' && this.#screen.interactive) {
      this.#move(`  ${event.text}`);
    } else {
      this.#line(this.#style.dim(`  ${event.text}`));
    }
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
        return this.#line(dim(`  keeper: ${event.detail}`));
      case 'step.local':
        return this.#line(dim(`  ${event.step}: ${event.status} on this machine`));
      case 'step.skipped':
        return this.#line(`${green('↷')} ${bold(event.step)} skipped: ${event.why}`);
      case 'step.started':
        return this.#line(`${bold('▶')} ${bold(event.step)} (${event.index}/${event.of})${reasonText(event.why)}`);
      case 'log':
        for (const line of event.lines) {
          this.#line(dim('  │ ') + line);
        }
        return;
      case 'cell':
        if (event.status === 'failed') {
          this.#line(red(`  cell ${event.cell} of ${event.of} failed`));
        }
        return;
      case 'gate':
        this.#gateFailed ||= event.gate.status !== 'passed';
        for (const line of [
          `  ${gateLine(event.gate, this.#style)}`,
          ...messageLines(event.gate, this.#style, '    '),
        ]) {
          this.#line(line);
        }
        return;
      case 'step.finished': {
        const ok = event.status === 'passed';
        // A gate that does not hold has just said why.
        const isSaid = this.#gateFailed && event.reason?.startsWith("Gate '") === true;
        const reason = event.reason === null || isSaid ? '' : `: ${event.reason}`;
        this.#gateFailed = false;
        return this.#line(
          `${ok ? green('✓') : red('✗')} ${bold(event.step)} ${stepWords[event.status]} after ${duration(event.seconds)}${reason}`,
        );
      }
      case 'note':
        return this.#line(event.level === 'info' ? dim(`  ${event.text}`) : yellow(`! ${event.text}`));
      case 'metric':
      case 'job.finished':
        return;
    }
  }

  #progress(event: Extract<RunEvent, { type: 'transfer' }>): void {
    const done = event.files === event.filesTotal;
    if (!done) {
      this.#complete = '';
    }
    const now = performance.now();
    if (!done && now - this.#lastProgress < (this.#screen.interactive ? 100 : 5_000)) {
      return;
    }
    this.#lastProgress = now;
    const arrow = event.direction === 'up' ? '↑' : '↓';
    const text = `  ${arrow} ${event.files}/${count(event.filesTotal, 'file')} · ${byteText(event.bytes)} of ${byteText(event.bytesTotal)}`;
    if (this.#screen.interactive && !done) {
      this.#move(`${text} · ${event.file}`);
    } else if (this.#complete !== text) {
      this.#line(text);
      this.#complete = done ? text : '';
    }
  }

  /** A line that the next one writes over; it must not wrap, or its first half would stay. */
  #move(text: string): void {
    this.#screen.write(`\r\u001b[K${fit(text, (this.#screen.width?.() ?? 80) - 1)}`);
    this.#moving = true;
  }

  #line(text: string): void {
    if (this.#moving) {
      this.#screen.write('\r\u001b[K');
      this.#moving = false;
    }
    this.#screen.write(`${text}\n`);
  }
}
