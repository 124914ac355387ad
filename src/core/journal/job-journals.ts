import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobEvent } from './events.ts';
import { keepView, proofAt, readKeptView, type ReadSoFar } from './kept-view.ts';
import { JournalReader } from './reader.ts';
import { localJobFolder, type JobRecord, type JobRecords } from './records.ts';
import { emptyView, overView, reduceView, waitingStep, type JobView } from './view.ts';

/** Hears every event once, in order; `restart` comes when a journal is read from its beginning again. */
export interface JournalListener {
  event(event: JobEvent, side: 'local' | 'pod'): void;
  restart(): void;
}

/** One journal file, of which each read takes what is new. */
class JournalFile {
  readonly path: string;
  view = emptyView();
  heard: Date | undefined;
  #mtimeMs = 0;
  #reader = new JournalReader();
  /** A torn last line has been read too, but not taken. */
  #seen = 0;
  /** Bytes that were read since the view was last kept. */
  unkept = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether there was news. A file that became shorter is another one and is read from its beginning. */
  async read(onEvent: (event: JobEvent) => void, onRestart: () => void, signal?: AbortSignal): Promise<boolean> {
    const found = await stat(this.path).catch(() => undefined);
    // What one job has in the place of its journal must not keep the sums over all jobs from being made.
    if (found?.isFile() !== true || found.size === 0 || found.size === this.#seen) {
      return false;
    }
    if (found.size < this.#reader.offset) {
      this.#reader = new JournalReader();
      this.view = emptyView();
      onRestart();
    }
    this.#reader.restart();
    const range = { start: this.#reader.offset, end: found.size - 1, signal };
    for await (const chunk of createReadStream(this.path, range)) {
      for (const event of this.#reader.push(chunk as Buffer)) {
        if (event.type !== 'bad-line') {
          this.view = reduceView(this.view, event);
          onEvent(event);
        }
      }
    }
    this.unkept += found.size - range.start;
    this.#seen = found.size;
    this.#mtimeMs = found.mtimeMs;
    this.heard = found.mtime;
    return true;
  }

  /** Goes on from what was read by another one, if the file is still that one. */
  async goOnFrom({ place, size, mtimeMs, proof, view }: ReadSoFar): Promise<void> {
    const found = await stat(this.path).catch(() => undefined);
    if (found?.isFile() !== true || found.size < place.offset) {
      return;
    }
    const untouched = found.size === size && found.mtimeMs === mtimeMs;
    if (untouched || (await proofAt(this.path, place.offset).catch(() => '')) === proof) {
      this.#reader = new JournalReader(place);
      this.view = view;
      this.#seen = untouched ? size : place.offset;
      this.#mtimeMs = found.mtimeMs;
      this.heard = found.mtime;
    }
  }

  /** What was read, for another one to go on from; null where there is nothing. */
  async soFar(): Promise<ReadSoFar | null> {
    if (this.heard === undefined) {
      return null;
    }
    this.unkept = 0;
    const { place } = this.#reader;
    const proof = await proofAt(this.path, place.offset);
    return { place, size: this.#seen, mtimeMs: this.#mtimeMs, proof, view: this.view };
  }
}

/** The view of a job that goes on is kept after so many new bytes, so that no window reads a whole night at its start. */
const keepAfterBytes = 1_000_000;

/**
 * What this machine has of a job's journals: that of its own steps, and the copy of the pod's. Without a listener they go
 * on from the view that was kept beside the record, so that of a job that is over nothing is read twice.
 */
export class JobJournals {
  readonly #folder: string;
  readonly #isOver: boolean;
  readonly #local: JournalFile;
  readonly #pod: JournalFile;
  readonly #listener: JournalListener | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #begun = false;

  constructor(
    records: JobRecords,
    { root, job, phase }: Pick<JobRecord, 'root' | 'job' | 'phase'>,
    listener?: JournalListener,
  ) {
    this.#folder = records.folderOf(job);
    this.#isOver = phase === 'done';
    this.#local = new JournalFile(join(localJobFolder(root, job), 'events.jsonl'));
    this.#pod = new JournalFile(records.journalFile(job));
    this.#listener = listener;
  }

  /** Reads what is new and answers whether there was any. One read at a time: a second one waits for the first. */
  read(signal?: AbortSignal): Promise<boolean> {
    const reading = this.#last.then(() => this.#read(signal));
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async #read(signal?: AbortSignal): Promise<boolean> {
    const listener = this.#listener;
    if (listener === undefined && !this.#begun) {
      const kept = await readKeptView(this.#folder);
      await (kept?.local && this.#local.goOnFrom(kept.local));
      await (kept?.pod && this.#pod.goOnFrom(kept.pod));
    }
    this.#begun = true;
    const restarted = { yes: false };
    const take = (file: JournalFile, side: 'local' | 'pod'): Promise<boolean> =>
      file.read(
        (event) => listener?.event(event, side),
        () => (restarted.yes = true),
        signal,
      );
    const news = [await take(this.#local, 'local'), await take(this.#pod, 'pod')];
    if (restarted.yes && listener !== undefined) {
      await this.#tellAgain(listener, signal);
    }
    const unkept = this.#local.unkept + this.#pod.unkept;
    if (listener === undefined && unkept > (this.#isOver ? 0 : keepAfterBytes)) {
      const [local, pod] = [await this.#local.soFar(), await this.#pod.soFar()];
      await keepView(this.#folder, { local, pod });
    }
    return news.includes(true);
  }

  /** The last write to the journal that counts. */
  get heard(): Date | undefined {
    return this.#pod.heard ?? this.#local.heard;
  }

  /** The pod's journal where there is one, with what the other one knows better of the steps on this machine. */
  get view(): JobView {
    const local = this.#local.view;
    const pod = this.#pod.view;
    if (pod.status === 'starting') {
      return local;
    }
    const own = new Map(local.steps.filter((s) => s.where === 'local').map((s) => [s.name, s]));
    return { ...pod, steps: pod.steps.map((s) => (s.where === 'local' ? (own.get(s.name) ?? s) : s)) };
  }

  /** A journal was replaced, so its listener has heard what no longer counts. */
  async #tellAgain(listener: JournalListener, signal?: AbortSignal): Promise<void> {
    listener.restart();
    for (const [file, side] of [
      [this.#local, 'local'],
      [this.#pod, 'pod'],
    ] as const) {
      await new JournalFile(file.path).read(
        (event) => listener.event(event, side),
        () => undefined,
        signal,
      );
    }
  }
}

/** The view with the steps of the job's plan while no journal has named them. */
export function viewWithPlan({ steps }: Pick<JobRecord, 'steps'>, view: JobView): JobView {
  return view.steps.length > 0 || steps === undefined ? view : { ...view, steps: steps.map(waitingStep) };
}

/** What a record and its journals say together about how a job stands. */
export function viewWithRecord(record: JobRecord, view: JobView): JobView {
  // While the record is not done, an ended journal only means that the steps on this machine have ended.
  const soFar = view.status === 'succeeded' ? 'running' : view.status;
  const status = record.outcome ?? (record.phase === 'done' ? 'failed' : soFar);
  const reason = record.reason ?? view.reason;
  const whole = { ...view, status, ...(reason !== undefined && { reason }) };
  const isOver = status !== 'starting' && status !== 'running';
  return isOver ? overView(whole, view.finished !== undefined || record.remote === undefined) : whole;
}
