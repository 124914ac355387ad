import { parseTree } from 'jsonc-parser';
import type { GateValue } from '../../project/schema.ts';
import { isWrittenNumber, writtenValue, type Written } from '../../project/written.ts';

/**
 * What a column holds. Raw values: boolean; bigint (`int`); number (`float` of `bits`); {@link Decimal}; bytes (`text`, of
 * `size` when all are as long); days (`date`) and nanoseconds (`time`, `timestamp`) as bigint; arrays (`list`, `struct` in
 * the order of `names`, `map` as pairs). The worker's gates say the same of the same values (contract/vectors).
 */
export interface Kind {
  name: 'bool' | 'int' | 'float' | 'decimal' | 'text' | 'date' | 'time' | 'timestamp' | 'list' | 'struct' | 'map';
  bits?: number;
  utc?: boolean;
  size?: number;
  parts?: readonly Kind[];
  names?: readonly string[];
}

/** `digits` times ten to the power of `-scale`. */
export interface Decimal {
  digits: bigint;
  scale: number;
}

export type Raw = boolean | bigint | number | Decimal | Uint8Array | null | Raw[];

type Test = (value: Raw) => boolean;

const nothing: Test = () => false;

/** One text for what counts as one value: NaN is one, 0 and -0 are one, 1.10 is 1.1. */
export function keyOf(kind: Kind, value: Raw): string {
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return `[${value.map((item, i) => lengthFirst(keyOf(partOf(kind, i), item))).join('')}]`;
  }
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('latin1');
  }
  if (typeof value === 'object') {
    const { digits, scale } = lowest(value);
    return `${digits}e${-scale}`;
  }
  return value === 0 ? '0' : String(value);
}

const lengthFirst = (text: string): string => `${text.length}:${text}`;

/** What an element of a nested value is; a map is a list of pairs, and a pair has two parts. */
function partOf(kind: Kind, index: number): Kind {
  const parts = kind.parts ?? [];
  if (kind.name === 'map') {
    return { name: 'struct', parts, names: ['key', 'value'] };
  }
  return parts[kind.name === 'struct' ? index : 0] ?? { name: 'int' };
}

function lowest({ digits, scale }: Decimal): Decimal {
  while (digits !== 0n && digits % 10n === 0n) {
    digits /= 10n;
    scale -= 1;
  }
  return digits === 0n ? { digits, scale: 0 } : { digits, scale };
}

function sameDecimal(a: Decimal, b: Decimal): boolean {
  const [left, right] = [lowest(a), lowest(b)];
  return left.digits === right.digits && left.scale === right.scale;
}

const plainNumber = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;

function decimalOf(text: string): Decimal {
  const [, sign = '', whole = '', part = '', power = '0'] =
    /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = BigInt(`${whole}${part}`) * (sign === '-' ? -1n : 1n);
  return { digits, scale: part.length - Number(power) };
}

function decimalText({ digits, scale }: Decimal): string {
  return `${digits}e${-scale}`;
}

/** Whether a raw value, never null, is the one that the project file names. */
export function matcher(kind: Kind, wanted: GateValue): Test {
  switch (kind.name) {
    case 'bool': {
      const meant = typeof wanted === 'boolean' ? wanted : { true: true, false: false }[String(isText(wanted))];
      return (value) => value === meant;
    }
    case 'int':
    case 'float':
    case 'decimal':
      return typeof wanted === 'boolean' ? nothing : numberTest(kind, wanted);
    case 'text':
      return textTest(kind, wanted);
    case 'date':
    case 'time':
    case 'timestamp': {
      const text = isText(wanted);
      const read = kind.name === 'date' ? days : kind.name === 'time' ? nanoseconds : moment;
      const meant = text === undefined ? undefined : read(text, kind.utc === true);
      return (value) => value === meant;
    }
    default: {
      const meant = nestedValue(isText(wanted));
      return meant === undefined ? nothing : (value) => same(kind, value, meant);
    }
  }
}

const isText = (wanted: GateValue): string | undefined => (typeof wanted === 'string' ? wanted : undefined);

