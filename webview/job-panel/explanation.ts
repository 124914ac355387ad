import type { PanelExplanation, ToldExplanation } from '../../src/messages/job-panel.ts';
import { h } from '../page/dom.ts';
import { button, facts, note } from '../page/parts.ts';

/** Why the job failed: each thing once, and what can be done, beside the log. */
export function explanationPage(
  { busy, failure, told }: PanelExplanation,
  act: (index: number) => void,
): (HTMLElement | string)[] {
  if (told === undefined) {
    return failure === undefined || busy
      ? [h('p', { class: 'empty', role: 'status' }, 'Looking at the journal, the log and the pod…')]
      : [note('bad', failure)];
  }
  const { what, why, next, also, last, change } = told;
  return [
    h('h3', {}, what),
    ...seenPart(told),
    ...(why === undefined ? [] : [h('p', {}, why)]),
    ...lines('The last lines of its step', last),
    ...lines('Seen before that, and survived', also),
    ...[next, change].filter((text) => text !== undefined).map((text) => h('p', {}, text)),
    ...(told.note === undefined ? [] : [h('p', { class: 'muted explanation-note' }, told.note)]),
    h(
      'div',
      { class: 'buttons' },
      ...told.acts.map(({ title, first }, i) => button(title, () => act(i), { primary: first, key: `act-${i}` })),
    ),
  ];
}

function seenPart({ seen }: ToldExplanation): HTMLElement[] {
  const named = seen.filter(({ name }) => name !== '');
  const asSeen = seen.filter(({ name }) => name === '').map(({ text }) => text);
  return [...(named.length === 0 ? [] : [facts(named)]), ...lines('', asSeen)];
}

function lines(title: string, texts: readonly string[]): HTMLElement[] {
  if (texts.length === 0) {
    return [];
  }
  const label = title === '' ? 'What was seen' : title;
  return [
    ...(title === '' ? [] : [h('p', { class: 'muted' }, `${title}:`)]),
    h('pre', { tabindex: '0', role: 'region', 'aria-label': label }, texts.join('\n')),
  ];
}
