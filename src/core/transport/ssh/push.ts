import * as z from 'zod';
import { UserError } from '../../errors.ts';
import { Failures } from '../failures.ts';
import type { HashedFile } from '../../files/hash.ts';
import { openLanes } from './connections.ts';
import type { PushResult } from '../progress.ts';
import type { PushOptions } from './push-options.ts';
import { pushRanges } from './push-ranges.ts';
import { pushStreams } from './push-stream.ts';
import { rangeBytes, streamBelow } from './push-options.ts';
import type { Range } from '../../files/ranges.ts';
import { lengthOf, merged } from '../../files/ranges.ts';
import type { Upload } from './push-state.ts';
import { isFull, Uploads } from './push-state.ts';
import { broken, callFiles } from './worker-files.ts';

export type { PushOptions };

/** Files that changed at the far end; nothing was sent. */
export class PushConflicts extends UserError {
  override readonly name = 'PushConflicts';
  readonly paths: readonly string[];

  constructor(paths: readonly string[]) {
    const named = paths.slice(0, 5).map((path) => JSON.stringify(path));
    super('push-conflicts', {
      what:
        paths.length === 1 ? '1 file was changed on the volume.' : `${paths.length} files were changed on the volume.`,
      why: `Somebody changed them on the volume since they were put there, and they are different here: ${named.join(', ')}${paths.length > 5 ? ', …' : ''}.`,
      next: 'Fetch them to look at what is there, or say that the files of this machine shall replace them. Nothing was sent.',
    });
    this.paths = paths;
  }
}

/**
 * `error` says why the worker would not take the file at all, `have` which bytes of it lie in `incoming`, and
 * `conflict` that a file is there which is not what the last transfer put there (`unknown`: none put it there).
 */
const planSchema = z.object({
  path: z.string(),
  error: z.string().optional(),
  have: z.array(z.tuple([z.number().int().min(0), z.number().int().min(0)])).optional(),
  conflict: z.enum(['changed', 'unknown']).optional(),
});
const commitSchema = z.object({ path: z.string(), ok: z.boolean(), error: z.string().optional() });

type Planned = z.infer<typeof planSchema>;

/**
 * Brings files to the project's folder on the pod. Only missing content is sent, small files as one stream and large
 * ones in ranges; it lies under its sha256 until the worker has verified it and renames it into place, so no half file
 * ever has its final name. What arrived whole is put in place even when other files failed, and what arrived of the
 * others is not sent again. Rejects with PushConflicts, `push-failed` (naming the files), `volume-full`, the codes of
 * `callFiles` and of SshError, or CancelledError.
 */
export async function push(options: PushOptions): Promise<PushResult> {
  const { files, signal } = options;
  const wanted = files.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  const plan = await callFiles(options, 'plan', wanted, planSchema, signal);
  const result: PushResult = { sent: 0, bytes: 0, unchanged: files.length - plan.length };
  if (plan.length === 0) {
    return result;
  }
  const failures = new Failures();
  const needed = pick(files, plan, failures);
  const conflicts = plan.filter(({ conflict }) => conflict !== undefined).map(({ path }) => path);
  const { overwrite = 'always' } = options;
  const undecided = overwrite === 'always' ? [] : conflicts.filter((path) => !overwrite.has(path));
  if (undecided.length > 0) {
    throw new PushConflicts(undecided);
  }
  const uploads = new Uploads(options, needed, unsent(needed, plan), failures);
  const full = await send(uploads, unsent(needed, plan));
  const arrived = needed.filter((file) => uploads.arrived.has(file.sha256));
  const inPlace = await commit(options, arrived, failures);
  result.sent = inPlace.size;
  result.bytes = uploads.bytes;
  const overwritten = conflicts.filter((path) => inPlace.has(path));
  if (overwritten.length > 0) {
    result.overwritten = overwritten;
  }
  if (full !== undefined) {
    throw full;
  }
  failures.throwIfAny('push-failed', plan.length, 'uploaded', {
    rest: 'The others are in place and are not sent again.',
    next: 'Look at the reasons and start again.',
  });
  return result;
}

function pick(files: readonly HashedFile[], plan: readonly Planned[], failures: Failures): HashedFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return plan.flatMap(({ path, error }) => {
    const file = byPath.get(path);
    if (file === undefined) {
      throw broken('plan', `It asked for ${JSON.stringify(path)}, which was not offered.`);
    }
    if (error !== undefined) {
      failures.add(path, new Error(error));
      return [];
    }
    return [file];
  });
}

/** Each content once, with what of it is there. */
function unsent(needed: readonly HashedFile[], plan: readonly Planned[]): Upload[] {
  const have = new Map<string, readonly Range[]>(plan.map((planned) => [planned.path, planned.have ?? []]));
  const bySha = new Map(needed.map((file) => [file.sha256, file]));
  return [...bySha.values()].map((file) => ({ file, have: merged(have.get(file.path) ?? [], file.size) }));
}

/** Sends what is missing. A full volume is answered and not thrown: what arrived before is still put in place. */
async function send(uploads: Uploads, all: readonly Upload[]): Promise<UserError | undefined> {
  const { options } = uploads;
  const [there, rest] = split(all, ({ file, have }) => lengthOf(have) === file.size);
  there.forEach(({ file }) => uploads.done(file));
  if (rest.length === 0) {
    return undefined;
  }
  const below = options.streamBelow ?? streamBelow;
  // A file of which ranges are there goes on in ranges.
  const [small, large] = split(rest, ({ file, have }) => file.size < below && have.length === 0);
  const bytes = rest.reduce((sum, { file, have }) => sum + file.size - lengthOf(have), 0);
  const lanes = await openLanes(await options.connection.sftp(options.signal), bytes, options.concurrency);
  try {
    if (small.length > 0) {
      await pushStreams(
        uploads,
        small.map(({ file }) => file),
        lanes,
      );
    }
    await pushRanges(uploads, large, lanes, options.rangeBytes ?? rangeBytes);
    return undefined;
  } catch (error) {
    if (isFull(error)) {
      return error;
    }
    throw error;
  } finally {
    lanes.close();
  }
}

/** The paths that have their content now. */
async function commit(
  options: PushOptions,
  arrived: readonly HashedFile[],
  failures: Failures,
): Promise<ReadonlySet<string>> {
  const lines = arrived.map(({ path, sha256, size, mode, list }) => ({ path, sha256, size, mode, list }));
  const answers = lines.length === 0 ? [] : await callFiles(options, 'commit', lines, commitSchema, options.signal);
  const committed = new Map(answers.map((answer) => [answer.path, answer]));
  const inPlace = new Set<string>();
  for (const { path } of arrived) {
    const answer = committed.get(path);
    if (answer?.ok === true) {
      inPlace.add(path);
    } else {
      failures.add(path, new Error(answer?.error ?? 'The worker did not answer for it.'));
    }
  }
  return inPlace;
}

function split<T>(items: readonly T[], test: (item: T) => boolean): [yes: T[], no: T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
