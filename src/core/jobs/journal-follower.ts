import { readFile } from 'node:fs/promises';
import type { Installation } from '../home/installation.ts';
import { JournalReader } from '../journal/reader.ts';
import type { JobRecord } from '../journal/records.ts';
import type { OnEvent } from '../journal/run-event.ts';
import { emptyView, reduceView, type JobView } from '../journal/view.ts';
import { RemoteWorker, type FollowEnd } from '../pods/worker.ts';
import type { SshConnection } from '../ssh/index.ts';

/** Reads the journal for one client: keeps the local copy, the view and the place. */
export class JournalFollower {
  view: JobView = emptyView();
  /** When the last bytes came, to this client or to another one of this machine. */
  heard: Date | undefined;
  /** The journal that was followed is not on the volume any more. */
  isRemoved = false;
  #reader = new JournalReader();
  readonly #installation: Installation;
  readonly #job: string;
  readonly #onEvent: OnEvent;

  constructor(installation: Installation, job: string, onEvent: OnEvent) {
    this.#installation = installation;
    this.#job = job;
    this.#onEvent = onEvent;
  }

  /** Shows what the local copy has beyond what was shown. */
  async replay(): Promise<void> {
    const bytes = await readFile(this.#installation.records.journalFile(this.#job)).catch(() => Buffer.alloc(0));
    this.#reader.restart();
    this.#take(bytes.subarray(this.#reader.offset), true);
    this.#reader.restart();
    this.heard ??= (await this.#installation.records.journal(this.#job))?.updated;
  }

  async follow(connection: SshConnection, record: JobRecord, signal?: AbortSignal): Promise<FollowEnd> {
    const remote = record.remote;
    if (remote === undefined) {
      return 'worker-gone';
    }
    const worker = new RemoteWorker(connection, remote.worker, remote.python);
    const end = await this.#followFrom(worker, remote.jobDir, signal);
    if (end !== 'other-journal') {
      return end;
    }
    if (!(await worker.hasJournal(remote.jobDir, signal))) {
      this.isRemoved = true;
      return 'worker-gone';
    }
    await this.#installation.records.putJournalAside(this.#job);
    this.#reader = new JournalReader();
    this.view = emptyView();
    const text =
      'The journal on the volume does not go on from the copy here: it is read anew, and the copy is kept beside it.';
    this.#onEvent({ type: 'warning', text });
    return this.#followFrom(worker, remote.jobDir, signal);
  }

  async #followFrom(worker: RemoteWorker, jobDir: string, signal: AbortSignal | undefined): Promise<FollowEnd> {
    this.#reader.restart();
    let place = this.#reader.offset;
    return worker.follow(
      jobDir,
      place,
      async (chunk) => {
        this.heard = new Date();
        this.#take(chunk, false);
        await this.#installation.records.writeJournal(this.#job, place, chunk);
        place += chunk.length;
      },
      { signal },
    );
  }

  #take(bytes: Buffer, replay: boolean): void {
    for (const event of this.#reader.push(bytes)) {
      if (event.type === 'bad-line') {
        this.#onEvent({ type: 'warning', text: `The journal has a fault at byte ${event.offset}: ${event.message}.` });
      } else {
        this.view = reduceView(this.view, event);
        this.#onEvent({ type: 'job', side: 'pod', replay, event });
      }
    }
  }
}
