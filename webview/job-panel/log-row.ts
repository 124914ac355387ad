import type { Look, Piece } from '../../src/messages/terminal-text.ts';
import { h } from '../page/dom.ts';
import { readableHere } from './theme.ts';

export interface MarkedPiece extends Piece {
  mark?: boolean;
}

/** Cuts pieces where a search text begins and ends, so that its places can be shown. */
export function marked(pieces: readonly Piece[], query: string): MarkedPiece[] {
  const text = pieces.map((p) => p.text).join('');
  const low = text.toLowerCase();
  const wanted = query.toLowerCase();
  // Where lower case has another length than the text, places in one are not places in the other.
  if (wanted === '' || low.length !== text.length || !low.includes(wanted)) {
    return [...pieces];
  }
  const edges: number[] = [];
  for (let at = low.indexOf(wanted); at !== -1; at = low.indexOf(wanted, at + wanted.length)) {
    edges.push(at, at + wanted.length);
  }
  const result: MarkedPiece[] = [];
  let begin = 0;
  for (const piece of pieces) {
    const end = begin + piece.text.length;
    const cuts = [begin, ...edges.filter((e) => e > begin && e < end), end];
    for (let i = 0; i + 1 < cuts.length; i++) {
      const [from = 0, to = 0] = [cuts[i], cuts[i + 1]];
      const inside = edges.findLastIndex((e) => e <= from) % 2 === 0;
      result.push({ text: text.slice(from, to), look: piece.look, mark: inside });
    }
    begin = end;
  }
  return result;
}

/** A piece as an element. Its text is only ever text; its look comes from classes and from checked colors. */
export function pieceElement({ text, look, mark }: MarkedPiece): Node {
  if (mark !== true && Object.keys(look).length === 0) {
    return document.createTextNode(text);
  }
  const element = mark === true ? h('mark') : h('span');
  element.textContent = text;
  element.className = classes(look);
  const [front, back] = look.inverse === true ? [look.background, look.color] : [look.color, look.background];
  if (typeof front === 'string') {
    element.style.color = back === undefined ? readableHere(front) : front;
  }
  if (typeof back === 'string') {
    element.style.backgroundColor = back;
  }
  return element;
}

function classes(look: Look): string {
  const { color, background, inverse } = look;
  const [front, back] = inverse === true ? [background, color] : [color, background];
  return [
    ...(typeof front === 'number' ? [`fg${front}`] : []),
    ...(typeof back === 'number' ? [`bg${back}`] : []),
    ...(inverse === true && front === undefined ? ['fg-back'] : []),
    ...(inverse === true && back === undefined ? ['bg-front'] : []),
    ...(look.bold === true ? ['bold'] : []),
    ...(look.dim === true ? ['dim'] : []),
    ...(look.italic === true ? ['italic'] : []),
    ...(look.underline === true ? ['underline'] : []),
  ].join(' ');
}

/** Space beside the text of a row: its number and the paddings. */
const gutter = 64;

/** Characters that fit in a row of so many px, from the width of the font's own characters. */
export function columnsIn(log: HTMLElement, width: number): number {
  const probe = h('span', { class: 'log-probe', 'aria-hidden': 'true' }, '0'.repeat(100));
  log.append(probe);
  const character = probe.getBoundingClientRect().width / 100;
  probe.remove();
  return character > 0 ? Math.max(10, Math.floor((width - gutter) / character)) : 80;
}
