import type { SchemaElement, SchemaTree } from 'hyparquet';
import type { Kind, Raw } from './equality.ts';
import { UnknownFact } from './memo.ts';

/**
 * How the values of a column are read: with its annotations taken away, so that numbers keep all their digits and nested
 * values their nulls, and made to raw values here.
 */
export interface Column {
  kind: Kind;
  /** Below which a list, map or structure stands; the leaf itself for a plain column. */
  node: SchemaTree;
}

const thousand = 1000n;
const perUnit: Record<string, bigint> = { MILLIS: thousand * thousand, MICROS: thousand, NANOS: 1n };

export function columnOf(node: SchemaTree): Column {
  return { kind: kindOf(node), node };
}

/** What a leaf holds as it comes from the file. */
type Physical = boolean | number | bigint | Uint8Array | null | undefined | Physical[];

function kindOf(node: SchemaTree): Kind {
  return node.element.repetition_type === 'REPEATED' ? { name: 'list', parts: [single(node)] } : single(node);
}

/** The kind without the repetition of the node itself. */
function single(node: SchemaTree): Kind {
  if (node.children.length === 0) {
    return leafKind(node.element);
  }
  const list = listElement(node);
  if (list !== undefined) {
    return { name: 'list', parts: [list.single ? single(list.node) : kindOf(list.node)] };
  }
  const pair = mapPair(node);
  if (pair !== undefined) {
    return { name: 'map', parts: pair.map(kindOf) };
  }
  return { name: 'struct', names: node.children.map((c) => c.element.name), parts: node.children.map(kindOf) };
}

/** What a list repeats, by the rules of the format for writers old and new; `single` when that is the repeated node itself. */
function listElement(node: SchemaTree): { node: SchemaTree; single: boolean } | undefined {
  const [repeated] = node.children;
  const isList = node.element.converted_type === 'LIST' || node.element.logical_type?.type === 'LIST';
  if (!isList || node.children.length !== 1 || repeated?.element.repetition_type !== 'REPEATED') {
    return undefined;
  }
  const [element] = repeated.children;
  const { name } = repeated.element;
  const itself = repeated.children.length !== 1 || name === 'array' || name === `${node.element.name}_tuple`;
  return element === undefined || itself ? { node: repeated, single: true } : { node: element, single: false };
}

function mapPair(node: SchemaTree): SchemaTree[] | undefined {
  const [repeated] = node.children;
  const { converted_type: type, logical_type: logical } = node.element;
  const isMap = type === 'MAP' || type === 'MAP_KEY_VALUE' || logical?.type === 'MAP';
  return isMap && repeated?.element.repetition_type === 'REPEATED' && repeated.children.length === 2
    ? repeated.children
    : undefined;
}

function leafKind(element: SchemaElement): Kind {
  const { type, converted_type: converted, logical_type: logical, type_length: size } = element;
  if (converted === 'INTERVAL') {
    throw new UnknownFact(`${element.name} holds intervals, which are not read here.`);
  }
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') {
    return { name: 'decimal' };
  }
  if (converted === 'DATE' || logical?.type === 'DATE') {
    return { name: 'date' };
  }
  if (converted?.startsWith('TIME_') === true || logical?.type === 'TIME') {
    return { name: 'time' };
  }
  if (converted?.startsWith('TIMESTAMP_') === true || logical?.type === 'TIMESTAMP' || type === 'INT96') {
    return { name: 'timestamp', utc: logical?.type === 'TIMESTAMP' ? logical.isAdjustedToUTC : type !== 'INT96' };
  }
  switch (type) {
    case 'BOOLEAN':
      return { name: 'bool' };
    case 'FLOAT':
    case 'DOUBLE':
      return { name: 'float', bits: type === 'FLOAT' ? 32 : 64 };
    case 'FIXED_LEN_BYTE_ARRAY':
      return logical?.type === 'FLOAT16' ? { name: 'float', bits: 16 } : { name: 'text', size: size ?? 0 };
    case 'BYTE_ARRAY':
      return { name: 'text' };
    default:
      return { name: 'int' };
  }
}

function unitOf({ converted_type: converted, logical_type: logical }: SchemaElement): bigint {
  const unit =
    logical?.type === 'TIME' || logical?.type === 'TIMESTAMP' ? logical.unit : converted?.replace(/^\w+_/, '');
  return perUnit[unit ?? 'NANOS'] ?? 1n;
}

