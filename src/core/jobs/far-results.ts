import path from 'node:path';
import * as z from 'zod';
import { parseJson } from '../json.ts';
import type { JobRecord } from '../journal/records.ts';
import type { RemoteWorker } from '../pods/worker.ts';
import type { VolumeStore } from '../s3/index.ts';
import type { SshConnection } from '../ssh/index.ts';
import type { FetchInto } from '../transport/fetching.ts';
import type { FetchResult } from '../transport/progress.ts';
import { fetchOverS3 } from '../transport/s3/fetch.ts';
import { fetchFiles } from '../transport/ssh/fetch.ts';

/** A job's results where they lie, over one of the routes. */
export interface FarResults {
  /** Brings files of the project's folder, or of the job's own. `links`: names that are links, with what they lead to. */
  fetch: (from: 'project' | 'job', into: FetchInto, links?: ReadonlyMap<string, string>) => Promise<FetchResult>;
  /** A small file of a job's folder; undefined when there is none. */
  read: (job: string, name: string) => Promise<Buffer | undefined>;
  /** Names of the folders of all jobs on the volume. */
  jobs: () => Promise<string[]>;
  /** Hands over the job's whole journal from a place on; false when it does not go on from there. */
  journal: (from: number, take: (chunk: Buffer) => Promise<void>) => Promise<boolean>;
}

/** The most bytes that are read of one file at once. */
const mostBytes = 256 * 1024 * 1024;

type Remote = NonNullable<JobRecord['remote']>;

/** Through a pod that has the volume. */
export function resultsOverSsh(
  connection: SshConnection,
  worker: RemoteWorker,
  remote: Remote,
  signal: AbortSignal | undefined,
): FarResults {
  const jobs = path.posix.dirname(remote.jobDir);
  const output = async (argv: readonly string[]): Promise<Buffer | undefined> => {
    const { code, stdout } = await connection.exec(argv, { signal, maxStdout: mostBytes });
    return code === 0 ? stdout : undefined;
  };
  return {
    fetch: (from, into) => {
      const root = from === 'job' ? remote.jobDir : remote.projectDir;
      return fetchFiles({ ...into, connection, worker: worker.argv, root, signal });
    },
    read: (job, name) => output(['cat', '--', `${jobs}/${job}/${name}`]),
    jobs: async () => (await output(['ls', '-A', '--', jobs]))?.toString('utf8').split('\n').filter(Boolean) ?? [],
    journal: async (from, take) => {
      const follow = await worker.follow(remote.jobDir, from, take, { once: true, signal });
      // Without any of it there is nothing that could go on differently.
      return follow !== 'other-journal' || !(await worker.hasJournal(remote.jobDir, signal));
    },
  };
}

const ownerSchema = z.object({ before: z.record(z.string(), z.number()) });

/** Over S3, with no pod. */
export function resultsOverS3(
  store: VolumeStore,
  { project, job }: Pick<JobRecord, 'project' | 'job'>,
  signal: AbortSignal | undefined,
): FarResults {
  const jobs = '.runpod-trainer/jobs';
  const read = (of: string, name: string): Promise<Buffer | undefined> =>
    store.read(`${jobs}/${of}/${name}`, { maxBytes: mostBytes, signal });
  const folders = async (folder: string): Promise<string[]> =>
    (await store.list(folder, signal)).flatMap((item) => (item.kind === 'folder' ? [item.name] : []));
  /** As docs/job-directory.md says: each epoch's file as far as the newest epoch counts it. */
  const whole = async (): Promise<Buffer> => {
    const all = async (name: string): Promise<Buffer> => (await read(job, name)) ?? Buffer.alloc(0);
    const newest = Math.max(0, ...(await folders(`${jobs}/${job}/epochs`)).map(Number).filter(Number.isInteger));
    const owner = ownerSchema.safeParse(
      parseJson((await all(`epochs/${newest}/owner.json`)).toString('utf8') || 'null'),
    );
    const before = owner.success
      ? Object.entries(owner.data.before).map(([n, bytes]) => [Number(n), bytes] as const)
      : [];
    const earlier = before.toSorted(([a], [b]) => a - b);
    const first = earlier[0]?.[0] ?? newest;
    const nameOf = (epoch: number): string => (epoch === first ? 'events.jsonl' : `events-${epoch}.jsonl`);
    const parts: Buffer[] = [];
    for (const [epoch, bytes] of earlier) {
      parts.push((await all(nameOf(epoch))).subarray(0, bytes));
    }
    parts.push(await all(nameOf(newest)));
    return Buffer.concat(parts);
  };
  return {
    fetch: (from, into, links) =>
      fetchOverS3({ ...into, store, project, folder: from === 'job' ? `${jobs}/${job}` : undefined, links, signal }),
    read,
    jobs: () => folders(jobs),
    journal: async (from, take) => {
      const bytes = await whole();
      // A torn last line is none.
      const end = bytes.lastIndexOf(10) + 1;
      if (end < from) {
        return end === 0;
      }
      await take(bytes.subarray(from, end));
      return true;
    },
  };
}
