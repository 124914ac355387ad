import { readFile } from 'node:fs/promises';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../files/atomic.ts';
import { cannotWrite } from '../files/writable.ts';
import type { Installation } from '../home/installation.ts';
import { HomeResults } from '../journal/home-results.ts';
import { JournalReader } from '../journal/reader.ts';
import { resultsFolder, type JobRecord, type JobRecords, type RecordChange } from '../journal/records.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { isHere, type Choice, type FarFile, type FetchInto } from '../transport/fetching.ts';
import type { FetchResult, Left } from '../transport/progress.ts';
import type { FarResults } from './far-results.ts';
import { NotedResults } from './later-jobs.ts';

/** What is to become of results that differ: the user's stay, the volume's replace them, or both lie side by side. */
export type Keep = 'mine' | 'theirs' | 'both';

/** A result for which there are two: it was edited here since it came, or on the volume lies what a later job wrote. */
export interface Conflict {
  path: string;
  kind: 'edited' | 'later';
  /** The later job, where it is known. */
  job?: string | undefined;
}

/** Asks about all of them at once; undefined when nobody can be asked. */
export type AskConflicts = (conflicts: readonly Conflict[]) => Promise<Keep | undefined>;

export interface BringOptions {
  onEvent: OnEvent;
  signal?: AbortSignal | undefined;
  ask?: AskConflicts | undefined;
}

export interface Brought {
  record: JobRecord;
  /** Edited results about which nobody could be asked: they stay as they are here. */
  kept: readonly string[];
  /** Results that a later job wrote over, which did not come: what lies there can be had when it is asked for. */
  later: readonly string[];
}

/** Links to nothing that a sentence names. */
const linksNamed = 5;
/** Names in the record of what did not come; more are counted. */
const mostNamed = 50;

/**
 * Brings a job's results home over one route: what the project asks for, and of the job itself its journal, logs, evidence
 * and executed notebooks under `job/`. What a user edited here, and what a later job wrote over, is never taken unasked.
 * The record says afterwards what did not come.
 */
export async function bringHome(
  installation: Installation,
  record: JobRecord,
  far: FarResults,
  options: BringOptions,
): Promise<Brought> {
  const { onEvent, signal } = options;
  const { records } = installation;
  const into = resultsFolder(record);
  const own = await HomeResults.open(records.folderOf(record.job), into);
  const noted = await NotedResults.read(far, record);
  const conflicts = new Conflicts(own, noted, options);
  const common = (choose: FetchInto['choose'], below = ''): Omit<FetchInto, 'patterns'> => ({
    into: join(into, below),
    choose,
    onHere: (name, sha256) => own.add(below === '' ? name : `${below}/${name}`, sha256),
    onProgress: (progress) => onEvent({ type: 'transfer', direction: 'down', ...progress }),
    signal,
  });
  try {
    const ofJob = async (patterns: string[], choose: FetchInto['choose']): Promise<FetchResult> =>
      far.fetch('job', { ...common(choose, 'job'), patterns });
    // What the worker writes anew as it goes on is nobody's work here.
    const files = [await ofJob(['spec.json', 'state.json'], undefined)];
    files.push(await ofJob(['steps/**'], (changed, real) => conflicts.ofJob(changed, real)));
    const wanted =
      record.fetch.length === 0
        ? undefined
        : await far.fetch(
            'project',
            { ...common((changed, real) => conflicts.ofProject(changed, real)), patterns: record.fetch },
            noted.links,
          );
    if (wanted !== undefined) {
      files.push(wanted);
    }
    const journal = await bringJournal(records, record.job, far);
    const place = join(into, 'job', 'events.jsonl');
    const there = await readFile(place).catch(() => undefined);
    // What is here already counts as little as it does among the other files.
    const isNews = there?.equals(journal) !== true;
    if (isNews) {
      await writeFileAtomic(place, journal);
    }
    const end = howItEnded(journal);
    const sum = (of: (result: FetchResult) => number): number => files.reduce((all, result) => all + of(result), 0);
    const fetched = {
      time: new Date().toISOString(),
      files: sum((r) => r.files) + (isNews ? 1 : 0),
      bytes: sum((r) => r.bytes) + (isNews ? journal.length : 0),
      here: sum((r) => r.unchanged) + (isNews ? 0 : 1),
    };
    const all = [...files.flatMap((result) => result.left), ...gone(noted, wanted, own, into)];
    // What led to a file when the job ended is a result that is gone.
    const links = all.filter(({ path, nothing }) => nothing === true && noted.ledToNothing(path));
    tellLinksToNothing(links, onEvent);
    const left = all.filter((one) => !links.includes(one) && !conflicts.kept.includes(one.path));
    const succeeded = (end.outcome ?? record.outcome) === 'succeeded';
    const missed = (wanted?.unmatched ?? []).map((path) => ({ path, reason: nothingThere }));
    if (succeeded) {
      left.push(...missed);
    } else if (missed.length > 0) {
      // What a job that did not come to its end never wrote is missing from nowhere.
      onEvent({ type: 'warning', text: `Nothing on the volume matches ${missed.map(({ path }) => path).join(', ')}.` });
    }
    const notHome =
      left.length === 0 ? undefined : { time: fetched.time, count: left.length, left: left.slice(0, mostNamed) };
    const changed = await records.change(record.job, (now) => ({
      ...((now.outcome === undefined || now.outcome === 'lost') && end),
      fetched,
      notHome,
    }));
    return { record: changed, kept: conflicts.kept, later: conflicts.later };
  } catch (error) {
    throw cannotWrite(into, error) ?? error;
  } finally {
    await own.save();
  }
}

