import type { JobRecord } from '../../core/journal/records.ts';
import type { JobView } from '../../core/journal/view.ts';

interface EndedJob {
  job: string;
  project: string;
  restUrl: string;
  created: string;
  view: Pick<JobView, 'status'>;
  facts?: { record: JobRecord };
}

/**
 * The jobs of which a later run of the same project file, with the same profile, has succeeded: nobody has to do anything
 * about how they ended. `jobs` are in any order.
 */
export function mendedJobs(jobs: readonly EndedJob[]): Set<string> {
  const newest = new Map<string, string>();
  for (const job of jobs) {
    const key = keyOf(job);
    if (key !== undefined && job.view.status === 'succeeded' && job.created > (newest.get(key) ?? '')) {
      newest.set(key, job.created);
    }
  }
  const isMended = (job: EndedJob): boolean =>
    ['failed', 'lost'].includes(job.view.status) && !mayBill(job) && job.created < (newest.get(keyOf(job) ?? '') ?? '');
  return new Set(jobs.filter(isMended).map(({ job }) => job));
}

function keyOf({ project, restUrl, facts }: EndedJob): string | undefined {
  return facts && JSON.stringify([restUrl, project, facts.record.file, facts.record.profile ?? '']);
}

/** Whether its pod may still cost money, as far as this computer has heard. */
function mayBill({ facts }: EndedJob): boolean {
  const record = facts?.record;
  return record?.pod !== undefined && record.podEnded === undefined && record.goneBy === undefined;
}
