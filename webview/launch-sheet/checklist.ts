import type { SheetCheck, SheetFinding, SheetState } from '../../src/messages/launch-sheet.ts';
import { h } from '../page/dom.ts';
import type { IconName } from '../page/icons.ts';
import { button, disclosure, mark, type Tone } from '../page/parts.ts';

const severities: Record<SheetFinding['severity'], [icon: IconName, tone: Tone, word: string]> = {
  error: ['failed', 'bad', 'Error'],
  warning: ['error', 'warn', 'Warning'],
  info: ['info', 'busy', 'Good to know'],
};
const states: Record<SheetCheck['status'], [icon: IconName, tone: Tone, word: string]> = {
  ok: ['passed', 'good', 'fine'],
  error: ['failed', 'bad', 'error'],
  warning: ['error', 'warn', 'warning'],
  info: ['info', 'busy', 'good to know'],
  unknown: ['waiting', 'calm', 'not known'],
};

export interface ChecklistActions {
  show: (finding: number) => void;
  fix: (finding: number) => void;
}

/** Findings with what can be done about them, the checks that could not tell all, then every check behind a click. */
export function checklist(
  { findings, checks, sum }: NonNullable<SheetState['checks']['value']>,
  actions: ChecklistActions,
): HTMLElement[] {
  const worst = findings.some((f) => f.severity === 'error')
    ? severities.error
    : findings.some((f) => f.severity === 'warning')
      ? severities.warning
      : states.ok;
  const open = checks.filter((c) => c.unknown.length > 0);
  return [
    h('p', { class: 'sum' }, mark(worst[0], worst[1]), h('span', {}, sum)),
    h('ul', { class: 'findings' }, ...findings.map((finding, i) => findingCard(finding, i, actions))),
    h('ul', { class: 'marked' }, ...open.map(checkLine)),
    disclosure('all-checks', 'All checks', [h('ul', { class: 'marked' }, ...checks.map(checkLine))], { kind: 'all' }),
  ];
}

function findingCard(
  { severity, what, why, next, place, fix }: SheetFinding,
  index: number,
  actions: ChecklistActions,
): HTMLElement {
  const [name, tone, word] = severities[severity];
  return h(
    'li',
    { class: `finding finding-${severity}` },
    mark(name, tone, word),
    h(
      'div',
      { class: 'finding-body' },
      h('h3', {}, what),
      h('p', { class: 'muted' }, why),
      h('p', {}, next),
      (place !== undefined || fix !== undefined) &&
        h(
          'div',
          { class: 'buttons' },
          fix !== undefined &&
            button(fix, () => actions.fix(index), { label: `${fix}, for: ${what}`, key: `fix-${index}` }),
          place !== undefined &&
            button('Show', () => actions.show(index), { label: `Show ${place}`, key: `show-${index}` }),
          place !== undefined && h('span', { class: 'muted' }, place),
        ),
    ),
  );
}

function checkLine({ title, status, unknown }: SheetCheck): HTMLElement {
  const [name, tone, word] = states[status];
  return h(
    'li',
    {},
    mark(name, tone, word),
    h('span', {}, title, ...unknown.map((text) => h('span', { class: 'muted unknown' }, text))),
  );
}
