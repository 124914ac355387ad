/** How a piece of a line looks. Colors are 0 to 15 as in a terminal, or `#rrggbb`. */
export interface Look {
  color?: number | string;
  background?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
}

export interface Piece {
  text: string;
  look: Look;
}

/** Sequences: CSI; OSC, DCS, SOS, PM and APC up to their end or the end of the line; two-character escapes. */
const sequence =
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~]?)|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)?|\u001b[ -/]*[0-~]?/g;

/** What would change how the rest of a line is read: controls, and marks that turn the direction of text. */
const unseen = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

function visible(text: string): string {
  return text.replaceAll(unseen, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '␡' : '\ufffd';
  });
}

/**
 * A line of a terminal as pieces of plain text. Only colors and weights (SGR) are obeyed; links, clipboard writes,
 * titles, cursor movements and everything else are left out. Never throws, whatever the line holds.
 */
export function parseLine(line: string): Piece[] {
  const pieces: Piece[] = [];
  let look: Look = {};
  let at = 0;
  const add = (text: string): void => {
    if (text !== '') {
      pieces.push({ text: visible(text), look });
    }
  };
  for (const match of line.matchAll(sequence)) {
    add(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === 'm') {
      look = changed(look, match[1] ?? '');
    }
  }
  add(line.slice(at));
  return pieces;
}

/** A line without its terminal sequences, safe to copy, search and show. */
export function plainLine(line: string): string {
  return visible(line.replaceAll(sequence, ''));
}

function changed(look: Look, parameters: string): Look {
  // `38:2::r:g:b` is another way to write `38;2;r;g;b`.
  const codes = parameters
    .split(';')
    .slice(0, 32)
    .flatMap((p) => (p.includes(':') ? p.split(':').filter((x) => x !== '') : [p]))
    .map((p) => (p === '' ? 0 : Number(p)));
  let next = { ...look };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const [color, used] = extended(codes.slice(i + 1));
      i += used;
      if (color !== undefined) {
        next = { ...next, [code === 38 ? 'color' : 'background']: color };
      }
    } else {
      next = simple(next, code);
    }
  }
  return next;
}

function simple(all: Look, code: number): Look {
  if (code >= 30 && code <= 37) {
    return { ...all, color: code - 30 };
  }
  if (code >= 90 && code <= 97) {
    return { ...all, color: code - 90 + 8 };
  }
  if (code >= 40 && code <= 47) {
    return { ...all, background: code - 40 };
  }
  if (code >= 100 && code <= 107) {
    return { ...all, background: code - 100 + 8 };
  }
  switch (code) {
    case 0:
      return {};
    case 1:
      return { ...all, bold: true };
    case 2:
      return { ...all, dim: true };
    case 3:
      return { ...all, italic: true };
    case 4:
      return { ...all, underline: true };
    case 7:
      return { ...all, inverse: true };
    case 22:
      return without(all, 'bold', 'dim');
    case 23:
      return without(all, 'italic');
    case 24:
      return without(all, 'underline');
    case 27:
      return without(all, 'inverse');
    case 39:
      return without(all, 'color');
    case 49:
      return without(all, 'background');
    default:
      return all;
  }
}

function without(look: Look, ...keys: (keyof Look)[]): Look {
  return Object.fromEntries(Object.entries(look).filter(([key]) => !(keys as string[]).includes(key)));
}

/** A color of 256 or of 16 million, and how many codes it took. */
function extended(codes: number[]): [color: number | string | undefined, used: number] {
  if (codes[0] === 5) {
    const index = codes[1];
    return [index === undefined || !(index >= 0 && index <= 255) ? undefined : ofPalette(index), 2];
  }
  if (codes[0] === 2) {
    const parts = codes.slice(1, 4);
    const good = parts.length === 3 && parts.every((p) => p >= 0 && p <= 255);
    return [good ? hex(parts) : undefined, 4];
  }
  return [undefined, codes.length];
}

function ofPalette(index: number): number | string {
  if (index < 16) {
    return index;
  }
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return hex([grey, grey, grey]);
  }
  const level = (n: number): number => (n === 0 ? 0 : 55 + n * 40);
  const n = index - 16;
  return hex([level(Math.floor(n / 36)), level(Math.floor(n / 6) % 6), level(n % 6)]);
}

function hex(parts: number[]): string {
  return `#${parts.map((p) => Math.floor(p).toString(16).padStart(2, '0')).join('')}`;
}
