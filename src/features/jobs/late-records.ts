import { homeFolder } from '../../core/home/folder.ts';
import type { JobRecords } from '../../core/journal/records.ts';

/** What this machine knows of jobs. Its code is loaded at the first question. */
export type LateRecords = () => Promise<JobRecords>;

export function lateRecords(): LateRecords {
  let opened: Promise<JobRecords> | undefined;
  return () => (opened ??= open());
}

async function open(): Promise<JobRecords> {
  const { JobRecords: Records } = await import('../../core/journal/records.ts');
  return new Records(homeFolder());
}
