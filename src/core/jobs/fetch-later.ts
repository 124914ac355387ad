import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError, messageOf, UserError } from '../errors.ts';
import type { Installation } from '../home/installation.ts';
import { isHome, resultsFolder, type JobRecord } from '../journal/records.ts';
import type { Candidate } from '../pods/hardware.ts';
import { linkPatienceMs, overLink } from '../pods/link.ts';
import { helperName } from '../journal/id.ts';
import { reconnect } from '../pods/of-job.ts';
import { VolumeStore } from '../s3/index.ts';
import { s3AccessOf } from '../s3/s3-source.ts';
import { withGateway } from '../transport/gateway/gateway.ts';
import { count } from '../words/index.ts';
import {
  lookHome,
  type AskConflicts,
  type BringOptions,
  type Brought,
  type Conflict,
  type Keep,
} from './bring-home.ts';
import { resultsOverS3 } from './far-results.ts';
import { fetchOver, fetchResults, noteNotHome, nothingToFetch } from './finish.ts';

/** What came of a fetch: `nothing` where the user did not want the pod that it needs. */
export type Fetched = Brought & { end: 'fetched' | 'here already' | 'nothing' };

export interface FetchLaterOptions extends BringOptions {
  /** Asked before anything is rented. */
  confirm: (offer: Candidate) => Promise<boolean>;
}

/**
 * Fetches a job's results when its own pod may be gone: through that pod while it runs; else over S3 where that can be
 * had, which costs nothing; else through a small CPU pod on the same volume (see `withGateway`). What is here already and
 * can be told from here needs no route at all.
 */
export async function fetchLater(
  installation: Installation,
  record: JobRecord,
  given: FetchLaterOptions,
): Promise<Fetched> {
  const options = { ...given, ask: askedOnce(given.ask) };
  try {
    return await fetchNow(installation, record, options);
  } catch (error) {
    if (!isHome(record)) {
      // What failed is what has to be heard.
      await noteNotHome(installation, record, error).catch(() => undefined);
    }
    throw error;
  }
}

async function fetchNow(installation: Installation, record: JobRecord, options: FetchLaterOptions): Promise<Fetched> {
  const { onEvent, signal } = options;
  const reached = await overLink({
    connect: () => reconnect(installation, record, signal),
    work: (open) => fetchResults(installation, record, open, options),
    patience: () => linkPatienceMs,
    meanwhile: () => 'then the results go on coming home',
    onEvent,
    signal,
  });
  if (reached.end === 'done') {
    reached.connection.close();
    return { ...reached.value, end: 'fetched' };
  }
  if (reached.end === 'gave-up') {
    throw reached.failure;
  }
  const here = await hereAlready(installation, record, options);
  if (here !== undefined) {
    return here;
  }
  const overS3 = await fetchOverS3First(installation, record, options);
  if (overS3 !== undefined) {
    return { ...overS3, end: 'fetched' };
  }
  return throughGateway(installation, record, options);
}

/** What an ended job wrote does not change any more: where all of it is here, nothing has to be asked for. */
async function hereAlready(
  installation: Installation,
  record: JobRecord,
  { ask, onEvent, signal }: FetchLaterOptions,
): Promise<Fetched | undefined> {
  if (!isHome(record) || record.outcome === undefined) {
    return undefined;
  }
  const { here, gone, changed } = await lookHome(installation, record, signal);
  const isKnown = here + gone.length + changed.length > 0 || (await hasJournal(record));
  if (!isKnown || gone.length > 0) {
    return undefined;
  }
  if (changed.length === 0) {
    const text = `The results are here already; without ${resultsFolder(record)} they are fetched again`;
    onEvent({ type: 'phase', phase: 'done', text });
    return { record, kept: [], later: [], end: 'here already' };
  }
  const keep = await ask?.(changed.map((path): Conflict => ({ path, kind: 'edited' })));
  if (keep === 'theirs' || keep === 'both') {
    return undefined;
  }
  const text = `The results are here already; ${count(changed.length, 'file')} of them changed here since, and stay as they are here`;
  onEvent({ type: 'phase', phase: 'done', text });
  return { record, kept: keep === 'mine' ? [] : changed, later: [], end: 'here already' };
}

/** Of results that came home before it was noted how. */
async function hasJournal(record: JobRecord): Promise<boolean> {
  return (await readFile(join(resultsFolder(record), 'job', 'events.jsonl')).catch(() => undefined)) !== undefined;
}

/** Undefined where S3 is not to be had for the volume, or does not work; the reason for the latter is told. */
export async function fetchOverS3First(
  installation: Installation,
  record: JobRecord,
  options: BringOptions,
): Promise<Brought | undefined> {
  const { volume, remote } = record;
  const access = volume && remote && (await s3AccessOf(installation.s3, volume.dataCenter));
  if (access === undefined) {
    return undefined;
  }
  const store = new VolumeStore(access, volume?.id ?? '');
  try {
    const { state, sentence } = await store.probe(options.signal);
    if (state !== 'works') {
      options.onEvent({ type: 'warning', text: `Over S3 the results cannot be fetched: ${sentence}` });
      return undefined;
    }
    return await fetchOver(installation, record, resultsOverS3(store, record, options.signal), options);
  } catch (error) {
    if (error instanceof CancelledError || !isOfS3(error)) {
      throw error;
    }
    options.onEvent({ type: 'warning', text: `Over S3 the results could not be fetched: ${messageOf(error)}` });
    return undefined;
  } finally {
    await store.close();
  }
}

function isOfS3(error: unknown): boolean {
  return error instanceof UserError && /^s3-/.test(error.code);
}

async function throughGateway(
  installation: Installation,
  record: JobRecord,
  options: FetchLaterOptions,
): Promise<Fetched> {
  const { onEvent, signal } = options;
  const { volume, remote } = record;
  if (volume === undefined || remote === undefined) {
    throw nothingToFetch(record);
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
  return done === undefined ? { record, kept: [], later: [], end: 'nothing' } : { ...done, end: 'fetched' };
}

/** A link that breaks, or a route that fails, is no reason to ask the same again. */
function askedOnce(ask: AskConflicts | undefined): AskConflicts | undefined {
  const answers = new Map<string, Promise<Keep | undefined>>();
  return (
    ask &&
    ((conflicts) => {
      const key = JSON.stringify(conflicts);
      const answer = answers.get(key) ?? ask(conflicts);
      answers.set(key, answer);
      return answer;
    })
  );
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
