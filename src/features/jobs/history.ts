import { factsOf } from '../../core/caps/known-pods.ts';
import { recorded, reportOf, type CostReport } from '../../core/caps/meter.ts';
import type { JobFacts, Stretch } from '../../core/caps/stretches.ts';
import { inParallel } from '../../core/files/in-parallel.ts';
import { JobJournals, viewWithRecord } from '../../core/journal/job-journals.ts';
import {
  missingResults,
  unreadableRecord,
  wasLeft,
  type JobRecord,
  type JobRecords,
  type Phase,
  type Unreadable,
} from '../../core/journal/records.ts';
import { mendedJobs } from './mended.ts';
import { emptyView, type JobView } from '../../core/journal/view.ts';

/** A job as the list shows it. */
export interface JobSummary {
  job: string;
  project: string;
  /** ISO time. */
  created: string;
  /** The API that it was started with. */
  restUrl: string;
  /** The pod that was rented for it, or used again; `ended` is unset while nobody saw it end. */
  pod?: { id: string; created: string; costPerHour: number; ended?: string | undefined } | undefined;
  /** How it ended, once this machine knows. */
  outcome?: JobRecord['outcome'];
  /** Where it is in its life. */
  phase: Phase;
  /** The program that prepared it was ended, so it goes no further. */
  isLeft?: boolean;
  /** Lost with its pod: the volume may know how it ended. */
  podGone?: boolean;
  /** A later run has made good how it ended. */
  mended?: boolean;
  /** Why its record cannot be read; nothing else is known of it then. */
  unreadable?: string;
  /** What of its results should be here and is not. */
  missing?: ReturnType<typeof missingResults>;
  /** What its journal says. */
  view: JobView;
  /** When the journal was last heard of; undefined when it never was. */
  heard?: Date | undefined;
  /** So far, by the meter; undefined for a job without a pod. */
  cost?: CostReport | undefined;
  /** What it tells of its pod; absent where its record cannot be read. */
  facts?: JobFacts;
}

/** Of long journals that nobody has read yet so many are read side by side. */
const lanes = 16;

/** Where the list of jobs comes from. */
export interface JobHistory {
  /** Newest first. */
  list(signal: AbortSignal): Promise<JobSummary[]>;
}

/** What the name of a job tells of it. */
function unreadableSummary(one: Unreadable): JobSummary {
  const { job } = one;
  const project = job.replace(/-\d{8}-\d{6}-\w+$/, '');
  const unreadable = unreadableRecord(one).message;
  return { job, project, created: '', restUrl: '', phase: 'done', view: emptyView(), unreadable };
}

/** The jobs that this machine knows, from their records and the local copies of their journals. */
export function recordedHistory(records: JobRecords): JobHistory {
  const known = new Map<string, { journals: JobJournals; phase: Phase }>();

  /** Those of a job that is over are opened anew once: they keep how it ended for every later start. */
  function journalsOf(record: JobRecord): JobJournals {
    const open = known.get(record.job);
    const isOver = record.phase === 'done';
    if (open !== undefined && isOver === (open.phase === 'done')) {
      return open.journals;
    }
    const journals = new JobJournals(records, record);
    known.set(record.job, { journals, phase: record.phase });
    return journals;
  }

  async function summary(record: JobRecord, signal: AbortSignal): Promise<JobSummary> {
    const journals = journalsOf(record);
    await journals.read(signal);
    return {
      job: record.job,
      project: record.project,
      created: record.created,
      restUrl: record.restUrl,
      pod: record.pod && { ...record.pod, ended: record.podEnded },
      outcome: record.outcome,
      phase: record.phase,
      isLeft: record.outcome === undefined && wasLeft(record),
      podGone: record.outcome === 'lost' && record.podEnded === undefined && journals.view.finished === undefined,
      missing: missingResults(record),
      view: viewWithRecord(record, journals.view),
      heard: journals.heard,
      facts: factsOf(record, journals),
    };
  }

  return {
    list: async (signal) => {
      const listed = await records.list();
      const there = new Set(listed.map(({ job }) => job));
      [...known.keys()].filter((job) => !there.has(job)).forEach((job) => known.delete(job));
      const found = new Map<string, JobSummary>();
      await inParallel(listed, lanes, async (record) => {
        found.set(record.job, await summary(record, signal));
      });
      const jobs = listed.flatMap(({ job }) => found.get(job) ?? []);
      // Together: a pod that several had is shared among them.
      const stretches = new Map<string, Stretch[]>();
      for (const stretch of recorded(jobs.flatMap(({ facts }) => facts ?? []))) {
        if (stretch.use.of === 'job') {
          const { job } = stretch.use;
          stretches.set(job, [...(stretches.get(job) ?? []), stretch]);
        }
      }
      const costs = jobs.map((job) => ({ ...job, cost: job.pod && reportOf(stretches.get(job.job) ?? [], job.job) }));
      // A success that was taken from the list has made good what failed before it all the same.
      const mended = mendedJobs(costs);
      const shown = costs
        .filter(({ facts }) => facts?.record.hidden !== true)
        .map((job) => ({ ...job, mended: mended.has(job.job) }));
      return [...(await records.unreadable()).map(unreadableSummary), ...shown];
    },
  };
}
