import { open, type FileHandle } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import type { ColumnMetaData, Compressors, FileMetaData, ParquetParsers, SchemaTree } from 'hyparquet';
import { messageOf } from '../../errors.ts';
import { columnOf, columnValues, leavesOf, type Column } from './columns.ts';
import type { Raw } from './equality.ts';
import { lz4Block, lz4Hadoop } from './lz4.ts';
import { UnknownFact } from './memo.ts';
import { count } from '../../words/index.ts';

/** The footer of a parquet file: what it says of itself, without its data. */
export interface ParquetFile {
  absolute: string;
  size: number;
  rows: number;
  /** Top-level columns. */
  columns: string[];
  metadata: FileMetaData;
  schema: SchemaTree;
}

/** Values as the file has them: `columns` makes of them what gates compare. */
const asTheyAre = Object.fromEntries(
  ['timestampFromMilliseconds', 'timestampFromMicroseconds', 'timestampFromNanoseconds', 'dateFromDays']
    .concat('stringFromBytes', 'uuidFromBytes', 'jsonFromBytes')
    .map((name) => [name, (value: unknown) => value]),
) as unknown as ParquetParsers;

/** Why a file is no sound parquet file; a sentence. */
export class BrokenParquet extends Error {
  override readonly name = 'BrokenParquet';
}

/** A footer above this is not read: it would take longer than it helps. */
const largestFooter = 64 << 20;

/** Reads the end of the file. Rejects with BrokenParquet, or with UnknownFact for one that is encrypted or huge. */
export async function readFooter(absolute: string): Promise<ParquetFile> {
  const file = await open(absolute, 'r');
  try {
    const { size } = await file.stat();
    const length = await footerLength(file, size);
    const { parquetMetadata, parquetSchema } = await import('hyparquet');
    const footer = await bytes(file, size - length - 8, length + 8);
    let metadata: FileMetaData;
    try {
      metadata = parquetMetadata(footer, { geoparquet: false, parsers: asTheyAre });
    } catch (error) {
      throw new BrokenParquet(`its footer cannot be read (${messageOf(error)})`);
    }
    const past = metadata.row_groups.flatMap((g) => g.columns).some((c) => endOf(c.meta_data) > size - length - 8);
    if (past) {
      throw new BrokenParquet('its footer names data beyond its end, so a part of it is missing');
    }
    const schema = parquetSchema(metadata);
    const columns = schema.children.map(({ element }) => element.name);
    return { absolute, size, rows: Number(metadata.num_rows), columns, metadata, schema };
  } finally {
    await file.close();
  }
}

async function footerLength(file: FileHandle, size: number): Promise<number> {
  if (size < 12) {
    throw new BrokenParquet(`it has ${count(size, 'byte')}, too few for a parquet file`);
  }
  const head = Buffer.from(await bytes(file, 0, 4)).toString('latin1');
  const tail = Buffer.from(await bytes(file, size - 8, 8));
  const magic = tail.subarray(4).toString('latin1');
  if (magic === 'PARE') {
    throw new UnknownFact('It is encrypted.');
  }
  if (head !== 'PAR1') {
    throw new BrokenParquet('it does not begin as a parquet file does');
  }
  if (magic !== 'PAR1') {
    throw new BrokenParquet('its end is missing: it was cut off, or is still being written');
  }
  const length = tail.readUInt32LE(0);
  if (length + 12 > size) {
    throw new BrokenParquet('its footer claims to be longer than the file');
  }
  if (length > largestFooter) {
    throw new UnknownFact('Its footer is too large to be read here.');
  }
  return length;
}

async function bytes(file: FileHandle, start: number, length: number): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(length);
  const { bytesRead } = await file.read(new Uint8Array(buffer), 0, length, start);
  if (bytesRead !== length) {
    throw new BrokenParquet('it became shorter while it was read');
  }
  return buffer;
}

function endOf(column: ColumnMetaData | undefined): number {
  if (column === undefined) {
    return 0;
  }
  const start = Number(column.dictionary_page_offset ?? column.data_page_offset);
  return Math.min(start, Number(column.data_page_offset)) + Number(column.total_compressed_size);
}

/** In a buffer of its own, so that a page which holds less than it says is an error and not the bytes of its neighbor. */
const apart = (page: Uint8Array): Uint8Array => new Uint8Array(page);

/** The name under which pages without compression pass by `compressors` too. */
const uncompressed = 'LZO' as const;

const compressors: Compressors = {
  GZIP: (input) => apart(zlib.gunzipSync(input)),
  BROTLI: (input) => apart(zlib.brotliDecompressSync(input)),
  ZSTD: (input) => apart(zlib.zstdDecompressSync(input)),
  LZ4_RAW: lz4Block,
  LZ4: lz4Hadoop,
  [uncompressed]: apart,
};

