import '@vscode-elements/elements/dist/vscode-button/index.js';
import * as z from 'zod';
import { dispatch } from '../../src/messages/dispatch.ts';
import { caps, toSheetSchema, type FromSheet, type SheetState } from '../../src/messages/launch-sheet.ts';
import { h, setText } from '../page/dom.ts';
import { button, disclosure, facts, mark, note, redraw } from '../page/parts.ts';
import '../page/base.css';
import '../page/text-page.css';
import { checklist } from './checklist.ts';
import './style.css';

// The page may not make code from text, which the validator would try for speed.
z.config({ jitless: true });

declare function acquireVsCodeApi(): { postMessage(message: unknown): void };
const host = acquireVsCodeApi();
const send = (message: FromSheet): void => host.postMessage(message);

const title = h('h1', { tabindex: '-1' });
const sandbox = h('span', { class: 'badge', title: 'Nothing is billed: the prices are those of RunPod' }, 'sandbox');
const file = h('span', { class: 'muted' });
const start = document.createElement('vscode-button');
start.className = 'start';
start.addEventListener('click', () => {
  if (!start.hasAttribute('disabled')) {
    send({ type: 'start' });
  }
});
const smoke = document.createElement('vscode-button');
smoke.className = 'smoke';
smoke.secondary = true;
smoke.textContent = 'Smoke Run First';
smoke.setAttribute('aria-describedby', 'smoke-price');
smoke.addEventListener('click', () => {
  if (!smoke.hasAttribute('disabled')) {
    send({ type: 'smoke' });
  }
});
const smokePrice = h('p', { class: 'muted smoke-price', id: 'smoke-price' });
const profiles = h('select', { 'aria-label': 'Profile' });
profiles.addEventListener('change', () => send({ type: 'profile', profile: profiles.value }));
const profileText = h('span', { class: 'muted' });
const profile = h('label', { class: 'profile' }, 'Profile ', profiles);
const blocked = h('p', { class: 'blocked', id: 'blocked' });
const started = h('p', { class: 'started', role: 'status' });
const failure = h('div', { class: 'failure', role: 'alert' });
const content = h('div', { class: 'content' });
const spoken = h('div', { class: 'spoken', role: 'status', 'aria-live': 'polite' });
document.body.append(
  h(
    'main',
    { class: 'sheet' },
    h(
      'header',
      { class: 'head' },
      h('div', { class: 'title' }, h('div', { class: 'name' }, title, sandbox), file),
      h(
        'div',
        { class: 'buttons' },
        start,
        smoke,
        button('Cancel', () => send({ type: 'cancel' })),
        profile,
        profileText,
      ),
      smokePrice,
      blocked,
      started,
      failure,
    ),
    content,
    spoken,
  ),
);

let said = '';
let drawn = '';
let shownProfiles = '';

function show(state: SheetState): void {
  setText(title, `Run ${state.project}`);
  setText(file, state.file);
  sandbox.hidden = !state.sandbox;
  showProfiles(state);
  showStart(state);
  showSmoke(state);
  const text = JSON.stringify({ ...state, start: undefined, smoke: undefined });
  if (text !== drawn) {
    drawn = text;
    redraw(content, sections(state));
  }
  const news = state.checks.busy ? '' : (state.checks.failure ?? state.checks.value?.sum ?? '');
  if (news !== said) {
    said = news;
    setText(spoken, news);
  }
}

function showProfiles({ profiles: known, profile: chosen }: SheetState): void {
  profile.hidden = known.length === 0;
  const options = [{ name: '', description: '' }, ...known];
  const text = JSON.stringify(options);
  // A list that is open shuts when its entries are made anew.
  if (text !== shownProfiles) {
    shownProfiles = text;
    profiles.replaceChildren(
      ...options.map(({ name, description }) =>
        h('option', { value: name, title: description }, name === '' ? 'as the file is' : name),
      ),
    );
  }
  if (profiles.value !== chosen) {
    profiles.value = chosen;
  }
  setText(profileText, known.find(({ name }) => name === chosen)?.description ?? '');
}

function showStart({ start: { label, blocked: why, busy, failure: failed } }: SheetState): void {
  setText(start, busy === 'run' ? 'Starting…' : label);
  const off = busy !== undefined || why !== undefined;
  // Still reached by Tab, so that a screen reader can say why it does nothing.
  start.toggleAttribute('disabled', off);
  start.setAttribute('aria-disabled', String(off));
  start.setAttribute('aria-describedby', 'blocked');
  setText(blocked, why ?? '');
  blocked.hidden = why === undefined;
  failure.hidden = failed === undefined;
  redraw(failure, failed === undefined ? [] : [note('bad', failed)]);
}

