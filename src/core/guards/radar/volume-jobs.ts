import { CancelledError, messageOf, throwIfCancelled, UserError } from '../../errors.ts';
import { jobTime } from '../../journal/id.ts';
import { parseJobState, type JobState } from '../../journal/state.ts';
import type { Volume } from '../../runpod/schemas.ts';
import { s3Endpoint, VolumeStore } from '../../s3/index.ts';
import { s3AccessOf, type S3Source } from '../../s3/s3-source.ts';

/** What the job directories of volumes say, and why some of them could not be read. */
export interface VolumeJobs {
  /** By volume id, newest job first. */
  jobs: ReadonlyMap<string, readonly JobState[]>;
  /** Sentences. */
  notes: string[];
}

/** How much is read of a volume, and how long that may take. */
export const limits = { jobs: 50, bytes: 1024 * 1024, ms: 30_000, atOnce: 8 } as const;

const folder = '.runpod-trainer/jobs';

/**
 * Reads over S3 how the newest jobs on these volumes stand. What cannot be reached is said in a sentence; rejects only
 * with CancelledError.
 */
export async function readVolumeJobs(
  source: S3Source | undefined,
  volumes: readonly Volume[],
  signal?: AbortSignal,
): Promise<VolumeJobs> {
  const seen = await Promise.all(volumes.map((volume) => readVolume(source, volume, signal)));
  throwIfCancelled(signal);
  return {
    jobs: new Map(seen.map(({ id, jobs }) => [id, jobs])),
    notes: seen.flatMap(({ note }) => (note === undefined ? [] : [note])),
  };
}

interface Seen {
  id: string;
  jobs: JobState[];
  note?: string;
}

async function readVolume(source: S3Source | undefined, volume: Volume, signal?: AbortSignal): Promise<Seen> {
  const { id, name, dataCenter } = volume;
  const jobs: JobState[] = [];
  const unread = (why: string): Seen => ({
    id,
    jobs,
    note: `How the jobs on the volume ${name === '' ? id : name} stand could not be looked up: ${why}`,
  });
  const late = AbortSignal.timeout(limits.ms);
  const either = signal === undefined ? late : AbortSignal.any([signal, late]);
  let store: VolumeStore | undefined;
  try {
    const access = await s3AccessOf(source, dataCenter);
    if (access === undefined) {
      const hasS3 = s3Endpoint(dataCenter, source?.endpoints) !== undefined;
      return unread(hasS3 ? 'this computer has no S3 keys.' : `${dataCenter} has no S3.`);
    }
    store = new VolumeStore(access, id, { timing: { attempts: 3, quietMs: 10_000 } });
    await readNewest(store, jobs, either);
    return { id, jobs };
  } catch (error) {
    if (signal?.aborted === true) {
      throw new CancelledError();
    }
    if (late.aborted) {
      return unread(`the S3 API took longer than ${limits.ms / 1000} s.`);
    }
    return unread(error instanceof UserError ? (error.why ?? error.what) : messageOf(error));
  } finally {
    await store?.close();
  }
}

/** Adds to `jobs`, newest first, so that what was read before a failure counts. */
async function readNewest(store: VolumeStore, jobs: JobState[], signal: AbortSignal): Promise<void> {
  const names = (await store.list(folder, signal))
    .filter((item) => item.kind === 'folder')
    .map(({ name }) => ({ name, time: jobTime(name) }))
    .filter((job): job is { name: string; time: string } => job.time !== undefined)
    .sort((a, b) => (a.time < b.time ? 1 : -1))
    .slice(0, limits.jobs)
    .map(({ name }) => name);
  for (let from = 0; from < names.length; from += limits.atOnce) {
    const batch = names.slice(from, from + limits.atOnce);
    const states = await Promise.all(batch.map((job) => readState(store, job, signal)));
    jobs.push(...states.filter((state) => state !== undefined));
  }
}

async function readState(store: VolumeStore, job: string, signal: AbortSignal): Promise<JobState | undefined> {
  try {
    const content = await store.read(`${folder}/${job}/state.json`, { maxBytes: limits.bytes, signal });
    return content && parseJobState(job, content.toString('utf8'));
  } catch (error) {
    if (error instanceof UserError && error.code === 'file-too-large') {
      return undefined;
    }
    throw error;
  }
}
