import { eastAsianWidth } from 'get-east-asian-width';

const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const plain = /^[\u0020-\u007e]*$/;
const colors = /\u001b\[[0-9;]*m/g;
const emoji = new RegExp('^\\p{RGI_Emoji}$', 'v');
/** What stands on or in the letter before it: marks, joiners, and the second and third part of a Korean syllable. */
const within = /^[\p{M}\p{Cf}\p{Cc}\u1160-\u11ff\ud7b0-\ud7ff]$/u;

/** Columns that a text takes on a terminal: two for letters of East Asia and for emoji; none for marks and colors. */
export function textWidth(text: string): number {
  const shown = text.replace(colors, '');
  return plain.test(shown) ? shown.length : lettersOf(shown).reduce((sum, letter) => sum + widthOf(letter), 0);
}

/** Cuts the middle out of a text that is wider than `width`. */
export function fit(text: string, width: number): string {
  if (textWidth(text) <= width) {
    return text;
  }
  const room = Math.max(1, width - 1);
  const head = start(text, Math.ceil(room / 2));
  return `${head}…${end(text, room - textWidth(head))}`;
}

/** Cuts the end off a text that is wider than `width`. */
export function cut(text: string, width: number): string {
  return textWidth(text) <= width ? text : `${start(text, Math.max(0, width - 1))}…`;
}

function start(text: string, width: number): string {
  return taken(lettersOf(text), width).join('');
}

function end(text: string, width: number): string {
  return taken(lettersOf(text).reverse(), width).reverse().join('');
}

function taken(all: readonly string[], width: number): string[] {
  let sum = 0;
  const at = all.findIndex((letter) => (sum += widthOf(letter)) > width);
  return at < 0 ? [...all] : all.slice(0, at);
}

/** What a reader takes for one letter, of however many code points. */
function lettersOf(text: string): string[] {
  return Array.from(letters.segment(text), ({ segment }) => segment);
}

function widthOf(letter: string): number {
  if (emoji.test(letter)) {
    return 2;
  }
  return Array.from(letter).reduce(
    (sum, point) => sum + (within.test(point) ? 0 : eastAsianWidth(point.codePointAt(0) ?? 0)),
    0,
  );
}
