import type { Series } from '../../src/messages/job-panel.ts';
import { linePath, scaleOf } from './chart-scale.ts';
import { h, svg } from '../page/dom.ts';
import { duration } from '../../src/core/words/index.ts';
import { figure } from './format.ts';

const size = { width: 360, height: 170 };
const area = { left: 48, right: 350, top: 10, bottom: 146 };

/** A card with one metric: its name, its last value and its line. Colors are the theme's, by style sheet. */
export function chartCard(series: Series, xName: string | null): HTMLElement {
  const finite = series.points.flatMap(([, y]) => (y === null ? [] : [y]));
  const best = finite.length === 0 ? '' : `from ${figure(Math.min(...finite))} to ${figure(Math.max(...finite))}`;
  const warning = series.notFinite > 0 && `${series.notFinite} of ${series.count} values were not finite numbers`;
  const label = `${series.name}: ${series.count} values, ${best}, last ${figure(series.last)}`;
  return h(
    'article',
    { class: 'chart-card' },
    h(
      'header',
      {},
      h('h3', { title: series.name }, series.name),
      h('span', { class: 'chart-last', title: 'Last value' }, figure(series.last)),
    ),
    finite.length > 0 && drawing(series, xName, label),
    h('p', { class: 'chart-note' }, `${series.count.toLocaleString('en')} values ${best}`),
    warning && h('p', { class: 'chart-warning' }, `⚠ ${warning}`),
  );
}

function drawing({ points }: Series, xName: string | null, label: string): SVGSVGElement {
  const xs = points.map(([x]) => x);
  const [from, to] = [Math.min(...xs), Math.max(...xs)];
  const span = to - from || 1;
  const scale = scaleOf(points.flatMap(([, y]) => (y === null ? [] : [y])));
  const x = (n: number): number =>
    to === from ? (area.left + area.right) / 2 : area.left + ((n - from) / span) * (area.right - area.left);
  const y = (n: number): number =>
    area.bottom - ((n / 2 - scale.min / 2) / (scale.max / 2 - scale.min / 2)) * (area.bottom - area.top);
  const image = svg('svg', {
    class: 'chart',
    viewBox: `0 0 ${size.width} ${size.height}`,
    role: 'img',
    'aria-label': label,
  });
  for (const tick of scale.ticks) {
    image.append(
      svg('line', { class: 'chart-grid', x1: area.left, x2: area.right, y1: y(tick), y2: y(tick) }),
      svg('text', { class: 'chart-label', x: area.left - 6, y: y(tick) + 3.5, 'text-anchor': 'end' }, figure(tick)),
    );
  }
  const told = (n: number): string => (xName === null ? (n < 1 ? '0 s' : duration(n)) : figure(n));
  image.append(
    svg(
      'text',
      { class: 'chart-label', x: area.left, y: size.height - 6 },
      xName === null ? told(from) : `${xName} ${told(from)}`,
    ),
    svg('text', { class: 'chart-label', x: area.right, y: size.height - 6, 'text-anchor': 'end' }, told(to)),
    svg('path', { class: 'chart-line', d: linePath(points, x, y) }),
  );
  const last = points.findLast(([, v]) => v !== null);
  if (last !== undefined) {
    image.append(svg('circle', { class: 'chart-dot', cx: x(last[0]), cy: y(last[1] ?? 0), r: 3 }));
  }
  return image;
}