/** A link that leads to nothing is no result that could be missing: it is told, and the job is concluded. */
function tellLinksToNothing(left: readonly Left[], onEvent: OnEvent): void {
  const links = left.map(({ path }) => JSON.stringify(path));
  if (links.length > 0) {
    const more = links.length > linksNamed ? ` and ${links.length - linksNamed} more` : '';
    const text = `${links.slice(0, linksNamed).join(', ')}${more}: ${links.length === 1 ? 'a link that points' : 'links that point'} to nothing on the volume, so nothing comes of ${links.length === 1 ? 'it' : 'them'}.`;
    onEvent({ type: 'warning', text });
  }
}

const nothingThere = 'Nothing on the volume matches this pattern.';

/** What of the results is here already and as it came, without asking the volume. */
export async function lookHome(
  { records }: Pick<Installation, 'records'>,
  record: JobRecord,
  signal?: AbortSignal,
): Promise<{ here: number; gone: string[]; changed: string[] }> {
  const own = await HomeResults.open(records.folderOf(record.job), resultsFolder(record));
  const found = { here: 0, gone: [] as string[], changed: [] as string[] };
  for (const name of own.names) {
    const state = await own.stateOf(name, signal);
    if (state === 'as it came') {
      found.here += 1;
    } else {
      found[state].push(name);
    }
  }
  return found;
}

/** Decides about results that are not here as they are on the volume. */
class Conflicts {
  /** Edited results about which nobody could be asked. */
  readonly kept: string[] = [];
  /** Results that a later job wrote over and that stay on the volume. */
  readonly later: string[] = [];
  readonly #own: HomeResults;
  readonly #noted: NotedResults;
  readonly #options: BringOptions;

  constructor(own: HomeResults, noted: NotedResults, options: BringOptions) {
    this.#own = own;
    this.#noted = noted;
    this.#options = options;
  }

