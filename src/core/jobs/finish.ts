import { helperName } from '../journal/id.ts';
import { pricePerHour } from '../words/index.ts';
import { isLoopback } from '../runpod/connection.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../contract.ts';
import { throwIfCancelled, UserError } from '../errors.ts';
import { writeFileAtomic } from '../files/atomic.ts';
import { takeLock } from '../files/lock.ts';
import { withGateway } from '../transport/gateway/gateway.ts';
import type { Installation } from '../home/installation.ts';
import { endPod } from '../pods/end.ts';
import type { Candidate } from '../pods/hardware.ts';
import { linkPatienceMs, overLink } from '../pods/link.ts';
import { findPod } from '../pods/ready.ts';
import type { SshConnection } from '../ssh/index.ts';
import { fetchFiles } from '../transport/ssh/fetch.ts';

import { reconnect } from '../pods/of-job.ts';
import { JournalReader } from '../journal/reader.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { resultsFolder, type JobRecord, type RecordChange } from '../journal/records.ts';
import { RemoteWorker } from '../pods/worker.ts';

/** A lease is renewed this often while results are fetched, in ms: it outlasts a link that is down for half a minute. */
const renewEvery = (limits.leaseSeconds * 1000) / 8;

export interface FinishOptions {
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
}

/**
 * Brings a job's results home over an open connection, while a lease keeps the keeper from ending the pod: what the
 * project asks for, and of the job itself its journal, logs, evidence and executed notebooks under `job/`.
 */
export async function fetchResults(
  installation: Installation,
  record: JobRecord,
  connection: SshConnection,
  options: FinishOptions,
): Promise<JobRecord> {
  const { remote } = record;
  if (remote === undefined) {
    throw new UserError('nothing-to-fetch', {
      what: `The job ${record.job} never started on a pod, so it has no results.`,
      next: 'Run it again.',
    });
  }
  const { onEvent, signal } = options;
  const onWait = (): void =>
    onEvent({ type: 'phase', phase: 'fetch', text: 'Waiting for another client that brings these results home' });
  const unlock = await takeLock(installation.records.fetchLock(record.job), { signal, onWait });
  try {
    return await fetchAll(installation, record, remote, connection, options);
  } finally {
    await unlock();
  }
}

async function fetchAll(
  installation: Installation,
  record: JobRecord,
  remote: NonNullable<JobRecord['remote']>,
  connection: SshConnection,
  { onEvent, signal }: FinishOptions,
): Promise<JobRecord> {
  onEvent({ type: 'phase', phase: 'fetch', text: `Bringing results home to ${resultsFolder(record)}` });
  const worker = new RemoteWorker(connection, remote.worker, remote.python);
  const hold = (): void => void worker.control(remote.jobDir, 'hold', signal).catch(() => undefined);
  // Without a lease there is a moment, which logs and evidence need not.
  await worker.control(remote.jobDir, 'hold', signal).catch(() => throwIfCancelled(signal));
  const lease = setInterval(hold, renewEvery);
  try {
    const into = resultsFolder(record);
    const common = {
      connection,
      worker: worker.argv,
      signal,
      onProgress: (p: Parameters<NonNullable<Parameters<typeof fetchFiles>[0]['onProgress']>>[0]) =>
        onEvent({ type: 'transfer', direction: 'down', ...p }),
    };
    const own = await fetchFiles({
      ...common,
      root: remote.jobDir,
      patterns: ['spec.json', 'state.json', 'steps/**'],
      into: join(into, 'job'),
    });
    const wanted =
      record.fetch.length === 0
        ? { files: 0, bytes: 0 }
        : await fetchFiles({ ...common, root: remote.projectDir, patterns: record.fetch, into });
    const journal = await bringJournal(installation, record.job, worker, remote.jobDir, signal);
    const place = join(into, 'job', 'events.jsonl');
    const there = await readFile(place).catch(() => undefined);
    // What is here already counts as little as it does among the other files.
    const isNews = there?.equals(journal) !== true;
    await writeFileAtomic(place, journal);
    const fetched = {
      time: new Date().toISOString(),
      files: own.files + wanted.files + (isNews ? 1 : 0),
      bytes: own.bytes + wanted.bytes + (isNews ? journal.length : 0),
    };
    const end = howItEnded(journal);
    return await installation.records.change(record.job, (now) => ({
      ...((now.outcome === undefined || now.outcome === 'lost') && end),
      fetched,
    }));
  } finally {
    clearInterval(lease);
    await worker.control(remote.jobDir, 'release').catch(() => undefined);
  }
}

/**
 * Ends the job's pod as the project asks and confirms it. `keep` leaves it running and says what it costs. A pod that is
 * gone already ended soon after the job did, at `finished`.
 */
