import type { RadarPage, RadarPodLine } from '../../src/messages/overview.ts';
import { h } from '../job-panel/dom.ts';
import { button, mark, note, table } from '../guards/parts.ts';

const verbs: Record<RadarPodLine['action'], string> = {
  terminate: 'Terminate Pod…',
  stop: 'Stop Pod…',
  cancel: 'Cancel Job…',
};

/** Everything that costs money, what nobody here needs first. */
export function radarPage({ total, unowned, pods, volumes }: RadarPage, end: (id: string) => void): HTMLElement[] {
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
        : h('ul', { class: 'pods' }, ...pods.map((pod) => podCard(pod, end))),
    ),
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
    h(
      'p',
      { class: 'muted' },
      'Nothing is ever ended without being asked for. Serverless endpoints are not looked at.',
    ),
  ];
}

function podCard(pod: RadarPodLine, end: (id: string) => void): HTMLElement {
  const odd = pod.unowned || pod.idle !== undefined;
  return h(
    'li',
    { class: odd ? 'pod pod-odd' : 'pod' },
    mark(odd ? 'error' : 'passed', odd ? 'warn' : 'good', odd ? 'not needed by a job of this computer' : 'at work'),
    h(
      'div',
      { class: 'pod-body' },
      h('div', { class: 'region-head' }, h('h3', {}, pod.name), h('span', { class: 'price' }, pod.price)),
      h('p', { class: 'muted' }, pod.facts),
      h('p', {}, `${pod.owner}.${pod.idle === undefined ? '' : ` ${pod.idle}`}`),
    ),
    h(
      'div',
      { class: 'region-action' },
      button(verbs[pod.action], () => end(pod.id), {
        primary: odd,
        label: `${verbs[pod.action]} ${pod.name}`,
        key: `end-${pod.id}`,
      }),
    ),
  );
}
