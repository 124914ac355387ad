import { randomBytes } from 'node:crypto';
import { lstat, mkdir, realpath, rename, rm, rmdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { UserError } from '../errors.ts';
import type { SftpSession } from '../ssh/index.ts';
import { placeBelow, unsafeName } from './confine.ts';
import { endsAll, Failures } from './failures.ts';
import { sha256Of } from './hash.ts';
import { compilePattern, neverMatcher } from './patterns.ts';
import { inParallel, smallFile, smallLanes } from './pool.ts';
import type { TransferProgress } from './progress.ts';
import { Meter } from './progress.ts';
import type { RemoteFiles } from './worker-files.ts';
import { callFiles } from './worker-files.ts';

export interface FetchOptions extends RemoteFiles {
  /** Patterns of the project file, relative to `root`. */
  patterns: readonly string[];
  /** Folder of this machine that gets the files under their relative names; made when it is not there. */
  into: string;
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Large files under way at a time; 4 unless told. */
  concurrency?: number | undefined;
}

export interface FetchResult {
  /** Files that were written, and their bytes. */
  files: number;
  bytes: number;
  /** Files that were here already with the same content. */
  unchanged: number;
}

const listSchema = z.object({
  path: z.string(),
  size: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  mtime: z.union([z.iso.datetime(), z.number()]),
});

type RemoteFile = z.infer<typeof listSchema>;

/**
 * Brings files of the pod's project folder home. Each is written under a temporary name, compared with its sha256 and
 * then renamed, so no half file has its final name. The pod is not trusted with names: those that were not asked for,
 * leave `into` or pass a link are refused. Rejects with `fetch-failed` (naming the files) after the others arrived, or
 * as `push` does.
 */
export async function fetchFiles(options: FetchOptions): Promise<FetchResult> {
  const { connection, patterns, signal } = options;
  const listed = await callFiles(options, 'list', [{ patterns }], listSchema, signal);
  const failures = new Failures();
  const accepted = accept(listed, patterns, failures);
  await mkdir(options.into, { recursive: true });
  const into = await realpath(options.into);
  const result: FetchResult = { files: 0, bytes: 0, unchanged: 0 };
  const changed: RemoteFile[] = [];
  for (const file of accepted) {
    if (await isHere(into, file, signal)) {
      result.unchanged += 1;
    } else {
      changed.push(file);
    }
  }
  if (changed.length > 0) {
    const incoming = await makeIncoming(into);
    try {
      const sftp = await connection.sftp(signal);
      await download({ options, sftp, into, incoming, failures, result }, changed);
    } finally {
      await rm(incoming, { recursive: true, force: true });
      // Only when nothing else is in it.
      await rmdir(path.dirname(incoming)).catch(() => undefined);
    }
  }
  failures.throwIfAny(
    'fetch-failed',
    (count) => `${count} of ${listed.length} could not be fetched.`,
    'The others are complete. Look at the reasons and fetch again.',
  );
  return result;
}

/** A fresh folder for what is not verified yet, on the same disk as its final place. */
async function makeIncoming(into: string): Promise<string> {
  const folder = await placeBelow(into, `.runpod-trainer/incoming-${randomBytes(6).toString('hex')}`);
  await mkdir(folder);
  return folder;
}

/** The files whose names may be used here. */
function accept(listed: readonly RemoteFile[], patterns: readonly string[], failures: Failures): RemoteFile[] {
  const compiled = patterns.map(compilePattern);
  // What a program of this machine obeys when it finds it in a project must not come from a pod.
  const isNever = neverMatcher(['.vscode/']);
  const seen = new Set<string>();
  return listed.filter((file) => {
    // Windows and macOS take names that differ in case or Unicode form for the same file.
    const key = process.platform === 'linux' ? file.path : file.path.normalize('NFC').toLowerCase();
    const reason =
      unsafeName(file.path) ??
      (isNever(file.path) ? 'this name is never transferred' : undefined) ??
      (compiled.some((pattern) => pattern.matches(file.path)) ? undefined : 'it was not asked for') ??
      (seen.has(key) ? 'another file of the same name came before' : undefined);
    seen.add(key);
    if (reason !== undefined) {
      failures.add(file.path, new Error(`The name was refused: ${reason}.`));
    }
    return reason === undefined;
  });
}

/** Whether the same content is here already, in a regular file that no link leads to. */
async function isHere(into: string, file: RemoteFile, signal: AbortSignal | undefined): Promise<boolean> {
  const place = path.join(into, file.path);
  const stats = await lstat(place).catch(() => undefined);
  if (stats?.isFile() !== true || stats.size !== file.size || (await realpath(place)) !== place) {
    return false;
  }
  return (await sha256Of(place, signal)) === file.sha256;
}

interface Download {
  options: FetchOptions;
  sftp: SftpSession;
  into: string;
  incoming: string;
  failures: Failures;
  result: FetchResult;
}

async function download(state: Download, files: readonly RemoteFile[]): Promise<void> {
  const { options, failures } = state;
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const meter = new Meter(files.length, total, options.onProgress);
  const get = async (file: RemoteFile): Promise<void> => {
    try {
      await getOne(state, file, meter);
    } catch (error) {
      if (endsAll(error)) {
        throw error;
      }
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EDQUOT') {
        throw diskFull(state.into, error);
      }
      failures.add(file.path, error);
    }
  };
  await inParallel(
    files.filter((file) => file.size < smallFile),
    smallLanes,
    get,
  );
  await inParallel(
    files.filter((file) => file.size >= smallFile),
    options.concurrency ?? 4,
    get,
  );
}

async function getOne(state: Download, file: RemoteFile, meter: Meter): Promise<void> {
  const { options, sftp, into, incoming, result } = state;
  const temporary = path.join(incoming, randomBytes(8).toString('hex'));
  const moved = await sftp.get(`${options.root}/${file.path}`, temporary, {
    signal: options.signal,
    onBytes: (bytes) => meter.moved(file.path, bytes),
  });
  if (moved.sha256 !== file.sha256) {
    throw new UserError('fetch-mismatch', {
      what: 'It changed on the pod while it was fetched, or arrived damaged.',
      why: `Expected sha256 ${file.sha256}, got ${moved.sha256}.`,
      next: 'Fetch again.',
    });
  }
  const time = new Date(file.mtime);
  await utimes(temporary, time, time);
  await rename(temporary, await placeBelow(into, file.path));
  result.files += 1;
  result.bytes += moved.bytes;
  meter.done(file.path);
}

function diskFull(into: string, cause: unknown): UserError {
  return new UserError(
    'disk-full',
    {
      what: 'The disk of this machine is full.',
      why: `Writing below ${into} failed.`,
      next: 'Make room and fetch again; what arrived is not fetched twice.',
    },
    { cause },
  );
}
