import type { JobRecord, Phase } from '../../core/journal/records.ts';
import type { JobView } from '../../core/journal/view.ts';

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
  /** What its journal says. */
  view: JobView;
  /** When the journal was last heard of; undefined when it never was. */
  heard?: Date | undefined;
  /** USD so far; undefined when not known. */
  cost?: number | undefined;
}

/** Where the list of jobs comes from. */
export interface JobHistory {
  /** Newest first. */
  list(signal: AbortSignal): Promise<JobSummary[]>;
}
