import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { strictJson } from '../decode.ts';

/** Other writers leave null or a text where an object or a list should be; that means nothing (`run/notebook_file.py`). */
const object = <T extends z.ZodRawShape>(shape: T) =>
  z.preprocess(
    (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}),
    z.object(shape),
  );
const textOf = z.union([z.string(), z.array(z.unknown()).transform((t) => t.join(''))]).catch('');

const cellSchema = z.object({
  cell_type: z.string(),
  source: textOf,
  input: textOf,
  code: textOf,
  metadata: object({
    tags: z.union([z.string().transform((tag): unknown[] => [tag]), z.array(z.unknown())]).catch([]),
  }),
  outputs: z.array(z.unknown()).catch([]),
});

const outputSchema = z.object({ output_type: z.enum(['error', 'pyerr']), ename: z.string().catch('error') });

const metadataSchema = object({
  kernelspec: object({ language: z.string().min(1).optional().catch(undefined) }),
  language_info: object({ name: z.string().min(1).optional().catch(undefined) }),
});

const fileSchema = z.object(
  {
    nbformat: z.literal([1, 2, 3, 4], 'it does not say that it is a notebook of format 1 to 4'),
    metadata: metadataSchema,
    cells: z.array(z.unknown()).optional().catch(undefined),
    worksheets: z
      .array(object({ cells: z.array(z.unknown()).catch([]) }))
      .optional()
      .catch(undefined),
  },
  'it is not a notebook',
);

/** What is asked of a notebook. */
export interface Notebook {
  path: string;
  /** Language of its kernel, such as `python`. */
  language: string;
  /** Code cells in order; `cell` counts code cells from 1. */
  cells: NotebookCell[];
}

export interface NotebookCell {
  cell: number;
  source: string;
  tags: string[];
  /** The error that its last run left. */
  error: string | undefined;
}

/** Whether a Python kernel runs it. */
export function isPython({ language }: Notebook): boolean {
  return ['python', 'python3', 'ipython'].includes(language.toLowerCase());
}

/** Rejects with the reason, for people, when the file cannot be read or is no notebook. */
export async function readNotebook(root: string, path: string): Promise<Notebook> {
  return notebookFrom(await readFile(join(root, path)), path);
}

/** The notebook in a file as the worker reads it (contract/vectors/notebooks.json); throws an Error with the reason. */
export function notebookFrom(content: Buffer, path: string): Notebook {
  const file = fileSchema.safeParse(jsonOf(decoded(content)));
  if (!file.success) {
    throw new Error(file.error.issues[0]?.message);
  }
  const { nbformat, metadata, cells, worksheets } = file.data;
  const all =
    cells !== undefined && (nbformat === 1 || nbformat === 4)
      ? cells
      : nbformat === 4
        ? undefined
        : worksheets?.flatMap((sheet) => sheet.cells);
  if (all === undefined) {
    throw new Error('it has no list of cells');
  }
  const code = all
    .map((raw, index) => {
      const cell = cellSchema.safeParse(raw);
      if (!cell.success) {
        throw new Error(`cell ${index + 1} is no cell`);
      }
      return cell.data;
    })
    .filter((cell) => cell.cell_type === 'code');
  return {
    path,
    language: metadata.kernelspec.language ?? metadata.language_info.name ?? 'python',
    cells: code.map((cell, index) => ({
      cell: index + 1,
      source: nbformat === 4 ? cell.source : nbformat === 1 ? cell.code : cell.input,
      tags: cell.metadata.tags.filter((tag): tag is string => typeof tag === 'string'),
      error: cell.outputs
        .map((output) => outputSchema.safeParse(output).data?.ename)
        .find((name) => name !== undefined),
    })),
  };
}

const marks = [
  { encoding: 'utf-8', bytes: [0xef, 0xbb, 0xbf] },
  { encoding: 'utf-16le', bytes: [0xff, 0xfe] },
  { encoding: 'utf-16be', bytes: [0xfe, 0xff] },
];

/** UTF-8, or what a byte order mark says. */
function decoded(content: Buffer): string {
  const mark = marks.find(({ bytes }) => content.subarray(0, bytes.length).equals(Buffer.from(bytes)));
  if (mark === undefined && !isUtf8(content)) {
    throw new Error(`byte ${firstWrongByte(content) + 1} is not UTF-8`);
  }
  return new TextDecoder(mark?.encoding ?? 'utf-8').decode(content);
}

function firstWrongByte(content: Buffer): number {
  const text = content.toString('utf8');
  const replacement = Buffer.from('\ufffd');
  for (let at = text.indexOf('\ufffd'); at !== -1; at = text.indexOf('\ufffd', at + 1)) {
    const byte = Buffer.byteLength(text.slice(0, at));
    if (!content.subarray(byte, byte + replacement.length).equals(replacement)) {
      return byte;
    }
  }
  return 0;
}

/** JSON as Python reads and writes it, with NaN and Infinity. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const strict = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs, (part) =>
      part.startsWith('"') ? part : 'null',
    );
    return strictJson(strict);
  }
}
