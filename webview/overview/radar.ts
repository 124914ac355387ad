import type { RadarEndpointLine, RadarPage, RadarPodLine } from '../../src/messages/overview.ts';
import { h } from '../page/dom.ts';
import { button, mark, note, table } from '../page/parts.ts';

const verbs: Record<Exclude<RadarPodLine['action'], 'none'>, string> = {
  terminate: 'Terminate Pod…',
  stop: 'Stop Pod…',
  cancel: 'Cancel Job…',
};

const endpointVerbs = { scale: 'Scale to Zero…', delete: 'Delete Endpoint…' };

export interface RadarActions {
  endPod: (id: string) => void;
  endEndpoint: (id: string) => void;
}

/** Everything that costs money, what nobody here needs first. */
export function radarPage(page: RadarPage, actions: RadarActions): HTMLElement[] {
  const { total, unowned, pods, endpoints, volumes, notes } = page;
  return [
    ...(unowned === undefined
      ? [
          h(
            'p',
            { class: 'calm' },
            mark('passed', 'good'),
            h('span', {}, 'Nothing runs that no job of this computer needs.'),
          ),
        ]
      : [note('warn', unowned)]),
    h(
      'section',
      { class: 'money' },
      h('h2', {}, 'Pods'),
      pods.length === 0
        ? h('p', { class: 'muted' }, 'No pod is there.')
        : h('ul', { class: 'pods' }, ...pods.map((pod) => podCard(pod, actions.endPod))),
    ),
    ...(endpoints.length === 0
      ? []
      : [
          h(
            'section',
            { class: 'money' },
            h('h2', {}, 'Serverless endpoints'),
            h('ul', { class: 'pods' }, ...endpoints.map((endpoint) => endpointCard(endpoint, actions.endEndpoint))),
          ),
        ]),
    h(
      'section',
      { class: 'money' },
      h('h2', {}, 'Volumes'),
      volumes.length === 0
        ? h('p', { class: 'muted' }, 'No volume is there.')
        : table(
            'Volumes',
            ['Volume', 'Where', 'Price', 'Used'],
            volumes.map(({ name, facts, price, used }) => [name, facts, price, used]),
          ),
    ),
    h('p', {}, total),
    ...notes.map((text) => h('p', { class: 'muted' }, text)),
    h('p', { class: 'muted' }, 'Nothing is ever ended without being asked for.'),
  ];
}

function podCard(pod: RadarPodLine, end: (id: string) => void): HTMLElement {
  const odd = pod.unowned || pod.idle !== undefined;
  const about = `${pod.owner}.${pod.idle === undefined ? '' : ` ${pod.idle}`}`;
  const { action } = pod;
  // What files are on their way through is not to be ended.
  const offer = action === 'none' ? undefined : { verb: verbs[action], act: () => end(pod.id) };
  return card(pod, odd, odd ? 'not needed by a job of this computer' : 'at work', about, offer);
}

function endpointCard(endpoint: RadarEndpointLine, end: (id: string) => void): HTMLElement {
  const { owner, cost, idle, action } = endpoint;
  const odd = endpoint.unowned || idle !== undefined;
  const about = `${owner}. ${cost}${idle === undefined ? '' : ` ${idle}`}`;
  const doing = action === 'none' ? undefined : { verb: endpointVerbs[action], act: () => end(endpoint.id) };
  return card(endpoint, odd, odd ? 'not needed by a job of this computer' : 'costs nothing or is needed', about, doing);
}

function card(
  { id, name, price, facts }: RadarPodLine | RadarEndpointLine,
  odd: boolean,
  meaning: string,
  about: string,
  action: { verb: string; act: () => void } | undefined,
): HTMLElement {
  return h(
    'li',
    { class: odd ? 'pod pod-odd' : 'pod' },
    mark(odd ? 'error' : 'passed', odd ? 'warn' : 'good', meaning),
    h(
      'div',
      { class: 'pod-body' },
      h('div', { class: 'region-head' }, h('h3', {}, name), h('span', { class: 'price' }, price)),
      h('p', { class: 'muted' }, facts),
      h('p', {}, about),
    ),
    action !== undefined &&
      h(
        'div',
        { class: 'region-action' },
        button(action.verb, action.act, { primary: odd, label: `${action.verb} ${name}`, key: `end-${id}` }),
      ),
  );
}
