import { mkdir, writeFile, appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobEvent } from '../../../src/core/journal/events.ts';
import type { JobRecord } from '../../../src/core/journal/records.ts';

type Without<T> = T extends unknown ? Omit<T, 'epoch' | 'seq' | 'time'> : never;
export type NewEvent = Without<JobEvent>;

/** A job that another client recorded: its record and the copy of its journal, in the home of the extension. */
export class RecordedJob {
  readonly job: string;
  readonly #folder: string;
  readonly #journal: string;
  readonly #start: number;
  #seq = 0;
  #record: JobRecord;

  constructor(home: string, project: { name: string; root: string }, record: Partial<JobRecord> = {}, minutesAgo = 12) {
    this.job = record.job ?? `${project.name}-20261122-093012-k3f9`;
    this.#start = Date.now() - minutesAgo * 60_000;
    this.#folder = join(home, 'jobs', this.job);
    this.#journal = join(this.#folder, 'events.jsonl');
    const created = new Date(this.#start).toISOString();
    this.#record = {
      schema: 1,
      job: this.job,
      project: project.name,
      file: join(project.root, 'training.runpod.json'),
      root: project.root,
      restUrl: 'https://api.runpod.io/v2',
      onFinish: 'terminate',
      fetch: [],
      into: 'runpod-results',
      phase: 'run',
      created,
      updated: created,
      ...record,
    };
  }

  async save(change: Partial<JobRecord> = {}): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await mkdir(this.#folder, { recursive: true });
    await writeFile(join(this.#folder, 'record.json'), JSON.stringify(this.#record));
  }

  /** Adds events; `at` is in seconds since the start of the job. */
  async add(at: number, ...events: NewEvent[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const lines = events.map((event) => {
      this.#seq++;
      const time = new Date(this.#start + at * 1000).toISOString();
      return `${JSON.stringify({ epoch: 1, seq: this.#seq, time, ...event })}\n`;
    });
    await appendFile(this.#journal, lines.join(''));
  }
}
