import { join } from 'node:path';
import * as z from 'zod';
import { takeLock } from '../files/lock.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import type { JobRecords } from '../journal/records.ts';
import { parseJson } from '../json.ts';
import { recorded } from './meter.ts';
import { spent } from './stretches.ts';

/** USD; no job costs so much, so an entry that says so is damaged. */
const amount = z.number().min(0).max(10_000_000);

const entrySchema = z.object({
  job: z.string(),
  project: z.string(),
  time: z.string(),
  low: amount,
  likely: amount.nullable(),
  high: amount.nullable(),
  /** USD by the meter, when the job has succeeded; what a job that failed has cost says nothing of the estimate. */
  actual: amount.optional(),
});
export type EstimateEntry = z.infer<typeof entrySchema>;
/** In USD; `likely` and `high` are null where nobody can say. */
export type EstimatedDollars = Pick<EstimateEntry, 'low' | 'likely' | 'high'>;

/** The estimates' own error over the last jobs. */
export interface EstimateRecord {
  /** How many jobs. */
  count: number;
  /** What they cost over what was thought likely, less one: 0.12 means that the estimates were 12 % too low. */
  error: number;
}

const fileSchema = z.object({ schema: z.literal(1), estimates: z.array(z.unknown()) });

const mostEntries = 200;
/** The error is told of so many of the last jobs. */
const jobsCounted = 5;

/**
 * What was estimated for each job and what it cost, in `estimates.json` of this installation. The file is a help and no
 * condition: a broken one counts as empty, and a broken entry as none.
 */
export class EstimatesFile {
  readonly file: string;

  constructor(home: string) {
    this.file = join(home, 'estimates.json');
  }

  async entries(): Promise<EstimateEntry[]> {
    const text = await readIfThere(this.file).catch(() => undefined);
    const parsed = text === undefined ? undefined : fileSchema.safeParse(parseJson(text));
    const all = parsed?.success === true ? parsed.data.estimates : [];
    return all.flatMap((entry) => entrySchema.safeParse(entry).data ?? []);
  }

  /** Keeps what was estimated for a job that is about to start. */
  async note(job: string, project: string, { low, likely, high }: EstimatedDollars): Promise<void> {
    const entry = { job, project, time: new Date().toISOString(), low, likely, high };
    await this.#change((all) => [...all.filter((e) => e.job !== job), entry]);
  }

  /**
   * How wrong the last estimates of a project were; undefined when none can be compared. What ended jobs have cost is
   * looked up in their records, so that a client that was killed loses nothing.
   */
  async record(records: JobRecords, project: string): Promise<EstimateRecord | undefined> {
    const before = await this.entries();
    const learnt = new Map<string, number>();
    for (const entry of before) {
      if (entry.project === project && entry.actual === undefined) {
        const actual = await actualOf(records, entry.job);
        if (actual !== undefined) {
          learnt.set(entry.job, actual);
        }
      }
    }
    const fill = (e: EstimateEntry): EstimateEntry => ({
      ...e,
      ...(learnt.has(e.job) && { actual: learnt.get(e.job) }),
    });
    if (learnt.size > 0) {
      await this.#change((all) => all.map(fill));
    }
    return recordOf(before.map(fill).filter((e) => e.project === project));
  }

  async #change(by: (all: EstimateEntry[]) => EstimateEntry[]): Promise<void> {
    const release = await takeLock(`${this.file}.lock`);
    try {
      const estimates = by(await this.entries()).slice(-mostEntries);
      await writeFileAtomic(this.file, `${JSON.stringify({ schema: 1, estimates }, null, 1)}\n`);
    } finally {
      await release();
    }
  }
}

async function actualOf(records: JobRecords, job: string): Promise<number | undefined> {
  const record = await records.get(job);
  if (record?.outcome !== 'succeeded' || record.podEnded === undefined) {
    return undefined;
  }
  const [stretch] = recorded([{ record }]);
  const { dollars } = spent(stretch === undefined ? [] : [stretch]);
  return stretch?.basis === 'seen' && dollars > 0 ? dollars : undefined;
}

/** The error over the last jobs whose cost could be estimated and is known. */
export function recordOf(entries: readonly EstimateEntry[]): EstimateRecord | undefined {
  const compared = entries
    .flatMap(({ likely, actual }) =>
      likely === null || likely <= 0 || actual === undefined ? [] : [{ likely, actual }],
    )
    .slice(-jobsCounted);
  const thought = compared.reduce((sum, e) => sum + e.likely, 0);
  const cost = compared.reduce((sum, e) => sum + e.actual, 0);
  return compared.length === 0 ? undefined : { count: compared.length, error: cost / thought - 1 };
}
