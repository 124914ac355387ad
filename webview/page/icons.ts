import { svg } from './dom.ts';

/** Shapes on a grid of 16, drawn as strokes in the color of the text around them. */
const shapes = {
  passed: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M5 8.2l2.1 2.1L11.2 6',
  failed: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6',
  error: 'M8 2L14.6 13.5H1.4ZM8 6.2v3.6M8 11.3v.6',
  timeout: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M8 4.5V8.2l2.4 1.5',
  cancelled: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M3.5 3.5l9 9',
  skipped: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M6 5.4L9 8L6 10.6M10.2 5.4v5.2',
  waiting: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11',
  running: 'M8 1.5A6.5 6.5 0 1 1 1.5 8',
  unknown: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M6 6.3a2 2 0 1 1 2.7 1.9c-.5.2-.7.5-.7 1M8 11.2v.6',
  check: 'M3 8.5l3.2 3.2L13 4.8',
  cross: 'M4 4l8 8M12 4l-8 8',
  job: 'M2.5 4.5h11v8.5h-11ZM5.5 4.5V3h5v1.5M2.5 8.5h11',
  stop: 'M4 4h8v8H4Z',
  plug: 'M6 2v3.5M10 2v3.5M4 5.5h8v2.5a4 4 0 0 1-8 0ZM8 12v2.5',
  download: 'M8 2v8M4.8 7.2L8 10.4l3.2-3.2M2.5 13.5h11',
  folder: 'M1.5 3.5h4.6l1.4 1.8h7v7.7h-13Z',
  rerun: 'M4.5 2.8l8 5.2-8 5.2Z',
  copy: 'M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3',
  file: 'M3.5 1.5h6l3 3v10h-9ZM9.5 1.5v3h3',
  up: 'M3.5 10l4.5-4.5L12.5 10',
  down: 'M3.5 6l4.5 4.5L12.5 6',
  tail: 'M8 2v8.5M4.5 7.2L8 10.7l3.5-3.5M3 13.8h10',
  wrap: 'M2 3.5h12M2 8h9.5a2.4 2.4 0 0 1 0 4.8H8.5M10.3 10.8l-2 2 2 2M2 12.8h3',
  chart: 'M2 2v12h12M4.5 10.5l3-4 2.5 2.2L13.5 4',
  info: 'M8 1.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M8 7v4.2M8 4.6v.6',
} as const;
export type IconName = keyof typeof shapes;

/** An icon beside a text that says the same; alone it takes a label and is an image of that name. */
export function icon(name: IconName, label?: string): SVGSVGElement {
  const path = svg('path', {
    d: shapes[name],
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': 1.4,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  });
  const naming = label === undefined ? { 'aria-hidden': 'true' } : { role: 'img', 'aria-label': label };
  const image = svg('svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', ...naming }, path);
  if (label !== undefined) {
    image.prepend(svg('title', {}, label));
  }
  return image;
}
