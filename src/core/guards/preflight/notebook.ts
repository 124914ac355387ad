import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

const text = z.union([z.string(), z.array(z.string())]).transform((t) => (typeof t === 'string' ? t : t.join('')));

const notebookSchema = z.object({
  nbformat: z.literal(4),
  metadata: z
    .object({ kernelspec: z.object({ language: z.string().optional(), name: z.string().optional() }).optional() })
    .optional()
    .catch(undefined),
  cells: z.array(
    z.object({
      cell_type: z.string(),
      source: text,
      metadata: z
        .object({ tags: z.array(z.string()).optional() })
        .optional()
        .catch(undefined),
      outputs: z.array(z.object({ output_type: z.string(), ename: z.string().optional() })).optional(),
    }),
  ),
});

/** What checks need of a notebook. */
export interface Notebook {
  path: string;
  /** Language of its kernel, such as `python`. */
  language: string | undefined;
  /** Code cells in order; `cell` counts code cells from 1. */
  cells: { cell: number; source: string; isParameters: boolean; error: string | undefined }[];
}

/** Rejects when the file cannot be read or is no notebook of format 4. */
export async function readNotebook(root: string, path: string): Promise<Notebook> {
  const parsed = notebookSchema.parse(JSON.parse(await readFile(join(root, path), 'utf8')));
  const code = parsed.cells.filter((c) => c.cell_type === 'code');
  return {
    path,
    language: parsed.metadata?.kernelspec?.language ?? parsed.metadata?.kernelspec?.name,
    cells: code.map((c, i) => ({
      cell: i + 1,
      source: c.source,
      isParameters: c.metadata?.tags?.includes('parameters') === true,
      error: c.outputs?.find((o) => o.output_type === 'error')?.ename,
    })),
  };
}

/**
 * A cell as plain Python: magics and shell lines become `pass`, so that line numbers stay. Undefined for a cell in
 * another language (`%%bash`).
 */
export function plainPython(source: string): string | undefined {
  const first = source.trimStart();
  if (first.startsWith('%%') && !/^%%(time|timeit|capture|prun)\b/.test(first)) {
    return undefined;
  }
  return source
    .replace(/^([ \t]*)(?:[%!?]|[\w.]+\s*=\s*[%!]).*$/gm, '$1pass')
    .replace(/^([ \t]*)[\w.]+\?{1,2}\s*$/gm, '$1pass');
}

/** Packages that a cell installs itself. */
export function installedBy(source: string): string[] {
  return [...source.matchAll(/^[ \t]*[%!]\s*(?:uv\s+)?pip3?\s+install\s+(.*)$/gm)].flatMap((match) =>
    (match[1] ?? '')
      .split(/\s+/)
      .filter((word) => /^["']?[A-Za-z]/.test(word))
      .map((word) => word.replace(/["']/g, '').replace(/[[<>=!~;@].*$/, '')),
  );
}
