import '@vscode-elements/elements/dist/vscode-button/index.js';
import * as z from 'zod';
import { dispatch } from '../../src/messages/dispatch.ts';
import {
  caps,
  tabs as tabNames,
  toOverviewSchema,
  type FromOverview,
  type OverviewState,
  type OverviewTab,
} from '../../src/messages/overview.ts';
import { h, setText } from '../page/dom.ts';
import { Tabs } from '../page/tabs.ts';
import { button, mark, note, redraw } from '../page/parts.ts';
import '../page/base.css';
import '../page/tabs.css';
import '../page/text-page.css';
import { costsPage } from './costs.ts';
import { radarPage } from './radar.ts';
import { regionsPage } from './regions.ts';
import './style.css';

// The page may not make code from text, which the validator would try for speed.
z.config({ jitless: true });

declare function acquireVsCodeApi(): { postMessage(message: unknown): void };
const host = acquireVsCodeApi();
const send = (message: FromOverview): void => host.postMessage(message);

const titles: Record<OverviewTab, string> = { regions: 'Regions', costs: 'Costs', radar: 'Unused' };
const pages: Record<OverviewTab, HTMLElement> = { regions: page(), costs: page(), radar: page() };
const sandbox = h('span', { class: 'badge', title: 'Nothing is billed: the prices are those of RunPod' }, 'sandbox');
const tabs = new Tabs<OverviewTab>(
  'What to look at',
  {
    regions: { title: titles.regions, content: pages.regions },
    costs: { title: titles.costs, content: pages.costs },
    radar: { title: titles.radar, content: pages.radar },
  },
  (tab) => send({ type: 'tab', tab }),
);
const spoken = h('div', { class: 'spoken', role: 'status', 'aria-live': 'polite' });
document.body.append(
  h(
    'main',
    { class: 'overview' },
    h('header', { class: 'head' }, h('h1', {}, 'Overview'), sandbox, h('span', { class: 'grow' }), tabs.list),
    tabs.panels,
    spoken,
  ),
);

function page(): HTMLElement {
  return h('div', { class: 'page' });
}

const drawn: Partial<Record<OverviewTab, string>> = {};
/** Regions that nothing can be created in are shown when the user asks. */
let allRegions = false;
let latest: OverviewState | undefined;

function show(state: OverviewState): void {
  latest = state;
  sandbox.hidden = !state.sandbox;
  tabs.show(state.tab);
  for (const tab of tabNames) {
    const text = JSON.stringify([state[tab], state.waiting, allRegions]);
    if (text !== drawn[tab]) {
      drawn[tab] = text;
      redraw(pages[tab], contentOf(tab, state));
    }
  }
  const part = state[state.tab];
  setText(spoken, part.busy ? '' : (part.failure ?? `${titles[state.tab]}: seen at ${part.seen ?? ''}`));
}

function contentOf(tab: OverviewTab, state: OverviewState): HTMLElement[] {
  const { busy, failure, seen, value } = state[tab];
  const when = seen === undefined ? '' : `Seen at ${seen}`;
  return [
    h(
      'div',
      { class: 'tools' },
      h('span', { class: 'muted' }, busy ? 'Looking…' : when),
      busy && mark('running', 'busy'),
      h('span', { class: 'grow' }),
      button('Look Again', () => send({ type: 'again', tab }), { key: `again-${tab}`, disabled: busy }),
    ),
    ...(failure === undefined ? [] : [note('bad', failure)]),
    ...(value === undefined ? [] : bodyOf(tab, state)),
  ];
}

function bodyOf(tab: OverviewTab, { regions, costs, radar, waiting }: OverviewState): HTMLElement[] {
  switch (tab) {
    case 'regions':
      return regions.value === undefined
        ? []
        : regionsPage(regions.value, waiting, allRegions, {
            create: (dataCenter) => send({ type: 'createVolume', dataCenter }),
            wait: (on) => send({ type: 'wait', on }),
            showAll: () => {
              allRegions = true;
              if (latest !== undefined) {
                show(latest);
              }
            },
          });
    case 'costs':
      return costs.value === undefined ? [] : costsPage(costs.value);
    case 'radar':
      return radar.value === undefined
        ? []
        : radarPage(radar.value, {
            endPod: (id) => send({ type: 'endPod', id }),
            endEndpoint: (id) => send({ type: 'endEndpoint', id }),
          });
  }
}

window.addEventListener('message', (event) => {
  const why = dispatch(toOverviewSchema, { state: show }, event.data);
  if (why !== undefined) {
    send({ type: 'refused', why: why.slice(0, caps.sentence) });
  }
});
send({ type: 'ready' });
