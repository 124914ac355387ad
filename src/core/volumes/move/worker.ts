import * as z from 'zod';
import type { SshConnection } from '../../ssh/index.ts';
import { Lines } from '../../transport/ssh/remote-stream.ts';
import { broken, readLine } from '../../transport/ssh/worker-files.ts';

/** One volume as a pod sees it. */
export interface VolumeEnd {
  connection: SshConnection;
  /** How the worker is called there. */
  worker: readonly string[];
  mount: string;
}

const file = z.object({
  path: z.string(),
  kind: z.literal('file'),
  size: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  mode: z.number().int(),
  /** Nanoseconds. */
  mtime: z.string().regex(/^-?\d+$/),
});
const folder = z.object({ path: z.string(), kind: z.literal('folder'), mode: z.number().int(), mtime: z.string() });
const link = z.object({ path: z.string(), kind: z.literal('link'), target: z.string() });
const unread = z.object({ path: z.string(), error: z.string() });

export type FileEntry = z.infer<typeof file>;
/** A name of a volume. */
export type Entry = z.infer<typeof file> | z.infer<typeof folder> | z.infer<typeof link>;

/** Something that was not moved, and why. */
export interface Left {
  path: string;
  why: string;
}

const listed = z.union([z.discriminatedUnion('kind', [file, folder, link]), unread]);

const planned = z.object({
  path: z.string(),
  error: z.string().optional(),
  conflict: z.string().optional(),
  have: z.array(z.tuple([z.number().int(), z.number().int()])).optional(),
});
export type Planned = z.infer<typeof planned>;

const committed = z.object({ path: z.string(), ok: z.boolean(), error: z.string().optional() });

/** `volume <action>` of the worker on that pod. */
export function volumeArgv(end: VolumeEnd, action: string, ...more: string[]): string[] {
  return [...end.worker, 'volume', action, '--root', end.mount, ...more];
}

/** Everything on a volume, and what could not be read. `onFile` is told of each file as it was read. */
export async function listVolume(
  end: VolumeEnd,
  onFile: (file: FileEntry) => void,
  signal: AbortSignal | undefined,
): Promise<{ entries: Entry[]; unread: Left[] }> {
  const entries: Entry[] = [];
  const left: Left[] = [];
  await eachLine(end, volumeArgv(end, 'list'), undefined, signal, (line) => {
    const answer = readLine('volume list', line, listed);
    if ('error' in answer) {
      left.push({ path: answer.path, why: answer.error });
      return;
    }
    entries.push(answer);
    if (answer.kind === 'file') {
      onFile(answer);
    }
  });
  return { entries, unread: left };
}

/** What of the entries is not on the volume as it should be. */
export function planEntries(
  end: VolumeEnd,
  sourceId: string,
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): Promise<Planned[]> {
  return call(end, volumeArgv(end, 'plan', '--source', sourceId), entries, planned, signal);
}

/** Puts what has arrived in place; answers what could not be. */
export async function commitEntries(
  end: VolumeEnd,
  sourceId: string,
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): Promise<Left[]> {
  const answers = await call(end, volumeArgv(end, 'commit', '--source', sourceId), entries, committed, signal);
  return answers.flatMap(({ path, ok, error }) => (ok ? [] : [{ path, why: error ?? 'The pod did not say why.' }]));
}

/** Asks one thing, with JSON lines as input, and reads the lines of the answer. */
export async function call<T>(
  end: VolumeEnd,
  argv: readonly string[],
  input: readonly unknown[],
  answer: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const answers: T[] = [];
  const stdin = input.map((line) => `${JSON.stringify(line)}\n`).join('');
  await eachLine(end, argv, stdin, signal, (line) => answers.push(readLine(argv.slice(-3).join(' '), line, answer)));
  return answers;
}

async function eachLine(
  end: VolumeEnd,
  argv: readonly string[],
  stdin: string | undefined,
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<void> {
  const lines = new Lines(onLine);
  const { code, stderr } = await end.connection.stream(argv, { stdin, signal, onStdout: (chunk) => lines.push(chunk) });
  if (code !== 0) {
    throw broken(argv.slice(2, 4).join(' '), `It ended with exit code ${code}: ${stderr.trim().slice(-500)}`);
  }
}
