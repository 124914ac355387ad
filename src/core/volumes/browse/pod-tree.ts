import { byteText } from '../../words/index.ts';
import * as z from 'zod';
import { UserError } from '../../errors.ts';
import { abortable } from '../../ssh/abortable.ts';
import type { ExecResult, SshConnection } from '../../ssh/index.ts';
import { workerSomewhere } from '../../pods/install-worker.ts';
import { visibleName } from './names.ts';

/** A folder with very many files is shown in part, since a list of a million rows helps nobody. */
export const mostEntries = 2000;

const entrySchema = z.object({
  name: z.string(),
  kind: z.enum(['file', 'folder', 'link', 'other']),
  /** Bytes. */
  size: z.number().nonnegative(),
  /** Unix time in seconds. */
  modified: z.number(),
  /** What a link says that it leads to. */
  target: z.string().nullish(),
});
export type VolumeEntry = z.infer<typeof entrySchema>;

const listSchema = z.object({ entries: z.array(entrySchema), more: z.int().nonnegative() });
const readSchema = z.object({ size: z.number(), modified: z.number(), kind: z.enum(['file', 'folder']) });
const errorSchema = z.object({ error: z.string() });

/** A place on a volume as a pod sees it: the path is relative to the mount, with `/`; empty for the volume itself. */
export interface VolumePlace {
  mount: string;
  path: string;
}

/** A pod that runs with the volume, and the worker's file on this machine, which answers there. */
export interface PodWithVolume {
  connection: SshConnection;
  workerFile: string;
}

/** Bytes that an answer may have around the content that was asked for. */
const overhead = 64 * 1024;
const mostListBytes = 16 * 1024 * 1024;

/** One folder, folders first, by name; `more` counts what was left out. Links are told, never followed. */
export async function listFolder(
  pod: PodWithVolume,
  place: VolumePlace,
  signal?: AbortSignal,
): Promise<{ entries: VolumeEntry[]; more: number }> {
  const answer = await ask(pod, { op: 'list', ...place, limit: mostEntries }, mostListBytes, signal);
  return parse(listSchema, answer.head, place);
}

/** Size and time of a file or folder. */
export async function statPlace(
  pod: PodWithVolume,
  place: VolumePlace,
  signal?: AbortSignal,
): Promise<z.infer<typeof readSchema>> {
  const answer = await ask(pod, { op: 'stat', ...place }, overhead, signal);
  return parse(readSchema, answer.head, place);
}

/** A whole file. Rejects with `file-too-large` above `cap` bytes, before any of it has travelled. */
export async function readWhole(
  pod: PodWithVolume,
  place: VolumePlace,
  cap: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const answer = await ask(pod, { op: 'read', ...place, cap }, cap + overhead, signal);
  const { size } = parse(readSchema, answer.head, place);
  if (size > cap) {
    throw new UserError('file-too-large', {
      what: `${visibleName(place.path)} has ${byteText(size)}; at most ${byteText(cap)} are opened in the editor.`,
      next: 'Download it instead.',
    });
  }
  return answer.body;
}

const amountSchema = z.object({ files: z.int().nonnegative(), bytes: z.number().nonnegative() });
/** How much lies somewhere; links count as files, and what they lead to does not. */
export type Amount = z.infer<typeof amountSchema>;

export async function measurePlace(pod: PodWithVolume, place: VolumePlace, signal?: AbortSignal): Promise<Amount> {
  const answer = await ask(pod, { op: 'measure', ...place }, overhead, signal);
  return parse(amountSchema, answer.head, place);
}

/** Deletes a file, or a folder with everything in it; links are deleted, never followed. Answers what is gone. */
export async function removePlace(pod: PodWithVolume, place: VolumePlace, signal?: AbortSignal): Promise<Amount> {
  const answer = await ask(pod, { op: 'remove', ...place }, overhead, signal);
  return parse(amountSchema, answer.head, place);
}

/** Gives a file that has arrived its name, when it has this sha256; replaces a file of that name. */
export async function placeFile(
  pod: PodWithVolume,
  place: VolumePlace,
  name: string,
  sha256: string,
  signal?: AbortSignal,
): Promise<void> {
  const answer = await ask(pod, { op: 'place', ...place, name, sha256 }, overhead, signal);
  parse(amountSchema, answer.head, place);
}

/** Where the worker lies on the pod of a connection. */
const workers = new WeakMap<SshConnection, Promise<string>>();

/** Looks once a connection, and puts the worker there when it is not. */
function workerOn(
  { connection, workerFile }: PodWithVolume,
  mount: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  let found = workers.get(connection);
  if (found === undefined) {
    // Not with the signal: what one question gives up, others may wait for.
    found = workerSomewhere(connection, mount, workerFile);
    workers.set(connection, found);
    found.catch(() => workers.delete(connection));
  }
  return abortable(found, signal);
}

const verbs: Record<string, string> = { remove: 'deleted', place: 'put in place' };

async function ask(
  pod: PodWithVolume,
  request: Record<string, unknown> & VolumePlace & { op: string },
  maxStdout: number,
  signal?: AbortSignal,
): Promise<{ head: unknown; body: Buffer }> {
  const stdin = JSON.stringify(request);
  const browse = async (): Promise<ExecResult> =>
    pod.connection.exec(['python3', await workerOn(pod, request.mount, signal), 'browse'], {
      stdin,
      signal,
      maxStdout,
    });
  let result = await browse();
  if (result.code === 2 && result.stdout.length === 0) {
    // The worker lay on the volume, and has been deleted there, perhaps by us.
    workers.delete(pod.connection);
    result = await browse();
  }
  const end = result.stdout.indexOf(10);
  const head = end < 0 ? undefined : jsonOf(result.stdout.subarray(0, end).toString('utf8'));
  const refused = errorSchema.safeParse(head);
  if (refused.success) {
    const isMissing = refused.data.error === 'No such file or directory';
    throw new UserError(isMissing ? 'volume-missing' : 'volume-read', {
      what: `${visibleName(request.path) || 'The volume'} could not be ${verbs[request.op] ?? 'read'}.`,
      why: visibleName(refused.data.error),
      next: 'Refresh the view; it may have changed meanwhile.',
    });
  }
  if (result.code !== 0 || head === undefined) {
    throw new UserError('volume-read', {
      what: 'The pod could not list its files.',
      why: visibleName(result.stderr.trim().split('\n').at(-1) ?? '').slice(0, 300),
      next: 'Check that the image has Python 3.9 or newer as python3.',
    });
  }
  return { head, body: result.stdout.subarray(end + 1) };
}

function parse<T>(schema: z.ZodType<T>, head: unknown, place: VolumePlace): T {
  const parsed = schema.safeParse(head);
  if (!parsed.success) {
    throw new UserError('volume-read', {
      what: `The pod's answer about ${visibleName(place.path) || 'the volume'} could not be understood.`,
      next: 'Refresh the view.',
    });
  }
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