/** The metadata as `readLeaves` wants the values: without annotations, which change them. */
function bare(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map((element) => {
    const plain = { ...element };
    delete plain.converted_type;
    delete plain.logical_type;
    return plain;
  });
  const groups = metadata.row_groups.map((group) => ({
    ...group,
    columns: group.columns.map((column) => {
      const { meta_data: data } = column;
      return data?.codec === 'UNCOMPRESSED' ? { ...column, meta_data: { ...data, codec: uncompressed } } : column;
    }),
  }));
  return { ...metadata, schema, row_groups: groups };
}

const mostBytes = 64 << 20;
const mostRows = 20_000_000;

/** The column of this name. Rejects with UnknownFact when two have it. */
export function columnNamed({ schema }: ParquetFile, name: string): Column | undefined {
  const found = schema.children.filter(({ element }) => element.name === name);
  if (found.length > 1) {
    throw new UnknownFact(`Two columns are called ${name}.`);
  }
  return found[0] && columnOf(found[0]);
}

/** Whether the values of columns are too many to be read in passing. */
export function tooMany({ metadata, rows }: ParquetFile, columns: readonly string[]): boolean {
  const chunks = metadata.row_groups
    .flatMap((g) => g.columns)
    .filter((c) => columns.includes(c.meta_data?.path_in_schema[0] ?? ''));
  const size = chunks.reduce((sum, c) => sum + Number(c.meta_data?.total_uncompressed_size ?? 0), 0);
  return size > mostBytes || rows > mostRows;
}

/**
 * The values of columns by name, row group by row group, as long as they are small enough to be read in passing.
 * Rejects with UnknownFact when they are not, or are of a form that is not known here.
 */
export async function* readColumns(
  parquet: ParquetFile,
  columns: ReadonlyMap<string, Column>,
  signal: AbortSignal,
): AsyncGenerator<ReadonlyMap<string, Raw[]>> {
  const names = [...columns.keys()];
  if (tooMany(parquet, names)) {
    throw new UnknownFact(`The values of ${names.join(' and ')} are too many to be read in passing.`);
  }
  const file = await open(parquet.absolute, 'r');
  try {
    let rowStart = 0;
    for (const { num_rows: count } of parquet.metadata.row_groups) {
      if (signal.aborted) {
        throw new UnknownFact(`The values of ${names.join(' and ')} take too long to read.`);
      }
      const rows = Number(count);
      const leaves = await readLeaves(parquet, file, names, [rowStart, rowStart + rows]);
      yield new Map([...columns].map(([name, column]) => [name, valuesOf(column, leaves, rows)]));
      rowStart += rows;
    }
  } catch (error) {
    throw error instanceof UnknownFact || error instanceof BrokenParquet
      ? error
      : new UnknownFact(`The values of ${names.join(' and ')} cannot be read here: ${messageOf(error)}.`);
  } finally {
    await file.close();
  }
}

/** What the leaves of some columns hold in a range of rows, by the path of the leaf. */
async function readLeaves(
  parquet: ParquetFile,
  file: FileHandle,
  columns: string[],
  [rowStart, rowEnd]: [number, number],
): Promise<ReadonlyMap<string, unknown[]>> {
  const { parquetRead } = await import('hyparquet');
  const leaves = new Map<string, unknown[]>();
  if (rowStart === rowEnd) {
    return leaves;
  }
  await parquetRead({
    file: {
      byteLength: parquet.size,
      slice: (start: number, end = parquet.size) => bytes(file, start, end - start),
    },
    metadata: bare(parquet.metadata),
    columns,
    rowStart,
    rowEnd,
    compressors,
    geoparquet: false,
    utf8: false,
    parsers: asTheyAre,
    // Before nested values are put together: that loses nulls and the order of maps.
    onPage: ({ pathInSchema, columnData }) => {
      const key = JSON.stringify(pathInSchema);
      const into = leaves.get(key) ?? [];
      leaves.set(key, into);
      for (const value of columnData as ArrayLike<unknown> & Iterable<unknown>) {
        into.push(value);
      }
    },
  });
  return leaves;
}

function valuesOf(column: Column, leaves: ReadonlyMap<string, unknown[]>, rows: number): Raw[] {
  const parts = leavesOf(column.node).map((leaf) => [leaf, leaves.get(JSON.stringify(leaf.path)) ?? []] as const);
  if (rows > 0 && (parts.length === 0 || parts.some(([, values]) => values.length !== rows))) {
    throw new UnknownFact(`The values of ${column.node.element.name} are of a form that is not known here.`);
  }
  return columnValues(column, new Map(parts));
}

/** What the footer says of a plain column in every row group; undefined for a nested one. */
export function statisticsOf(
  { metadata }: ParquetFile,
  column: string,
): readonly ({ min?: unknown; max?: unknown; nulls?: number } | undefined)[] {
  return metadata.row_groups.map((group) => {
    const chunk = group.columns.find(
      ({ meta_data: m }) => m?.path_in_schema.length === 1 && m.path_in_schema[0] === column,
    );
    const found = chunk?.meta_data?.statistics;
    return (
      found && {
        min: found.min_value,
        max: found.max_value,
        ...(found.null_count !== undefined && { nulls: Number(found.null_count) }),
      }
    );
  });
}
