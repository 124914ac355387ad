import { limits } from '../contract.ts';
import type { Gate } from './schema-gates.ts';

/** Why a gate can never hold, and the field that says so. */
export interface Impossible {
  /** Index of the gate in its step. */
  gate: number;
  field: string;
  message: string;
}

/** Gates that no run of the step could fulfil, by what they say themselves and about each other; undefined: one that cannot be read. */
export function impossibleGates(gates: readonly (Gate | undefined)[]): Impossible[] {
  return gates.flatMap((gate, index) => {
    const earlier = gates.slice(0, index).filter((other) => other !== undefined);
    const found = gate && (ofItself(gate) ?? besideOthers(gate, earlier));
    return found === undefined ? [] : [{ gate: index, ...found }];
  });
}

type Found = Omit<Impossible, 'gate'>;

const never = 'so the gate can never hold';

function ofItself(gate: Gate): Found | undefined {
  const path = pathFault(gate);
  if (path !== undefined) {
    return { field: 'path', message: path };
  }
  if (gate.type === 'rows' || gate.type === 'metric') {
    return emptyRange(gate);
  }
  if (gate.type === 'distinct') {
    const { count, includes = [] } = gate;
    if (count !== undefined && count > limits.distinctItems) {
      return { field: 'count', message: `is above ${limits.distinctItems}, the most values that a gate counts` };
    }
    const least = new Set(includes.map(sameAs)).size;
    return count !== undefined && least > count
      ? { field: 'count', message: `is below the ${least} different values that "includes" asks for, ${never}` }
      : undefined;
  }
  return undefined;
}

interface Range {
  equals?: number | undefined;
  min?: number | undefined;
  max?: number | undefined;
}

function emptyRange({ equals, min = -Infinity, max = Infinity }: Range): Found | undefined {
  if (min > max) {
    return { field: 'min', message: `is above "max", ${never}` };
  }
  return equals !== undefined && (equals < min || equals > max)
    ? { field: 'equals', message: `is outside of "min" and "max", ${never}` }
    : undefined;
}

/** What counts for one value of a column of some kind: 1 and "1", all spellings of a moment. */
function sameAs(value: unknown): string {
  const text = String(value);
  const number = text.trim() === '' ? NaN : Number(text);
  if (!Number.isNaN(number)) {
    return Number.isInteger(number) ? String(number) : number.toPrecision(3);
  }
  if (/^[[{]/.test(text)) {
    return 'nested';
  }
  return /\d[-:]\d|^[0-9a-f]{8}-/i.test(text) ? 'moment' : /^[+-]?(nan|inf|infinity)$/i.test(text) ? 'special' : text;
}

/** Earlier gates on the same thing that leave nothing for this one. */
function besideOthers(gate: Gate, earlier: readonly Gate[]): Found | undefined {
  const clash = (field: string): Found => ({ field, message: `contradicts an earlier gate of this step, ${never}` });
  for (const other of earlier) {
    if (gate.type === 'rows' && other.type === 'rows' && gate.path === other.path && apart(gate, other)) {
      return clash(gate.equals !== undefined ? 'equals' : gate.min !== undefined ? 'min' : 'max');
    }
    const sameMetric = gate.type === 'metric' && other.type === 'metric' && gate.name === other.name;
    // With a lower bound "best" is the largest value, without one the smallest.
    if (sameMetric && gate.of === 'last' && other.of === 'last' && apart(gate, other)) {
      return clash(gate.min !== undefined ? 'min' : 'max');
    }
    const sameColumn =
      gate.type === 'distinct' &&
      other.type === 'distinct' &&
      gate.path === other.path &&
      gate.column === other.column &&
      gate.count !== undefined &&
      other.count !== undefined;
    if (sameColumn && gate.count !== other.count) {
      return clash('count');
    }
  }
  return undefined;
}

function apart(a: Range, b: Range): boolean {
  const low = ({ equals, min }: Range): number => Math.max(equals ?? -Infinity, min ?? -Infinity);
  const high = ({ equals, max }: Range): number => Math.min(equals ?? Infinity, max ?? Infinity);
  return Math.max(low(a), low(b)) > Math.min(high(a), high(b));
}

/** Endings of other kinds of files. */
const notParquet =
  /\.(csv|tsv|jsonl?|ndjson|txt|md|xlsx?|arrow|feather|orc|avro|np[yz]|h5|hdf5|pkl|pickle|pth?|bin|safetensors|ckpt|gguf|onnx|log|ya?ml|py|ipynb|gz|zip|tar|zst|png|jpe?g|wav)$/i;
const notCheckpoint =
  /\.(ggml|onnx|keras|h5|hdf5|pb|tflite|mlmodel|engine|pkl|pickle|joblib|np[yz]|msgpack|distcp|json|txt|ya?ml|parquet|gz|zip|tar|zst)$/i;

const indexFile = /\.index(\.[\w-]+)?\.json$/;

/** What the path alone tells; the worker takes it letter by letter. */
function pathFault(gate: Gate): string | undefined {
  if (gate.type !== 'rows' && gate.type !== 'distinct' && gate.type !== 'populated' && gate.type !== 'checkpoint') {
    return undefined;
  }
  const { path } = gate;
  const what = gate.type === 'checkpoint' ? 'one file or folder' : 'one parquet file';
  if (/[*?]/.test(path)) {
    return `must be ${what} and no pattern, since the gate looks at one`;
  }
  if (gate.type === 'checkpoint') {
    const ending = indexFile.test(path) ? undefined : notCheckpoint.exec(path)?.[0];
    return ending === undefined
      ? undefined
      : `is a "${ending}", which the gate cannot load: it reads .safetensors, .pt, .pth, .bin, .ckpt and .gguf, the index of a model in several files, and folders (end the path of one with "/")`;
  }
  if (path.endsWith('/')) {
    return 'must be one parquet file and no folder';
  }
  const ending = notParquet.exec(path)?.[0];
  return ending === undefined ? undefined : `is a "${ending}", and the gate reads parquet files only`;
}
