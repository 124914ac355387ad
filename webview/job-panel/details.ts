import type { PanelAction, PanelDetail, PanelGate, PanelState, PanelStep } from '../../src/messages/job-panel.ts';
import { h } from '../page/dom.ts';
import { byteText, count, duration, pricePerHour } from '../../src/core/words/index.ts';
import { clock } from './format.ts';
import { icon } from '../page/icons.ts';

export interface DetailsActions {
  copy: (text: string) => void;
  act: (action: PanelAction) => void;
}

/** What the selected step was started with and what its gates saw; for the whole job its host, cap and places. */
export function details(
  state: PanelState,
  step: PanelStep | undefined,
  detail: PanelDetail | undefined,
  actions: DetailsActions,
): HTMLElement[] {
  return step === undefined ? jobSections(state, actions) : stepSections(step, detail, actions);
}

function stepSections(step: PanelStep, detail: PanelDetail | undefined, { copy }: DetailsActions): HTMLElement[] {
  const argv = detail?.argv ?? [];
  const command = argv.map(shellWord).join(' ');
  return [
    ...section(step.gates.length > 0, 'Gates', () =>
      // What needs attention comes first.
      step.gates
        .map((gate, i) => ({ gate, evidence: detail?.gates[i]?.evidence }))
        .toSorted((a, b) => Number(a.gate.status === 'passed') - Number(b.gate.status === 'passed'))
        .map(({ gate, evidence }) => gateCard(gate, evidence)),
    ),
    // A gate that does not hold has said it already.
    ...section(step.reason !== undefined && step.gates.every((g) => g.status === 'passed'), 'How it ended', () => [
      h('p', {}, step.reason ?? ''),
    ]),
    ...section(step.why.length > 0, step.status === 'skipped' ? 'Why it was skipped' : 'Why it ran', () => [
      h('ul', {}, ...step.why.map((why) => h('li', {}, why))),
    ]),
    ...section(argv.length > 0, 'Command', () => [
      h(
        'div',
        { class: 'command' },
        h('pre', { tabindex: '0' }, command),
        button('Copy', () => copy(command)),
      ),
    ]),
    ...section(true, 'Times', () => [
      facts([
        ['Where', step.where === 'local' ? 'This machine' : 'The pod'],
        ['Went on from', step.resumeFrom ?? ''],
        ['Started', step.started === undefined ? 'not yet' : clock(step.started)],
        ['Took', step.seconds === undefined ? '' : duration(step.seconds)],
      ]),
    ]),
  ];
}

function gateCard(gate: PanelGate, evidence: string | undefined): HTMLElement {
  const words = { passed: 'Passed', failed: 'Failed', error: 'Could not be evaluated' };
  const shown = evidence !== undefined && evidence !== '{}';
  return h(
    'article',
    { class: `gate-card gate-card-${gate.status}` },
    h(
      'h4',
      {},
      h(
        'span',
        { class: `gate-mark gate-mark-${gate.status}` },
        icon(gate.status === 'passed' ? 'check' : gate.status === 'error' ? 'error' : 'cross'),
      ),
      h('span', {}, gate.title),
      h('span', { class: `gate-word gate-mark-${gate.status}` }, words[gate.status]),
    ),
    gate.message !== null && h('p', { class: 'gate-message' }, gate.message),
    facts([
      ['Expected', gate.expected],
      ['Seen', gate.seen],
    ]),
    shown && h('pre', { tabindex: '0', 'aria-label': `Evidence of ${gate.title}` }, evidence),
  );
}

function jobSections(state: PanelState, { copy, act }: DetailsActions): HTMLElement[] {
  const { host, watchdog, pod, places, fetched, missing } = state;
  return [
    ...section(state.reason !== undefined, 'How it ended', () => [h('p', {}, state.reason ?? '')]),
    ...section(true, 'Job', () => [
      facts([
        ['Id', state.job],
        ['Created', clock(state.created)],
        [
          'Results',
          fetched === undefined
            ? 'not fetched'
            : `${count(fetched.files, 'file')}, ${byteText(fetched.bytes)}, ${clock(fetched.time)}`,
        ],
      ]),
      h(
        'div',
        { class: 'buttons' },
        button('Copy Id', () => act('copyJobId')),
        button('Open Project File', () => act('openProjectFile')),
        button('Open Record Folder', () => act('openRecord')),
      ),
    ]),
    ...section(missing !== undefined, 'Results', () => [
      h('p', {}, `Not all is well: ${missing?.text ?? ''}.`),
      ...(missing?.lines ?? []).map((line) => h('p', {}, line)),
    ]),
    ...section(watchdog !== undefined, 'Cap', () => [
      facts([
        [
          'Held by',
          watchdog?.armed === true
            ? 'the keeper on the pod, also while this computer is off'
            : 'nobody while this computer is off',
        ],
        ['Stops at', watchdog?.deadline ? clock(watchdog.deadline) : 'no limit of time'],
        ['Detail', watchdog?.detail ?? ''],
      ]),
    ]),
    ...section(pod !== undefined, 'Pod', () => [
      facts([
        ['Name', pod?.name ?? ''],
        ['Id', pod?.id ?? ''],
        ['Hardware', pod?.hardware ?? ''],
        ['Price', pricePerHour(pod?.costPerHour, state.sandbox)],
        ['Ended', pod?.until === undefined ? 'not yet' : clock(pod.until)],
      ]),
    ]),
    ...section(host !== undefined, 'Host', () => [
      facts([
        ['Python', host?.python ?? ''],
        ['CPUs', String(host?.cpus ?? '')],
        ['Memory', host?.memoryBytes ? byteText(host.memoryBytes) : ''],
        ['GPUs', host?.gpus.join(', ') ?? ''],
      ]),
    ]),
    ...section(state.notes.length > 0, 'Notes', () => [
      h(
        'ul',
        {},
        ...state.notes.map((n) =>
          h('li', { class: `note-${n.level}` }, n.level === 'info' ? n.text : `${n.level}: ${n.text}`),
        ),
      ),
    ]),
    ...section(true, 'Places', () => [
      facts([
        ['Project file', places.projectFile],
        ['Record', places.record],
        ['Results', places.results ?? ''],
        ['On the volume', places.remote ?? ''],
      ]),
      button('Copy Paths', () =>
        copy([places.projectFile, places.record, places.results, places.remote].filter(Boolean).join('\n')),
      ),
    ]),
  ];
}

function section(there: boolean, title: string, content: () => HTMLElement[]): HTMLElement[] {
  return there ? [h('section', { class: 'detail' }, h('h3', {}, title), ...content())] : [];
}

function facts(rows: [name: string, value: string][]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== '');
  return h('dl', {}, ...shown.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

function button(text: string, act: () => void): HTMLElement {
  const element = document.createElement('vscode-button');
  element.setAttribute('secondary', '');
  element.textContent = text;
  element.addEventListener('click', act);
  return element;
}

/** A word as a person would type it in a shell. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
