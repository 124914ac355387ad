import { meteredCost } from '../../core/caps/meter.ts';
import { JobJournals, standingOf } from '../../core/journal/job-journals.ts';
import type { JobRecord, JobRecords } from '../../core/journal/records.ts';
import type { JobHistory, JobSummary } from './history.ts';

/** The jobs that this machine knows, from their records and the local copies of their journals. */
export function recordedHistory(records: JobRecords): JobHistory {
  const known = new Map<string, JobJournals>();

  async function summary(record: JobRecord, signal: AbortSignal): Promise<JobSummary> {
    const journals = known.get(record.job) ?? new JobJournals(records, record);
    known.set(record.job, journals);
    await journals.read(signal);
    return {
      job: record.job,
      project: record.project,
      created: record.created,
      restUrl: record.restUrl,
      pod: record.pod && { ...record.pod, ended: record.podEnded },
      outcome: record.outcome,
      phase: record.phase,
      view: standingOf(record, journals.view),
      heard: journals.heard,
      cost: record.pod === undefined ? undefined : meteredCost(record.pod, record.podEnded),
    };
  }

  return {
    list: async (signal) => Promise.all((await records.list()).map((record) => summary(record, signal))),
  };
}
