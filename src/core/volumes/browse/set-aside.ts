import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../errors.ts';
import { literally, type Pattern, compilePattern } from '../../files/patterns.ts';
import type { Installation } from '../../home/installation.ts';
import { mountOf } from '../../pods/ready.ts';
import type { LoadedProject } from '../../project/load.ts';
import type { Choice, FarFile, FetchInto } from '../../transport/fetching.ts';
import type { FetchResult } from '../../transport/progress.ts';
import { fetchOverS3 } from '../../transport/s3/fetch.ts';
import { fetchFiles } from '../../transport/ssh/fetch.ts';
import { connectToPod, openStore, remoteFiles } from '../ask-volume.ts';
import { listFolder } from './pod-tree.ts';
import { lookAround } from '../plan/surroundings.ts';

/** A file that a run set aside on the volume. */
export interface SetAside {
  /** Where it was, relative to the project. */
  path: string;
  /** In bytes. */
  size: number;
  /** ISO time at which it was set aside. */
  time: string;
}

/** What was set aside and what lies there of it, over one route. */
export interface SetAsideFiles {
  /** The newest first; a path may have been set aside more than once. */
  files: SetAside[];
  /**
   * Brings some of them into the project's folder here. What has the name of one here stays, and is told.
   */
  restore: (wanted: readonly SetAside[], options: RestoreOptions) => Promise<FetchResult>;
}

export type RestoreOptions = Pick<FetchInto, 'onProgress' | 'signal'>;

/** Folders of a volume, relative to the project's. */
interface FarFolder {
  list: (folder: string) => Promise<{ name: string; kind: string; size: number }[]>;
  fetch: (folder: string, into: FetchInto) => Promise<FetchResult>;
}

const removed = '.runpod-trainer/removed';

/**
 * Does `work` with what runs of a project have set aside on its volume: over S3, else through a pod that runs with it.
 * Rejects with `no-way` where neither is there.
 */
export async function withSetAside<T>(
  installation: Installation,
  { project, root }: Pick<LoadedProject, 'project' | 'root'>,
  work: (found: SetAsideFiles) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { volume, s3, pods } = await lookAround(installation, project.target.volume, signal);
  if (volume.id === null || volume.dataCenter === null) {
    return work({ files: [], restore: () => Promise.reject(nothing([])) });
  }
  const look = async (far: FarFolder): Promise<T> =>
    work({ files: await filesOf(far), restore: (wanted, options) => restore(far, root, wanted, options) });
  if (s3.endpoint === 'yes' && s3.keys) {
    const store = await openStore(installation, { id: volume.id, dataCenter: volume.dataCenter });
    const place = (folder: string): string => `projects/${project.name}/${folder}`;
    try {
      return await look({
        list: async (folder) =>
          (await store.list(place(folder), signal)).map((item) => ({
            ...item,
            size: item.kind === 'file' ? item.size : 0,
          })),
        fetch: (folder, into) => fetchOverS3({ ...into, store, project: project.name, folder: place(folder) }),
      });
    } finally {
      await store.close();
    }
  }
  const [pod] = pods;
  if (pod === undefined) {
    throw new UserError('no-way', {
      what: `What was set aside on the volume ${volume.name} cannot be looked at now.`,
      why: 'There is no S3 for it here, and no pod runs with it.',
      next: 'Set S3 keys where its data center has S3, or look again while a job of the project runs.',
      remedies: [{ do: 'set-s3-keys' }],
    });
  }
  const connection = await connectToPod(installation, pod.id, signal);
  try {
    const remote = await remoteFiles(installation, connection, pod.id, project.name, signal);
    const mount = mountOf(await installation.client.pods.get(pod.id, signal));
    const browsed = { connection, workerFile: installation.workerFile };
    return await look({
      list: async (folder) => {
        const where = { mount, path: `projects/${project.name}/${folder}` };
        return (await listFolder(browsed, where, signal)).entries;
      },
      fetch: (folder, into) => fetchFiles({ ...into, ...remote, root: `${remote.root}/${folder}` }),
    });
  } finally {
    connection.close();
  }
}

