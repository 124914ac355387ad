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

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

/** Columns that a text takes on a terminal; colors take none. */
export function textWidth(text: string): number {
  return Array.from(text.replace(/\u001b\[[0-9;]*m/g, '')).length;
}

/** Cuts the middle out of a text that is longer than `width`. */
export function fit(text: string, width: number): string {
  const letters = Array.from(text);
  if (letters.length <= width) {
    return text;
  }
  const room = Math.max(1, width - 1);
  const head = Math.ceil(room / 2);
  return `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (room - head)).join('')}`;
}

/** Cuts the end off a text that is longer than `width`. */
export function cut(text: string, width: number): string {
  const letters = Array.from(text);
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
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
