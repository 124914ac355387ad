import { createHash } from 'node:crypto';
import { context, secretKinds, secretsInText } from './secret-kinds.ts';
import { isKey, isPassword, isReference, isScrambled, looksRandom } from './secret-values.ts';
import { anyText, formOf, type TextForm } from './text-form.ts';
import { encodingOf, isData, isMagic, visibleIn, type TextEncoding } from './text-encoding.ts';

/** So much of a piece is looked at again with the next one; no secret and nothing around it is longer, in characters. */
const overlap = 16 * 1024;

/** The line from 1; 0 where there is none. */
export type Found = [line: number, kind: string][];

/** Line and kind of each secret in a text; null for what is known to be no text. */
export function secretsIn(content: Buffer, form: TextForm = anyText): Found | null {
  const text = searchOf(content, form);
  text?.push(content, true);
  return text?.found() ?? null;
}

/** What searches a file that begins so; null for what is known to be no text. */
export function searchOf(start: Buffer, form: TextForm): FileSearch | null {
  return isData(start) ? null : new FileSearch(encodingOf(start), form);
}

/** From this size on what is no text is left out of data, in bytes. */
const manyBytes = 64 * 1024;

/** Searches a file that comes in pieces, in each encoding that it may have. */
class FileSearch {
  readonly #encoding: TextEncoding | 'bytes';
  readonly #likely: TextSearch;
  readonly #form: TextForm;
  /** For a part that is in another encoding than the beginning. */
  readonly #others = new Map<TextEncoding, TextSearch>();
  #wasWide = false;

  constructor(encoding: TextEncoding | 'bytes', form: TextForm) {
    this.#encoding = encoding;
    this.#form = form;
    this.#likely = new TextSearch(form);
  }

  /** Pieces but the last have an even number of bytes. */
  push(bytes: Buffer, isLast: boolean): void {
    const encoding = this.#encoding;
    const isWhole = !bytes.includes(0);
    const visible =
      isWhole && encoding !== 'bytes'
        ? { text: bytes.toString('latin1'), isWide: false }
        : visibleIn(bytes, encoding === 'bytes' && bytes.length >= manyBytes);
    const isNarrow = encoding === 'latin1' || encoding === 'bytes';
    this.#likely.push(isNarrow ? visible.text : decoded(bytes, encoding), isLast);
    if (!isNarrow) {
      this.#other('latin1').push(visible.text, isLast);
    }
    if (visible.isWide || this.#wasWide) {
      for (const wide of (['utf16le', 'utf16be'] as const).filter((other) => other !== encoding)) {
        this.#other(wide).push(decoded(bytes, wide), isLast);
      }
    }
    this.#wasWide = visible.isWide;
  }

  #other(encoding: TextEncoding): TextSearch {
    const search = this.#others.get(encoding) ?? new TextSearch(this.#form);
    this.#others.set(encoding, search);
    return search;
  }

  found(): Found {
    const found = this.#likely.found.map(({ line, kind }): Found[number] => [
      this.#encoding === 'bytes' ? 0 : line,
      kind,
    ]);
    const values = new Set(this.#likely.found.map(({ kind, value }) => `${kind}\0${value}`));
    for (const { kind, value } of [...this.#others.values()].flatMap((search) => search.found)) {
      if (!values.has(`${kind}\0${value}`)) {
        values.add(`${kind}\0${value}`);
        found.push([0, kind]);
      }
    }
    const distinct = new Map(found.map((one) => [one.join(' '), one]));
    return [...distinct.values()].sort((a, b) => a[0] - b[0]);
  }
}

/** Searches a text that comes in pieces; what lies across their borders is found, and nothing twice. */
class TextSearch {
  readonly #found = new Map<string, { line: number; kind: string; value: string }>();
  /** The end of what was searched, the line where it begins, and whether the text begins with it. */
  #kept = '';
  #line = 1;
  #isFirst = true;
  readonly #form: TextForm;

  constructor(form: TextForm) {
    this.#form = form;
  }

