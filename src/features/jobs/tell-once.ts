import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobRecords } from '../../core/journal/records.ts';

/**
 * Whether this window is the one that tells of a job's end: all windows of this computer hear of it, and the user wants to
 * hear it once. Where nobody can note that it was told it is told.
 */
export async function tellsFirst(
  { folder }: Pick<JobRecords, 'folder'>,
  { job, outcome }: { job: string; outcome: string },
): Promise<boolean> {
  try {
    await (await open(join(folder, job, `told-${outcome}`), 'wx')).close();
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
}