/** The files that these patterns mean, the newest of each path. Rejects with `not-set-aside-there` where one means none. */
export function chooseSetAside(files: readonly SetAside[], patterns: readonly string[]): SetAside[] {
  const compiled = patterns.map((text): [string, Pattern] => [text, compilePattern(text)]);
  const unknown = compiled.filter(([, pattern]) => !files.some((file) => pattern.matches(file.path)));
  if (unknown.length > 0 || files.length === 0) {
    throw nothing(unknown.map(([text]) => text));
  }
  const seen = new Set<string>();
  return files.filter((file) => {
    const isMeant = patterns.length === 0 || compiled.some(([, pattern]) => pattern.matches(file.path));
    const isNewest = !seen.has(file.path);
    seen.add(file.path);
    return isMeant && isNewest;
  });
}

function nothing(patterns: readonly string[]): UserError {
  return new UserError('nothing-set-aside', {
    what:
      patterns.length === 0
        ? 'Nothing is set aside on the volume.'
        : `Nothing that is set aside there matches ${patterns.join(', ')}.`,
    next: 'Runs set aside what is not part of them any more, and keep it for some days.',
  });
}

async function filesOf(far: FarFolder): Promise<SetAside[]> {
  const found: SetAside[] = [];
  const into = async (stamp: string, time: string, below: string): Promise<void> => {
    for (const { name, kind, size } of await far.list([removed, stamp, below].filter(Boolean).join('/'))) {
      const inside = below === '' ? name : `${below}/${name}`;
      if (kind === 'folder' && name !== '.runpod-trainer') {
        await into(stamp, time, inside);
      } else if (kind === 'file') {
        found.push({ path: inside, size, time });
      }
    }
  };
  const stamps = await far.list(removed).catch((error: unknown) => {
    // A folder that is not there.
    if (error instanceof UserError && error.code === 'volume-missing') {
      return [];
    }
    throw error;
  });
  for (const { name, kind } of stamps) {
    const time = timeOf(name);
    if (kind === 'folder' && time !== undefined) {
      await into(name, time, '');
    }
  }
  return found.sort((a, b) => (a.time === b.time ? (a.path < b.path ? -1 : 1) : a.time < b.time ? 1 : -1));
}

/** `2026-11-28T18-04-05.123Z` as the worker names the folder, as an ISO time. */
function timeOf(stamp: string): string | undefined {
  const time = stamp.replace(/T(\d\d)-(\d\d)-(\d\d)/, 'T$1:$2:$3');
  return Number.isNaN(Date.parse(time)) ? undefined : time;
}

async function restore(
  far: FarFolder,
  root: string,
  wanted: readonly SetAside[],
  options: RestoreOptions,
): Promise<FetchResult> {
  const sum: FetchResult = { files: 0, bytes: 0, unchanged: 0, left: [], unmatched: [] };
  for (const time of new Set(wanted.map((file) => file.time))) {
    const patterns = wanted.filter((file) => file.time === time).map(({ path: name }) => literally(name));
    const folder = `${removed}/${time.replaceAll(':', '-')}`;
    const { files, bytes, unchanged, left } = await far.fetch(folder, {
      ...options,
      patterns,
      into: root,
      choose: leaveOthers,
    });
    sum.files += files;
    sum.bytes += bytes;
    sum.unchanged += unchanged;
    sum.left.push(...left);
  }
  return sum;
}

/** Nothing of this machine is written over. */
async function leaveOthers(files: readonly FarFile[], into: string): Promise<Map<string, Choice>> {
  const choices = new Map<string, Choice>();
  for (const file of files) {
    if ((await lstat(path.join(into, file.path)).catch(() => undefined)) !== undefined) {
      choices.set(file.path, { do: 'leave', reason: 'Another file has this name here. Move it away first.' });
    }
  }
  return choices;
}