  get found(): { line: number; kind: string; value: string }[] {
    return [...this.#found.values()];
  }

  push(piece: string, isLast: boolean): void {
    const text = this.#kept + piece;
    this.#search({ text, gone: [] }, isLast);
    const plain = unquoted(text);
    if (plain !== text) {
      this.#search({ text: plain, gone: [] }, isLast);
    }
    const whole = joined(text);
    if (whole.gone.length > 0) {
      this.#search({ ...whole, text: unquoted(whole.text) }, isLast);
    }
    const from = Math.max(0, text.length - overlap);
    this.#line += lineEnds(text, 0, from);
    this.#kept = text.slice(from);
    this.#isFirst &&= from === 0;
  }

  #search({ text, gone }: Joined, isLast: boolean): void {
    let line = this.#line;
    let counted = 0;
    let lost = 0;
    const places = [...secretsInText(text, this.#form)].sort((a, b) => a.at - b.at);
    for (const { kind, at, end, value, isMarked } of places) {
      // What is put together from two texts is only known by its own form.
      if (gone.length > 0 && !isMarked) {
        continue;
      }
      // What touches a border may be a part of something else; the next piece has the whole of it.
      if ((end === text.length && !isLast) || (at < context && !this.#isFirst)) {
        continue;
      }
      line += lineEnds(text, counted, at);
      counted = at;
      for (; (gone[lost]?.at ?? Infinity) <= at; lost += 1) {
        line += gone[lost]?.lines ?? 0;
      }
      this.#found.set(`${line} ${kind}`, { line, kind, value });
    }
  }
}

/** A text from which something was taken, where it was and how many lines it had. */
interface Joined {
  text: string;
  gone: { at: number; lines: number }[];
}

/** From the end of one text in quotes to the beginning of the next: of a list, or of two outputs of a notebook. */
const seam =
  /(?<!\\n|\\r|[^\\]\\)(["'])(?:,?[ \t]*(?:\r?\n[ \t]*)?|\s{0,200}\]?\s{0,200}(?:,\s{0,200}"(?:name|output_type)"\s{0,9}:\s{0,9}"\w{1,20}"\s{0,200}){0,2}\},\s{0,200}\{\s{0,200}(?:"(?:name|output_type)"\s{0,9}:\s{0,9}"\w{1,20}",\s{0,200}){0,2}"text"\s{0,9}:\s{0,9}\[?\s{0,200})\1(?=[A-Za-z0-9_-])/g;

/** Texts that a program puts together, as it does: without what is between them. */
function joined(text: string): Joined {
  const gone: Joined['gone'] = [];
  let taken = 0;
  const whole = text.replace(seam, (what, _quote, offset: number) => {
    gone.push({ at: offset - taken, lines: lineEnds(what, 0, what.length) });
    taken += what.length;
    return '';
  });
  return { text: whole, gone };
}

/**
 * What a text means that stands in quotes, a line each, as the cells of a notebook do and texts in sources, also in
 * quotes within quotes; with the same lines.
 */
function unquoted(text: string): string {
  return text
    .replace(/(?:\\n)?["'],?[ \t]*(\r?\n)[ \t]*["']/g, '$1')
    .replace(/\\+[nrt]/g, '\r')
    .replace(/\\+(["'/])/g, '$1');
}

function decoded(bytes: Buffer, encoding: TextEncoding): string {
  if (encoding === 'utf16be') {
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  // A letter for each byte: what is looked for is ASCII, and lines are counted the same.
  return bytes.toString(encoding);
}

function lineEnds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) {
    count += 1;
  }
  return count;
}

/** The text of a whole file in the encoding that it most likely has. */
export function plainText(content: Buffer): string {
  const encoding = encodingOf(content);
  return encoding === 'bytes'
    ? visibleIn(content, false).text
    : decoded(content, encoding).replace(/^(?:\xef\xbb\xbf|\ufeff)/, '');
}

/** Of what is looked for and how: another one, other findings. */
export const searchDigest = createHash('sha256')
  .update(
    secretKinds
      .map(({ kind, needs, pattern, holds, isNamed }) => [kind, needs, pattern, String(holds), isNamed].join('\n'))
      .join(),
  )
  .update([FileSearch, TextSearch, unquoted, joined, decoded, encodingOf, isData, isMagic, visibleIn].join('\n'))
  .update([isKey, isPassword, isReference, isScrambled, looksRandom, secretsInText, formOf].join('\n'))
  .digest('hex');