const notFinite: Record<string, number> = { nan: NaN, inf: Infinity, infinity: Infinity };

function numberTest(kind: Kind, wanted: Exclude<GateValue, boolean>): Test {
  // A number that lost nothing is spelled by JSON as the file has it.
  const text = isWrittenNumber(wanted) ? wanted.text : typeof wanted === 'number' ? JSON.stringify(wanted) : wanted;
  const [, sign, word = ''] = /^([+-]?)([a-z]+)$/i.exec(text) ?? [];
  const special = typeof wanted === 'string' && Object.hasOwn(notFinite, word.toLowerCase()) ? word.toLowerCase() : '';
  if (special !== '' && !(special === 'nan' && sign !== '')) {
    const meant = (notFinite[special] ?? NaN) * (sign === '-' ? -1 : 1);
    return kind.name === 'float' ? (value) => Object.is(value, meant) : nothing;
  }
  if (!plainNumber.test(text)) {
    return nothing;
  }
  const whole = /^[+-]?\d+$/.test(text);
  const exact = decimalOf(text);
  if (kind.name === 'float') {
    const near = whole ? exactFloat(exact.digits) : rounded(Number(text), kind.bits ?? 64);
    return (value) => value === near;
  }
  if (kind.name === 'decimal' && typeof wanted !== 'string' && !whole) {
    // The worker has the nearest double of what was written.
    return (value) => Number(decimalText(value as Decimal)) === Number(text);
  }
  if (kind.name === 'decimal') {
    return (value) => sameDecimal(value as Decimal, exact);
  }
  if (typeof wanted !== 'string' && !whole) {
    // Exact too, but of the double: 1e23 is no power of ten there.
    const double = Number(text);
    return (value) => Number.isInteger(double) && value === BigInt(double);
  }
  return (value) => sameDecimal({ digits: value as bigint, scale: 0 }, exact);
}

/** The number itself, where floats have it; nothing that equals any float otherwise. */
function exactFloat(value: bigint): number | undefined {
  const near = Number(value);
  return Number.isFinite(near) && BigInt(near) === value ? near : undefined;
}

/** The nearest float of so many bits. */
function rounded(value: number, bits: number): number {
  if (bits === 64) {
    return value;
  }
  if (bits === 32) {
    return Math.fround(value);
  }
  // Of 16 bits: a step is a thousandth of the power of two below, and the smallest is 2^-24.
  const step = 2 ** Math.max(-24, Math.floor(Math.log2(Math.abs(value) || 1)) - 10);
  const near = toEven(value / step) * step;
  return Math.abs(near) > 65504 ? Math.sign(near) * Infinity : near;
}

function toEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

function textTest({ size }: Kind, wanted: GateValue): Test {
  const texts = textsOf(wanted);
  const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.exec(isText(wanted) ?? '')?.[0];
  const hex = size === 16 ? uuid?.replaceAll('-', '').toLowerCase() : undefined;
  return (value) => {
    const bytes = Buffer.from(value as Uint8Array);
    return bytes.toString('hex') === hex || texts.includes(textOf(bytes));
  };
}

/** Bytes as text; what is no UTF-8 as Python shows it: `\xff`. */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) {
    return text;
  }
  let result = '';
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const part = bytes.subarray(at, at + length);
    const character = part.toString('utf8');
    const sound = Buffer.from(character).equals(part);
    result += sound ? character : `\\x${first.toString(16).padStart(2, '0')}`;
    at += sound ? length : 1;
  }
  return result;
}

/** How a value of the project file may stand in a column of texts. */
function textsOf(wanted: GateValue): string[] {
  if (typeof wanted === 'string' || typeof wanted === 'boolean') {
    return [String(wanted)];
  }
  const text = isWrittenNumber(wanted) ? wanted.text : JSON.stringify(wanted);
  if (/^-?\d+$/.test(text)) {
    return [String(BigInt(text))];
  }
  const value = Number(text);
  return [pythonFloat(value), ...(Number.isInteger(value) ? [String(BigInt(value))] : [])];
}

