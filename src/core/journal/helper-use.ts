import { isRunning, type Answer, type ProcessMark } from '../processes.ts';
import { helperVariable, podPrefix, projectVariable } from './id.ts';

/** What a pod may be rented for beside the steps of a job. */
export const purposes = ['fetch', 'sync', 'backup', 'move', 'verify'] as const;
export type HelperPurpose = (typeof purposes)[number];

/** What is noted of a pod that this computer rented for one of these. */
interface Noted {
  id: string;
  purpose: HelperPurpose;
  project?: string | undefined;
  job?: string | undefined;
  ended?: string | undefined;
  client: ProcessMark;
}

/** What a helper pod is there for, and whether somebody is at work with it. */
export interface HelperUse {
  purpose: HelperPurpose;
  project: string | null;
  /** The job whose results it fetches. */
  job?: string | undefined;
  /** `unknown` of a pod that another computer rented. */
  atWork: Answer;
  /** Whether this computer rented it. */
  isOwn: boolean;
}

/** What a pod that belongs to no job's steps is at work for; undefined for any other. */
export function helperUse(
  { id, name, env }: { id: string; name: string; env: Readonly<Record<string, string>> },
  helpers: readonly Noted[],
): HelperUse | undefined {
  const noted = helpers.find((h) => h.id === id);
  if (noted !== undefined) {
    const { purpose, project = null, job } = noted;
    return { purpose, project, ...(job !== undefined && { job }), atWork: isAtWork(noted), isOwn: true };
  }
  const told = purposes.find((one) => one === env[helperVariable]);
  // Earlier releases told nothing but the name.
  const purpose = told ?? (name.startsWith(podPrefix) && name.endsWith('-fetch') ? 'fetch' : undefined);
  const project = purpose === 'move' ? null : (env[projectVariable] ?? null);
  return purpose && { purpose, project, atWork: 'unknown', isOwn: false };
}

/** Whether the program that rented a helper pod still works with it. */
function isAtWork({ client, ended }: Noted): Answer {
  return ended === undefined ? isRunning(client) : 'no';
}