  async ofJob(files: readonly FarFile[], into: string): Promise<Map<string, Choice>> {
    const conflicts: Differing[] = [];
    for (const file of files) {
      if ((await this.#own.contentOf(`job/${file.path}`, this.#options.signal)) === 'changed') {
        conflicts.push({ conflict: { path: file.path, kind: 'edited' }, file });
      }
    }
    return this.#answer(conflicts, [], into);
  }

  async ofProject(files: readonly FarFile[], into: string): Promise<Map<string, Choice>> {
    const conflicts: Differing[] = [];
    const passed: string[] = [];
    for (const file of files) {
      const { path } = file;
      const changed = await this.#noted.changedBy(file);
      const here = await this.#own.contentOf(path, this.#options.signal);
      if (changed !== undefined && here !== 'gone') {
        // What is here came while it was this job's, or is the user's.
        passed.push(path);
      } else if (changed !== undefined) {
        conflicts.push({ conflict: { path, kind: 'later', job: changed.job }, file });
      } else if (here === 'changed') {
        conflicts.push({ conflict: { path, kind: 'edited' }, file });
      }
    }
    return this.#answer(conflicts, passed, into);
  }

  async #answer(
    differing: readonly Differing[],
    passed: readonly string[],
    into: string,
  ): Promise<Map<string, Choice>> {
    const conflicts = differing.map(({ conflict }) => conflict);
    const keep = conflicts.length === 0 ? undefined : await this.#options.ask?.(conflicts);
    const choices = new Map<string, Choice>(passed.map((path) => [path, { do: 'pass' }]));
    for (const one of differing) {
      choices.set(one.file.path, await this.#choice(one, keep, into));
    }
    return choices;
  }

  async #choice({ conflict, file }: Differing, keep: Keep | undefined, into: string): Promise<Choice> {
    const { path, kind, job } = conflict;
    if (keep === 'theirs') {
      return { do: 'take' };
    }
    if (keep === 'both') {
      const mark = kind === 'later' && job !== undefined ? `from-${job}` : 'from-volume';
      const as = await beside(file, mark, into, this.#options.signal);
      return as === undefined ? { do: 'pass' } : { do: 'take', as };
    }
    if (kind === 'later') {
      this.later.push(path);
      return { do: 'leave', reason: laterText(job) };
    }
    if (keep === 'mine') {
      return { do: 'pass' };
    }
    this.kept.push(path);
    return { do: 'leave', reason: 'It was changed here since it came home, and stays as it is here.' };
  }
}

/** A conflict, and the file at the far end. */
interface Differing {
  conflict: Conflict;
  file: FarFile;
}

/** Why a file is not brought as this job's. */
function laterText(job: string | undefined): string {
  return job === undefined
    ? 'What lies there was written after the job had ended, so it is not what the job left.'
    : `What lies there is of the job ${job}, which ran later and wrote over it.`;
}

/** A free name beside a file: `out/model.from-volume.pt`; undefined where one of these names has its content already. */
async function beside(
  file: FarFile,
  mark: string,
  into: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { path } = file;
  const dot = path.lastIndexOf('.');
  const isStem = dot > path.lastIndexOf('/') + 1;
  const [stem, extension] = isStem ? [path.slice(0, dot), path.slice(dot)] : [path, ''];
  for (let number = 1; ; number += 1) {
    const name = `${stem}.${mark}${number === 1 ? '' : `-${number}`}${extension}`;
    if (await isHere(into, { ...file, path: name }, signal)) {
      return undefined;
    }
    if (lstatSync(join(into, name), { throwIfNoEntry: false }) === undefined) {
      return name;
    }
  }
}

/** What the job had left and is not there any more, nor here. */
function gone(noted: NotedResults, wanted: FetchResult | undefined, own: HomeResults, into: string): Left[] {
  const told = new Set(wanted?.left.map(({ path }) => path));
  const isHere = (name: string): boolean => lstatSync(join(into, name), { throwIfNoEntry: false }) !== undefined;
  return [...(noted.own?.values() ?? [])].flatMap((line) => {
    if (told.has(line.path) || own.names.includes(line.path) || isHere(line.path)) {
      return [];
    }
    const reason =
      'left' in line
        ? `Left on the volume: ${line.left}.`
        : 'It was there when the job ended, and is not there any more.';
    const isNothing = 'left' in line && line.nothing === true;
    return [{ path: line.path, reason, ...(isNothing && { nothing: true }) }];
  });
}

/** Completes the local copy of the journal, and answers all of it. */
async function bringJournal(records: JobRecords, job: string, far: FarResults): Promise<Buffer> {
  const file = records.journalFile(job);
  let place = (await readFile(file).catch(() => Buffer.alloc(0))).lastIndexOf(10) + 1;
  const take = async (chunk: Buffer): Promise<void> => {
    await records.writeJournal(job, place, chunk);
    place += chunk.length;
  };
  if (!(await far.journal(place, take))) {
    await records.putJournalAside(job);
    place = 0;
    await far.journal(0, take);
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
