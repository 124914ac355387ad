import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import * as z from 'zod';
import { dispatch } from '../../src/messages/dispatch.ts';
import {
  caps,
  toPanelSchema,
  type FromPanel,
  type PanelDetail,
  type PanelExplanation,
  type PanelMetrics,
  type PanelState,
} from '../../src/messages/job-panel.ts';
import { chartCard } from './chart.ts';
import { details } from './details.ts';
import { explanationPage } from './explanation.ts';
import { redraw } from '../page/parts.ts';
import { h, setText } from '../page/dom.ts';
import { Header } from './header.ts';
import { LogView } from './log-view.ts';
import { announcement, stepToShow, tabToShow, type TabName } from './selection.ts';
import '../page/base.css';
import '../page/tabs.css';
import './layout.css';
import './header.css';
import './timeline.css';
import './log.css';
import './metrics.css';
import './details.css';
import './explanation.css';
import './narrow.css';
import { Tabs } from '../page/tabs.ts';
import { followTheme } from './theme.ts';
import { Timeline } from './timeline.ts';

// The page may not make code from text, which the validator would try for speed.
z.config({ jitless: true });

declare function acquireVsCodeApi(): {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
};
const host = acquireVsCodeApi();
const send = (message: FromPanel): void => host.postMessage(message);

/** What the page keeps over hiding and over a reload of the window. */
const keptSchema = z.object({
  job: z.string(),
  /** The step that the user picked; absent while the page follows the job. */
  step: z.string().optional(),
  tab: z.enum(['log', 'metrics', 'details', 'explanation']).optional(),
  /** The step that was shown last. */
  shown: z.string().optional(),
  wrap: z.boolean(),
});
const read = keptSchema.safeParse(host.getState());
let kept: z.infer<typeof keptSchema> = read.success ? read.data : { job: '', wrap: false };
const keep = (change: Partial<typeof kept>): void => {
  kept = { ...kept, ...change };
  host.setState(kept);
};

let state: PanelState | undefined;
let detail: PanelDetail | undefined;
let metrics: PanelMetrics | undefined;
let selected: string | undefined;
let explanation: PanelExplanation | undefined;
let shownDetails = '';

const copy = (text: string): void => send({ type: 'copy', text: text.slice(0, caps.copy) });
const header = new Header((action) => {
  if (action !== 'explain') {
    send({ type: 'action', action });
    return;
  }
  pickTab('explanation');
  // Where the page scrolls, its tabs may lie below what is seen.
  tabs.list.scrollIntoView({ block: 'start' });
});
const timeline = new Timeline((step) => pick(step));
const log = new LogView(
  { copy, openWhole: () => send({ type: 'action', action: 'openLog' }), onWrap: (wrap) => keep({ wrap }) },
  kept.wrap,
);
const metricsPage = h('div', { class: 'metrics' });
const detailsPage = h('div', { class: 'details' });
const explanationElement = h('div', { class: 'explanation' });
const tabs = new Tabs<TabName>(
  'About the selected step',
  {
    log: { title: 'Log', content: log.element },
    metrics: { title: 'Metrics', content: metricsPage },
    details: { title: 'Details', content: detailsPage },
    explanation: { title: 'Explain Failure', content: explanationElement },
  },
  (tab) => pickTab(tab),
);
const title = h('h2');
const finding = h('div', { class: 'finding', hidden: true });
const spoken = h('div', { class: 'spoken', role: 'status', 'aria-live': 'polite' });
const loading = h('p', { class: 'empty loading' }, 'Reading the job…');
const content = h(
  'div',
  { class: 'content', hidden: true },
  h('nav', { class: 'side', 'aria-label': 'Timeline' }, timeline.element),
  h(
    'section',
    { class: 'main', 'aria-label': 'Selected step' },
    h('div', { class: 'main-head' }, title, tabs.list),
    finding,
    tabs.panels,
  ),
);
header.element.hidden = true;
document.body.append(h('main', { class: 'page' }, header.element, header.bars, loading, content, spoken));

function pickTab(tab: TabName): void {
  keep({ tab });
  tabs.show(tab);
  if (tab === 'explanation') {
    send({ type: 'explain' });
    paintExplanation();
  }
  paintFinding();
}

/** The user chose a step. Choosing the one that the page would show anyway lets it follow the job again. */
function pick(step: string): void {
  const follows = state !== undefined && stepToShow(state) === step;
  keep({ step: follows ? undefined : step });
  show(step);
}

