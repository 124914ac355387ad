import { copyFileSync, constants } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { accept, listSchema, namesOf, unmatched } from '../safe-names.ts';
import { Downloads, drop, LocalIncoming, type Download, type RemoteFile } from './local-incoming.ts';
import { Failures } from '../failures.ts';
import { leftOf, openInto, sortOut, type Wanted } from '../fetching.ts';
import type { FetchResult } from '../progress.ts';
import type { FetchOptions } from './fetch-options.ts';
import { fetchRanges } from './fetch-ranges.ts';
import { fetchStreams } from './fetch-stream.ts';
import { openLanes } from './connections.ts';
import { rangeBytes, streamBelow } from './push-options.ts';
import { lengthOf } from '../../files/ranges.ts';
import { callFiles } from './worker-files.ts';

export type { FetchOptions };

/**
 * Brings files of the pod's project folder home, small ones as one stream and large ones in ranges. Each is written
 * under a temporary name, compared with its sha256 and then renamed, so no half file has its final name; what arrived
 * of a large one is kept for the next fetch, and content that several names have comes once. The pod is not trusted with
 * names: those that were not asked for, leave `into` or pass a link are refused. What did not come is in the answer with
 * its reason. Rejects with the codes of `openInto`, or as `push` does.
 */
export async function fetchFiles(options: FetchOptions): Promise<FetchResult> {
  const { patterns, signal } = options;
  const into = await openInto(options.into);
  const listed = await callFiles(options, 'list', [{ patterns }], listSchema, signal);
  const failures = new Failures();
  const files: RemoteFile[] = [];
  const nothing = new Set<string>();
  for (const line of listed) {
    if ('left' in line) {
      failures.add(line.path, new Error(`Left on the volume: ${line.left}.`));
      if (line.nothing === true) {
        nothing.add(line.path);
      }
    } else {
      const { path: name, size, sha256, mtime } = line;
      files.push({ path: name, size, sha256, modified: new Date(mtime) });
    }
  }
  const names = files.map((file) => file.path);
  const missed = unmatched(
    patterns,
    names,
    failures.list().flatMap((left) => (nothing.has(left.path) ? [] : left.path)),
  );
  const result: FetchResult = { files: 0, bytes: 0, unchanged: 0, left: [], unmatched: missed };
  const accepted = accept(files, patterns, failures, namesOf(into));
  const wanted = await sortOut(options, into, accepted, { failures, result });
  const settled = failures.size;
  if (wanted.length > 0) {
    const incoming = await LocalIncoming.open(into);
    try {
      await download(options, { into, incoming }, wanted, { failures, result });
    } finally {
      await incoming.close();
    }
  }
  result.left = leftOf(failures, settled).map((left) => (nothing.has(left.path) ? { ...left, nothing: true } : left));
  return result;
}

async function download(
  options: FetchOptions,
  place: { into: string; incoming: LocalIncoming },
  wanted: readonly Wanted<RemoteFile>[],
  ends: { failures: Failures; result: FetchResult },
): Promise<void> {
  const below = options.streamBelow ?? streamBelow;
  // By their content: a link among results is a second name of what comes anyway.
  const firsts = new Map<string, RemoteFile>();
  const twins: [file: RemoteFile, first: RemoteFile][] = [];
  for (const { file } of wanted) {
    const first = file.size === 0 ? undefined : firsts.get(file.sha256);
    if (first === undefined) {
      firsts.set(file.size === 0 ? file.path : file.sha256, file);
    } else {
      twins.push([file, first]);
    }
  }
  const files = [...firsts.values()];
  const small = files.filter(({ size }) => size < below);
  const large: Download[] = [];
  for (const file of files.filter(({ size }) => size >= below)) {
    large.push({ file, have: await place.incoming.have(file) });
  }
  const all = [...small.map((file) => ({ file, have: [] })), ...large];
  const bytes = all.reduce((sum, { file, have }) => sum + file.size - lengthOf(have), 0);
  const downloads = new Downloads(options, place, all, { ...ends, names: namesFor(wanted), twins: twins.length });
  const lanes = await openLanes(await options.connection.sftp(options.signal), bytes, options.concurrency);
  try {
    await fetchStreams(downloads, small, lanes);
    await fetchRanges(downloads, large, lanes, options.rangeBytes ?? rangeBytes);
  } finally {
    lanes.close();
  }
  for (const [file, first] of twins) {
    copyTwin(downloads, file, first);
  }
}

function namesFor(wanted: readonly Wanted<RemoteFile>[]): ReadonlyMap<string, string> {
  return new Map(wanted.map(({ file, name }) => [file.path, name]));
}

/** Gives a file the content that another one has brought. */
function copyTwin(downloads: Downloads, file: RemoteFile, first: RemoteFile): void {
  const source = downloads.placed(first);
  if (source === undefined) {
    downloads.fail(file, new Error(`It has the content of ${JSON.stringify(first.path)}, which did not come.`));
    return;
  }
  const temporary = path.join(downloads.incoming.folder, randomBytes(8).toString('hex'));
  try {
    copyFileSync(source, temporary, constants.COPYFILE_FICLONE);
    downloads.place(file, temporary);
    downloads.result.bytes += file.size;
  } catch (error) {
    drop(temporary);
    downloads.fail(file, error);
  }
}
