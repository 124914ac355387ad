import type { Node } from 'jsonc-parser';

/** A number that would be another one in Python after a way through JavaScript's doubles. It travels as it was written. */
export interface WrittenNumber {
  readonly text: string;
  /** JSON.stringify takes it letter by letter. */
  toJSON: () => unknown;
  toString: () => string;
}

class AsWritten implements WrittenNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    return (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(this.text);
  }

  toString(): string {
    return this.text;
  }
}

export function isWrittenNumber(value: unknown): value is WrittenNumber {
  return value instanceof AsWritten;
}

/** A value of the project file that reaches a step as it was written. */
export type Written = string | number | boolean | null | WrittenNumber | Written[] | { [name: string]: Written };

/** Digits that Python reads in one whole number, unless it is told otherwise. */
const mostDigits = 4300;

const isWhole = (text: string): boolean => /^-?\d+$/.test(text);

/** A number where the way through JavaScript changes nothing, for Python too (`1.0` is no `1` there). */
export function writtenNumber(text: string): number | WrittenNumber {
  const value = Number(text);
  const onTheWay = JSON.stringify(value);
  const same =
    isWhole(text) === isWhole(onTheWay) &&
    (isWhole(text) ? BigInt(text) === BigInt(onTheWay) : Object.is(Number(onTheWay), value));
  return same ? value : new AsWritten(text);
}

/** Why a number cannot arrive as it is written; `exact` where it is carried as text, else it is a double here. */
export function numberFault(text: string, exact: boolean): string | undefined {
  const value = Number(text);
  if (isWhole(text)) {
    if (text.length > mostDigits) {
      return `has more than ${mostDigits} digits, and Python refuses such a number`;
    }
    return !exact && (!Number.isFinite(value) || BigInt(value) !== BigInt(text))
      ? `would be changed: a whole number here is at most ${Number.MAX_SAFE_INTEGER}`
      : undefined;
  }
  if (!Number.isFinite(value)) {
    return 'is larger than any floating-point number';
  }
  return value === 0 && /[1-9]/.test(text.replace(/e.*$/i, ''))
    ? 'is smaller than any floating-point number and would arrive as 0'
    : undefined;
}

/** The value of a part of the tree, its numbers as they are written in the text. */
export function writtenValue(node: Node, text: string): Written {
  if (node.type === 'number') {
    return writtenNumber(text.slice(node.offset, node.offset + node.length));
  }
  if (node.type === 'array') {
    return (node.children ?? []).map((child) => writtenValue(child, text));
  }
  if (node.type === 'object') {
    return Object.fromEntries(
      (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
        key === undefined || value === undefined ? [] : [[String(key.value), writtenValue(value, text)]],
      ),
    );
  }
  return node.value as string | boolean | null;
}