function show(step: string): void {
  if (state === undefined) {
    return;
  }
  const another = selected !== step;
  if (another) {
    selected = step;
    keep({ shown: step });
    detail = undefined;
    metrics = undefined;
    log.show(step === '' ? 'Log of the job' : `Log of ${step}`);
    send({ type: 'select', step });
    paintMetrics();
  }
  const found = state.steps.find((s) => s.name === step);
  timeline.show(state, step);
  if (another) {
    timeline.reveal();
  }
  setText(title, step === '' ? 'Whole job' : step);
  const offered = state.actions.includes('explain');
  tabs.offer('explanation', offered);
  const kind = kept.tab === 'explanation' && !offered ? undefined : kept.tab;
  if (kind === 'explanation' && explanation === undefined) {
    explanation = { type: 'explanation', busy: true };
    send({ type: 'explain' });
    paintExplanation();
  }
  tabs.show(kind ?? tabToShow(found));
  log.setEmptyText(
    found?.status === 'waiting'
      ? `${found.name} ${state.isOld ? 'had not started when the job was last heard' : 'has not started'}.`
      : found?.status === 'unknown'
        ? `Nobody here heard how ${found.name} ended.`
        : found?.status === 'skipped'
          ? `${found.name} was skipped, so it wrote nothing. ${found.why[0] ?? ''}`
          : 'Nothing has been written yet.',
  );
  paintFinding();
  paintDetails();
}

/** Why the selected step needs attention, above all tabs. */
function paintFinding(): void {
  const step = state?.steps.find((s) => s.name === selected);
  const gate = step?.gates.find((g) => g.status !== 'passed');
  const over = step?.status === 'failed' || step?.status === 'timeout';
  const text =
    gate?.message ??
    (gate && `${gate.title}: seen ${gate.seen}, expected ${gate.expected}`) ??
    (over ? step.reason : undefined);
  // The details tell of the gate themselves, with its evidence.
  finding.hidden =
    text === undefined || tabs.selected === 'explanation' || (gate !== undefined && tabs.selected === 'details');
  setText(finding, text ?? '');
}

function paintDetails(): void {
  if (state === undefined) {
    return;
  }
  const step = state.steps.find((s) => s.name === selected);
  const text = JSON.stringify([step ?? { ...state, steps: [], link: 0, transfer: 0 }, detail]);
  if (text !== shownDetails) {
    shownDetails = text;
    detailsPage.replaceChildren(
      ...details(state, step, detail, { copy, act: (action) => send({ type: 'action', action }) }),
    );
  }
}

function paintExplanation(): void {
  const now = explanation ?? { type: 'explanation', busy: true };
  redraw(
    explanationElement,
    explanationPage(now, (act) => send({ type: 'explanation-act', act })),
  );
}

function paintMetrics(): void {
  if (metrics === undefined || metrics.series.length === 0) {
    const how =
      'A step reports metrics by appending lines such as {"step": 10, "loss": 0.3} to the file named by RUNPOD_TRAINER_METRICS.';
    metricsPage.replaceChildren(h('p', { class: 'empty' }, 'No metrics. ', how));
    return;
  }
  const { series, x, more } = metrics;
  metricsPage.replaceChildren(
    ...series.map((s) => chartCard(s, x)),
    ...(more > 0 ? [h('p', { class: 'empty' }, `${more} more names are in the journal only.`)] : []),
  );
}

/** The step that the user picked while it is there, else the one that the job is about now. */
function wantedStep(next: PanelState): string {
  const { step } = kept;
  return step === '' || next.steps.some((s) => s.name === step) ? (step ?? '') : stepToShow(next);
}

const handlers = {
  state: (next: PanelState): void => {
    const before = state;
    state = next;
    keep({ job: next.job });
    header.element.hidden = false;
    content.hidden = false;
    loading.hidden = true;
    header.show(next);
    const step = wantedStep(next);
    if (kept.shown !== undefined && kept.shown !== step) {
      // The job went on to another step; the tab that fits best is not that of the step before.
      keep({ tab: kept.tab === 'explanation' ? kept.tab : undefined });
    }
    show(step);
    const news = announcement(before, next);
    if (news !== '') {
      setText(spoken, news);
    }
  },
  detail: (next: PanelDetail): void => {
    if (next.step === selected) {
      detail = next;
      paintDetails();
    }
  },
  log: (next: Parameters<LogView['append']>[0]): void => {
    if (next.step === selected) {
      log.append(next);
    }
  },
  metrics: (next: PanelMetrics): void => {
    if (next.step === selected) {
      metrics = next;
      paintMetrics();
    }
  },
  explanation: (next: PanelExplanation): void => {
    explanation = next;
    paintExplanation();
  },
  show: ({ step, explanation: wanted }: { step?: string | undefined; explanation?: boolean | undefined }): void => {
    if (step !== undefined) {
      pick(step);
    }
    if (wanted === true && state?.actions.includes('explain') === true) {
      pickTab('explanation');
    }
  },
};

window.addEventListener('message', (event) => {
  const why = dispatch(toPanelSchema, handlers, event.data);
  if (why !== undefined) {
    send({ type: 'refused', why: why.slice(0, caps.sentence) });
  }
});
window.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') {
    event.preventDefault();
    event.stopPropagation();
    keep({ tab: 'log' });
    tabs.show('log');
    paintFinding();
    log.focusSearch();
  }
});
setInterval(() => {
  header.tick();
  timeline.tick();
}, 1000);
followTheme(() => log.repaint());
paintMetrics();
send({ type: 'ready' });
