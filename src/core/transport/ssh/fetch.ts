import { lstat, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { RemoteFile } from '../safe-names.ts';
import { accept, listSchema } from '../safe-names.ts';
import type { Download } from './local-incoming.ts';
import { Downloads, LocalIncoming } from './local-incoming.ts';
import { Failures } from '../failures.ts';
import type { FetchResult } from '../progress.ts';
import type { FetchOptions } from './fetch-options.ts';
import { fetchRanges } from './fetch-ranges.ts';
import { fetchStreams } from './fetch-stream.ts';
import { sha256Of } from '../../files/hash.ts';
import { openLanes } from './connections.ts';
import { rangeBytes, streamBelow } from './push-options.ts';
import { lengthOf } from '../../files/ranges.ts';
import { callFiles } from './worker-files.ts';

export type { FetchOptions };

/**
 * Brings files of the pod's project folder home, small ones as one stream and large ones in ranges. Each is written
 * under a temporary name, compared with its sha256 and then renamed, so no half file has its final name; what arrived
 * of a large one is kept for the next fetch. The pod is not trusted with names: those that were not asked for, leave
 * `into` or pass a link are refused. Rejects with `fetch-failed` (naming the files) after the others arrived, with
 * `disk-full`, or as `push` does.
 */
export async function fetchFiles(options: FetchOptions): Promise<FetchResult> {
  const { patterns, signal } = options;
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
    const incoming = await LocalIncoming.open(into);
    try {
      await download(options, { into, incoming }, changed, { failures, result });
    } finally {
      await incoming.close();
    }
  }
  failures.throwIfAny('fetch-failed', listed.length, 'fetched', {
    rest: 'The others are complete.',
    next: 'Look at the reasons and fetch again.',
  });
  return result;
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

async function download(
  options: FetchOptions,
  place: { into: string; incoming: LocalIncoming },
  files: readonly RemoteFile[],
  ends: { failures: Failures; result: FetchResult },
): Promise<void> {
  const below = options.streamBelow ?? streamBelow;
  const small = files.filter(({ size }) => size < below);
  const large: Download[] = [];
  for (const file of files.filter(({ size }) => size >= below)) {
    large.push({ file, have: await place.incoming.have(file) });
  }
  const all = [...small.map((file) => ({ file, have: [] })), ...large];
  const bytes = all.reduce((sum, { file, have }) => sum + file.size - lengthOf(have), 0);
  const downloads = new Downloads(options, place, all, ends);
  const lanes = await openLanes(await options.connection.sftp(options.signal), bytes, options.concurrency);
  try {
    await fetchStreams(downloads, small, lanes);
    await fetchRanges(downloads, large, lanes, options.rangeBytes ?? rangeBytes);
  } finally {
    lanes.close();
  }
}
