import type { RegionLine, RegionsPage } from '../../src/messages/overview.ts';
import { h } from '../page/dom.ts';
import { button, mark, note } from '../page/parts.ts';

export interface RegionActions {
  create: (dataCenter: string) => void;
  wait: (on: boolean) => void;
  showAll: () => void;
}

/** Data centers, the best first, each with its reason and what is free there. */
export function regionsPage(
  page: RegionsPage,
  waiting: string | undefined,
  all: boolean,
  actions: RegionActions,
): HTMLElement[] {
  const shown = all ? page.rows : page.rows.filter((row) => row.open || row.mark !== 'none');
  const hidden = page.rows.length - shown.length;
  return [
    h('p', {}, page.about),
    ...(page.blocked === undefined ? [] : [blockedBox(page.blocked, waiting, actions)]),
    h('p', { class: 'muted' }, page.size),
    h('ol', { class: 'regions' }, ...shown.map((row, i) => regionCard(row, i + 1, page.hasVolume, actions))),
    ...(hidden === 0
      ? []
      : [
          h(
            'div',
            { class: 'buttons' },
            button(`Show ${hidden} More`, actions.showAll, { key: 'all' }),
            h('span', { class: 'muted' }, 'where no volume can be created today'),
          ),
        ]),
  ];
}

function blockedBox(
  { title, ways, wait }: NonNullable<RegionsPage['blocked']>,
  waiting: string | undefined,
  actions: RegionActions,
): HTMLElement {
  return h(
    'section',
    { class: 'blocked', 'aria-label': 'Nothing is free' },
    note('warn', title),
    h('ul', {}, ...ways.map((way) => h('li', {}, way)), h('li', {}, wait)),
    h(
      'div',
      { class: 'buttons' },
      waiting === undefined
        ? button('Tell Me When Free', () => actions.wait(true), { key: 'wait' })
        : button('Stop Waiting', () => actions.wait(false), { key: 'wait' }),
      waiting !== undefined && h('span', { class: 'muted' }, waiting),
    ),
  );
}

function regionCard(row: RegionLine, rank: number, hasVolume: boolean, actions: RegionActions): HTMLElement {
  const badge = { home: 'your volume is here', best: 'best for a new volume', none: undefined }[row.mark];
  return h(
    'li',
    { class: `region region-${row.mark}` },
    h('span', { class: 'rank', 'aria-hidden': 'true' }, String(rank)),
    h(
      'div',
      { class: 'region-body' },
      h(
        'div',
        { class: 'region-head' },
        h('h3', {}, row.id),
        row.name !== row.id && h('span', { class: 'muted' }, row.name),
        badge !== undefined && h('span', { class: 'badge' }, badge),
      ),
      h('p', {}, row.reason),
      h(
        'dl',
        { class: 'region-facts' },
        ...fact('Free now', row.price === '' ? row.free : `${row.free}, from ${row.price}`),
        ...fact('Volumes', row.volume),
        ...fact('S3', row.s3),
        ...fact('Boot', row.boot),
      ),
    ),
    h(
      'div',
      { class: 'region-action' },
      row.open
        ? button('Create Volume…', () => actions.create(row.id), {
            primary: row.mark === 'best' && !hasVolume,
            label: `Create Volume in ${row.id}…`,
            key: `create-${row.id}`,
          })
        : mark('cancelled', 'calm', 'no volume can be created here today'),
    ),
  );
}

function fact(name: string, text: string): HTMLElement[] {
  return text === '' ? [] : [h('div', {}, h('dt', {}, name), h('dd', {}, text))];
}
