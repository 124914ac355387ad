import type { CostsPage, MoneyTable } from '../../src/messages/overview.ts';
import { h } from '../page/dom.ts';
import { note, table } from '../page/parts.ts';

/** Figures of the day, then jobs, days and projects with the meter beside the bill. */
export function costsPage({ figures, warning, tables, notes }: CostsPage): HTMLElement[] {
  return [
    h(
      'div',
      { class: 'figures' },
      ...figures.map(({ name, value, note: small }) =>
        h(
          'div',
          { class: 'figure' },
          h('span', { class: 'muted' }, name),
          h('span', { class: 'figure-value' }, value),
          h('span', { class: 'muted' }, small),
        ),
      ),
    ),
    ...(warning === undefined ? [] : [note('warn', warning)]),
    ...tables.map(moneyTable),
    ...notes.map((text) => h('p', { class: 'muted' }, text)),
  ];
}

function moneyTable({ title, columns, rows, empty }: MoneyTable): HTMLElement {
  return h(
    'section',
    { class: 'money' },
    h('h2', {}, title),
    rows.length === 0 ? h('p', { class: 'muted' }, empty) : table(title, columns, rows),
  );
}
