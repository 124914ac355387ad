import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { meteredCost } from '../../core/costs/meter.ts';
import { JournalReader } from '../../core/jobs/journal.ts';
import { localJobFolder } from '../../core/jobs/local.ts';
import type { JobRecord, JobRecords } from '../../core/jobs/records.ts';
import { emptyView, reduceView, type JobView } from '../../core/jobs/view.ts';
import type { JobHistory, JobSummary } from './history.ts';

/** The jobs that this machine knows, from their records and the local copies of their journals. */
export function recordedHistory(records: JobRecords): JobHistory {
  const journals = new Map<string, { reader: JournalReader; view: JobView }>();

  /** Reads what a journal has more than the last time. */
  async function read(file: string, bytes: number, signal: AbortSignal): Promise<JobView> {
    const known = journals.get(file);
    const { reader, view } =
      known !== undefined && known.reader.offset <= bytes ? known : { reader: new JournalReader(), view: emptyView() };
    let next = view;
    if (bytes > reader.offset) {
      reader.restart();
      const start = reader.offset;
      for await (const chunk of createReadStream(file, { start, end: bytes - 1, signal })) {
        for (const event of reader.push(chunk as Buffer)) {
          next = event.type === 'bad-line' ? next : reduceView(next, event);
        }
      }
    }
    journals.set(file, { reader, view: next });
    return next;
  }

  /** The pod's journal where there is one, else that of the steps on this machine, which come before it. */
  async function viewOf(record: JobRecord, signal: AbortSignal): Promise<{ view: JobView; heard?: Date }> {
    const local = join(localJobFolder(record.root, record.job), 'events.jsonl');
    for (const file of [records.journalFile(record.job), local]) {
      const found = await stat(file).catch(() => undefined);
      if (found !== undefined && found.size > 0) {
        return { view: await read(file, found.size, signal), heard: found.mtime };
      }
    }
    return { view: emptyView() };
  }

  async function summary(record: JobRecord, signal: AbortSignal): Promise<JobSummary> {
    const { view, heard } = await viewOf(record, signal);
    // While the record is not done, an ended journal only means that the steps on this machine have ended.
    const status = record.outcome ?? (view.status === 'succeeded' ? 'running' : view.status);
    const reason = record.reason ?? view.reason;
    return {
      job: record.job,
      project: record.project,
      created: record.created,
      phase: record.phase,
      view: { ...view, status, ...(reason !== undefined && { reason }) },
      heard,
      cost: record.pod === undefined ? undefined : meteredCost(record.pod, record.podEnded),
    };
  }

  return {
    list: async (signal) => Promise.all((await records.list()).map((record) => summary(record, signal))),
  };
}
