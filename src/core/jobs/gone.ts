import { helperName } from '../journal/id.ts';
import type { Home, Face } from '../home/installation.ts';
import { isBeingPrepared, isHome, wasLeft, type JobRecord, type RecordChange } from '../journal/records.ts';
import { parseJobState, type JobState } from '../journal/state.ts';
import type { JobView } from '../journal/view.ts';
import { unfinishedStep } from '../journal/view.ts';
import { podsOf } from '../pods/of-job.ts';
import { findPod } from '../pods/ready.ts';
import type { Remedy } from '../remedy.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { Pod } from '../runpod/schemas.ts';
import { VolumeStore } from '../s3/index.ts';
import { s3AccessOf } from '../s3/s3-source.ts';
import { phaseWords } from '../words/index.ts';
import { endedBy } from './finish.ts';

/** What tells of pods that are gone needs of an installation. */
export type GoneSource = Pick<Home, 'records'> &
  Pick<Face, 'restUrl' | 's3'> & { client: Pick<RunPodClient, 'pods' | 'volumes'> };

/** So long after a request for a pod whose answer nobody heard that pod may still show up, in ms. */
const lateMs = 600_000;
/** So long a volume may take to tell over S3 how a job ended, in ms. */
const askMs = 10_000;
/** Most bytes of a state and of a journal that are read for that. */
const most = { state: 1024 * 1024, journal: 32 * 1024 * 1024 } as const;

/** Why a job counts as lost whose pod is gone, or has stopped, and whose end nobody here heard. */
export function unheard({ phase }: JobRecord, pod: 'is gone' | 'has stopped' = 'is gone'): string {
  const what = phase === 'start' ? 'whether the job began' : 'how the job ended';
  return `Its pod ${pod}, and nobody here heard ${what}. What it wrote is on the volume: fetching its results tells the end too.`;
}

/**
 * Ends the records of jobs whose pod is gone, as a list of all the account's pods shows it: how they ended is read over
 * S3 where that is to be had, else they are lost. Answers those whose record this call has ended. A failure of asking
 * proves nothing: such a job stays as it is.
 *
 * @param pods what the API has just answered; never what was known before
 */
export async function noteGone(source: GoneSource, pods: readonly Pod[], signal?: AbortSignal): Promise<JobRecord[]> {
  const { records, restUrl } = source;
  const open = (await records.list()).filter((r) => r.restUrl === restUrl && isOpen(r) && !isThere(r, pods));
  const noted: JobRecord[] = [];
  for (const record of open) {
    const change = await goneOf(source, record, signal).catch(() => undefined);
    if (change === undefined) {
      continue;
    }
    const before = { isOpen: false };
    const now = await records.change(record.job, (latest) => {
      before.isOpen = isOpen(latest);
      return before.isOpen ? change : {};
    });
    if (before.isOpen) {
      noted.push(now);
    }
  }
  return noted;
}

/** Whether nobody has said yet how the job ended, although no client prepares it. */
function isOpen(record: JobRecord): boolean {
  return record.outcome === undefined && record.phase !== 'done' && isBeingPrepared(record) === 'no';
}

/** Whether a pod of the job is there that may still work. */
function isThere(record: JobRecord, pods: readonly Pod[]): boolean {
  const isOfStep = (p: Pod): boolean => p.name !== helperName(record.job) && !hasStopped(p);
  return podsOf(record, pods).some(isOfStep);
}

function hasStopped({ status }: Pod): boolean {
  return status === 'EXITED' || status === 'ERROR';
}

/** What the record says from here on; undefined when the pod may be there after all. */
async function goneOf(
  source: GoneSource,
  record: JobRecord,
  signal: AbortSignal | undefined,
): Promise<RecordChange | undefined> {
  const left = `The program that prepared it was ended while ${phaseWords[record.phase]}; nothing of it is there any more.`;
  if (wasLeft(record) && record.volume === undefined) {
    return { phase: 'done', reason: left };
  }
  if (record.pod === undefined && Date.now() - Date.parse(record.updated) < lateMs) {
    return undefined;
  }
  const pod = record.pod && (await findPod(source.client, record.pod.id, signal));
  if (pod !== undefined && !hasStopped(pod)) {
    return undefined;
  }
  if (!(await seesVolume(source, record, signal))) {
    return undefined;
  }
  if (record.remote === undefined) {
    return { phase: 'done', reason: left };
  }
  const lost = { outcome: 'lost' as const, reason: unheard(record, pod && 'has stopped') };
  const goneBy = record.pod !== undefined && pod === undefined ? new Date().toISOString() : undefined;
  return { phase: 'done', goneBy, ...((await endOverS3(source, record, signal)) ?? lost) };
}

/** Whether the job's volume is there for this key: one of another account sees no pod of this one, and no volume either. */
export async function seesVolume(
  { client }: Pick<GoneSource, 'client'>,
  { volume }: JobRecord,
  signal?: AbortSignal,
): Promise<boolean> {
  return volume !== undefined && (await client.volumes.list(signal)).some((v) => v.id === volume.id);
}

/**
 * How a job ended as its volume tells over S3, which costs nothing; what this machine lacks of the journal is brought
 * along. Undefined where that cannot be read, or tells of no end.
 */
export async function endOverS3(
  { records, s3 }: Pick<GoneSource, 'records' | 's3'>,
  { job, volume, onFinish }: JobRecord,
  signal?: AbortSignal,
): Promise<Pick<RecordChange, 'outcome' | 'reason' | 'podEnded'> | undefined> {
  const access = volume && (await s3AccessOf(s3, volume.dataCenter));
  if (access === undefined) {
    return undefined;
  }
  const late = AbortSignal.timeout(askMs);
  const soon = signal === undefined ? late : AbortSignal.any([signal, late]);
  const store = new VolumeStore(access, volume?.id ?? '', { timing: { attempts: 2, quietMs: 5_000 } });
  const read = (name: string, maxBytes: number): Promise<Buffer | undefined> =>
    store.read(`.runpod-trainer/jobs/${job}/${name}`, { maxBytes, signal: soon });
  try {
    const text = await read('state.json', most.state);
    const state = text && parseJobState(job, text.toString('utf8'));
    if (state === undefined || state.status === 'running') {
      return undefined;
    }
    await completeJournal(records, job, state, () => read('events.jsonl', most.journal)).catch(() => undefined);
    return {
      outcome: state.status,
      ...(typeof state.reason === 'string' && { reason: state.reason }),
      ...(onFinish === 'terminate' && { podEnded: endedBy(state.finished ?? state.updated) }),
    };
  } catch {
    return undefined;
  } finally {
    await store.close();
  }
}

/** Only the journal of a first epoch is one file from its beginning to its end. */
async function completeJournal(
  records: GoneSource['records'],
  job: string,
  { epoch }: JobState,
  read: () => Promise<Buffer | undefined>,
): Promise<void> {
  const journal = epoch === 1 ? await read() : undefined;
  if (journal !== undefined && journal.length >= ((await records.journal(job))?.bytes ?? 0)) {
    await records.writeJournal(job, 0, journal);
  }
}

/** What helps after a job that was lost: its results, and a run that goes on where it stood. */
export function lostRemedies(record: JobRecord, view: JobView): readonly Remedy[] {
  const { job, file, profile, remote } = record;
  const from = unfinishedStep(view);
  return [
    ...(remote !== undefined && !isHome(record) ? [{ do: 'fetch' as const, job }] : []),
    { do: 'run', file, ...(profile !== undefined && { profile }), ...(from !== undefined && { from }) },
  ];
}
