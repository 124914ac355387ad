import { open, type FileHandle } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import type { ColumnMetaData, Compressors, FileMetaData } from 'hyparquet';
import { messageOf } from '../../errors.ts';
import { UnknownFact } from './memo.ts';

/** The footer of a parquet file: what it says of itself, without its data. */
export interface ParquetFile {
  absolute: string;
  size: number;
  rows: number;
  /** Top-level columns. */
  columns: string[];
  metadata: FileMetaData;
}

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
    const { parquetMetadata } = await import('hyparquet');
    const footer = await bytes(file, size - length - 8, length + 8);
    let metadata: FileMetaData;
    try {
      metadata = parquetMetadata(footer, { geoparquet: false });
    } catch (error) {
      throw new BrokenParquet(`its footer cannot be read (${messageOf(error)})`);
    }
    const past = metadata.row_groups.flatMap((g) => g.columns).some((c) => endOf(c.meta_data) > size - length - 8);
    if (past) {
      throw new BrokenParquet('its footer names data beyond its end, so a part of it is missing');
    }
    const [top, ...rest] = metadata.schema;
    return {
      absolute,
      size,
      rows: Number(metadata.num_rows),
      columns: childrenOf(top?.num_children ?? 0, rest),
      metadata,
    };
  } finally {
    await file.close();
  }
}

async function footerLength(file: FileHandle, size: number): Promise<number> {
  if (size < 12) {
    throw new BrokenParquet(`it has ${size} bytes, too few for a parquet file`);
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

/** Names of the first `count` elements of one level of the flattened schema. */
function childrenOf(count: number, flat: FileMetaData['schema']): string[] {
  const result: string[] = [];
  let at = 0;
  const skip = (): void => {
    const children = flat[at]?.num_children ?? 0;
    at += 1;
    for (let i = 0; i < children; i++) {
      skip();
    }
  };
  for (let i = 0; i < count; i++) {
    result.push(flat[at]?.name ?? '');
    skip();
  }
  return result;
}

const compressors: Compressors = {
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  ZSTD: (input) => zlib.zstdDecompressSync(input),
};

const mostBytes = 64 << 20;
const mostRows = 20_000_000;

/**
 * The values of plain columns by name, row group by row group, as long as they are small enough to be read in passing.
 * Rejects with UnknownFact when they are not, are nested, or their compression is not known here.
 */
export async function* readColumns(
  parquet: ParquetFile,
  columns: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Map<string, unknown[]>> {
  const chunks = parquet.metadata.row_groups
    .flatMap((g) => g.columns)
    .filter((c) => columns.includes(c.meta_data?.path_in_schema[0] ?? ''));
  const size = chunks.reduce((sum, c) => sum + Number(c.meta_data?.total_uncompressed_size ?? 0), 0);
  if (size > mostBytes || parquet.rows > mostRows) {
    throw new UnknownFact(`The values of ${columns.join(' and ')} are too many to be read in passing.`);
  }
  const { parquetRead } = await import('hyparquet');
  const file = await open(parquet.absolute, 'r');
  const source = {
    byteLength: parquet.size,
    slice: (start: number, end = parquet.size) => bytes(file, start, end - start),
  };
  try {
    let rowStart = 0;
    for (const group of parquet.metadata.row_groups) {
      if (signal.aborted) {
        throw new UnknownFact(`The values of ${columns.join(' and ')} take too long to read.`);
      }
      const rowEnd = rowStart + Number(group.num_rows);
      const values = new Map<string, unknown[]>(columns.map((name) => [name, []]));
      await parquetRead({
        file: source,
        metadata: parquet.metadata,
        columns: [...columns],
        rowStart,
        rowEnd,
        compressors,
        geoparquet: false,
        onChunk: ({ columnName, columnData }) => {
          const into = values.get(columnName);
          for (const value of columnData as ArrayLike<unknown> & Iterable<unknown>) {
            into?.push(value);
          }
        },
      });
      yield values;
      rowStart = rowEnd;
    }
  } catch (error) {
    throw error instanceof UnknownFact || error instanceof BrokenParquet
      ? error
      : new UnknownFact(`The values of ${columns.join(' and ')} cannot be read here: ${messageOf(error)}.`);
  } finally {
    await file.close();
  }
}

/** Nulls of a plain column by the footer's statistics; undefined when it does not tell. */
export function nullsOf({ metadata }: ParquetFile, column: string): number | undefined {
  let nulls = 0;
  for (const group of metadata.row_groups) {
    const chunk = group.columns.find((c) => c.meta_data?.path_in_schema.join('.') === column);
    const count = chunk?.meta_data?.statistics?.null_count;
    if (count === undefined) {
      return undefined;
    }
    nulls += Number(count);
  }
  return nulls;
}