export async function endJobPod(
  installation: Installation,
  record: JobRecord,
  options: FinishOptions,
  finished?: string,
): Promise<JobRecord> {
  if (record.pod === undefined || record.podEnded !== undefined) {
    return record;
  }
  const found = await findPod(installation.client, record.pod.id).catch(() => 'unknown');
  if (found === undefined) {
    return installation.records.changeIfThere(record, { podEnded: endedBy(finished) });
  }
  if (record.onFinish === 'keep') {
    options.onEvent({
      type: 'warning',
      text: `The pod ${record.pod.name} keeps running (${pricePerHour(record.pod.costPerHour, isLoopback(record.restUrl))}), as "onFinish.pod" asks.`,
    });
    return record;
  }
  options.onEvent({ type: 'phase', phase: 'end', text: 'Ending the pod' });
  await endPod(installation.client, record.pod, record.onFinish);
  return installation.records.changeIfThere(record, { podEnded: new Date().toISOString() });
}

/** The latest moment at which the keeper of a job that finished then has ended its pod; without one it is now. */
export function endedBy(finished: string | undefined): string {
  const latest = finished === undefined ? Infinity : Date.parse(finished) + watchdogMs;
  return new Date(Math.min(Date.now(), latest)).toISOString();
}

/** The keeper ends a pod that nobody fetches from after this time; its call takes a moment too. */
const watchdogMs = limits.endAfterSeconds * 1000 + 10_000;

/**
 * Completes the local copy of the journal, and answers all of it. The worker knows which bytes of which files of the job's
 * folder it is made of.
 */
async function bringJournal(
  { records }: Installation,
  job: string,
  worker: RemoteWorker,
  jobDir: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const file = records.journalFile(job);
  let place = (await readFile(file).catch(() => Buffer.alloc(0))).lastIndexOf(10) + 1;
  const follow = (): ReturnType<RemoteWorker['follow']> =>
    worker.follow(
      jobDir,
      place,
      async (chunk) => {
        await records.writeJournal(job, place, chunk);
        place += chunk.length;
      },
      { once: true, signal },
    );
  if ((await follow()) === 'other-journal' && (await worker.hasJournal(jobDir, signal))) {
    await records.putJournalAside(job);
    place = 0;
    await follow();
  }
  return (await readFile(file).catch(() => Buffer.alloc(0))).subarray(0, place);
}

function howItEnded(journal: Buffer): RecordChange {
  const events = new JournalReader().push(journal);
  const end = events.findLast((e) => e.type === 'job.finished');
  return end === undefined
    ? {}
    : { outcome: end.status, phase: 'done', ...(end.reason !== null && { reason: end.reason }) };
}

/**
 * Fetches a job's results when its own pod may be gone: through that pod while it runs, else through a small CPU pod
 * on the same volume (see `withGateway`). `confirm` is asked before anything is rented.
 */
export async function fetchLater(
  installation: Installation,
  record: JobRecord,
  options: FinishOptions & { confirm: (offer: Candidate) => Promise<boolean> },
): Promise<JobRecord> {
  const { onEvent, signal } = options;
  const fetched = await overLink({
    connect: () => reconnect(installation, record, signal),
    work: (open) => fetchResults(installation, record, open, options),
    patience: () => linkPatienceMs,
    meanwhile: () => 'then the results go on coming home',
    onEvent,
    signal,
  });
  if (fetched.end === 'done') {
    fetched.connection.close();
    return fetched.value;
  }
  if (fetched.end === 'gave-up') {
    throw fetched.failure;
  }
  const { volume, remote } = record;
  if (record.fetched !== undefined && record.outcome !== undefined && (await isHome(record))) {
    const text = `The results are here already; without ${resultsFolder(record)} they are fetched again`;
    onEvent({ type: 'phase', phase: 'done', text });
    return record;
  }
  if (volume === undefined || remote === undefined) {
    throw new UserError('nothing-to-fetch', {
      what: `The job ${record.job} never started on a pod, so it has no results.`,
      next: 'Run it again.',
    });
  }
  const full = (await installation.client.volumes.list(signal)).find((v) => v.id === volume.id);
  if (full === undefined) {
    throw new UserError('volume-gone', {
      what: `The volume "${volume.name}" no longer exists, and the results of ${record.job} with it.`,
      next: `What was brought home before is in ${resultsFolder(record)}.`,
    });
  }
  const request = {
    volume: full,
    name: helperName(record.job),
    purpose: 'fetch' as const,
    project: record.project,
    job: record.job,
    mount: remote.mount,
    confirm: options.confirm,
    onEvent,
    signal,
  };
  const done = await withGateway(installation, request, ({ connection, mount, workerPath }) =>
    fetchResults(installation, relocated(record, remote, mount, workerPath), connection, options),
  );
  return done ?? record;
}

/** Whether the folder with the job's results is still there: what an ended job wrote does not change any more. */
async function isHome(record: JobRecord): Promise<boolean> {
  return (await readFile(join(resultsFolder(record), 'job', 'events.jsonl')).catch(() => undefined)) !== undefined;
}

/** The same places under the mount path of another pod. */
function relocated(
  record: JobRecord,
  remote: NonNullable<JobRecord['remote']>,
  mount: string,
  worker: string,
): JobRecord {
  const moved = (path: string): string => `${mount}${path.slice(remote.mount.length)}`;
  return {
    ...record,
    remote: { ...remote, mount, worker, projectDir: moved(remote.projectDir), jobDir: moved(remote.jobDir) },
  };
}
