import { textWidth } from './width.ts';

/** Colors on a terminal only; NO_COLOR is obeyed. */
export interface Style {
  bold: (text: string) => string;
  dim: (text: string) => string;
  green: (text: string) => string;
  red: (text: string) => string;
  yellow: (text: string) => string;
}

export function makeStyle(colors: boolean): Style {
  const code =
    (open: number, close: number) =>
    (text: string): string =>
      colors ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { bold: code(1, 22), dim: code(2, 22), green: code(32, 39), red: code(31, 39), yellow: code(33, 39) };
}

/**
 * One line without anything that a terminal would obey or that would deceive its reader: escape sequences, control
 * characters, line breaks, marks that turn the direction of writing. What a pod prints must not move the cursor, set the
 * clipboard or look like a line of this program.
 */
export function printable(text: string): string {
  return text
    .replace(/\u001b\[[0-9;:]*m/g, '')
    .replace(/\t/g, '    ')
    .replace(/[\n\r\u0085\u2028\u2029]+/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '');
}

/** A value with the strings in it made {@link printable}; line breaks in them become separate strings in lists. */
export function printableDeep<T>(value: T): T {
  return clean(value) as T;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') {
    return printable(value);
  }
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) =>
      typeof item === 'string' ? item.split(/\r?\n/).map(printable) : [clean(item)],
    );
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [printable(key), clean(item)]))
    : value;
}

/** Rows as aligned columns; cells may hold colors of {@link Style}. */
export function columns(rows: string[][]): string[] {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, textWidth(cell))), []);
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : pad(cell, widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * The same for a terminal of this width: where a row does not fit, every row becomes a block, its name first and what
 * its columns say below it. The first row has the titles; a column without one stays beside the name.
 */
export function table(rows: string[][], width = Infinity): string[] {
  const lines = columns(rows);
  if (lines.every((line) => textWidth(line) <= width)) {
    return lines;
  }
  const [titles = [], ...rest] = rows;
  const named = titles.findIndex((title) => textWidth(title) > 0) + 1;
  return rest.flatMap((row) => [
    row.slice(0, named).join(' '),
    ...row.flatMap((cell, i) =>
      i < named || textWidth(cell) === 0
        ? []
        : wrap(`${titles[i] ?? ''}: ${cell}`, width - blockIndent.length).map((line) => blockIndent + line),
    ),
  ]);
}

const blockIndent = '    ';

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

/** Breaks a text between words into lines of at most `width`; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').filter((w) => w !== '')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