/** `repr` of a float. */
function pythonFloat(value: number): string {
  const [digits = '', power = '0'] = value.toExponential().split('e');
  if (value !== 0 && (Number(power) < -4 || Number(power) >= 16)) {
    return `${digits}e${power.startsWith('-') ? '-' : '+'}${power.slice(1).padStart(2, '0')}`;
  }
  const sign = Object.is(value, -0) ? '-' : '';
  return `${sign}${value}${Number.isInteger(value) ? '.0' : ''}`;
}

function days(text: string): bigint | undefined {
  const found = /^(-?\d{4,5})-(\d{2})-(\d{2})$/.exec(text);
  if (found === null) {
    return undefined;
  }
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? BigInt(date.getTime() / 86_400_000) : undefined;
}

function nanoseconds(text: string): bigint | undefined {
  const [, hours, minutes, seconds = '0', part = ''] =
    /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) {
    return undefined;
  }
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0'));
}

/** Nanoseconds since 1970; without a zone in UTC. A column without moments has the same digits in every zone. */
function moment(text: string, utc: boolean): bigint | undefined {
  const [, date, time, sign, hours = '0', minutes = '0'] =
    /^([-\d]+)(?:[T ]([\d:.]+)(?:Z|([+-])(\d{2}):?(\d{2})?)?)?$/.exec(text) ?? [];
  const day = days(date ?? '');
  const within = time === undefined ? 0n : nanoseconds(time);
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  return day === undefined || within === undefined || (offset !== 0 && !utc)
    ? undefined
    : day * 86_400_000_000_000n + within - BigInt(offset) * 60_000_000_000n;
}

/** A nested value as a text of JSON, its numbers as written. */
function nestedValue(text: string | undefined): Written | undefined {
  const errors: unknown[] = [];
  try {
    JSON.parse(text ?? '');
    const tree = parseTree(text ?? '', errors as never[], { disallowComments: true });
    return tree === undefined || errors.length > 0 ? undefined : writtenValue(tree, text ?? '');
  } catch {
    return undefined;
  }
}

/** The same for a part of a nested value, where null is null. */
function same(kind: Kind, value: Raw, wanted: Written): boolean {
  if (value === null || wanted === null) {
    return value === null && wanted === null;
  }
  const [first = { name: 'int' }, second = { name: 'int' }] = kind.parts ?? [];
  if (!Array.isArray(value)) {
    return isScalar(wanted) && matcher(kind, wanted)(value);
  }
  if (kind.name === 'list') {
    return (
      Array.isArray(wanted) &&
      wanted.length === value.length &&
      value.every((v, i) => same(first, v, wanted[i] ?? null))
    );
  }
  if (isScalar(wanted)) {
    return false;
  }
  if (kind.name === 'struct') {
    const fields = Array.isArray(wanted) ? undefined : wanted;
    const names = kind.names ?? [];
    return (
      fields !== undefined &&
      Object.keys(fields).length === names.length &&
      names.every((n, i) => Object.hasOwn(fields, n) && same(partOf(kind, i), value[i] ?? null, fields[n] ?? null))
    );
  }
  const pairs: Written[] = Array.isArray(wanted) ? wanted : Object.entries(wanted);
  return (
    pairs.length === value.length &&
    value.every((pair) => {
      const [key = null, item = null] = pair as Raw[];
      return pairs.some(
        (p) => Array.isArray(p) && p.length === 2 && same(first, key, p[0] ?? null) && same(second, item, p[1] ?? null),
      );
    })
  );
}

function isScalar(value: Written): value is GateValue {
  return typeof value !== 'object' || isWrittenNumber(value);
}

/** Not null, not an empty text or list, not NaN, not a list without such. */
export function hasValue(kind: Kind, value: Raw): boolean {
  if (value === null) {
    return false;
  }
  if (kind.name === 'list') {
    return (value as Raw[]).some((item) => item !== null && !Number.isNaN(item));
  }
  return kind.name === 'text' ? (value as Uint8Array).length > 0 : !Number.isNaN(value);
}
