import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../errors.ts';
import type { Installation } from '../../home/installation.ts';
import { askLocalWorker } from '../../home/local-worker.ts';
import { UnknownFact } from './memo.ts';
import { privateUrl } from './private-address.ts';

/** Code that one step starts with; what it imports, starts and opens is followed from here. */
export interface Entry {
  id: string;
  kind: 'module' | 'script' | 'notebook' | 'shell';
  /** Folders of the project in which imports are looked up first; `''` is the project. */
  dirs: string[];
  /** Files of the project by path, or texts that are no file of their own, such as cells and commands. */
  units: { name: string; source?: string | undefined; sure?: boolean | undefined }[];
  /** Arguments of a module or script. */
  args?: readonly string[] | undefined;
  /** Names of parameters, and the unit with their defaults. */
  parameters?: string[] | undefined;
  tagged?: string | undefined;
}

const place = z.tuple([z.string(), z.number()]);

const reachSchema = z
  .tuple([
    z.enum(['script', 'module', 'shell', 'program', 'notebook', 'requirements', 'folder', 'file', 'read']),
    z.string(),
    z.string(),
    z.number(),
    z.boolean(),
    z.string(),
  ])
  .transform(([kind, path, unit, line, sure, option]) => ({ kind, path, unit, line, sure, option }));

/** Something that a step's code starts or opens by a literal name. `sure`: in any case, and it fails without it. */
export type Reach = z.infer<typeof reachSchema>;

const requirementsSchema = z.object({
  /** The pip that judged, empty when no line needs it; null when none is here, and then nothing is refused. */
  pip: z.string().nullable(),
  /** All files that were read. */
  files: z.array(z.string()),
  lines: z.array(
    z.object({
      file: z.string(),
      line: z.number(),
      text: z.string(),
      constraint: z.boolean(),
      name: z.string().nullable(),
      /** A place on a disk that it installs from. */
      path: z.string().nullable(),
      editable: z.boolean(),
      /** It is no package of the index. */
      address: z.boolean(),
      /** What pip says against it. */
      problem: z.string().nullable(),
      /** Whether its marker holds on a pod; null when that depends. */
      applies: z.boolean().nullable(),
    }),
  ),
  includes: z.array(
    z.object({ file: z.string(), line: z.number(), path: z.string(), there: z.boolean(), again: z.boolean() }),
  ),
  /** Folders of `--find-links`. */
  links: z.array(z.tuple([z.string(), z.number(), z.string()])),
  /** Lines and files that pip cannot read; line 0 is the file. */
  refused: z.array(z.tuple([z.string(), z.number(), z.string()])),
  conflicts: z.array(
    z.object({
      name: z.string(),
      text: z.string(),
      file: z.string(),
      line: z.number(),
      other: z.string(),
      other_file: z.string(),
      other_line: z.number(),
    }),
  ),
  /** Lines that pip reads and does not install; not sure where their marker may not hold. */
  failing: z.array(
    z.object({
      file: z.string(),
      line: z.number(),
      text: z.string(),
      name: z.string().nullable(),
      kind: z.enum(['hash', 'wheel']),
      said: z.string(),
      sure: z.boolean(),
    }),
  ),
  /** Variables of lines that have no value; sure where pip cannot go on with them as they are. */
  unset: z.array(z.object({ file: z.string(), line: z.number(), name: z.string(), sure: z.boolean() })),
  /** It includes something that only the network has. */
  opaque: z.boolean(),
});

export type Requirements = z.infer<typeof requirementsSchema>;

const resultSchema = z.object({
  /** Of the Python that read, as [3, 11]. */
  version: z.tuple([z.number(), z.number()]),
  errors: z.record(z.string(), z.object({ line: z.number(), text: z.string(), sure: z.boolean() })),
  /** Cells that are no plain Python and that no IPython has looked at. */
  unjudged: z.array(z.string()),
  entries: z.record(
    z.string(),
    z.object({
      files: z.array(z.string()),
      /** Those of `files` that are read in any case. */
      sure: z.array(z.string()),
      /** Top-level names that neither the project nor the standard library has: [unit, line, changes sys.path, sure]. */
      outside: z.record(z.string(), z.tuple([z.string(), z.number(), z.boolean(), z.boolean()])),
      /** Modules of the project's packages that do not exist: [module, unit, line, sure]. */
      missing: z.array(z.tuple([z.string(), z.string(), z.number(), z.boolean()])),
      /** Calls of `input`. */
      waits: z.array(place),
      reaches: z.array(reachSchema),
      /** Files that the code itself writes, as far as it says them. */
      made: z.array(z.string()),
      /** Words of `pip install`. */
      installs: z.array(z.string()),
      /** Options that the code's parsers have, and those given that none has: [option, unit, line]. */
      options: z.array(z.string()),
      unknownOptions: z.array(z.tuple([z.string(), z.string(), z.number()])),
      parameters: z.record(z.string(), z.enum(['set', 'used', 'unknown'])),
    }),
  ),
  /** By name of the file; null when it cannot be opened. */
  requirements: z.record(z.string(), requirementsSchema.nullable()),
  /** Whether this Python could import a top-level name, and the packages that brought it. */
  importable: z.record(z.string(), z.boolean()),
  packages: z.record(z.string(), z.array(z.string())),
  /** Texts in sources that only mean something on this machine: [unit, kind, text, line]. */
  strings: z.array(z.tuple([z.string(), z.enum(['address', 'home']), z.string(), z.number()])),
});

export type PythonFacts = z.infer<typeof resultSchema>;

/**
 * Lets a Python of this machine read the sources with the worker's command for it, which runs none of them. Rejects with
 * UnknownFact when it cannot.
 */
export async function readPython(
  { localPython: python, workerFile }: Pick<Installation, 'localPython' | 'workerFile'>,
  root: string,
  {
    entries,
    requirements,
    variables = {},
  }: { entries: Entry[]; requirements: string[]; variables?: Record<string, string> },
  signal: AbortSignal,
): Promise<PythonFacts> {
  const request = {
    root,
    entries,
    requirements,
    variables,
    privateUrl,
    home: homedir(),
    pythonPath: (process.env.PYTHONPATH ?? '').split(delimiter).filter((p) => p !== ''),
  };
  const answer = await askLocalWorker({ localPython: python, workerFile }, 'sources', request, signal).catch(
    (error: unknown) => {
      throw new UnknownFact(messageOf(error));
    },
  );
  const parsed = resultSchema.safeParse(answer);
  if (!parsed.success) {
    throw new UnknownFact(`The Python of this machine (${python}) could not read the code.`);
  }
  return parsed.data;
}
