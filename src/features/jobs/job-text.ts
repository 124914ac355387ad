import type { GateResult, JobEvent } from '../../core/journal/events.ts';
import type { RunEvent } from '../../core/journal/run-event.ts';
import { count, duration, jobWords, pricePerHour, reasonText, stepWords } from '../../core/words/index.ts';

/** Lines of the job log for one event; none for what only other views show. */
export function jobLines(event: RunEvent, free: boolean): string[] {
  switch (event.type) {
    case 'phase':
      return [`● ${event.text}`];
    case 'pod':
      return [`  ${event.name} · ${event.hardware} · ${pricePerHour(event.costPerHour, free)}`];
    case 'refused':
      return [`  ${event.hardware}: ${event.reason}`];
    case 'host-key':
      return [`  host key ${event.fingerprint} (${event.checkedBy})`];
    case 'set-aside':
      return [`  ${event.text}`];
    case 'link':
      return event.state === 'live' ? [] : [`  ${event.text}`];
    case 'warning':
      return [`! ${event.text}`];
    case 'transfer':
      return event.files === event.filesTotal
        ? [`  ${event.direction === 'up' ? '↑' : '↓'} ${count(event.files, 'file')}`]
        : [];
    case 'job':
      return workerLines(event.event);
  }
}

function workerLines(event: JobEvent): string[] {
  switch (event.type) {
    case 'watchdog':
      return [`  keeper: ${event.detail}`];
    case 'step.skipped':
      return [`↷ ${event.step} skipped: ${event.why}`];
    case 'step.started':
      return [`▶ ${event.step} (${event.index}/${event.of})${reasonText(event.why)}`];
    case 'log':
      return event.lines.map((line) => `  │ ${line}`);
    case 'cell':
      return event.status === 'failed' ? [`  cell ${event.cell} of ${event.of} failed`] : [];
    case 'gate':
      return [`  ${gateText(event.gate)}`];
    case 'step.finished': {
      const reason = event.reason === null ? '' : `: ${event.reason}`;
      return [
        `${event.status === 'passed' ? '✓' : '✗'} ${event.step} ${stepWords[event.status]} after ${duration(event.seconds)}${reason}`,
      ];
    }
    case 'note':
      return [`${event.level === 'info' ? ' ' : '!'} ${event.text}`];
    case 'job.finished':
      return [`● ${jobWords[event.status]}${event.reason === null ? '' : `: ${event.reason}`}`];
    case 'job.started':
    case 'step.local':
    case 'metric':
      return [];
  }
}

function gateText(gate: GateResult): string {
  const message = gate.message === null ? '' : `. ${gate.message}`;
  return `${gate.status === 'passed' ? '✓' : '✗'} ${gate.title}: ${gate.seen} (${gate.expected})${message}`;
}
