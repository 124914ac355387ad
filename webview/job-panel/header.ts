import type { PanelAction, PanelState } from '../../src/messages/job-panel.ts';
import { h, setText } from '../page/dom.ts';
import {
  byteText,
  dollars,
  duration,
  jobTimeText,
  metered,
  priced,
  pricePerHour,
  spentText,
} from '../../src/core/words/index.ts';
import { clock } from './format.ts';
import { icon, type IconName } from '../page/icons.ts';

const statusIcons: Record<PanelState['status'], IconName> = {
  starting: 'running',
  running: 'running',
  succeeded: 'passed',
  failed: 'failed',
  cancelled: 'cancelled',
  lost: 'error',
};

type Button = PanelState['actions'][number];
const buttons: Record<Button, [text: string, icon: IconName]> = {
  attach: ['Attach', 'plug'],
  explain: ['Explain Failure', 'info'],
  fetch: ['Fetch Results…', 'download'],
  openResults: ['Open Results', 'folder'],
  resume: ['Run from Here…', 'skipped'],
  rerun: ['Run Again…', 'rerun'],
  cancel: ['Cancel Job…', 'stop'],
};

/** Name, state, pod, time, money and what can be done; below it how the link stands, when that is not as it should be. */
export class Header {
  readonly element: HTMLElement;
  readonly bars: HTMLElement;
  readonly #act: (action: PanelAction) => void;
  readonly #status = h('span', { class: 'job-status' });
  readonly #statusText = h('span', { class: 'job-status-text' });
  readonly #name = h('h1');
  readonly #sandbox = h(
    'span',
    { class: 'badge', title: 'Nothing is billed: the prices are those of RunPod' },
    'sandbox',
  );
  readonly #hardware = h('span', { class: 'fact' });
  readonly #time = h('span', { class: 'fact' });
  readonly #cost = h('span', { class: 'fact' });
  readonly #cap = h('span', { class: 'fact' });
  readonly #actions = h('div', { class: 'actions' });
  readonly #link = h('div', { class: 'bar bar-link', hidden: true });
  readonly #linkText = h('span');
  readonly #warning = h('div', { class: 'bar bar-warning', hidden: true });
  readonly #warningText = h('span');
  readonly #transfer = h('div', { class: 'bar bar-transfer', hidden: true });
  readonly #transferText = h('span');
  readonly #progress = document.createElement('vscode-progress-bar');
  #state: PanelState | undefined;
  #shownActions = '';
  #shownStatus = '';

  constructor(act: (action: PanelAction) => void) {
    this.#act = act;
    this.element = h(
      'header',
      { class: 'job' },
      h('div', { class: 'job-title' }, h('div', { class: 'job-name' }, this.#name, this.#sandbox), this.#status),
      this.#actions,
      h('div', { class: 'facts' }, this.#hardware, this.#time, this.#cost, this.#cap),
    );
    this.#link.append(icon('info'), this.#linkText);
    this.#warning.append(icon('error'), this.#warningText);
    this.#transfer.append(this.#transferText, this.#progress);
    this.bars = h('div', { class: 'bars' }, this.#link, this.#warning, this.#transfer);
  }

  show(state: PanelState): void {
    this.#state = state;
    setText(this.#name, state.project);
    this.#name.title = state.project;
    this.#sandbox.hidden = !state.sandbox;
    if (this.#shownStatus !== state.status) {
      this.#shownStatus = state.status;
      this.#status.className = `job-status status-${state.status}`;
      this.#status.replaceChildren(icon(statusIcons[state.status]), this.#statusText);
    }
    setText(this.#statusText, state.activity);
    this.#status.title = [state.activity, state.activityDetail ?? ''].filter(Boolean).join('. ');
    setText(this.#hardware, state.pod === undefined ? '' : state.pod.hardware);
    this.#hardware.title = state.pod === undefined ? '' : `Pod ${state.pod.name} (${state.pod.id})`;
    this.#showActions(state.actions);
    const unarmed = state.watchdog?.armed === false && state.ended === undefined;
    this.#warning.hidden = !unarmed;
    setText(this.#warningText, `No cap holds while this computer is off. ${state.watchdog?.detail ?? ''}`);
    this.#showTransfer(state.transfer);
    this.tick();
  }

  /** What changes by itself. */
  tick(now = Date.now()): void {
    const state = this.#state;
    if (state === undefined) {
      return;
    }
    const { pod, watchdog, ended, link } = state;
    setText(this.#time, jobTimeText(state.time, now));
    this.#time.title = `Since ${clock(state.created)}${ended === undefined ? '' : `, until ${clock(ended)}`}`;
    const running = pod !== undefined && pod.until === undefined;
    const rate = running ? ` (${pricePerHour(pod.costPerHour, false)})` : '';
    const soFar = running ? ' so far' : '';
    setText(this.#cost, pod === undefined ? '' : priced(`${costText(pod, now)}${soFar}${rate}`, state.sandbox));
    const deadline = watchdog?.armed === true ? watchdog.deadline : null;
    const most =
      pod && deadline !== null && running
        ? `, ${priced(`at most ${dollars(metered(deadline - pod.since, pod.costPerHour))}`, state.sandbox)}`
        : '';
    setText(
      this.#cap,
      deadline === null || ended !== undefined ? '' : `Stops by ${clock(deadline)} at the latest${most}`,
    );
    this.#showLink(link, now);
  }

  #showLink(link: PanelState['link'], now: number): void {
    this.#link.hidden = link.state === 'live' || link.state === 'over';
    const ago = link.heard === undefined ? undefined : duration((now - link.heard) / 1000);
    if (link.state === 'lost') {
      setText(
        this.#linkText,
        `${ago === undefined ? 'Not seen yet' : `Last seen ${ago} ago`}, reconnecting… the job does not need this link`,
      );
    } else {
      const news = ago === undefined ? '' : `, last news ${ago} ago`;
      setText(this.#linkText, `This window is not attached to the job. What you see is its record${news}.`);
    }
  }

  #showTransfer(transfer: PanelState['transfer']): void {
    this.#transfer.hidden = transfer === undefined || transfer.files >= transfer.filesTotal;
    if (transfer !== undefined) {
      const { direction, files, filesTotal, bytesTotal } = transfer;
      const verb = direction === 'up' ? 'Uploading' : 'Bringing home';
      setText(
        this.#transferText,
        `${verb} ${files} of ${filesTotal} files, ${byteText(transfer.bytes)} of ${byteText(bytesTotal)}`,
      );
      this.#progress.setAttribute('aria-label', verb);
      Object.assign(this.#progress, { value: transfer.bytes, max: Math.max(1, bytesTotal) });
    }
  }

  #showActions(actions: readonly Button[]): void {
    const wanted = actions.join();
    if (wanted === this.#shownActions) {
      return;
    }
    this.#shownActions = wanted;
    this.#actions.replaceChildren(
      ...actions.map((action) => {
        const [text, shape] = buttons[action];
        const button = document.createElement('vscode-button');
        const image = icon(shape);
        image.setAttribute('slot', 'content-before');
        button.append(image, text);
        button.toggleAttribute('secondary', action !== 'attach');
        button.dataset['action'] = action;
        button.addEventListener('click', () => this.#act(action));
        return button;
      }),
    );
  }
}

/** Where nobody saw the pod's end it lies between two amounts. */
function costText({ since, until, latest, costPerHour }: NonNullable<PanelState['pod']>, now: number): string {
  const amount = (to: number): number => metered(to - since, costPerHour);
  return spentText(amount(until ?? now), amount(latest ?? until ?? now));
}
