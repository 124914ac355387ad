import { isWithin } from '../../core/files/within.ts';
import type { JobRecord } from '../../core/journal/records.ts';

/** The jobs that a window goes on with by itself: those at work for this account whose projects lie in its folders. */
export function jobsToReattach(
  records: readonly JobRecord[],
  restUrl: string,
  folders: readonly string[],
): JobRecord[] {
  return records.filter(
    (record) =>
      record.restUrl === restUrl &&
      record.phase !== 'done' &&
      record.remote !== undefined &&
      folders.some((folder) => isWithin(folder, record.root)),
  );
}