/** It may be tried while errors keep the whole run from starting. */
function showSmoke({
  smoke: { value, failure: failed, busy: looking },
  start: { busy, note: text },
}: SheetState): void {
  setText(smoke, busy === 'smoke' ? 'Starting…' : 'Smoke Run First');
  const off = busy !== undefined || value === undefined || failed !== undefined;
  smoke.toggleAttribute('disabled', off);
  smoke.setAttribute('aria-disabled', String(off));
  smokePrice.setAttribute('aria-busy', String(looking));
  const sentence = failed ?? (value === undefined ? 'Looking…' : [value.text, ...value.notes].join(' '));
  setText(smokePrice, `Smoke run: ${sentence}`);
  setText(started, text ?? '');
  started.hidden = text === undefined;
}

function sections(state: SheetState): HTMLElement[] {
  const { pods, sync, estimate, limits, ending } = state;
  const checks = section('Checks', state.checks, (value) =>
    checklist(value, {
      show: (finding) => send({ type: 'show', look: state.look, finding }),
      fix: (finding) => send({ type: 'fix', look: state.look, finding }),
    }),
  );
  return [
    h('div', { class: 'side' }, ...localCommands(state), checks),
    h(
      'div',
      { class: 'side' },
      section('Cost', estimate, (value) => [
        h('p', { class: 'figure' }, value.text),
        h('p', {}, value.time),
        disclosure('assumptions', 'What this rests on', [
          h('ul', {}, ...value.assumptions.map((line) => h('li', {}, line))),
        ]),
      ]),
      section('Steps', { busy: state.stepsBusy, value: state.steps }, (value) => [
        facts(value),
        ...(ending.text === ''
          ? []
          : [
              ending.costs
                ? note('warn', `At the end: ${ending.text}`)
                : facts([{ name: 'At the end', text: ending.text }]),
            ]),
      ]),
      section('Limits', limits, (value) => [
        h('p', {}, value.text),
        h(
          'ul',
          { class: 'marked' },
          ...value.owners.map(({ armed, text }) =>
            h(
              'li',
              {},
              mark(armed ? 'passed' : 'error', armed ? 'good' : 'warn', armed ? 'holds' : 'does not hold'),
              h('span', {}, text),
            ),
          ),
        ),
      ]),
      section('Pod', pods, (value) => [
        h('ol', { class: 'pods' }, ...value.rows.map((row) => podLine(row))),
        ...(value.note === undefined ? [] : [note('warn', value.note)]),
        facts([{ name: 'Volume', text: value.volume }]),
      ]),
      section('Upload', sync, (value) => [
        facts(value.facts),
        ...(value.notes.length === 0
          ? []
          : [h('ul', { class: 'muted' }, ...value.notes.map((line) => h('li', {}, line)))]),
      ]),
    ),
  ];
}

function podLine({
  label,
  price,
  stock,
  free,
  first,
}: NonNullable<SheetState['pods']['value']>['rows'][number]): HTMLElement {
  return h(
    'li',
    { class: free ? '' : 'taken' },
    h('span', { class: 'pod-name' }, label),
    h('span', {}, price),
    h('span', { class: 'muted' }, stock),
    first && h('span', { class: 'badge' }, 'asked for first'),
  );
}

/** The start is the consent to these, so that all of them stand here as they are. */
function localCommands({ local = [] }: SheetState): HTMLElement[] {
  return local.length === 0
    ? []
    : [
        h(
          'section',
          { class: 'part part-local', 'aria-labelledby': 'section-local' },
          h('div', { class: 'part-head' }, h('h2', { id: 'section-local' }, 'On this machine')),
          h(
            'div',
            { class: 'part-body' },
            h('p', {}, 'The start runs these commands of the project file here:'),
            h('dl', {}, ...local.flatMap(({ name, text }) => [h('dt', {}, name), h('dd', {}, h('code', {}, text))])),
          ),
        ),
      ];
}

interface Part<T> {
  busy: boolean;
  failure?: string | undefined;
  value?: T | undefined;
}

function section<T>(name: string, part: Part<T>, build: (value: T) => HTMLElement[]): HTMLElement {
  const id = `section-${name.toLowerCase()}`;
  const body =
    part.failure !== undefined
      ? [note('bad', part.failure)]
      : part.value === undefined
        ? [h('p', { class: 'muted' }, 'Looking…')]
        : build(part.value);
  return h(
    'section',
    { class: `part part-${name.toLowerCase()}`, 'aria-labelledby': id, 'aria-busy': String(part.busy) },
    h(
      'div',
      { class: 'part-head' },
      h('h2', { id }, name),
      part.busy && mark('running', 'busy', 'being looked at'),
      name === 'Checks' && h('span', { class: 'grow' }),
      name === 'Checks' && button('Check Again', () => send({ type: 'again' }), { key: 'again', disabled: part.busy }),
    ),
    h('div', { class: 'part-body' }, ...body),
  );
}

window.addEventListener('message', (event) => {
  const why = dispatch(toSheetSchema, { state: show }, event.data);
  if (why !== undefined) {
    send({ type: 'refused', why: why.slice(0, caps.sentence) });
  }
});
send({ type: 'ready' });
title.focus();
