import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../errors.ts';
import type { Installation } from '../../home/installation.ts';
import { parseJson } from '../../json.ts';
import { UnknownFact } from './memo.ts';
import { privateUrl } from './private-address.ts';

/** Code that one step starts with; imports are followed from here through the project's own modules. */
export interface Entry {
  id: string;
  kind: 'module' | 'script' | 'notebook';
  /** Folders of the project in which imports are looked up first; `''` is the project. */
  dirs: string[];
  /** Files of the project by path, or sources that are no file of their own, such as cells. */
  units: { name: string; source?: string | undefined }[];
}

const place = z.tuple([z.string(), z.number()]);

const resultSchema = z.object({
  /** Of the Python that read, as [3, 11]. */
  version: z.tuple([z.number(), z.number()]),
  errors: z.record(z.string(), z.object({ line: z.number(), text: z.string() })),
  entries: z.record(
    z.string(),
    z.object({
      files: z.array(z.string()),
      /** Top-level names that neither the project nor the standard library has: [unit, line, changes sys.path]. */
      outside: z.record(z.string(), z.tuple([z.string(), z.number(), z.boolean()])),
      /** Modules of the project's packages that do not exist: [module, unit, line]. */
      missing: z.array(z.tuple([z.string(), z.string(), z.number()])),
      /** Calls of `input`. */
      waits: z.array(place),
    }),
  ),
  /** Whether this Python could import a top-level name. */
  importable: z.record(z.string(), z.boolean()),
  /** Texts in sources that only mean something on this machine: [unit, kind, text, line]. */
  strings: z.array(z.tuple([z.string(), z.enum(['address', 'home']), z.string(), z.number()])),
});

export type PythonFacts = z.infer<typeof resultSchema>;

/** Variables that a Python may need to start. */
const harmless = new Set(['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'SYSTEMROOT']);

/**
 * Lets a Python of this machine read the sources with the worker's command for it, which runs none of them. Rejects with
 * UnknownFact when it cannot.
 */
export async function readPython(
  { localPython: python, workerFile }: Pick<Installation, 'localPython' | 'workerFile'>,
  root: string,
  entries: Entry[],
  signal: AbortSignal,
): Promise<PythonFacts> {
  const request = JSON.stringify({
    root,
    entries,
    privateUrl,
    home: homedir(),
    pythonPath: (process.env.PYTHONPATH ?? '').split(delimiter).filter((p) => p !== ''),
  });
  // Isolated, so that nothing in the project's folder is imported by accident.
  const child = spawn(python, ['-I', '-X', 'utf8', workerFile, 'sources'], {
    stdio: 'pipe',
    // This process may hold keys, and the program needs none of them (docs/security.md, rule 8).
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => harmless.has(name))),
    signal,
    killSignal: 'SIGKILL',
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // It may end without reading; what it says then counts.
  child.stdin.on('error', () => undefined);
  child.stdin.end(request);
  try {
    await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
  } catch (error) {
    throw new UnknownFact(`The Python of this machine (${python}) could not be started: ${messageOf(error)}.`);
  }
  const parsed = resultSchema.safeParse(parseJson(Buffer.concat(output).toString('utf8')));
  if (!parsed.success) {
    const said = Buffer.concat(errors).toString('utf8').trim().split('\n').at(-1) ?? '';
    throw new UnknownFact(`The Python of this machine (${python}) could not read the code. ${said}`.trim());
  }
  return parsed.data;
}
