import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobRecords } from '../../core/journal/records.ts';

/**
 * Whether this window is the one that tells something of a job: all windows of this computer hear of it, and the user wants
 * to hear it once. Where nobody can note that it was told it is told.
 */
export async function tellsFirst({ folder }: Pick<JobRecords, 'folder'>, job: string, what: string): Promise<boolean> {
  const name = `told-${createHash('sha256').update(what).digest('hex').slice(0, 12)}`;
  try {
    await (await open(join(folder, job, name), 'wx')).close();
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
}
