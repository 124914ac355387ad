import { byteText } from '../../words/index.ts';
import type { Gate, GateValue } from '../../project/schema.ts';
import type { LocalFile } from '../../files/scan.ts';
import type { Column } from './columns.ts';
import { hasValue, keyOf, matcher, type Kind } from './equality.ts';
import type { Facts } from './facts.ts';
import { BrokenParquet, columnNamed, readColumns, statisticsOf, tooMany, type ParquetFile } from './parquet.ts';
import { some } from './text.ts';

/**
 * Why a gate does not hold on files of this machine, as the beginning of a sentence; undefined when it holds or is of a
 * kind that only the run can tell. Rejects with UnknownFact when the values are too many to be read in passing.
 */
export async function gateVerdict(
  facts: Pick<Facts, 'parquet'>,
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
  const columns = new Map(
    wanted.flatMap((name) => {
      const column = columnNamed(parquet, name);
      return column === undefined ? [] : [[name, column] as const];
    }),
  );
  return gate.type === 'distinct'
    ? distinctProblem(gate, parquet, columns, signal)
    : populatedProblem(gate, parquet, columns, signal);
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
  columns: ReadonlyMap<string, Column>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { path, column, includes = [], count } = gate;
  const kind = columns.get(column)?.kind ?? { name: 'text' };
  const absent = (values: readonly GateValue[]): string =>
    `${path} has no ${some(values.map(String), 5)} in the column ${column}`;
  if (tooMany(parquet, [column])) {
    const outside = includes.filter((value) => outOfBounds(parquet, column, kind, value));
    if (outside.length > 0) {
      return absent(outside);
    }
  }
  let missing = includes.map((value) => ({ value, isIt: matcher(kind, value) }));
  const seen = new Set<string>();
  for await (const values of readColumns(parquet, columns, signal)) {
    for (const value of values.get(column) ?? []) {
      const key = value === null ? undefined : keyOf(kind, value);
      if (key !== undefined && !seen.has(key)) {
        seen.add(key);
        missing = missing.filter(({ isIt }) => !isIt(value));
      }
    }
  }
  if (missing.length > 0) {
    return absent(missing.map(({ value }) => value));
  }
  return count !== undefined && seen.size !== count
    ? `${path} has ${seen.size} different values in the column ${column}, and ${count} are asked for`
    : undefined;
}

/**
 * Certain from the footer alone: every row group says that the value lies outside of what it has. Only where the order of
 * the statistics is beyond doubt; those of texts may be cut, and are bounds then too.
 */
function outOfBounds(parquet: ParquetFile, column: string, kind: Kind, wanted: GateValue): boolean {
  const groups = statisticsOf(parquet, column);
  if (groups.length === 0) {
    return false;
  }
  if (kind.name === 'text' && kind.size === undefined && typeof wanted === 'string') {
    const value = Buffer.from(wanted);
    return groups.every((g) => {
      const [low, high] = [g?.min, g?.max];
      const known = low instanceof Uint8Array && high instanceof Uint8Array;
      return known && (Buffer.compare(value, low) < 0 || Buffer.compare(value, high) > 0);
    });
  }
  const value =
    kind.name === 'int' && typeof wanted === 'number' && Number.isSafeInteger(wanted) ? BigInt(wanted) : undefined;
  const whole = (bound: unknown): bound is number | bigint => typeof bound === 'bigint' || typeof bound === 'number';
  return (
    value !== undefined &&
    groups.every((g) => whole(g?.min) && whole(g.max) && (value < BigInt(g.min) || value > BigInt(g.max)))
  );
}

async function populatedProblem(
  gate: Extract<Gate, { type: 'populated' }>,
  parquet: ParquetFile,
  columns: ReadonlyMap<string, Column>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { path, column, where, minShare } = gate;
  // The room that the worker leaves for what floats lose.
  const enough = (filled: number, of: number): boolean => filled >= minShare * of - 1e-9;
  if (where === undefined) {
    const counts = statisticsOf(parquet, column).map((s) => s?.nulls);
    const nulls = counts.reduce((sum, n) => (sum === undefined || n === undefined ? undefined : sum + n), 0);
    if (nulls !== undefined && (parquet.rows === 0 || !enough(parquet.rows - nulls, parquet.rows))) {
      return `${path} has no value for ${column} in ${nulls} of ${parquet.rows} rows`;
    }
  }
  const isIt = where && matcher(columns.get(where.column)?.kind ?? { name: 'text' }, where.equals);
  const kind = columns.get(column)?.kind ?? { name: 'text' };
  let selected = 0;
  let filled = 0;
  for await (const values of readColumns(parquet, columns, signal)) {
    const filter = where === undefined ? undefined : values.get(where.column);
    for (const [i, value] of (values.get(column) ?? []).entries()) {
      const key = filter?.[i] ?? null;
      if (isIt === undefined || (key !== null && isIt(key))) {
        selected += 1;
        filled += Number(hasValue(kind, value));
      }
    }
  }
  if (selected === 0) {
    return `${path} has no row${where ? ` with ${where.column} = ${String(where.equals)}` : ''}`;
  }
  return enough(filled, selected) ? undefined : `${path} has a value for ${column} in ${filled} of ${selected} rows`;
}
