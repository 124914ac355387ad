import { createReadStream } from 'node:fs';
import { JournalReader } from '../../core/jobs/journal.ts';
import type { JobRecord, JobRecords } from '../../core/jobs/records.ts';
import { emptyView, reduceView, type JobView } from '../../core/jobs/view.ts';
import type { JobHistory, JobSummary } from './history.ts';

/** The jobs that this machine knows, from their records and the local copies of their journals. */
export function recordedHistory(records: JobRecords): JobHistory {
  const journals = new Map<string, { reader: JournalReader; view: JobView }>();

  /** Reads what a journal has more than the last time. */
  async function viewOf(job: string, bytes: number, signal: AbortSignal): Promise<JobView> {
    const known = journals.get(job);
    const { reader, view } =
      known !== undefined && known.reader.offset <= bytes ? known : { reader: new JournalReader(), view: emptyView() };
    let next = view;
    if (bytes > reader.offset) {
      reader.restart();
      const start = reader.offset;
      for await (const chunk of createReadStream(records.journalFile(job), { start, end: bytes - 1, signal })) {
        for (const event of reader.push(chunk as Buffer)) {
          next = event.type === 'bad-line' ? next : reduceView(next, event);
        }
      }
    }
    journals.set(job, { reader, view: next });
    return next;
  }

  async function summary(record: JobRecord, signal: AbortSignal): Promise<JobSummary> {
    const journal = await records.journal(record.job);
    const view = journal === undefined ? emptyView() : await viewOf(record.job, journal.bytes, signal);
    const outcome = record.outcome === undefined ? {} : { status: record.outcome };
    const reason = record.reason === undefined ? {} : { reason: record.reason };
    return {
      job: record.job,
      project: record.project,
      created: record.created,
      view: { ...view, ...reason, ...outcome },
      heard: journal?.updated,
      cost: costOf(record),
    };
  }

  return {
    list: async (signal) => Promise.all((await records.list()).map((record) => summary(record, signal))),
  };
}

/** What the pod has cost by the clock, an estimate until the bill says more. */
function costOf(record: JobRecord, now = new Date()): number | undefined {
  if (record.pod === undefined) {
    return undefined;
  }
  const end = record.podEnded === undefined ? now.getTime() : Date.parse(record.podEnded);
  const hours = (end - Date.parse(record.pod.created)) / 3_600_000;
  return Number.isFinite(hours) && hours >= 0 ? hours * record.pod.costPerHour : undefined;
}