/** A physical value of a leaf as a raw one. */
function leafValue(element: SchemaElement, kind: Kind, value: Physical): Raw {
  if (value === null || value === undefined) {
    return null;
  }
  switch (kind.name) {
    case 'decimal': {
      const logical = element.logical_type;
      const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0);
      return { digits: value instanceof Uint8Array ? signed(value) : BigInt(value as number), scale };
    }
    case 'date':
      return BigInt(value as number);
    case 'time':
    case 'timestamp':
      return BigInt(value as number) * (element.type === 'INT96' ? 1n : unitOf(element));
    case 'int':
      return unsigned(element)
        ? BigInt.asUintN(element.type === 'INT64' ? 64 : 32, BigInt(value as number))
        : BigInt(value as number);
    case 'float':
      return value instanceof Uint8Array ? half(value) : (value as number);
    default:
      return value as Raw;
  }
}

function unsigned({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return logical?.type === 'INTEGER' ? !logical.isSigned : converted?.startsWith('UINT_') === true;
}

function signed(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex');
  return hex === '' ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

function half(bytes: Uint8Array): number {
  const bits = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const sign = bits >> 15 ? -1 : 1;
  const power = (bits >> 10) & 31;
  const part = bits & 1023;
  if (power === 31) {
    return part === 0 ? sign * Infinity : NaN;
  }
  return sign * (power === 0 ? part * 2 ** -24 : (1024 + part) * 2 ** (power - 25));
}

/** Leaves below a node, as paths through the schema. */
export function leavesOf(node: SchemaTree): SchemaTree[] {
  return node.children.length === 0 ? [node] : node.children.flatMap(leavesOf);
}

/**
 * The values of a column. `parts` has for each leaf the rows as the file's levels tell them: every optional or repeated
 * level above the leaf is an array, empty where it ends.
 */
export function columnValues({ node, kind }: Column, parts: ReadonlyMap<SchemaTree, unknown[]>): Raw[] {
  const [first] = parts.values();
  if (node.children.length === 0 && node.element.repetition_type !== 'REPEATED') {
    return (first ?? []).map((value) => leafValue(node.element, kind, value as Physical));
  }
  return (first ?? []).map((_, row) =>
    build(node, kind, new Map([...parts].map(([leaf, values]) => [leaf, values[row] as Physical]))),
  );
}

type Parts = ReadonlyMap<SchemaTree, Physical>;

const isEmpty = (part: Physical): boolean =>
  part === null || part === undefined || (Array.isArray(part) && part.length === 0);

function build(node: SchemaTree, kind: Kind, parts: Parts): Raw {
  if (node.element.repetition_type === 'REPEATED') {
    return repeated(node, parts, (inner) => buildSingle(node, kind.parts?.[0] ?? kind, inner));
  }
  if (node.children.length > 0 && node.element.repetition_type === 'OPTIONAL') {
    return isEmpty(firstPart(node, parts)) ? null : buildSingle(node, kind, down(node, parts, 0));
  }
  return buildSingle(node, kind, parts);
}

/** The items of a repeated node. */
function repeated(node: SchemaTree, parts: Parts, item: (parts: Parts) => Raw): Raw[] {
  const first = firstPart(node, parts);
  return isEmpty(first) ? [] : (first as Physical[]).map((_, i) => item(down(node, parts, i)));
}

function firstPart(node: SchemaTree, parts: Parts): Physical {
  const [leaf] = leavesOf(node);
  return leaf === undefined ? undefined : parts.get(leaf);
}

/** The parts one level further down. */
function down(node: SchemaTree, parts: Parts, index: number): Parts {
  return new Map(leavesOf(node).map((leaf) => [leaf, (parts.get(leaf) as Physical[] | undefined)?.[index]]));
}

/** A value below its own repetition and null. */
function buildSingle(node: SchemaTree, kind: Kind, parts: Parts): Raw {
  if (node.children.length === 0) {
    return leafValue(node.element, kind, parts.get(node));
  }
  const list = listElement(node);
  const [child] = node.children;
  const [part = kind, second = kind] = kind.parts ?? [];
  if (list !== undefined && child !== undefined) {
    return repeated(child, parts, (inner) =>
      list.single ? buildSingle(child, part, inner) : build(list.node, part, inner),
    );
  }
  const [key, value] = mapPair(node) ?? [];
  if (child !== undefined && key !== undefined && value !== undefined) {
    return repeated(child, parts, (inner) => [build(key, part, inner), build(value, second, inner)]);
  }
  return node.children.map((c, i) => build(c, kind.parts?.[i] ?? kind, parts));
}
