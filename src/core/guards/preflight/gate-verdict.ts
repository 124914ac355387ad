import { byteText } from '../../words/index.ts';
import type { Gate } from '../../project/schema.ts';
import type { LocalFile } from '../../files/scan.ts';
import type { Facts } from './facts.ts';
import { BrokenParquet, nullsOf, readColumns, type ParquetFile } from './parquet.ts';
import { some } from './text.ts';

type Scalar = string | number | boolean;

/**
 * Why a gate does not hold on files of this machine, as the beginning of a sentence; undefined when it holds or is of a
 * kind that only the run can tell. Rejects with UnknownFact when the values are too many to be read in passing.
 */
export async function gateVerdict(
  facts: Facts,
  gate: Gate,
  files: LocalFile[],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (gate.type === 'file') {
    const small = files.filter((f) => f.size < gate.minBytes);
    return small.length === 0
      ? undefined
      : `${some(small.map((f) => `${f.path} has ${byteText(f.size)}`))}, less than ${byteText(gate.minBytes)}`;
  }
  if (gate.type !== 'rows' && gate.type !== 'distinct' && gate.type !== 'populated') {
    return undefined;
  }
  let parquet: ParquetFile;
  try {
    parquet = await facts.parquet(gate.path);
  } catch (error) {
    if (error instanceof BrokenParquet) {
      return undefined;
    }
    throw error;
  }
  if (gate.type === 'rows') {
    return rowsProblem(gate, parquet);
  }
  const wanted = [gate.column, ...(gate.type === 'populated' && gate.where ? [gate.where.column] : [])];
  const absent = wanted.filter((c) => !parquet.columns.includes(c));
  if (absent.length > 0) {
    return `${gate.path} has no column ${some(absent)}; it has ${some(parquet.columns, 8)}`;
  }
  return gate.type === 'distinct' ? distinctProblem(gate, parquet, signal) : populatedProblem(gate, parquet, signal);
}

function rowsProblem(gate: Extract<Gate, { type: 'rows' }>, { rows }: ParquetFile): string | undefined {
  const { path, equals, min, max } = gate;
  const wanted =
    equals !== undefined && rows !== equals
      ? `${equals}`
      : min !== undefined && rows < min
        ? `at least ${min}`
        : max !== undefined && rows > max
          ? `at most ${max}`
          : undefined;
  return wanted === undefined ? undefined : `${path} has ${rows} rows, and ${wanted} are asked for`;
}

async function distinctProblem(
  gate: Extract<Gate, { type: 'distinct' }>,
  parquet: ParquetFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { path, column, includes = [], count } = gate;
  const outside = includes.filter((value) => outOfBounds(parquet, column, value));
  if (outside.length > 0) {
    return `${path} has no ${some(outside.map(String), 5)} in the column ${column}`;
  }
  const seen = new Set<unknown>();
  for await (const values of readColumns(parquet, [column], signal)) {
    for (const value of values.get(column) ?? []) {
      if (value !== null && value !== undefined) {
        seen.add(plain(value));
      }
    }
    if (count === undefined && includes.every((value) => seen.has(value))) {
      return undefined;
    }
  }
  const missing = includes.filter((value) => !seen.has(value));
  if (missing.length > 0) {
    return `${path} has no ${some(missing.map(String), 5)} in the column ${column}`;
  }
  return count !== undefined && seen.size !== count
    ? `${path} has ${seen.size} different values in the column ${column}, and ${count} are asked for`
    : undefined;
}

/** Certain from the footer alone: every row group says that the value lies outside of what it has. */
function outOfBounds({ metadata }: ParquetFile, column: string, value: Scalar): boolean {
  const groups = metadata.row_groups.map(
    (g) => g.columns.find((c) => c.meta_data?.path_in_schema.join('.') === column)?.meta_data?.statistics,
  );
  return (
    groups.length > 0 &&
    groups.every((statistics) => {
      const [low, high] = [statistics?.min_value, statistics?.max_value].map(plain);
      // Long texts are cut in statistics, and other kinds than the asked one cannot be compared.
      const comparable = typeof low === typeof value && typeof high === typeof value && String(high).length < 32;
      return comparable && (value < (low as Scalar) || value > (high as Scalar));
    })
  );
}

async function populatedProblem(
  gate: Extract<Gate, { type: 'populated' }>,
  parquet: ParquetFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { path, column, where, minShare } = gate;
  if (where === undefined) {
    const nulls = nullsOf(parquet, column);
    if (nulls !== undefined && (parquet.rows === 0 || 1 - nulls / parquet.rows < minShare)) {
      return `${path} has no value for ${column} in ${nulls} of ${parquet.rows} rows`;
    }
  }
  let selected = 0;
  let filled = 0;
  for await (const values of readColumns(parquet, [column, ...(where ? [where.column] : [])], signal)) {
    const filter = where === undefined ? undefined : values.get(where.column);
    for (const [i, value] of (values.get(column) ?? []).entries()) {
      if (where === undefined || plain(filter?.[i]) === where.equals) {
        selected += 1;
        filled += Number(hasValue(value));
      }
    }
  }
  if (selected === 0) {
    return `${path} has no row${where ? ` with ${where.column} = ${String(where.equals)}` : ''}`;
  }
  return filled / selected < minShare
    ? `${path} has a value for ${column} in ${filled} of ${selected} rows`
    : undefined;
}

/** Not null, not an empty text or list, not a vector of NaN only: as the worker's gate sees it. */
function hasValue(value: unknown): boolean {
  if (value === null || value === undefined || value === '') {
    return false;
  }
  if (typeof value === 'number') {
    return !Number.isNaN(value);
  }
  if (Array.isArray(value)) {
    return value.length > 0 && value.some((v) => v !== null && !(typeof v === 'number' && Number.isNaN(v)));
  }
  return true;
}

/** Whole numbers of 64 bits compare as numbers where that loses nothing. */
function plain(value: unknown): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
