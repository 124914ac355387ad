import type { PanelGate, PanelState, PanelStep } from '../../src/messages/job-panel.ts';
import { h, setText } from '../page/dom.ts';
import { duration, stepWords } from '../../src/core/words/index.ts';
import { icon, type IconName } from '../page/icons.ts';

const gateIcons: Record<PanelGate['status'], [icon: IconName, word: string]> = {
  passed: ['check', 'passed'],
  failed: ['cross', 'failed'],
  error: ['error', 'could not be evaluated'],
};

/** The job and its steps from top to bottom. One stop of the Tab key; arrows move, as in any list. */
export class Timeline {
  readonly element: HTMLElement;
  readonly #onPick: (step: string) => void;
  readonly #rows = new Map<string, { text: string; row: HTMLElement }>();
  #order: string[] = [];
  #selected = '';
  #steps: PanelStep[] = [];

  constructor(onPick: (step: string) => void) {
    this.#onPick = onPick;
    this.element = h('div', { class: 'timeline', role: 'listbox', 'aria-label': 'Steps', tabindex: '0' });
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
  }

  show(state: PanelState, selected: string): void {
    this.#steps = state.steps;
    this.#selected = selected;
    this.#order = ['', ...state.steps.map((s) => s.name)];
    const rows = [
      this.#row('', state.activityDetail ?? '', () => jobRow(state)),
      ...state.steps.map((step) => this.#row(step.name, JSON.stringify(step), () => stepRow(step))),
    ];
    if (rows.length !== this.element.children.length || rows.some((row, i) => this.element.children[i] !== row)) {
      this.element.replaceChildren(...rows);
    }
    for (const [i, name] of this.#order.entries()) {
      const row = this.#rows.get(name)?.row;
      row?.setAttribute('id', `step-${i}`);
      row?.setAttribute('aria-selected', String(name === selected));
    }
    this.element.setAttribute('aria-activedescendant', `step-${Math.max(0, this.#order.indexOf(selected))}`);
    this.tick();
  }

  /** Brings the selected row into what is seen. */
  reveal(): void {
    this.#rows.get(this.#selected)?.row.scrollIntoView({ block: 'nearest' });
  }

  /** The time of what runs. */
  tick(): void {
    for (const step of this.#steps) {
      const time = this.#rows.get(step.name)?.row.querySelector('.step-time');
      if (time && step.status === 'running' && step.started !== undefined) {
        setText(time, duration(Math.max(1, Math.floor((Date.now() - step.started) / 1000))));
      }
    }
  }

  /** The row of a step; made again only when something about the step has changed. */
  #row(name: string, text: string, make: () => HTMLElement): HTMLElement {
    const known = this.#rows.get(name);
    if (known?.text === text) {
      return known.row;
    }
    const row = make();
    row.addEventListener('click', () => this.#onPick(name));
    this.#rows.set(name, { text, row });
    return row;
  }

  #onKey(event: KeyboardEvent): void {
    const at = this.#order.indexOf(this.#selected);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.#order.length - 1 }[event.key];
    const name = to === undefined ? undefined : this.#order[to];
    if (name !== undefined) {
      event.preventDefault();
      this.#onPick(name);
    }
  }
}

function jobRow(state: PanelState): HTMLElement {
  return h(
    'div',
    { class: 'step', role: 'option', 'data-step': '' },
    h('span', { class: 'step-mark' }, icon('job')),
    h(
      'div',
      { class: 'step-body' },
      h('div', { class: 'step-line' }, h('span', { class: 'step-name' }, 'Whole job')),
      // The header says how the job stands; what is done just now may be long, and has room here.
      state.activityDetail !== undefined &&
        h('div', { class: 'step-note', title: state.activityDetail }, state.activityDetail),
    ),
  );
}

function stepRow(step: PanelStep): HTMLElement {
  const time = step.seconds === undefined || step.status === 'skipped' ? '' : duration(step.seconds);
  const word = stepWords[step.status];
  return h(
    'div',
    { class: `step is-${step.status}`, role: 'option', 'data-step': step.name },
    h('span', { class: `step-mark mark-${step.status}` }, icon(step.status, word)),
    h(
      'div',
      { class: 'step-body' },
      h(
        'div',
        { class: 'step-line' },
        h('span', { class: 'step-name', title: step.name }, step.name),
        h(
          'span',
          { class: 'step-where', title: step.where === 'local' ? 'Runs on this machine' : 'Runs on the pod' },
          step.where === 'local' ? 'here' : 'pod',
        ),
        h('span', { class: 'step-time' }, time),
      ),
      note(step) !== '' && h('div', { class: 'step-note' }, note(step)),
      ...step.gates.map(gateRow),
      step.moreGates > 0 && h('div', { class: 'gate' }, `and ${step.moreGates} more gates`),
    ),
  );
}

/** One line on why it ran, was skipped or ended as it did. */
function note({ status, why, reason, cell, gates }: PanelStep): string {
  switch (status) {
    case 'skipped':
      return `Skipped: ${why[0] ?? 'nothing changed'}`;
    case 'running':
      return cell === undefined ? (why[0] ?? '') : `Cell ${cell.at} of ${cell.of}`;
    case 'failed':
    case 'timeout':
    case 'cancelled':
      // A gate that does not hold tells its own reason below.
      return gates.some((g) => g.status !== 'passed') ? '' : (reason ?? stepWords[status]);
    case 'unknown':
      return 'Nobody here heard how it ended';
    case 'passed':
      return why[0] ?? '';
    case 'waiting':
      return '';
  }
}

/** `✓ rows of data/base.parquet  1,327 = 1,327`; one that does not hold says what was expected, and why. */
export function gateRow(gate: PanelGate): HTMLElement {
  const [shape, word] = gateIcons[gate.status];
  const passed = gate.status === 'passed';
  return h(
    'div',
    { class: `gate gate-${gate.status}` },
    h('span', { class: `gate-mark gate-mark-${gate.status}` }, icon(shape, word)),
    h(
      'span',
      { class: 'gate-text' },
      h('span', { class: 'gate-title' }, gate.title),
      ' ',
      h('span', { class: 'gate-seen' }, passed ? held(gate) : `seen ${gate.seen}, expected ${gate.expected}`),
    ),
  );
}

/** `1327 = 1327` for what must be equal, else what was seen and the bound that it keeps. */
function held({ seen, expected }: PanelGate): string {
  return expected.startsWith('=') ? `${seen} ${expected}` : seen === expected ? seen : `${seen} (${expected})`;
}
